"""The page on which whoever started the server makes the first account."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.settings import InstanceSettings
from fedi.social import attempts, founding, sign_in
from fedi.social.errors import SocialError
from fedi.web import forms
from fedi.web.joining import address_of
from fedi.web.render import private_page
from fedi.web.signing_in import enter

PATH = "/welcome"
# What the small model that comes with Easel can paint, so that the first picture is one.
FIRST_PROMPT = "a red sailboat on the beach"


def address(instance: InstanceSettings, key: str) -> str:
    """Where the first account is made."""
    return f"{instance.url}{PATH}?key={key}"


async def ask(request: Request) -> Response:
    """`GET /welcome?key=KEY`.

    Raises:
        NotFound: that is not the key, or there is somebody here already.
    """
    key = forms.parsed(request.url.query).get("key", "")
    easel = easel_of(request)
    attempts.by_address(easel, attempts.LINKS_OF_ADDRESS, address_of(request))
    async with easel.database.read() as session:
        await founding.check(session, key)
    return _page(request, {"key": key})


async def answer(request: Request) -> Response:
    """`POST /welcome`: make it, sign in, and go on to a first picture."""
    fields = await forms.read(request)
    easel = easel_of(request)
    attempts.by_address(easel, attempts.LINKS_OF_ADDRESS, address_of(request))
    name = fields.get("username", "").strip().removeprefix("@")
    password = fields.get("password", "")
    key, email = fields.get("key", ""), fields.get("email", "").strip()
    try:
        async with easel.database.write() as tx:
            account = await founding.found(tx, key, name, password, email=email)
        token, _ = await sign_in.by_password(
            easel,
            account.username,
            password,
            address=address_of(request),
            user_agent=request.headers.get("user-agent", ""),
        )
    except SocialError as error:
        return _page(request, fields, error)
    return enter(request, token, f"/studio?prompt={quote(FIRST_PROMPT)}")


def _page(request: Request, fields: dict[str, str], error: SocialError | None = None) -> Response:
    response = private_page(
        request,
        "welcome.html",
        status=error.status if error is not None else 200,
        here="welcome",
        form_key=forms.key(request),
        fields={name: fields.get(name, "") for name in ("key", "username", "email")},
        model=easel_of(request).settings.painting.model,
        error=str(error) if error is not None else "",
    )
    return forms.remember(request, forms.patient(response, error))


routes: list[BaseRoute] = [
    Route(PATH, ask, methods=["GET"]),
    Route(PATH, answer, methods=["POST"]),
]
