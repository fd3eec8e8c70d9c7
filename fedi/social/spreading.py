"""The steps that every post takes when it comes into being, ours and everybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, update
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.insertion import insert_into, insert_new, insert_on, table_of
from fedi.database.tables import Account, Mention, Status, StatusTag, Tag
from fedi.events import Event
from fedi.social import text, timelines
from fedi.social.counts import count
from fedi.social.notifications import notify_all


async def set_tags(tx: Transaction, status: Status, tags: Iterable[str]) -> None:
    """Make these the hashtags of a post."""
    await tx.execute(delete(StatusTag).where(col(StatusTag.status_id) == status.id))
    await add_tags(tx, status, tags)


async def add_tags(tx: Transaction, status: Status, tags: Iterable[str]) -> None:
    """Give a new post its hashtags; of two spellings the first one stays."""
    shown: dict[str, str] = {}
    for tag in list(tags)[: text.MAX_TAGS]:
        if name := text.normal_tag(tag):
            shown.setdefault(name, text.clean(tag).lstrip("#")[: text.MAX_TAG_LENGTH])
    if not shown:
        return
    # In one order everywhere, so that two transactions never wait for each other's tags.
    rows = [
        {"id": tx.new_id(), "name": name, "display_name": shown[name]} for name in sorted(shown)
    ]
    await insert_new(tx, Tag, rows)
    await tx.execute_core(_tie(tx.dialect_name), {"status": status.id, "names": list(shown)})


@cache
def _tie(dialect: str) -> Any:
    """Tie a status to tags by their names."""
    tags = table_of(Tag).c
    ids = select(bindparam("status", type_=BigInteger), tags.id).where(
        tags.name.in_(bindparam("names", expanding=True))
    )
    ties = insert_on(dialect, StatusTag).from_select(["status_id", "tag_id"], ids)
    return ties.on_conflict_do_nothing()


async def set_mentions(
    tx: Transaction,
    status: Status,
    named: Iterable[Account],
    silent: Iterable[Account] = (),
    blind: Iterable[Account] = (),
) -> None:
    """Whom a post names and whom it is addressed to.

    Whoever was named or addressed before stays addressed: they have seen it, and are to hear of
    its end.
    """
    rows: dict[int, dict[str, object]] = {}
    for people, unnamed, hidden in (
        (named, False, False),
        (silent, True, False),
        (blind, True, True),
    ):
        for account in people:
            row = {"account_id": account.id, "silent": unnamed, "blind": hidden}
            rows.setdefault(account.id, {"status_id": status.id, **row})
    if not rows:
        return
    insert = insert_into(tx, Mention).values(list(rows.values()))
    await tx.execute(
        insert.on_conflict_do_update(
            index_elements=["status_id", "account_id"],
            set_={"silent": insert.excluded.silent, "blind": insert.excluded.blind},
        )
    )


async def silence_mentions(tx: Transaction, status: Status) -> None:
    """Before an edit: who was named is addressed, until the new words name them again."""
    await tx.execute(
        update(Mention)
        .where(col(Mention.status_id) == status.id)
        .values(silent=True)
        .execution_options(synchronize_session=False)
    )


async def spread(
    tx: Transaction, status: Status, author: Account, addressed: Sequence[Account]
) -> None:
    """A new post goes into counts, into homes, and to those whom it names."""
    await count(tx, Account, author.id, {"statuses_count": 1}, last_status_at=tx.now)
    if status.in_reply_to_id is not None:
        await count(tx, Status, status.in_reply_to_id, {"replies_count": 1})
    await show(tx, status, author, addressed)


async def show(
    tx: Transaction, status: Status, author: Account, addressed: Sequence[Account]
) -> None:
    """A post goes into homes and to those whom it names; those who have it, keep it once."""
    await timelines.distribute(tx, status)
    await notify_all(tx, addressed, author, "mention", status.id)
    announce_event(tx, status, "status")


def announce_event(tx: Transaction, status: Status, kind: str) -> None:
    """Tell listeners what became of a status, once it is committed.

    Args:
        kind: status, update or delete.
    """
    details = {"id": str(status.id), "visibility": status.visibility, "local": status.local}
    tx.emit(Event(f"account:{status.account_id}", kind, details))
    tx.emit(Event(f"status:{status.id}", kind, details))
    if status.visibility == "public":
        tx.emit(Event("public", kind, details))
