"""`/interact`: who is at home on another server does there what they were asked to do here.

They say their address; its server says where (Activity Intents of FEP-3b86, else OStatus'
subscribe template), and a link leads there: nobody is sent to another server unasked. The other way
round, `/authorize_interaction` is where those who are at home here come to from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from fedi.social.sessions import SignedIn
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
# What can be done at once with a post: the intent, the name of its room, and what it is called.
DEEDS = (
    ("Create", "inReplyTo", "Reply"),
    ("Like", "object", "Like"),
    ("Announce", "object", "Boost"),
)


@dataclass(frozen=True, slots=True)
class Ways:
    """Where somebody does what they want; `others` lead to one deed each, by what it is called, on
    the same `host`."""

    host: str
    main: str
    others: Sequence[tuple[str, str]] = ()


async def ask(request: Request) -> Response:
    """`GET /interact?uri=ID&want=follow`: where are you at home? Who is at home here sees it here.

    Raises:
        HTTPException: that is no address.
    """
    query = forms.parsed(request.url.query, {"uri", "want"})
    uri, want = _meant(query)
    if await visitors.of(request) is not None:
        return RedirectResponse(visitors.found(uri), 303, {"Cache-Control": "no-store"})
    return _page(request, uri, want)


@visitors.signed_in
async def come_home(request: Request, visitor: SignedIn) -> Response:
    """`GET /authorize_interaction?uri=ID`: somebody or something elsewhere, seen here.

    Raises:
        HTTPException: that names nothing.
    """
    named = forms.parsed(request.url.query, {"uri"}).get("uri", "").strip()
    named = named.removeprefix("acct:")[: values.URI_LIMIT]
    if not named:
        raise HTTPException(400, "The parameter uri must name somebody or something.")
    return RedirectResponse(visitors.found(named), 303, {"Cache-Control": "no-store"})


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
            return visitors.to_sign_in(request, path=visitors.found(uri))
        ways = await _ways(easel, handle, uri, want)
    except SocialError as error:
        return _page(request, uri, want, typed, error)
    return private_page(request, "interact_there.html", ways=ways, uri=uri)


def _meant(fields: Mapping[str, str]) -> tuple[str, str]:
    """What it is about, and what is wanted with it."""
    uri = values.web_uri(fields.get("uri", "").strip())
    if uri is None:
        raise HTTPException(400, "The parameter uri must be the address of something.")
    want = fields.get("want", "see")
    return uri, want if want in WANTS else "see"


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


async def _ways(easel: Easel, handle: str, uri: str, want: str) -> Ways:
    """Where somebody does what they want, at home.

    Raises:
        Invalid: their server does not answer, or knows no such place.
    """
    await domains.of(easel)  # the client keeps to them
    try:
        found = await webfinger.resolve(easel.client, handle)
    except (FetchError, Malformed) as error:
        raise Invalid(f"{handle} is not to be found. Is that how it is written?") from error
    known = [
        *(_filled(found, f"{webfinger.INTENT}{name}", "object", uri) for name in WANTS[want]),
        _filled(found, webfinger.SUBSCRIBE, "uri", uri),
    ]
    main = next((way for way in known if way), "")
    if not main:
        raise Invalid(
            f"The server of {handle} does not say how. Search there for the address below."
        )
    there, others = urlsplit(main).netloc, []
    for name, room, words in DEEDS if want == "see" else ():
        way = _filled(found, f"{webfinger.INTENT}{name}", room, uri)
        if urlsplit(way).netloc == there:
            others.append((words, way))
    return Ways(there, main, others)


def _filled(found: webfinger.Resource, relation: str, name: str, uri: str) -> str:
    """A template with the id of something where it has room for that; what else it has room for,
    nobody said. Empty if it has no such room."""
    template = found.templates.get(relation, "")
    if f"{{{name}}}" not in template:
        return ""
    return _ROOM.sub(lambda room: quote(uri, safe="") if room[1] == name else "", template)


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
        here_path=visitors.quoted(visitors.found(uri)),
    )
    return forms.remember(request, forms.patient(answer, error))


routes: list[BaseRoute] = [
    Route("/interact", ask, methods=["GET"]),
    Route("/interact", lead, methods=["POST"]),
    Route("/authorize_interaction", come_home, methods=["GET"]),
]
