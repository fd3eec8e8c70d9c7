"""`/admin/servers`: how other servers are doing, and trying again what waits for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.federation import health
from fedi.federation.health import Health
from fedi.runtime import easel_of
from fedi.social import domains
from fedi.social.errors import NotFound, SocialError
from fedi.social.sessions import SignedIn
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views.posts import Moment, moment

LENGTH = 50  # hosts on the page, those in trouble first
PATH = "/admin/servers"
STATES: dict[health.State, str] = {
    "new": "not tried yet",
    "well": "well",
    "failing": "failing",
    "alone": "left alone",
    "rested": "given up",
}

TONES: dict[health.State, str] = {"new": "", "well": "good"}  # of the others: a warning


@dataclass(frozen=True, slots=True)
class Server:
    """A host.

    Attributes:
        tone: of the badge that says its state.
        open_until: it is left alone until then.
    """

    host: str
    href: str
    state: str
    tone: str
    waiting: int
    dead: int
    failures: int
    error: str
    delivered: Moment | None
    seen: Moment | None
    failed: Moment | None
    failing_since: Moment | None
    open_until: Moment | None


@access.only("federation")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/servers?host=HOST`: those in trouble, and those that something waits for; or all
    that is known of one."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    name = _name(request.query_params.get("host", ""))
    async with easel_of(request).database.read() as session:
        known = await health.find(session, name) if name else None
        found, total = ([], 0) if name else await health.listed(session, limit=LENGTH)
    return access.page(
        request,
        visitor,
        "servers",
        "servers",
        error=error,
        name=name,
        known=known,
        server=None if known is None else _server(known.health),
        servers=[_server(one) for one in found],
        more=total - len(found),
    )


def _name(text: str) -> str:
    """A host as it is written down: with its port, if it has one of its own."""
    return text.replace("\0", "").strip().lower()[: domains.MAX_NAME]


def _server(one: Health) -> Server:
    row = one.row
    return Server(
        host=one.host,
        href=access.address(PATH, ("host", one.host)),
        state=STATES[one.state],
        tone=TONES.get(one.state, "warn"),
        waiting=one.waiting,
        dead=one.dead,
        failures=row.failures if row else 0,
        error=row.error if row else "",
        delivered=_when(row.delivered_at if row else None),
        seen=_when(row.seen_at if row else None),
        failed=_when(row.failed_at if row else None),
        failing_since=_when(row.failing_since if row else None),
        open_until=_when(one.alone_until),
    )


def _when(when: datetime | None) -> Moment | None:
    return None if when is None else moment(when)


async def _retry(deed: Deed) -> str:
    name = _name(deed.fields.get("id", ""))
    count = await health.retry(deed.tx, name)
    if count is None:
        raise NotFound(access.NOTHING)
    await deed.note("server.retry", name, deliveries=count)
    return access.address(PATH, ("host", name))


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    access.deed("/servers/retry", "federation", _retry, _page),
]
