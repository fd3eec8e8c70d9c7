"""`/interact`: who is at home on another server does there what they were asked to do here.

They say their address; its server says where (Activity Intents of FEP-3b86, else OStatus'
subscribe template), and a link leads there: nobody is sent to another server unasked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub import webfinger
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import values
from fedi.runtime import Easel, easel_of
from fedi.social import attempts, domains
from fedi.social.errors import Invalid, SocialError
from fedi.web import forms, visitors
from fedi.web.joining import address_of
from fedi.web.render import private_page

# Each makes us ask another server, for who is nobody here.
LOOK_UPS = attempts.Limit("ways home that an address asks for", 20, 600)
MAX_HANDLE = 320  # characters
_ROOM = re.compile(r"\{([A-Za-z-]*)\}")
# What is wanted: the intents that do it, the best first.
WANTS: Mapping[str, tuple[str, ...]] = {
    "follow": ("Follow", "Object"),
    "see": ("Object",),
}


async def ask(request: Request) -> Response:
    """`GET /interact?uri=ID&want=follow`: where are you at home? Who is at home here sees it here.

    Raises:
        HTTPException: that is no address.
    """
    query = forms.parsed(request.url.query, {"uri", "want"})
    uri, want = _meant(query)
    if await visitors.of(request) is not None:
        return RedirectResponse(_here(uri), 303, {"Cache-Control": "no-store"})
    return _page(request, uri, want)


async def lead(request: Request) -> Response:
    """`POST /interact`: a link to where they do it."""
    fields = await forms.read(request)
    uri, want = _meant(fields)
    typed = fields.get("who", "")
    easel = easel_of(request)
    try:
        attempts.by_address(easel, LOOK_UPS, address_of(request))
        handle, host = _handle(typed)
        if host == easel.settings.instance.domain:
            return visitors.to_sign_in(request, path=_here(uri))
        way = await _way(easel, handle, uri, want)
    except SocialError as error:
        return _page(request, uri, want, typed, error)
    return private_page(request, "interact_there.html", way=way, host=urlsplit(way).netloc, uri=uri)


def _meant(fields: Mapping[str, str]) -> tuple[str, str]:
    """What it is about, and what is wanted with it."""
    uri = values.web_uri(fields.get("uri", "").strip())
    if uri is None:
        raise HTTPException(400, "The parameter uri must be the address of something.")
    want = fields.get("want", "see")
    return uri, want if want in WANTS else "see"


def _here(uri: str) -> str:
    return f"/search?q={quote(uri, safe='')}"


def _handle(typed: str) -> tuple[str, str]:
    """An address as it was typed, and its host.

    Raises:
        Invalid: it is none.
    """
    try:
        name, host = webfinger.parse_acct(typed.strip()[:MAX_HANDLE])
    except Malformed as error:
        raise Invalid("Type your address as @name@other.example.") from error
    return f"{name}@{host}", host


async def _way(easel: Easel, handle: str, uri: str, want: str) -> str:
    """Where somebody does what they want, at home.

    Raises:
        Invalid: their server does not answer, or knows no such place.
    """
    await domains.of(easel)  # the client keeps to them
    try:
        found = await webfinger.resolve(easel.client, handle)
    except (FetchError, Malformed) as error:
        raise Invalid(f"{handle} is not to be found. Is that how it is written?") from error
    value = quote(uri, safe="")
    for name in WANTS[want]:
        template = found.templates.get(f"{webfinger.INTENT}{name}", "")
        if "{object}" in template:
            # What else a template has room for, nobody said.
            return _filled(template, {"object": value})
    template = found.templates.get(webfinger.SUBSCRIBE, "")
    if "{uri}" not in template:
        raise Invalid(
            f"The server of {handle} does not say how. Search there for the address below."
        )
    return _filled(template, {"uri": value})


def _filled(template: str, said: Mapping[str, str]) -> str:
    return _ROOM.sub(lambda room: said.get(room[1], ""), template)


def _page(
    request: Request, uri: str, want: str, typed: str = "", error: SocialError | None = None
) -> Response:
    answer = private_page(
        request,
        "interact.html",
        status=error.status if error is not None else 200,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        uri=uri,
        want=want,
        typed=typed,
        longest=MAX_HANDLE,
        here_path=visitors.quoted(_here(uri)),
    )
    return forms.remember(request, forms.patient(answer, error))


routes: list[BaseRoute] = [
    Route("/interact", ask, methods=["GET"]),
    Route("/interact", lead, methods=["POST"]),
]
