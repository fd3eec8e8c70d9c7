"""`/admin/jobs`: what waits to be done, and what was given up: retried, or dropped."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Job
from fedi.jobs import dead_letters
from fedi.runtime import easel_of
from fedi.social.errors import NotFound, SocialError
from fedi.social.sessions import SignedIn
from fedi.web import cursors
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views.links import excerpt
from fedi.web.views.posts import Moment, moment

LENGTH = 50  # dead jobs on one page
MAX_KIND = 100  # characters
EXCERPT = 300  # characters of why one was given up
PATH = "/admin/jobs"
ALL = "every kind"  # in the log, of which all were retried or dropped


@dataclass(frozen=True, slots=True)
class Letter:
    """A job that was given up. What it was to do with is not shown: it may be somebody's own.

    Attributes:
        lane: for whom, such as the host of a delivery.
    """

    id: str
    kind: str
    lane: str
    attempts: int
    error: str
    since: Moment


@dataclass(frozen=True, slots=True)
class Kind:
    """How many jobs of a kind there are."""

    name: str
    href: str
    waiting: int
    running: int
    dead: int


@access.only("house")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/jobs?kind=KIND`: the kinds, and the dead jobs, the newest first."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    kind = _kind(request.query_params.get("kind", ""))
    before = cursors.max_id(request)
    async with easel_of(request).database.read() as session:
        counts = await dead_letters.counts(session)
        rows = await dead_letters.newest(session, limit=LENGTH + 1, kind=kind, before=before)
    kept = [("kind", kind)] if kind else []
    return access.page(
        request,
        visitor,
        "jobs",
        "jobs",
        error=error,
        kinds=_kinds(counts),
        kind=kind,
        letters=[_letter(row) for row in rows[:LENGTH]],
        older=access.address(PATH, *kept, ("max_id", str(rows[LENGTH - 1].id)))
        if len(rows) > LENGTH
        else None,
        newer=access.address(PATH, *kept) if before is not None else None,
    )


def _kind(text: str) -> str:
    return text.replace("\0", "")[:MAX_KIND]


def _kinds(counts: list[tuple[str, str, int]]) -> list[Kind]:
    found: dict[str, dict[str, int]] = {}
    for name, state, count in counts:
        found.setdefault(name, {})[state] = count
    return [
        Kind(
            name=name,
            href=access.address(PATH, ("kind", name)),
            waiting=states.get("ready", 0),
            running=states.get("running", 0),
            dead=states.get(dead_letters.DEAD, 0),
        )
        for name, states in found.items()
    ]


def _letter(row: Job) -> Letter:
    return Letter(
        id=str(row.id),
        kind=row.kind,
        lane=row.lane,
        attempts=row.attempts,
        error=excerpt(row.error, EXCERPT),
        since=moment(row.created_at),
    )


async def _retry(deed: Deed) -> str:
    return await _one(deed, "job.retry", await dead_letters.retry(deed.tx, deed.id))


async def _drop(deed: Deed) -> str:
    return await _one(deed, "job.drop", await dead_letters.drop(deed.tx, deed.id))


async def _one(deed: Deed, action: str, count: int) -> str:
    if not count:
        raise NotFound(access.NOTHING)
    await deed.note(action, str(deed.id), deed.id)
    return PATH


async def _retry_all(deed: Deed) -> str:
    kind = _kind(deed.fields.get("id", ""))
    count = await dead_letters.retry(deed.tx, kind=kind)
    await deed.note("job.retry", kind or ALL, count=count)
    return PATH


async def _drop_all(deed: Deed) -> str:
    kind = _kind(deed.fields.get("id", ""))
    count = await dead_letters.drop(deed.tx, kind=kind)
    await deed.note("job.drop", kind or ALL, count=count)
    return PATH


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    access.deed("/jobs/{id:int}/retry", "house", _retry, _page),
    access.deed("/jobs/{id:int}/drop", "house", _drop, _page),
    access.deed("/jobs/retry", "house", _retry_all, _page),
    access.deed("/jobs/drop", "house", _drop_all, _page),
]
