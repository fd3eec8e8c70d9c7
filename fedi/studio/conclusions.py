"""What becomes of a picture that is painted, and of the post that it is for; and of the others of
that post where one could not be made."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, MediaAttachment, Painting, Status
from fedi.social import scheduling, statuses
from fedi.social.errors import SocialError
from fedi.social.forgetting import drop_media
from fedi.social.notifications import Kind, notify
from fedi.social.statuses import Draft
from fedi.studio import media, turns
from fedi.studio.media import Stored
from fedi.studio.paintings import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    end,
    let_go,
    stop,
    tell,
    together,
)
from generation.protocol import Finished


async def conclude(tx: Transaction, painting: Painting, stored: Stored, finished: Finished) -> None:
    """Give a finished picture to its author, and publish its post, or keep it for its time.

    A post that cannot be published any more (such as an answer to what was deleted since) is
    no reason to lose the picture: the author is told, and has it.
    """
    author = await tx.get(Account, painting.account_id)
    assert author is not None
    picture = media.add_painting(tx, author, stored, painting, finished)
    await tx.flush()
    painting.media_id = picture.id
    painting.description = picture.description
    end(tx, painting, DONE)
    await tx.flush()
    first, pictures = painting, [painting]
    if painting.draft is not None or painting.post_of is not None:
        first, pictures = await _pictures(tx, painting)
    if first.draft is not None and all(one.state == DONE for one in pictures):
        told = len(tx.events)
        try:
            async with tx.begin_nested():
                status = await _publish(tx, author, first, pictures)
                first.status_id = None if status is None else status.id
        except SocialError as refusal:
            del tx.events[told:]
            end(tx, first, FAILED)
            first.error = f"The picture is painted, but could not be posted: {refusal}"
            await notify_author(tx, first, "painting_failed")
            if first.share is not None:
                await _discard(tx, pictures)
    await tx.flush()
    tell(tx, painting, painting.state)
    if first is not painting and first.state in ENDED:
        tell(tx, first, first.state)


async def _discard(tx: Transaction, pictures: Sequence[Painting]) -> None:
    """Keep nothing of pictures that somebody asked another account for, if they cannot have them:
    nobody else wanted them."""
    ids = [one.media_id for one in pictures if one.media_id is not None]
    for one in pictures:
        one.media_id = None
        tx.add(one)
    await tx.flush()
    await drop_media(tx, col(MediaAttachment.id).in_(ids))


async def _pictures(tx: Transaction, painting: Painting) -> tuple[Painting, list[Painting]]:
    """The painting that has the draft, locked, and all pictures of its post, itself the first."""
    first, _ = await together(tx, painting)
    if first is None:
        return painting, [painting]
    others = await tx.exec(
        select(Painting)
        .where(col(Painting.post_of) == first.id)
        .order_by(col(Painting.id))
        .execution_options(populate_existing=True)
    )
    return first, [first, *others.all()]


async def _publish(
    tx: Transaction, author: Account, first: Painting, pictures: list[Painting]
) -> Status | None:
    """The post; None if its time is not there yet: it is kept until then."""
    draft = msgspec.convert(first.draft, Draft)
    painted = [one.media_id for one in pictures if one.media_id is not None]
    when, media_ids = draft.scheduled_at, [*draft.media_ids, *painted]
    # What its words ask for is painted: kept for later, they ask for nothing more.
    draft = msgspec.structs.replace(draft, media_ids=media_ids, scheduled_at=None, verbatim=True)
    if first.status_uri is not None and await scheduling.complete(tx, first.status_uri, draft):
        return None
    if when is not None and when > tx.now:
        await scheduling.add(tx, author, draft, when, uri=first.status_uri, promised=True)
        return None
    return await statuses.publish(tx, author, draft, uri=first.status_uri)


async def fail_post(tx: Transaction, painting: Painting) -> None:
    """One of the pictures of a post could not be made, so the post is not: the others that are not
    there yet are stopped. What is painted is kept."""
    if painting.draft is None and painting.post_of is None:
        return
    first, others = await together(tx, painting)
    for one in others:
        if one.id != painting.id:
            await stop(tx, one)
    if first is not None and first.status_uri is not None:
        why = f"Its picture could not be made. {painting.error}".strip()
        await scheduling.halt(tx, first.status_uri, why)
    if first is None or first.id == painting.id or first.state in (FAILED, CANCELLED):
        return
    await let_go(tx, first)
    end(tx, first, FAILED)
    first.error = painting.error
    await tx.flush()
    tell(tx, first, FAILED)
    tell(tx, first, CANCELLED)  # to its painter


async def stop_orphans(tx: Transaction) -> int:
    """Stop what is still to be painted for a post that is not made any more: who gave the post up
    did not wait for a picture that somebody held at that moment (`paintings.together`).

    Returns:
        How many they were.
    """
    first = aliased(Painting)
    stopped = 0
    for state in (turns.BEGUN, turns.WAITING):
        rows = await tx.exec(
            select(Painting)
            .join(first, col(first.id) == col(Painting.post_of))
            .where(state, col(first.state).in_((FAILED, CANCELLED)))
            .with_for_update(of=Painting, skip_locked=True)
            .execution_options(populate_existing=True)
        )
        for painting in rows.all():
            await stop(tx, painting)
            stopped += 1
    return stopped


async def notify_author(tx: Transaction, painting: Painting, kind: Kind) -> None:
    """Tell somebody of a picture of theirs."""
    author = await tx.get(Account, painting.account_id)
    assert author is not None
    # Of several, the one that has the draft.
    await notify(tx, author, author, kind, painting_id=painting.post_of or painting.id)
