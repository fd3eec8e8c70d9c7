"""Polls: asked for with a status, read, and voted on."""

from __future__ import annotations

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import statuses as views
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import polls, posts, statuses
from fedi.social.errors import NotFound
from fedi.social.polls import DraftPoll
from fedi.studio.remote_files import claims, gallery

POLL = "/api/v1/polls/{id}"


class Asking(Struct, kw_only=True):
    """The poll of a status that is posted or changed."""

    options: list[str]
    expires_in: int
    multiple: bool = False
    hide_totals: bool = False

    def draft(self) -> DraftPoll:
        return DraftPoll(
            options=self.options,
            expires_in=self.expires_in,
            multiple=self.multiple,
            hide_totals=self.hide_totals,
        )


class Voting(Struct, kw_only=True):
    choices: list[int]


async def one(call: Call) -> entities.Poll:
    async with call.easel.database.read() as session:
        status = await _asking(session, call)
        return await _show(call.easel, session, call.viewer, status)


async def vote(call: Call) -> entities.Poll:
    asked = await call.read(Voting)
    async with call.easel.database.write() as tx:
        voter = await tx.get_one(Account, call.account.id)
        await polls.vote(tx, voter, await _asking(tx, call), asked.choices)
    async with call.easel.database.read() as session:
        return await _show(call.easel, session, call.viewer, await _asking(session, call))


async def _asking(session: Session, call: Call) -> Status:
    """The status of a poll: a poll has its id."""
    status = await statuses.load(session, call.viewer, call.id())
    if status is None or await polls.of_status(session, status.id) is None:
        raise NotFound(NO_RECORD)
    return status


async def _show(
    easel: Easel, session: Session, viewer: Account | None, status: Status
) -> entities.Poll:
    [post] = await posts.assemble(session, [status], viewer)
    hung = await gallery.of(easel, session, claims.of_posts([post]))
    return views.poll(post, hung, viewer)


routes: list[BaseRoute] = [
    route("GET", POLL, one, "read:statuses", anybody=True),
    route("POST", f"{POLL}/votes", vote, "write:statuses"),
]
