"""`/api/v1/markers`: how far somebody has read, for all of their apps."""

from __future__ import annotations

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities
from fedi.api.mastodon.route import Call, route
from fedi.social import markers
from fedi.social.errors import Invalid


class Wanted(Struct, kw_only=True):
    timeline: list[str] = field(default_factory=list)


class Reached(Struct, kw_only=True):
    last_read_id: str


class Put(Struct, kw_only=True):
    home: Reached | None = None
    notifications: Reached | None = None


async def read(call: Call) -> dict[str, entities.Marker]:
    wanted = (await call.read(Wanted)).timeline
    return await _show(call, set(wanted))


async def write(call: Call) -> dict[str, entities.Marker]:
    asked = await call.read(Put)
    said = {"home": asked.home, "notifications": asked.notifications}
    given = {name: reached for name, reached in said.items() if reached is not None}
    async with call.easel.database.write() as tx:
        for name, reached in given.items():
            last = ids.parse(reached.last_read_id)
            if last is None:
                raise Invalid("last_read_id must be an id.")
            await markers.put(tx, call.account, name, last)
    return await _show(call, set(given))


async def _show(call: Call, wanted: set[str]) -> dict[str, entities.Marker]:
    async with call.easel.database.read() as session:
        found = await markers.of_account(session, call.account)
    return {
        row.timeline: entities.Marker(
            last_read_id=str(row.last_read_id),
            version=row.version,
            updated_at=entities.moment(row.updated_at),
        )
        for row in found
        if row.timeline in wanted
    }


routes: list[BaseRoute] = [
    route("GET", "/api/v1/markers", read, "read:statuses"),
    route("POST", "/api/v1/markers", write, "write:statuses"),
]
