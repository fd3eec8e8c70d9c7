"""The pictures of posts from elsewhere, as their authors' servers describe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.insertion import insert_new, row_values
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import domains, forgetting, text

NEW_MEDIA = row_values(MediaAttachment())  # what a picture is before it is described

MAX_MEDIA = 16  # Mastodon keeps 4; Pixelfed sends up to 20 in an album
MAX_GENERATOR = 200
MAX_DESCRIPTION = 10_000  # characters of alt text; Mastodon cuts there


class ReceivedMedia(Struct, frozen=True, kw_only=True):
    """A picture of a post from elsewhere, as its author's server describes it."""

    remote_url: str
    type: str = "image"
    media_type: str = ""
    description: str = ""
    width: int | None = None
    height: int | None = None
    size: int | None = None
    blurhash: str | None = None
    focus_x: float | None = None
    focus_y: float | None = None
    digest: str | None = None
    digital_source_type: str | None = None
    ai_system: str = ""
    ai_system_version: str = ""
    ai_prompt: str = ""
    recipe: dict[str, Any] | None = None


async def shown(
    tx: Transaction, author: Account, media: Sequence[ReceivedMedia]
) -> Sequence[ReceivedMedia]:
    """The pictures of a post, unless those of its author's domain are not shown here."""
    if media and await domains.rejecting_media(tx, [author.domain]):
        return ()
    return media


async def add(tx: Transaction, status: Status, media: Sequence[ReceivedMedia]) -> None:
    """Give a new post its pictures."""
    rows = [
        new_row(tx, status.account_id, status.id) | described(medium, position)
        for position, medium in enumerate(media[:MAX_MEDIA])
    ]
    if rows:
        await insert_new(tx, MediaAttachment, rows)


def new_row(tx: Transaction, account_id: int, status_id: int) -> dict[str, Any]:
    """The row of a picture before it is described."""
    owner = {"account_id": account_id, "status_id": status_id}
    return {**NEW_MEDIA, "id": tx.new_id(), **owner, "created_at": tx.now}


def described(medium: ReceivedMedia, position: int) -> dict[str, Any]:
    prompt = text.clean(medium.ai_prompt)[:MAX_DESCRIPTION]
    return {
        **asdict(medium),
        "description": text.clean(medium.description)[:MAX_DESCRIPTION],
        "ai_system": text.name(medium.ai_system, MAX_GENERATOR),
        "ai_system_version": text.name(medium.ai_system_version, MAX_GENERATOR),
        "ai_prompt": prompt,
        "recipe": medium.recipe if prompt else None,
        "share_recipe": bool(prompt),
        "position": position,
    }


async def change(tx: Transaction, status: Status, media: Sequence[ReceivedMedia]) -> None:
    """A picture that stays keeps its row, and so its id."""
    rows = await tx.exec(select(MediaAttachment).where(MediaAttachment.status_id == status.id))
    known = {row.remote_url: row for row in rows.all()}
    for position, medium in enumerate(media[:MAX_MEDIA]):
        row = known.pop(medium.remote_url, None)
        row = row or MediaAttachment(**new_row(tx, status.account_id, status.id))
        for name, value in described(medium, position).items():
            setattr(row, name, value)
        tx.add(row)
    if known:
        gone = [row.id for row in known.values()]
        await forgetting.drop_media(tx, col(MediaAttachment.id).in_(gone))
    await tx.flush()
