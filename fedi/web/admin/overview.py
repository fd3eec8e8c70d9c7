"""`/admin`: how this instance is doing, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Login
from fedi.jobs import dead_letters
from fedi.runtime import easel_of
from fedi.social import audit, figures, staff
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.web import chores
from fedi.web.admin import access
from fedi.web.views import audit as views

DAYS = 14  # that the figures tell of, and as many before
MOST_DONE = 8  # deeds that are shown, the newest
HEIGHT = 36  # of the bars, in the units of their drawing

MEASURES = {
    "active_users": "People who posted",
    "new_users": "New people",
    "interactions": "Favourites of our posts",
    "opened_reports": "New reports",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One day, drawn."""

    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that is counted. `change` compares it with as many days before."""

    words: str
    total: int
    change: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, and where."""

    href: str
    count: int
    words: str


@access.only("dashboard")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin`."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        counted = await _figures(session)
        waiting = await _waiting(session, visitor.login)
        done = await audit.newest(session, Page(MOST_DONE))
    return access.page(
        request,
        visitor,
        "overview",
        "overview",
        figures=counted,
        days=DAYS,
        height=HEIGHT,
        waiting=waiting,
        done=[views.entry(row) for row in done],
    )


async def _figures(session: Session) -> list[Figure]:
    end = session.now
    start = end - timedelta(days=DAYS - 1)
    found = []
    for key, words in MEASURES.items():
        counted = await figures.measure(session, key, start, end)
        assert counted is not None
        change = f"{counted.previous:,} in the {DAYS} days before"
        values = [value for _, value in counted.days]
        found.append(Figure(words, counted.total, change, _bars(values)))
    return found


def _bars(values: Sequence[int]) -> list[Bar]:
    most = max(values, default=0) or 1
    heights = [max(1.0, HEIGHT * value / most) if value else 1.0 for value in values]
    return [Bar(4 * n, round(HEIGHT - h, 1), round(h, 1)) for n, h in enumerate(heights)]


async def _waiting(session: Session, login: Login) -> list[Waiting]:
    waits = await chores.of(session, login)
    found = []
    if staff.may(login, "reports"):
        found.append(
            _waits("/admin/reports", waits.reports, "report to settle", "reports to settle")
        )
        found.append(
            _waits("/admin/pictures", waits.pictures, "picture to look at", "pictures to look at")
        )
    if staff.may(login, "users"):
        found.append(
            _waits("/admin/joining", waits.joining, "person asks to join", "people ask to join")
        )
    if staff.may(login, "house"):
        # That some servers do not take what is sent is usual, and told on a page of its own.
        dead = await dead_letters.count(session, but="deliver")
        if dead:
            found.append(_waits("/admin/jobs", dead, "job was given up", "jobs were given up"))
    return found


def _waits(href: str, count: int, one: str, many: str) -> Waiting:
    return Waiting(href, count, one if count == 1 else many)


routes: list[BaseRoute] = [Route("/admin", show, methods=["GET"])]
