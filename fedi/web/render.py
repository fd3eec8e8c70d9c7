"""A template and what it shows, as an answer with the headers that every page carries."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from fedi import __version__
from fedi.runtime import easel_of
from fedi.web import cookies, frame, words
from fedi.web.assets import assets, matches

TEMPLATES = Path(__file__).parent / "templates"


def policy(*, form_to: str = "", script: bool = False) -> str:
    """What a page may do. Nothing runs, nothing is loaded from elsewhere, nobody frames us;
    `data:` is for the hazes.

    Args:
        form_to: a source where an answer to a form may lead, besides here: Chromium holds
            `form-action` against the redirects of a form, too.
        script: whether our own modules run.
    """
    parts = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "manifest-src 'self'",
        f"form-action 'self' {form_to}".rstrip(),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    if script:
        parts += ["script-src 'self'", "connect-src 'self'"]
    return "; ".join(parts)


PAGE_POLICY = policy()
SCRIPTED_POLICY = policy(script=True)
ROBOTS = "noai, noimageai"  # DeviantArt's words of 2022, which Misskey sends too
ROBOTS_NOWHERE = f"noindex, {ROBOTS}"
# Long enough for the stampede of previews that one post sets off among its followers' servers,
# short enough that who deletes a post is not asked why it is still there.
PAGE_SECONDS = 15

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals["static"] = assets.address
_environment.globals["version"] = __version__

NO_PAGE = "There is no page at this address."
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_SORRY = {
    400: "That did not make sense",
    401: "Please sign in first",
    403: "Not for you",
    404: "Nothing hangs here",
    405: "That cannot be done here",
    406: "Not in that form",
    410: "This has been taken down",
    413: "That is too much",
    414: "That is too long",
    415: "Not that kind of file",
    422: "That cannot be used",
    429: "A little slower, please",
    500: "Something broke",
    503: "Back in a moment",
}


def robots(*, listed: bool, training: bool) -> str:
    """What is said to crawlers of a page: whether it may be found, and whether what is on it may be
    trained on."""
    if training:
        return "all" if listed else "noindex"
    return ROBOTS if listed else ROBOTS_NOWHERE


def render(name: str, /, **context: Any) -> str:
    """The HTML of a template."""
    return _environment.get_template(name).render(**context)


def page(request: Request, name: str, /, *, robots: str = ROBOTS, **context: Any) -> Response:
    """A page that caches may keep for a moment, if nobody is signed in who sees it in their way.

    Args:
        request: asked for by whom; a browser that has this very page gets a 304.
        name: the template.
        robots: what is said to crawlers, in the page and in its header.
        context: what the template shows.
    """
    html = render(name, **_common(request, robots) | context)
    return kept(request, html.encode(), "text/html; charset=utf-8", robots=robots)


def kept(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    robots: str = ROBOTS,
    seconds: int = PAGE_SECONDS,
) -> Response:
    """An answer that anybody may see and caches may keep for some seconds, or their browser alone
    if it is for who is signed in; a browser that has this very one gets a 304."""
    framed = frame.of(request) is not None
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = _headers(robots) | {
        "ETag": etag,
        "Cache-Control": "private, no-cache" if framed else f"public, max-age={seconds}",
        "Vary": "Accept, Cookie",
    }
    if framed:
        headers["Content-Security-Policy"] = SCRIPTED_POLICY
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers | {"Content-Type": media_type})


def private_page(
    request: Request,
    name: str,
    /,
    *,
    status: int = 200,
    form_to: str = "",
    script: bool = False,
    **context: Any,
) -> Response:
    """A page for one person, that no cache keeps and no crawler should see.

    Args:
        request: asked for by whom.
        name: the template.
        status: of the answer.
        form_to: as for `policy`.
        script: as for `policy`.
        context: what the template shows.
    """
    html = render(name, **_common(request, ROBOTS_NOWHERE) | {"sheets": ("forms",)} | context)
    headers = _headers(ROBOTS_NOWHERE) | {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy(
            form_to=form_to, script=script or frame.of(request) is not None
        ),
        "Vary": "Cookie",
    }
    return HTMLResponse(html, status, headers=headers)


def error_page(request: Request, status: int, message: str) -> Response:
    """A page that says what is wrong.

    Args:
        request: what was asked for.
        status: 400 or higher.
        message: one plain sentence for people; shown as text, whatever it holds.
    """
    heading = _SORRY.get(status) or _SORRY[500 if status >= 500 else 400]
    if message == _PHRASES.get(status):  # nobody said more than the number does
        message = NO_PAGE if status == 404 else ""
    html = render(
        "error.html",
        **_common(request, ROBOTS_NOWHERE) | {"heading": heading, "message": message},
    )
    headers = _headers(ROBOTS_NOWHERE) | {"Cache-Control": "no-store", "Vary": "Accept"}
    return HTMLResponse(html, status, headers=headers)


def _common(request: Request, robots: str) -> dict[str, Any]:
    easel = easel_of(request)
    framed = frame.of(request)
    return {
        "instance": easel.settings.instance,
        "robots": robots,
        "card": None,
        "here": "",
        "language": None,
        "sheets": (),
        "modules": (),
        "sent": words.SENT in request.query_params,
        "frame": framed,
        "visitor": framed.visitor if framed else None,
        "theme": cookies.theme(request),
    }


@lru_cache(8)
def _headers(robots: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "X-Robots-Tag": robots,
    }
