"""Who looks at a page: somebody who signed in, or nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import sessions
from fedi.social.sessions import SignedIn
from fedi.web import cookies, frame

MAX_NEXT = 12_000  # characters; an authorization request with a long state fits
HOME = "/home"  # where who signed in goes, who was not on their way somewhere

Page = Callable[[Request], Awaitable[Response]]
VisitorPage = Callable[[Request, SignedIn], Awaitable[Response]]


async def of(request: Request) -> SignedIn | None:
    """Who is signed in, and may act; the page that answers gets the frame that is theirs."""
    framed = frame.of(request)
    if framed is not None:
        return framed.visitor
    easel = easel_of(request)
    token = cookies.session(request)
    if not token:
        return None
    async with easel.database.read() as session:
        found = await sessions.find(session, token)
        if found is not None:
            await frame.put_up(request, session, found)
    if found is not None:
        row = found.session
        if easel.clock.now() - row.last_used_at >= sessions.USE_NOTED_EVERY:
            await easel.database.together(lambda tx: sessions.note_use(tx, row))
    return found


async def viewer(request: Request) -> Account | None:
    """For whom posts are loaded."""
    found = await of(request)
    return None if found is None else found.account


def signed_in(page: VisitorPage) -> Page:
    """A page for who is signed in; everybody else is asked to sign in first."""

    @wraps(page)
    async def show(request: Request) -> Response:
        visitor = await of(request)
        return to_sign_in(request) if visitor is None else await page(request, visitor)

    return show


def freshly_signed_in(page: VisitorPage) -> Page:
    """A page for who signed in a moment ago: for what changes how one signs in."""

    @wraps(page)
    async def show(request: Request) -> Response:
        visitor = await of(request)
        if visitor is None:
            return to_sign_in(request)
        if not is_fresh(request, visitor):
            return to_sign_in(request, again=True)
        return await page(request, visitor)

    return show


def is_fresh(request: Request, visitor: SignedIn) -> bool:
    """Whether somebody signed in a moment ago."""
    now = easel_of(request).clock.now()
    return now - visitor.session.created_at < sessions.FRESH


def to_sign_in(request: Request, *, path: str | None = None, again: bool = False) -> Response:
    """To where one signs in, and from there back.

    Args:
        path: where to; what was asked for, or `HOME` if that was a form.
        again: ask even who is signed in.
    """
    if path is None:
        query = request.url.query
        path = request.url.path + (f"?{query}" if query else "")
        if request.method not in {"GET", "HEAD"}:
            path = HOME
    address = f"/sign-in?next={quoted(path)}" + ("&again=1" if again else "")
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


def back(request: Request) -> str:
    """The page of ours that a form stood on, as far as the browser says."""
    base = easel_of(request).settings.instance.url
    came = request.headers.get("referer", "")
    return next_path(came.removeprefix(base)) if came.startswith(f"{base}/") else HOME


def next_path(text: str) -> str:
    """Where to go after signing in: a path of ours and nothing that a browser could take for
    another host; else `HOME`."""
    plain = text.isascii() and text.isprintable() and not set(text) & set('\\ "<>')
    if not plain or len(text) > MAX_NEXT or text[:1] != "/" or text[:2] == "//":
        return HOME
    return text


def found(named: str) -> str:
    """The path that leads who is signed in to what an address or a handle names."""
    return f"/search?q={quote(named, safe='')}"


def quoted(path: str) -> str:
    """A path as the value of a parameter."""
    return quote(path, safe="/")
