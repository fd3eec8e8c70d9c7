"""`/admin/queue`: who paints, what is painted and what waits. Prompts are not shown: they are their
authors' own."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Painting
from fedi.runtime import easel_of
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import fleet, painters, paintings, standing
from fedi.studio.fleet import Member
from fedi.studio.standing import Standing
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import studio
from fedi.web.views.posts import Moment, moment

LENGTH = 50  # pictures that wait on the page: those whose turn comes first
MODELS = 6  # of a painter that are named
PATH = "/admin/queue"


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture that is painted, or waits.

    Attributes:
        who: asked for it.
        where: how far it is, or how many come before it.
        left: how long it may take; empty if nothing is known.
    """

    id: str
    who: str
    model: str
    painter: str
    where: str
    left: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A painter.

    Attributes:
        since: connected since then; None: it is not connected.
        seen: when it last was, if it is not.
        local: started by a server, which nobody can shut out from here.
    """

    name: str
    device: str
    models: str
    since: Moment | None
    seen: Moment | None
    doing: int
    last_hour: int
    local: bool


@access.only("house")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/queue`."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        found, waiting = await standing.line(session, limit=LENGTH)
        members = await fleet.members(session, easel.settings.painting)
    begun = [one for one in found if one.painting.state == paintings.PAINTING]
    listed = found[len(begun) :]
    return access.page(
        request,
        visitor,
        "queue",
        "queue",
        error=error,
        painters=[_machine(member) for member in members],
        begun=[_asked(one) for one in begun],
        waiting=[_asked(one) for one in listed],
        more=waiting - len(listed),
    )


def _asked(one: Standing) -> Asked:
    painting, ahead = one.painting, one.position.ahead
    if painting.state == paintings.PAINTING:
        where = f"Step {painting.step} of {painting.steps}." if painting.step else "Beginning."
    else:
        where = f"{ahead:,} before it." if ahead else "It is next."
    return Asked(
        id=str(painting.id),
        who=f"@{one.username}",
        model=painting.model or "Any model",
        painter=one.painter,
        where=where,
        left=studio.left(one.position),
    )


def _machine(member: Member) -> Machine:
    row, since = member.painter, member.connected_since
    more = len(row.models) - MODELS
    return Machine(
        name=row.name,
        device=row.device,
        models=", ".join(row.models[:MODELS]) + (f" and {more} more" if more > 0 else ""),
        since=None if since is None else moment(since),
        seen=moment(row.seen_at) if since is None and row.seen_at is not None else None,
        doing=len(member.doing),
        last_hour=member.last_hour,
        local=row.local,
    )


async def _stop(deed: Deed) -> str:
    painting = await deed.row(Painting)
    if painting.state not in {paintings.QUEUED, paintings.PAINTING}:
        raise Invalid("That picture is painted already, or will not be.")
    stopped = await paintings.cancel(deed.tx, painting)
    if stopped.state == paintings.CANCELLED:  # or its painter was quicker
        await deed.note("painting.stop", str(painting.id), painting.id)
    return PATH


async def _shut_out(deed: Deed) -> str:
    name = deed.fields.get("id", "")[: painters.MAX_NAME]
    given_back = await fleet.remove(deed.tx, name)
    await deed.note("painter.remove", name, given_back=given_back)
    return PATH


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    access.deed("/queue/{id:int}/stop", "house", _stop, _page),
    access.deed("/queue/shut-out", "house", _shut_out, _page),
]
