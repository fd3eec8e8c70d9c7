"""What posts were before they were changed, ours and everybody else's."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import (
    Account,
    MediaAttachment,
    Poll,
    Status,
    StatusEdit,
    StatusTag,
    Tag,
)
from fedi.social import drafts, emojis, kinds
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid

MAX_KEPT = 100  # of one post, the latest: whoever edits all day fills no disk


class MediaChange(Struct, frozen=True, kw_only=True):
    """What an edit says of a picture that is posted; None: that stays.

    Attributes:
        id: which.
        description: its alt text.
        focus: what must stay in sight, from -1 to 1 to the right and upwards.
    """

    id: int
    description: str | None = None
    focus: tuple[float, float] | None = None


class Further(Struct, frozen=True, kw_only=True):
    """What an edit changes besides the words.

    Attributes:
        media: changes of pictures.
        all_media: the draft names all pictures, even if that is none; else none are the same.
        polled: the draft has the poll, even if that is none; else it stays.
        same_words: the words stay as they are: they may have come as HTML, of which the draft
            knows nothing.
    """

    media: tuple[MediaChange, ...] = ()
    all_media: bool = False
    polled: bool = False
    same_words: bool = False


async def keep(tx: Transaction, status: Status) -> None:
    """Note what a post is, before it is changed."""
    media = await _media(tx, status)
    poll = await tx.get(Poll, status.id) if status.object_type == "Question" else None
    tx.add(
        StatusEdit(
            id=tx.new_id(),
            status_id=status.id,
            content=status.content,
            spoiler_text=status.spoiler_text,
            sensitive=status.sensitive,
            media=[{"id": medium.id, "description": medium.description} for medium in media],
            poll=[option["title"] for option in poll.options] if poll is not None else None,
            emojis=list(status.emojis),
            created_at=status.edited_at or status.created_at,
        )
    )
    await tx.flush()
    older = (
        select(StatusEdit.id)
        .where(StatusEdit.status_id == status.id)
        .order_by(col(StatusEdit.id).desc())
        .offset(MAX_KEPT)
        .limit(MAX_KEPT)  # SQLite knows no OFFSET alone
    )
    await tx.execute(
        delete(StatusEdit)
        .where(col(StatusEdit.id).in_(older))
        .execution_options(synchronize_session=False)
    )


async def same_words(
    session: Session, status: Status, draft: Draft, media: Sequence[MediaAttachment]
) -> drafts.Words:
    """The words of a post that stay as they are, with what a draft says around them.

    Raises:
        Invalid: nothing is left, or the content warning is too long.
    """
    spoiler = drafts.warning(draft)
    written = status.content.removeprefix(kinds.heading(status.details))
    if not written and not media and not kinds.title(draft.details):
        raise Invalid("A post needs words or a picture.")
    tags = await session.exec(
        select(Tag.display_name)
        .join(StatusTag, col(StatusTag.tag_id) == col(Tag.id))
        .where(StatusTag.status_id == status.id)
    )
    return drafts.Words(
        html=f"{kinds.heading(draft.details)}{written}",
        tags=list(tags.all()),
        mentions=[],
        source=status.source,
        source_type=status.source_type,
        spoiler_text=spoiler,
        emojis=await emojis.used(session, spoiler, status.source),
    )


async def of_status(session: Session, status: Status) -> Sequence[StatusEdit]:
    """What a post was before each of its edits, the oldest first."""
    rows = await session.exec(
        select(StatusEdit).where(StatusEdit.status_id == status.id).order_by(col(StatusEdit.id))
    )
    return rows.all()


async def media_of(
    session: Session, status: Status, kept: Sequence[StatusEdit]
) -> dict[int, MediaAttachment]:
    """The pictures that a post had, as far as they are still here, by their ids."""
    wanted = {entry["id"] for edit in kept for entry in edit.media}
    if not wanted:
        return {}
    rows = await session.exec(
        select(MediaAttachment).where(
            col(MediaAttachment.id).in_(wanted),
            # What is part of another post now is not for those to see who see this one.
            MediaAttachment.account_id == status.account_id,
            (col(MediaAttachment.status_id) == status.id)
            | col(MediaAttachment.status_id).is_(None),
        )
    )
    return {medium.id: medium for medium in rows.all()}


async def taken_out(session: Session, status: Status) -> ColumnElement[bool]:
    """Which pictures a post had before its edits, and no post has now."""
    kept = await of_status(session, status)
    return (
        col(MediaAttachment.id).in_({entry["id"] for edit in kept for entry in edit.media})
        & (col(MediaAttachment.account_id) == status.account_id)
        & col(MediaAttachment.status_id).is_(None)
    )


async def changed_media(
    tx: Transaction,
    author: Account,
    status: Status,
    media_ids: Sequence[int],
    further: Further,
) -> list[MediaAttachment]:
    """The pictures of a post after an edit, and what is said of them; what is left out of them is
    nobody's any more.

    Args:
        media_ids: all of them; none are the same as before, unless `further` says that it is all.

    Raises:
        Invalid: they are not the author's to post, or too many.
    """
    attached = {medium.id: medium for medium in await _media(tx, status)}
    media = list(attached.values())
    if media_ids or further.all_media:
        wanted = list(dict.fromkeys(media_ids))
        fresh = await drafts.own_media(tx, author, [n for n in wanted if n not in attached])
        found = {**attached, **{medium.id: medium for medium in fresh}}
        drafts.check_media_count(wanted)
        for medium in media:
            if medium.id not in wanted:
                medium.status_id = None
                tx.add(medium)
        media = [found[media_id] for media_id in wanted]
    _describe(tx, media, further)
    return media


def _describe(tx: Transaction, media: Sequence[MediaAttachment], further: Further) -> None:
    """Say something else of pictures that are posted."""
    changes = {change.id: change for change in further.media}
    for medium in media:
        change = changes.get(medium.id)
        if change is None:
            continue
        if change.description is not None:
            medium.description, medium.described_by = change.description, ""
        if change.focus is not None:
            medium.focus_x, medium.focus_y = change.focus
        tx.add(medium)


async def _media(session: Session, status: Status) -> Sequence[MediaAttachment]:
    rows = await session.exec(
        select(MediaAttachment)
        .where(MediaAttachment.status_id == status.id)
        .order_by(col(MediaAttachment.position))
    )
    return rows.all()
