"""Which pages a browser does not look at, when it looks at those of a full house, and why."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.routing import Match, Route

from fedi import web

STAFF = "/admin"
# Files, feeds for readers, streams, what only leads on, and what scripts ask.
NO_PAGES = {
    "/robots.txt", "/sitemap.xml", "/sitemap/people.xml", "/sitemap/{month}.xml",
    "/manifest.webmanifest", "/favicon.ico", "/static/{path:path}", "/media/{key:path}",
    "/media/remote/{key}/{claim}/{rendition}", "/settings/carrying/archive.zip",
    "/settings/carrying/{kind}.csv", "/studio/{id}/held",
    *(f"{one}{kind}" for one in ("/@{name}", "/tags/{name}", "/explore")
      for kind in (".rss", ".atom", "/feed.json")),
    "/events", "/studio/{id}/events", "/welcome/model/events",
    "/home/new", "/local/new", "/federated/new", "/tags/{name}/new", "/lists/{id:int}/new",
    "/authorize_interaction",
}  # fmt: skip
# Those of mails and codes, in `test_states_in_browser`.
MAILED = {
    "/sign-in/code", "/confirm-email", "/reset-password/new", "/change-email", "/mail/digests/off",
}  # fmt: skip
ELSEWHERE = MAILED | {
    # Those of everybody, in `test_browser` and `test_signed_in_browser`.
    "/", "/about", "/sign-in", "/sign-up", "/reset-password", "/interact",
    "/@{name}/{id:int}/remix",
    # Those of the first run, in `tests/journeys/test_first_run.py`.
    "/welcome", "/welcome/place", "/welcome/model",
    # Those of links elsewhere, in `test_states_in_browser`.
    "/intents/object", "/intents/follow", "/intents/announce",
}  # fmt: skip
OF_STAFF = {"/admin/pictures/{id:int}/file", "/admin/domains/export", "/admin/models/events"}


def unvisited(paths: Iterable[str], *, staff: bool = False) -> set[str]:
    """The patterns of pages to which none of these paths leads.

    Args:
        staff: of those who run the instance; else of all others.
    """
    pages = {
        route.path
        for route in web.routes
        if isinstance(route, Route)
        and "GET" in (route.methods or ())
        and route.path.startswith(STAFF) is staff
    }
    for path in paths:
        scope = {"type": "http", "method": "GET", "path": urlsplit(path).path}
        found = (one for one in web.routes if one.matches(scope)[0] is Match.FULL)
        pages.discard(getattr(next(found, None), "path", ""))
    return pages
