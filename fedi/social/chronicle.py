"""What happened in the inbox and the outbox of an account since a moment, read from the rows.

Nothing of it is written down a second time: what came in has an id that tells when, what was
changed or deleted says so itself. What was taken back without leaving a trace (a like, a follow) is
not in it.

Ids are made before they are committed, so that one can appear behind a newer one. Whoever reads on
begins a little before the last that they know, and passes over what they heard (`OVERLAP`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import func, or_, union
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, Follow, Mention, OutboxActivity, Status
from fedi.social import inboxes
from fedi.social.visibility import viewers_of, visible_to

INBOX, OUTBOX = "inbox", "outbox"
BOTH = frozenset({INBOX, OUTBOX})

BATCH = 100  # of each kind that are read at once
OVERLAP = timedelta(seconds=5)  # longer than any sane transaction
REMEMBERED = timedelta(days=7)  # whoever was away for longer reads the collections anew

Kind = Literal["add", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened.

    Attributes:
        position: where it stands in time, as an id.
        kind: what happened.
        where: in which collection.
        number: the id of its row (`inboxes.keys`; in an outbox, of a post, a boost, or what else
            was done).
    """

    position: int
    kind: Kind
    where: str
    number: int

    @property
    def id(self) -> str:
        """What tells it from all others."""
        when = f"@{self.position}" if self.kind == "update" else ""
        return f"{self.kind}.{self.number}{when}"


@dataclass(frozen=True, slots=True)
class Hints:
    """Posts that are known to have come, or gone, though their ids or rows may not tell when: an
    answer that waited for leave, or that was taken from somebody's eyes."""

    came: Collection[int] = field(default_factory=frozenset)
    gone: Collection[int] = field(default_factory=frozenset)


async def since(
    session: Session,
    account: Account,
    position: int,
    of: Collection[str] = BOTH,
    hints: Hints | None = None,
) -> tuple[list[Happening], int | None]:
    """What happened after a position, in its order.

    Returns:
        It, and from where to read on; None: that was all.
    """
    hints = hints or Hints()
    batches = [
        *[await _came(session, account, position, where, hints.came) for where in sorted(of)],
        await _changed(session, account, position, of),
        await _gone(session, account, position, of, hints.gone),
    ]
    horizons = [horizon for _, horizon in batches if horizon is not None]
    end = min(horizons, default=None)
    found = [one for batch, _ in batches for one in batch if end is None or one.position <= end]
    return sorted(found, key=lambda one: (one.position, one.number)), end


Batch = tuple[list[Happening], int | None]


async def _came(
    session: Session, account: Account, position: int, where: str, also: Collection[int]
) -> Batch:
    if where == INBOX:
        query = inboxes.keys(account, after=position, also=also)
    else:
        posted = visible_to(account).where(
            col(Status.account_id) == account.id,
            or_(col(Status.id) > position, col(Status.id).in_(also)),
        )
        done = select(col(OutboxActivity.id)).where(
            col(OutboxActivity.account_id) == account.id, col(OutboxActivity.id) > position
        )
        query = union(posted.with_only_columns(col(Status.id).label("key")), done)
    keys = query.subquery()
    rows = await session.execute(select(keys.c.key).order_by(keys.c.key).limit(BATCH))
    found: list[int] = list(rows.scalars())
    # What is told because of a hint is told now, however old its id is.
    happened = [Happening(max(key, position), "add", where, key) for key in found]
    return happened, _horizon(found, position)


async def _changed(session: Session, account: Account, position: int, of: Collection[str]) -> Batch:
    moment = ids.moment(position)
    when: Any = func.coalesce(Status.fetched_at, Status.edited_at)
    query: Any = (
        select(col(Status.id), when)
        .where(
            or_(
                (col(Status.edited_at) >= moment) & col(Status.fetched_at).is_(None),
                col(Status.edited_at).is_not(None) & (col(Status.fetched_at) >= moment),
            ),
            col(Status.deleted_at).is_(None),
        )
        .order_by(when, col(Status.id))
        .limit(BATCH)
    )
    rows = [(number, ids.floor(at)) for number, at in (await session.execute(query)).all()]
    mine = await _whose(session, account, [number for number, _ in rows])
    happened = [
        Happening(at, "update", mine[number], number)
        for number, at in rows
        # As it came it was told already: some posts come edited.
        if mine.get(number) in of and at > number
    ]
    return happened, _horizon([at for _, at in rows], position)


async def _whose(session: Session, account: Account, numbers: Collection[int]) -> dict[int, str]:
    """In which collection of the account some posts are."""
    found: dict[int, str] = {}
    if numbers:
        for query in inboxes.arrived(account):
            rows = await session.exec(query.where(col(Status.id).in_(numbers)))
            found |= {status.id: INBOX for status in rows.all()}
        own = visible_to(account).where(
            col(Status.id).in_(numbers), col(Status.account_id) == account.id
        )
        found |= {status.id: OUTBOX for status in (await session.exec(own)).all()}
    return found


async def _gone(
    session: Session,
    account: Account,
    position: int,
    of: Collection[str],
    also: Collection[int],
) -> Batch:
    """What was deleted: of their own, and of those whom they follow or who named them."""
    query = (
        select(Status)
        .where(or_(col(Status.deleted_at) >= ids.moment(position), col(Status.id).in_(also)))
        .order_by(col(Status.deleted_at), col(Status.id))
        .limit(BATCH)
    )
    rows = (await session.exec(query)).all()
    concerned = await _concerned(session, account, rows)
    left = [status.id for status in rows if status.deleted_at is None]
    still = await session.exec(visible_to(account).where(col(Status.id).in_(left)))
    concerned -= {status.id for status in still.all()}  # they were taken from others' eyes
    happened = []
    for status in rows:
        where = OUTBOX if status.account_id == account.id else INBOX
        if where in of and status.id in concerned:
            at = ids.floor(status.deleted_at) if status.deleted_at is not None else position
            happened.append(Happening(max(at, position), "delete", where, status.id))
    last = [ids.floor(row.deleted_at) for row in rows if row.deleted_at is not None]
    return happened, _horizon(last, position)


async def _concerned(session: Session, account: Account, rows: Iterable[Status]) -> set[int]:
    """Those of some posts that the account had, and could see."""
    authors = {status.id: status.account_id for status in rows}
    if not authors:
        return set()
    followed = await session.exec(
        select(Follow.target_account_id).where(
            col(Follow.account_id) == account.id,
            col(Follow.target_account_id).in_(set(authors.values())),
            Follow.state == "accepted",
        )
    )
    near = {account.id, *followed.all()}
    named = await session.exec(
        select(Mention.status_id).where(
            col(Mention.account_id) == account.id, col(Mention.status_id).in_(authors)
        )
    )
    had = {number for number, author in authors.items() if author in near} | set(named.all())
    return {number for number in had if await viewers_of(session, number, [account.id], gone=True)}


def _horizon(positions: list[int], position: int) -> int | None:
    """How far a batch reaches, if there may be more behind it."""
    if len(positions) < BATCH:
        return None
    return max(positions[-1], position + 1)
