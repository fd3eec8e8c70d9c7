"""Statuses changed after they were posted: their words, their pictures, and the words of those."""

from __future__ import annotations

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, throttle
from fedi.api.mastodon.accounts import numbers
from fedi.api.mastodon.media import read_focus
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.statuses import STATUSES, own
from fedi.api.mastodon.views import statuses as views
from fedi.database import Transaction
from fedi.database.tables import Account, MediaAttachment
from fedi.social import statuses
from fedi.social.errors import Invalid
from fedi.social.statuses import Draft
from fedi.studio import media


class MediaChange(Struct, kw_only=True):
    """None: as it was."""

    id: str
    description: str | None = None
    focus: str | None = None


class Editing(Struct, kw_only=True):
    """All of what a status now is, as far as it can be changed."""

    status: str = ""
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    media_ids: list[str] = field(default_factory=list)
    media_attributes: list[MediaChange] = field(default_factory=list)


async def edit(call: Call) -> entities.Status:
    """Change a status. Pictures that are not named any more are taken out of it, as on Mastodon."""
    asked = await call.read(Editing)
    call.count(throttle.POSTS)
    ids = numbers(asked.media_ids, len(asked.media_ids))
    draft = Draft(
        text=asked.status,
        spoiler_text=asked.spoiler_text,
        sensitive=asked.sensitive,
        language=asked.language,
        media_ids=ids,
    )
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        status = await own(tx, call)
        for change in asked.media_attributes:
            await _describe(tx, author, ids, change)
        await statuses.edit(tx, author, status, draft, keep_media=False)
    async with call.easel.database.read() as session:
        status = await own(session, call)
        return await views.show_one(call.easel, session, call.account, status)


async def _describe(tx: Transaction, author: Account, ids: list[int], change: MediaChange) -> None:
    [media_id] = numbers([change.id], 1) or [0]
    row = await tx.get(MediaAttachment, media_id)
    if row is None or row.account_id != author.id or media_id not in ids:
        raise Invalid("A picture is described that is not in the post.")
    if change.description is not None:
        row.description = media.checked_description(change.description)
        row.described_by = ""
    if change.focus is not None:
        row.focus_x, row.focus_y = read_focus(change.focus) or (None, None)
    tx.add(row)


routes: list[BaseRoute] = [route("PUT", f"{STATUSES}/{{id}}", edit, "write:statuses")]
