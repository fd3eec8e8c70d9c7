"""Posts for later: kept as their authors meant them, and published when it is time.

What cannot be published then stays as it was, with the reason, and its author is told: they change
what it says or when, and it is tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, MediaAttachment, ScheduledStatus
from fedi.jobs import enqueue
from fedi.social import accounts, drafts, paging, quoting, statuses
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid, NotFound
from fedi.social.notifications import notify

LEAST_AHEAD = timedelta(minutes=5)  # as Mastodon
MOST_AHEAD = timedelta(days=5 * 365)
MAX_WAITING = 300  # of one account, as Mastodon
MAX_A_DAY = 25  # of them for one day, as Mastodon

TOO_SOON = "The scheduled date must be in the future"  # Mastodon's own words


def moment(written: str) -> datetime:
    """When something is to be posted, by ISO 8601; without a time zone in UTC.

    Raises:
        Invalid: that is no moment.
    """
    try:
        found = datetime.fromisoformat(written.strip())
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("“scheduled_at” is a time such as 2026-12-24T18:00:00Z.") from error


async def add(
    tx: Transaction,
    author: Account,
    draft: Draft,
    when: datetime,
    *,
    uri: str | None = None,
    promised: bool = False,
) -> ScheduledStatus:
    """Keep a post for later; what could not be published now is refused now.

    Args:
        when: at least `LEAST_AHEAD` from now, unless this was promised before.
        uri: the id of the post, if it was minted before.
        promised: whether its time was agreed to before.

    Raises:
        Invalid: too soon, too late, or too many; or as for `statuses.publish`.
        NotFound: as there.
        NotAllowed: as there.
    """
    await _check(tx, author, draft)
    await check_time(tx, author, when, soon=promised)
    row = ScheduledStatus(
        id=tx.new_id(),
        account_id=author.id,
        scheduled_at=when,
        draft=msgspec.to_builtins(draft),
        uri=uri or statuses.mint_uri(tx, author),
        created_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    await _expect(tx, row)
    return row


async def _check(tx: Transaction, author: Account, draft: Draft, but: int = 0) -> None:
    """Refuse what could not be published; of two posts at once the second one counts the first.

    Args:
        but: the post whose draft this is already, and whose pictures it may have.
    """
    _, _, media = await statuses.check(tx, author, draft)
    await quoting.check(tx, author, draft.quoted_status_id, draft.visibility)
    await drafts.write(tx, draft, media)
    await accounts.take_turns(tx, author.id)
    if set(draft.media_ids) & await media_waiting(tx, author, but):
        raise Invalid("A picture is not there, not yours, or posted already.")


async def change(
    tx: Transaction, author: Account, row: ScheduledStatus, draft: Draft, when: datetime
) -> None:
    """Say something else, or at another time, under the same id. What could not be published now is
    refused now, and the post stays as it was.

    Args:
        row: one that `hold` gave.
        when: as for `add`, if that is another time than before.

    Raises:
        Invalid, NotFound, NotAllowed: as `add`.
    """
    await _check(tx, author, draft, row.id)
    row.draft = msgspec.to_builtins(draft)
    if row.error or when != row.scheduled_at:
        await move(tx, author, row, when)
    tx.add(row)
    await tx.flush()


async def move(
    tx: Transaction, author: Account, row: ScheduledStatus, when: datetime
) -> ScheduledStatus:
    """Publish it at another time.

    Raises:
        Invalid: too soon, too late, or too many for that day.
    """
    await check_time(tx, author, when, but=row.id)
    row.scheduled_at, row.error = when, ""
    tx.add(row)
    await tx.flush()
    await _expect(tx, row)
    return row


async def check_time(
    tx: Transaction, author: Account, when: datetime, *, but: int = 0, soon: bool = False
) -> None:
    """Refuse a moment for which nothing more can be kept.

    Args:
        but: the post that is moved there, which is not counted.
        soon: whether it may be as near as it likes.

    Raises:
        Invalid: too soon, too late, or too many, in all or for that day.
    """
    if not soon and when < tx.now + LEAST_AHEAD:
        raise Invalid(TOO_SOON)
    if when > tx.now + MOST_AHEAD:
        raise Invalid("That is too far in the future.")
    mine = (
        select(func.count())
        .select_from(ScheduledStatus)
        .where(col(ScheduledStatus.account_id) == author.id, col(ScheduledStatus.id) != but)
    )
    day = when.replace(hour=0, minute=0, second=0, microsecond=0)
    at = col(ScheduledStatus.scheduled_at)
    if ((await tx.execute(mine)).scalar() or 0) >= MAX_WAITING:
        raise Invalid(f"At most {MAX_WAITING} posts can be scheduled.")
    today = mine.where(at >= day, at < day + timedelta(days=1))
    if ((await tx.execute(today)).scalar() or 0) >= MAX_A_DAY:
        raise Invalid(f"At most {MAX_A_DAY} posts can be scheduled for one day.")


async def _expect(tx: Transaction, row: ScheduledStatus) -> None:
    await enqueue(
        tx,
        "scheduled",
        {"scheduled_id": row.id},
        delay=row.scheduled_at - tx.now,
        unique_key=f"scheduled {row.id} {int(row.scheduled_at.timestamp() * 1000)}",
    )


def draft_of(row: ScheduledStatus) -> Draft:
    return msgspec.convert(row.draft, Draft)


async def hold(tx: Transaction, scheduled_id: int) -> ScheduledStatus | None:
    """A post for later, locked until the transaction ends; None if it is posted, or taken back."""
    return await tx.get(ScheduledStatus, scheduled_id, with_for_update=True, populate_existing=True)


def is_due(row: ScheduledStatus, now: datetime) -> bool:
    """Whether it is time for a post, and nothing stands against it."""
    return row.scheduled_at <= now and not row.error


async def complete(tx: Transaction, uri: str, draft: Draft) -> bool:
    """The pictures that a post for later asks for are there, and it has them from now on.

    Args:
        uri: its id.
        draft: the post with its pictures.

    Returns:
        Whether there is such a post.
    """
    row = await _promised(tx, uri)
    if row is not None:
        row.draft = msgspec.to_builtins(draft)
        tx.add(row)
    return row is not None


async def halt(tx: Transaction, uri: str, reason: str) -> None:
    """A post for later will not have the pictures that it asks for: it stays, and is not posted
    unless its author changes it."""
    row = await _promised(tx, uri)
    if row is not None:
        row.error = reason
        tx.add(row)


async def _promised(tx: Transaction, uri: str) -> ScheduledStatus | None:
    rows = await tx.exec(
        select(ScheduledStatus)
        .where(ScheduledStatus.uri == uri)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.first()


async def fail(tx: Transaction, author: Account, scheduled_id: int, reason: str) -> None:
    """It could not be published: it stays, and its author is told."""
    row = await tx.get_one(ScheduledStatus, scheduled_id)
    row.error = reason
    tx.add(row)
    await notify(tx, author, author, "scheduled_failed")


async def of_account(
    session: Session, author: Account, page: paging.Page
) -> Sequence[ScheduledStatus]:
    """What somebody has for later."""
    query = select(ScheduledStatus).where(ScheduledStatus.account_id == author.id)
    found: list[ScheduledStatus] = await paging.rows(session, query, page, col(ScheduledStatus.id))
    return found


async def find(session: Session, author: Account, scheduled_id: int) -> ScheduledStatus:
    """One of somebody's posts for later.

    Raises:
        NotFound: it is none of theirs.
    """
    row = await session.get(ScheduledStatus, scheduled_id)
    if row is None or row.account_id != author.id:
        raise NotFound("Record not found")
    return row


async def by_uri(session: Session, author: Account, uri: str) -> ScheduledStatus | None:
    """The one that will be published under this id."""
    mine = select(ScheduledStatus).where(
        ScheduledStatus.account_id == author.id, ScheduledStatus.uri == uri
    )
    return (await session.exec(mine)).first()


async def media_waiting(session: Session, author: Account, but: int = 0) -> set[int]:
    """The pictures that somebody's posts for later have, all but one of those."""
    rows = await session.exec(
        select(ScheduledStatus.draft).where(
            ScheduledStatus.account_id == author.id, col(ScheduledStatus.id) != but
        )
    )
    return {media_id for draft in rows.all() for media_id in draft.get("media_ids", ())}


async def media_of(session: Session, rows: Sequence[ScheduledStatus]) -> dict[int, MediaAttachment]:
    """The pictures of posts for later, as far as they are still there, by their ids."""
    wanted = {media_id for row in rows for media_id in row.draft.get("media_ids", ())}
    if not wanted:
        return {}
    found = await session.exec(select(MediaAttachment).where(col(MediaAttachment.id).in_(wanted)))
    return {medium.id: medium for medium in found.all()}
