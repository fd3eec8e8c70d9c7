"""The steps that every post takes when it comes into being, ours and everybody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import sqlmodel
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy import text as text_sql
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.insertion import insert_into, insert_new, table_of
from fedi.database.tables import Account, Follow, Mention, Status, StatusTag, Tag
from fedi.events import Event
from fedi.social import correspondence, homes, text
from fedi.social.counts import count_answer, count_post
from fedi.social.notifications import notify_all

STATUSES = "statuses"  # the topic of all that is posted, changed and deleted

_TAGS = table_of(Tag).c
_FOLLOWS = table_of(Follow).c
# The index is partial: what it holds must be said as it says it.
_RINGING = select(_FOLLOWS.account_id, _FOLLOWS.target_account_id).where(
    _FOLLOWS.target_account_id.in_(bindparam("authors", expanding=True)),
    text_sql("notify"),
    _FOLLOWS.state == "accepted",
)
_TAG_IDS = select(_TAGS.name, _TAGS.id).where(_TAGS.name.in_(bindparam("names", expanding=True)))


class Rung(Protocol):
    """What decides who hears of a post."""

    @property
    def id(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def visibility(self) -> str: ...
    @property
    def in_reply_to_uri(self) -> str | None: ...
    @property
    def in_reply_to_account_id(self) -> int | None: ...


class Posted(Protocol):
    """What listeners hear of a status."""

    @property
    def id(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def visibility(self) -> str: ...
    @property
    def local(self) -> bool: ...


async def set_tags(tx: Transaction, status: Status, tags: Iterable[str]) -> None:
    """Make these the hashtags of a post."""
    await tx.execute(delete(StatusTag).where(col(StatusTag.status_id) == status.id))
    await add_tags(tx, status, tags)


async def add_tags(tx: Transaction, status: Status, tags: Iterable[str]) -> None:
    """Give a new post its hashtags; of two spellings the first one stays."""
    await add_all_tags(tx, {status.id: tags})


async def add_all_tags(tx: Transaction, tags: Mapping[int, Iterable[str]]) -> None:
    """Give new posts their hashtags, by their ids; of two spellings the first one stays."""
    shown: dict[str, str] = {}
    ties: list[tuple[int, str]] = []
    for status_id, spellings in tags.items():
        names: dict[str, None] = {}
        for tag in list(spellings)[: text.MAX_TAGS]:
            if name := text.normal_tag(tag):
                shown.setdefault(name, text.clean(tag).lstrip("#")[: text.MAX_TAG_LENGTH])
                names[name] = None
        ties += [(status_id, name) for name in names]
    if not ties:
        return
    ids = await _tag_ids(tx, shown)
    # In one order everywhere, so that two transactions never wait for each other's tags.
    new = [
        {"id": tx.new_id(), "name": name, "display_name": shown[name]}
        for name in sorted(shown.keys() - ids.keys())
    ]
    if new:
        await insert_new(tx, Tag, new)
        ids |= await _tag_ids(tx, shown)
    await insert_new(
        tx, StatusTag, [{"status_id": status_id, "tag_id": ids[name]} for status_id, name in ties]
    )


async def _tag_ids(tx: Transaction, names: Iterable[str]) -> dict[str, int]:
    rows = await tx.execute_core(_TAG_IDS, {"names": list(names)})
    return {row.name: row.id for row in rows}


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
    await count_post(tx, status, 1, last_status_at=tx.now)
    if not status.held:
        await count_answer(tx, status, 1)
    await show(tx, status, author, addressed)


async def show(
    tx: Transaction, status: Status, author: Account, addressed: Sequence[Account]
) -> None:
    """A post goes into homes and to those whom it names; those who have it, keep it once."""
    await homes.distribute(tx, status)
    await notify_all(tx, addressed, author, "mention", status.id)
    if status.visibility == "direct":
        await correspondence.add(tx, status)
    await ring(tx, [(status, author)], {account.id for account in addressed})
    announce_event(tx, status, "status")


async def ring(
    tx: Transaction, posts: Sequence[tuple[Rung, Account]], named: Collection[int] = ()
) -> None:
    """Tell those who asked to hear of each post of an author, unless they hear of it as `named`.
    What is said to somebody else is not for them."""
    mine = [
        (status, author)
        for status, author in posts
        if status.visibility != "direct"
        and (status.in_reply_to_uri is None or status.in_reply_to_account_id == status.account_id)
    ]
    if not mine:
        return
    rows = await tx.execute_core(_RINGING, {"authors": [author.id for _, author in mine]})
    listening: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.account_id not in named:
            listening[row.target_account_id].append(row.account_id)
    for status, author in mine:
        if listening[author.id]:
            people = await tx.exec(
                sqlmodel.select(Account).where(col(Account.id).in_(listening[author.id]))
            )
            await notify_all(tx, people.all(), author, "status", status.id)


def announce_event(tx: Transaction, status: Posted, kind: str) -> None:
    """Tell listeners what became of a status, once it is committed.

    Args:
        kind: status, update or delete.
    """
    details = {"id": str(status.id), "visibility": status.visibility, "local": status.local}
    tx.emit(Event(f"account:{status.account_id}", kind, details))
    tx.emit(Event(STATUSES, kind, details))
