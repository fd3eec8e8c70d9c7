"""What the host tells everybody (`/api/v1/announcements`)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.mastodon import entities
from fedi.api.mastodon.notifications import Nothing
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import announcements as views
from fedi.social import announcements

PATH = "/api/v1/announcements"


async def listed(call: Call) -> list[entities.Announcement]:
    async with call.easel.database.read() as session:
        rows = await announcements.listed(session)
        shown = await announcements.show(session, rows, call.account)
    return [views.announcement(one) for one in shown]


async def dismiss(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        await announcements.dismiss(tx, call.account, await announcements.find(tx, call.id()))
    return Nothing()


async def react(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        row = await announcements.find(tx, call.id())
        await announcements.react(tx, call.account, row, call.text("name"))
    return Nothing()


async def take_back(call: Call) -> Nothing:
    async with call.easel.database.write() as tx:
        row = await announcements.find(tx, call.id())
        await announcements.take_back(tx, call.account, row, call.text("name"))
    return Nothing()


routes: list[BaseRoute] = [
    # Mastodon asks for any token here; what is told is for those who are signed in.
    route("GET", PATH, listed, "read:accounts"),
    route("POST", f"{PATH}/{{id}}/dismiss", dismiss, "write:accounts"),
    route("PUT", f"{PATH}/{{id}}/reactions/{{name}}", react, "write:favourites"),
    route("DELETE", f"{PATH}/{{id}}/reactions/{{name}}", take_back, "write:favourites"),
]
