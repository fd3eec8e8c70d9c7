"""Statuses for later: listed, put off, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, by_id, route
from fedi.api.mastodon.views import frames
from fedi.database import Session, Transaction
from fedi.database.tables import Account, ScheduledStatus
from fedi.runtime import Easel
from fedi.social import scheduling
from fedi.studio import scheduled
from fedi.studio.remote_files import gallery
from fedi.studio.scheduled import Held

SCHEDULED = "/api/v1/scheduled_statuses"


class Moving(Struct, kw_only=True):
    scheduled_at: str


async def listed(call: Call) -> Paged:
    page = (await call.read(paging.Asked)).page()
    async with call.easel.database.read() as session:
        found = await scheduling.of_account(session, call.account, page)
        return paged(await show(call.easel, session, found), by_id(found))


async def one(call: Call) -> entities.ScheduledStatus:
    async with call.easel.database.read() as session:
        found = await scheduling.find(session, call.account, call.id())
        return (await show(call.easel, session, [found]))[0]


async def move(call: Call) -> entities.ScheduledStatus:
    asked = await call.read(Moving)
    when = scheduling.moment(asked.scheduled_at)
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        held = await _held(tx, author, call)
        await scheduled.move(tx, call.easel.settings.painting, author, held, when)
    return await one(call)


async def delete(call: Call) -> entities.Empty:
    async with call.easel.database.write() as tx:
        await scheduled.take_back(tx, await _held(tx, call.account, call))
    return entities.Empty()


async def _held(tx: Transaction, author: Account, call: Call) -> Held:
    await scheduling.find(tx, author, call.id())  # refuses in Mastodon's words
    return await scheduled.hold(tx, author, call.id())


async def show(
    easel: Easel, session: Session, rows: Sequence[ScheduledStatus]
) -> list[entities.ScheduledStatus]:
    """Statuses for later, in the same order."""
    media = await scheduling.media_of(session, rows)
    hung = await gallery.of(easel, session, [])
    found = []
    for row in rows:
        draft = scheduling.draft_of(row)
        shown = [media[media_id] for media_id in draft.media_ids if media_id in media]
        asked = draft.poll
        found.append(
            entities.ScheduledStatus(
                id=str(row.id),
                scheduled_at=entities.moment(row.scheduled_at),
                params=entities.ScheduledParams(
                    text=draft.text,
                    poll=None
                    if asked is None
                    else entities.ScheduledPoll(
                        options=asked.options,
                        expires_in=asked.expires_in,
                        multiple=asked.multiple,
                        hide_totals=asked.hide_totals,
                    ),
                    media_ids=[str(media_id) for media_id in draft.media_ids] or None,
                    sensitive=draft.sensitive,
                    spoiler_text=draft.spoiler_text or None,
                    visibility=cast(entities.Visibility, draft.visibility),
                    in_reply_to_id=draft.in_reply_to_id,
                    language=draft.language,
                    application_id=draft.application_id or 0,  # a page of ours is no app
                    scheduled_at=None,
                    idempotency=None,
                    with_rate_limit=False,
                    quoted_status_id=None
                    if draft.quoted_status_id is None
                    else str(draft.quoted_status_id),
                    quote_approval_policy=cast(entities.Quoters, draft.quoters),
                ),
                media_attachments=[frames.attachment(medium, hung) for medium in shown],
            )
        )
    return found


routes: list[BaseRoute] = [
    route("GET", SCHEDULED, listed, "read:statuses"),
    route("GET", f"{SCHEDULED}/{{id}}", one, "read:statuses"),
    route("PUT", f"{SCHEDULED}/{{id}}", move, "write:statuses"),
    route("DELETE", f"{SCHEDULED}/{{id}}", delete, "write:statuses"),
]
