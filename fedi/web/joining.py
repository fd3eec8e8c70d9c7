"""The pages on which people make an account, and show that an email address is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.social import attempts, invites, letters, mail_links, registration, rules
from fedi.social.errors import SocialError
from fedi.social.registration import Joining, Refused
from fedi.web import cards, forms
from fedi.web.render import private_page

CONFIRM = "/confirm-email"
SENT = (
    "Look into your mail",
    "A mail is on its way to the address that you gave. Follow the link in it, and you are in.",
)
SENT_TO_WAIT = (
    "Look into your mail",
    "A mail is on its way to the address that you gave. Follow the link in it; then a moderator "
    "looks at your request, and you hear of it by mail.",
)
NOT_COME = {"No mail came? Send it again": CONFIRM}
OVER = "That link does not hold any more. Ask for another one."


async def ask(request: Request) -> Response:
    """`GET /sign-up?invite=CODE`."""
    code = forms.parsed(request.url.query).get("invite", "")
    return await _page(request, {"invite_code": code[: invites.MAX_CODE]})


async def answer(request: Request) -> Response:
    """`POST /sign-up`."""
    fields = await forms.read(request)
    easel = easel_of(request)
    joining = Joining(
        username=fields.get("username", "").strip().removeprefix("@"),
        email=fields.get("email", ""),
        password=fields.get("password", ""),
        agreement=fields.get("agreement") == "1",
        locale=fields.get("locale", ""),
        reason=fields.get("reason", ""),
        invite_code=fields.get("invite_code", ""),
        date_of_birth=_day(fields.get("date_of_birth", "")),
        address=address_of(request),
    )
    try:
        await registration.join(easel, joining)
    except SocialError as error:
        return await _page(request, fields, error)
    waits = easel.settings.registrations.mode == "approval" and not joining.invite_code
    return told(request, *(SENT_TO_WAIT if waits else SENT), NOT_COME)


async def ask_confirmation(request: Request) -> Response:
    """`GET /confirm-email?token=TOKEN`: with a button, since programs that look through mail follow
    every link; without a token, where the mail can be sent once more."""
    token = forms.parsed(request.url.query).get("token", "")
    if not token:
        return _again_page(request)
    async with easel_of(request).database.read() as session:
        found = await mail_links.find(session, token, "confirm")
    if found is None:
        return _again_page(request, SocialError(OVER, 404))
    response = private_page(
        request,
        "confirm_email.html",
        here="sign-up",
        form_key=forms.key(request),
        token=token,
        name=found.account.username,
        email=found.link.email,
    )
    return forms.remember(request, response)


async def confirm(request: Request) -> Response:
    """`POST /confirm-email`."""
    fields = await forms.read(request)
    easel = easel_of(request)
    attempts.by_address(easel, attempts.LINKS_OF_ADDRESS, address_of(request))
    async with easel.database.write() as tx:
        found = await mail_links.find(tx, fields.get("token", ""), "confirm")
        if found is not None:
            await registration.confirm(tx, found.account, found.login)
            await mail_links.end(tx, found.account, "confirm")
    if found is None:
        return _again_page(request, SocialError(OVER, 404))
    if found.login.approved_at is None:
        words = "A moderator looks at your request now. You hear of it by mail."
        return told(request, "The address is confirmed", words)
    return RedirectResponse("/sign-in", 303, {"Cache-Control": "no-store"})


async def send_again(request: Request) -> Response:
    """`POST /confirm-email/again`: told the same whether somebody waits for it or not."""
    fields = await forms.read(request)
    try:
        await write_to(request, "confirm_again", fields.get("email", ""))
    except SocialError as error:
        return _again_page(request, error)
    return told(request, *SENT, NOT_COME)


async def write_to(request: Request, what: letters.What, email: str) -> None:
    """Have a letter written to whoever has an address, if anybody has it.

    Raises:
        TooMany: enough were asked for.
    """
    easel, email = easel_of(request), email.strip().lower()[:254]
    limits, now = attempts.of(easel), easel.clock.now()
    limits.take(attempts.MAILS_OF_ADDRESS, attempts.network(address_of(request)), now)
    limits.take(attempts.MAILS_OF_ACCOUNT, f"{what} {email}", now)
    async with easel.database.write() as tx:
        await letters.write(tx, what, email=email)


async def _page(
    request: Request, fields: dict[str, str], error: SocialError | None = None
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        agreed = await rules.every(session)
        code = fields.get("invite_code", "")
        invited = await invites.find(session, code) is not None
    response = private_page(
        request,
        "sign_up.html",
        status=error.status if error is not None else 200,
        here="sign-up",
        card=cards.join(easel.settings.instance),
        form_key=forms.key(request),
        settings=easel.settings.registrations,
        rules=agreed,
        fields={name: fields.get(name, "") for name in _KEPT},
        invited=invited,
        error=str(error) if error is not None else "",
        wrong=_wrong(error),
        closed=registration.CLOSED,
    )
    return forms.remember(request, forms.patient(response, error))


def _wrong(error: SocialError | None) -> list[tuple[str, str]]:
    """Each field that is wrong, and a sentence about it."""
    if not isinstance(error, Refused):
        return []
    return [(field, words) for field, each in error.complaints.items() for _, words in each]


_KEPT = ("username", "email", "reason", "date_of_birth", "invite_code")


def _again_page(request: Request, error: SocialError | None = None) -> Response:
    response = private_page(
        request,
        "mail_again.html",
        status=error.status if error is not None else 200,
        here="sign-up",
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
    )
    return forms.remember(request, forms.patient(response, error))


def told(
    request: Request,
    heading: str,
    words: str,
    ways: Mapping[str, str] = MappingProxyType({}),
    *,
    status: int = 200,
) -> Response:
    """A page that says one thing.

    Args:
        ways: where one may go on to, by what their links say.
        status: of the answer, where that thing is a refusal.
    """
    return private_page(
        request,
        "told.html",
        status=status,
        here="sign-up",
        heading=heading,
        words=words,
        ways=ways,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def address_of(request: Request) -> str:
    if request.client is None:
        raise HTTPException(400, "Nobody knows where this comes from.")
    return request.client.host


routes: list[BaseRoute] = [
    Route("/sign-up", ask, methods=["GET"]),
    Route("/sign-up", answer, methods=["POST"]),
    Route(CONFIRM, ask_confirmation, methods=["GET"]),
    Route(CONFIRM, confirm, methods=["POST"]),
    Route(f"{CONFIRM}/again", send_again, methods=["POST"]),
]
