"""Conversations: who writes to whom, and what was read."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.finding import accounts_by_id
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import statuses as status_views
from fedi.database import Session
from fedi.database.tables import Account, Conversation
from fedi.runtime import Easel
from fedi.social import correspondence

CONVERSATIONS = "/api/v1/conversations"


async def listed(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page()
    async with call.easel.database.read() as session:
        found = await correspondence.of_account(session, call.account, page)
        shown = await show(call.easel, session, call.account, found)
    return paged(shown, [conversation.last_status_id for conversation in found])


async def read(call: Call) -> entities.Conversation:
    return await _mark(call, unread=False)


async def unread(call: Call) -> entities.Conversation:
    return await _mark(call, unread=True)


async def _mark(call: Call, *, unread: bool) -> entities.Conversation:
    async with call.easel.database.write() as tx:
        found = await correspondence.mark(tx, call.account, call.id(), unread=unread)
        [shown] = await show(call.easel, tx, call.account, [found])
        return shown


async def delete(call: Call) -> entities.Empty:
    """Put a conversation away; the next post in it brings it back."""
    async with call.easel.database.write() as tx:
        await tx.delete(await correspondence.find(tx, call.account, call.id()))
    return entities.Empty()


async def show(
    easel: Easel, session: Session, account: Account, found: Sequence[Conversation]
) -> list[entities.Conversation]:
    """Conversations of an account, in the same order; one with oneself has oneself in it."""
    people = {conversation.id: conversation.participants or [account.id] for conversation in found}
    wanted = list(dict.fromkeys(one for ids in people.values() for one in ids))
    rows = await accounts_by_id(session, wanted)
    faces = {
        row.id: face
        for row, face in zip(rows, await account_views.show(easel, session, rows), strict=True)
    }
    last = [conversation.last_status_id for conversation in found]
    shown = await status_views.show_by_id(easel, session, account, last)
    return [
        entities.Conversation(
            id=str(conversation.id),
            unread=conversation.unread,
            accounts=[faces[one] for one in people[conversation.id] if one in faces],
            last_status=shown.get(conversation.last_status_id),
        )
        for conversation in found
    ]


routes: list[BaseRoute] = [
    route("GET", CONVERSATIONS, listed, "read:statuses"),
    route("POST", f"{CONVERSATIONS}/{{id}}/read", read, "write:conversations"),
    route("POST", f"{CONVERSATIONS}/{{id}}/unread", unread, "write:conversations"),
    route("DELETE", f"{CONVERSATIONS}/{{id}}", delete, "write:conversations"),
]
