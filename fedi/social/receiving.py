"""Posts from elsewhere: stored and shown once, in whatever order they come.

An answer may come before what it answers, a Delete before its Create, an Update before either;
and the same thing may come many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from sqlalchemy import bindparam, func, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi import ids
from fedi.database import Transaction
from fedi.database.insertion import add_once, table_of
from fedi.database.tables import Account, Status
from fedi.social import (
    attachments,
    consent,
    edits,
    homes,
    polls,
    previews,
    quotes,
    spreading,
    text,
)
from fedi.social.attachments import MAX_GENERATOR, ReceivedMedia
from fedi.social.counts import count, count_answer, count_post, counted_answer
from fedi.social.notifications import notify_all
from fedi.social.polls import ReceivedPoll

BY_URI = select(Status).where(col(Status.uri) == bindparam("uri"))  # asked for all the time
_STATUS = table_of(Status)
ADOPT = (
    update(_STATUS)
    .where(
        _STATUS.c.in_reply_to_uri == bindparam("parent_uri"),
        _STATUS.c.in_reply_to_id.is_(None),
        _STATUS.c.deleted_at.is_(None),
    )
    .values(
        in_reply_to_id=bindparam("parent_id"), in_reply_to_account_id=bindparam("parent_account")
    )
)

MAX_SPOILER = 2000  # characters; some put their whole post there
MAX_SOURCE = 50_000
MAX_ADOPTED = 40  # answers that came before their parent and go into homes with it


class Received(Struct, frozen=True, kw_only=True):
    """A post from elsewhere; its origin has been checked, its HTML has not been sanitised."""

    uri: str
    url: str = ""
    object_type: str = "Note"
    content: str = ""
    source: str = ""
    spoiler_text: str = ""
    sensitive: bool = False
    visibility: str = "public"
    language: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    in_reply_to_uri: str | None = None
    context_uri: str | None = None
    replies_uri: str | None = None  # of the origin that the post is of
    mentions: tuple[int, ...] = ()  # accounts that are named
    silent_mentions: tuple[int, ...] = ()  # accounts that are addressed and not named
    tags: tuple[str, ...] = ()
    media: tuple[ReceivedMedia, ...] = ()
    emojis: tuple[dict[str, str], ...] = ()
    audience: dict[str, list[str]] = field(default_factory=dict)
    ai: str = "undeclared"
    generator: str = ""
    based_on_uri: str | None = None
    interaction_policy: dict[str, Any] | None = None
    poll: ReceivedPoll | None = None
    quoted_uri: str | None = None
    quote_stamp: str | None = None
    approved_by: str | None = None  # where the author of what it answers is to agree to it
    create_uri: str | None = None  # the id of the Create that brought it, if one did


async def receive(
    tx: Transaction,
    author: Account,
    received: Received,
    *,
    live: bool = True,
    relayed: bool = False,
) -> Status | None:
    """A post from elsewhere: stored and spread once, however often it comes.

    Args:
        author: the remote account that wrote it.
        received: what it says.
        live: it was sent to us. What was only fetched, such as the beginning of a thread, is
            stored and put before nobody; if it is sent later, it is spread then.
        relayed: only a relay told of it, so that it may go after a time (`pruning`).

    Returns:
        The status; the one that was there, if it came before; None if it is dead, or its
        author is.
    """
    if author.deleted_at is not None:
        return None
    existing = await _any_by_uri(tx, received.uri)
    if existing is not None:
        return await _again(tx, author, existing, received, live)
    published = min(received.published or tx.now, tx.now)
    parent = await _living_by_uri(tx, received.in_reply_to_uri)
    held = parent is not None and await consent.is_needed(tx, author, parent)
    status = Status(
        id=tx.new_id() if live else ids.at(published),
        uri=received.uri,
        account_id=author.id,
        local=False,
        in_reply_to_uri=received.in_reply_to_uri,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_account_id=parent.account_id if parent else None,
        context_uri=context(tx, parent.context_uri if parent else None, received.context_uri),
        visibility=received.visibility,
        approval=consent.PENDING if held else "",
        approved_by=received.approved_by,
        create_uri=received.create_uri,
        created_at=published,
        fetched_at=tx.now,
        relayed_at=tx.now if relayed else None,
    )
    _fill(status, received)
    status.preview_id = await previews.choose_one(tx, linking(received, status.content))
    if not await add_once(tx, status):
        existing = await _any_by_uri(tx, received.uri)
        assert existing is not None
        return await _again(tx, author, existing, received, live)
    await attachments.add(tx, status, await attachments.shown(tx, author, received.media))
    await spreading.add_tags(tx, status, received.tags)
    named, silent = await _people(tx, received)
    await spreading.set_mentions(tx, status, named, silent)
    if received.poll is not None:
        await polls.record(tx, status, received.poll)
    if received.quoted_uri is not None:
        await quotes.record(tx, status, received.quoted_uri, received.quote_stamp, verify=live)
    await consent.verify(tx, status)
    await _adopt(tx, status)
    if live:
        await spreading.spread(tx, status, author, [*named, *silent])
    else:
        await count_post(tx, status, 1)
        if not held:
            await count_answer(tx, status, 1)
    return status


async def _again(
    tx: Transaction, author: Account, status: Status, received: Received, live: bool
) -> Status | None:
    """It is there already; perhaps only because somebody looked it up."""
    if status.deleted_at is not None or status.account_id != author.id:
        return None
    await consent.reconsider(tx, status, received.approved_by)
    if live and status.approval != consent.REJECTED:
        status.relayed_at = None  # it comes to somebody here now
        status.create_uri = status.create_uri or received.create_uri
        tx.add(status)
        named, silent = await _people(tx, received)
        await spreading.set_mentions(tx, status, named, silent)
        if received.quoted_uri is not None:
            await quotes.record(tx, status, received.quoted_uri, received.quote_stamp, verify=True)
        await spreading.show(tx, status, author, [*named, *silent])
    return status


async def update_received(tx: Transaction, status: Status, received: Received) -> Status:
    """A post from elsewhere has changed; who may see it, and what it answers, has not.

    What is older than what we have, and what comes after its Delete, changes nothing.
    """
    if status.deleted_at is not None or _is_older(status, received):
        return status
    changed = status.content != text.sanitise(received.content)
    # Mastodon 4.6 tells new counts of a poll, and new policies, by an Update without `updated`.
    edited = changed or received.updated not in {None, status.edited_at}
    if edited:
        await edits.keep(tx, status)
    _fill(status, received)
    status.preview_id = await previews.choose_one(tx, linking(received, status.content))
    await consent.reconsider(tx, status, received.approved_by)
    status.fetched_at = tx.now
    if edited:
        status.edited_at = min(received.updated or tx.now, tx.now)
    tx.add(status)
    if status.object_type == "Question":
        await polls.record(tx, status, received.poll)
    await quotes.record(tx, status, received.quoted_uri, received.quote_stamp, verify=True)
    author = await tx.get(Account, status.account_id)
    assert author is not None
    await attachments.change(tx, status, await attachments.shown(tx, author, received.media))
    await spreading.set_tags(tx, status, received.tags)
    named, silent = await _people(tx, received)
    await spreading.silence_mentions(tx, status)
    await spreading.set_mentions(tx, status, named, silent)
    await notify_all(tx, named, author, "mention", status.id)
    if edited:
        await notify_boosters(tx, status, author)
        await quotes.tell_of_edit(tx, status, author)
    spreading.announce_event(tx, status, "update")
    return status


def _is_older(status: Status, received: Received) -> bool:
    known = status.edited_at
    return known is not None and received.updated is not None and received.updated < known


async def remember_deleted(tx: Transaction, author: Account, uri: str) -> None:
    """A post (or boost) was taken back before it came: its id is dead from the start."""
    await add_once(
        tx,
        Status(
            id=tx.new_id(),
            uri=uri,
            account_id=author.id,
            visibility="direct",
            created_at=tx.now,
            deleted_at=tx.now,
        ),
    )


async def notify_boosters(tx: Transaction, status: Status, author: Account) -> None:
    """Those who boosted a post hear that it is not what it was."""
    rows = await tx.exec(
        select(Account)
        .join(Status, col(Status.account_id) == col(Account.id))
        .where(
            Status.reblog_of_id == status.id,
            col(Status.deleted_at).is_(None),
            col(Account.domain).is_(None),
        )
    )
    await notify_all(tx, rows.all(), author, "update", status.id)


async def _any_by_uri(tx: Transaction, uri: str) -> Status | None:
    """A status, dead or alive."""
    return (await tx.exec(BY_URI, params={"uri": uri})).first()


async def _living_by_uri(tx: Transaction, uri: str | None) -> Status | None:
    found = None if uri is None else await _any_by_uri(tx, uri)
    return found if found is not None and found.deleted_at is None else None


async def _people(tx: Transaction, received: Received) -> tuple[list[Account], list[Account]]:
    """Those whom a post names, and those whom it is only addressed to."""
    wanted = list(dict.fromkeys([*received.mentions, *received.silent_mentions]))
    found = await accounts_by_id(tx, wanted)
    named = [found[account_id] for account_id in received.mentions if account_id in found]
    known = {account.id for account in named}
    silent = [
        found[account_id]
        for account_id in received.silent_mentions
        if account_id in found and account_id not in known
    ]
    return named, silent


async def accounts_by_id(tx: Transaction, account_ids: Sequence[int]) -> dict[int, Account]:
    """Living accounts; of too many ids, the first."""
    if not account_ids:
        return {}
    rows = await tx.exec(
        select(Account).where(
            col(Account.id).in_(account_ids[: text.MAX_MENTIONS]),
            col(Account.deleted_at).is_(None),
        )
    )
    return {account.id: account for account in rows.all()}


def context(tx: Transaction, inherited: str | None, claimed: str | None) -> str | None:
    """The thread that a post is in: that of what it answers; else what it says itself, unless
    that is one of ours, where nobody is by their own word."""
    if inherited is not None:
        return inherited
    ours = claimed is not None and claimed.startswith(f"{tx.instance.url}/")
    return None if ours else claimed


def _fill(status: Status, received: Received) -> None:
    """What an Update may change."""
    for name, value in described(received).items():
        setattr(status, name, value)


def linking(received: Received, content: str) -> previews.Written:
    """What decides which page a post shows; `content` is sanitised."""
    return previews.Written(
        content=content,
        visibility=received.visibility,
        local=False,
        pictured=bool(received.media),
        known=frozenset({received.quoted_uri, received.based_on_uri}),
    )


def described(received: Received) -> dict[str, Any]:
    """The columns that an Update may change."""
    return {
        "url": received.url or received.uri,
        "object_type": received.object_type,
        "content": text.sanitise(received.content),
        "source": text.clean(received.source)[:MAX_SOURCE],
        "spoiler_text": text.clean(received.spoiler_text)[:MAX_SPOILER],
        "sensitive": received.sensitive,
        "language": received.language,
        "emojis": list(received.emojis),
        "audience": received.audience,
        "ai": received.ai,
        "generator": text.name(received.generator, MAX_GENERATOR),
        "based_on_uri": received.based_on_uri,
        "interaction_policy": received.interaction_policy,
        "replies_uri": received.replies_uri,
    }


async def _adopt(tx: Transaction, status: Status) -> None:
    """Answers that came before what they answer find it, and go into homes now."""
    parent = {"parent_id": status.id, "parent_account": status.account_id}
    result = await tx.execute_core(ADOPT, {"parent_uri": status.uri, **parent})
    if not result.rowcount:
        return
    await consent.hold_adopted(tx, status)
    answers = select(func.count()).where(Status.in_reply_to_id == status.id, counted_answer(Status))
    await count(tx, Status, status.id, {"replies_count": (await tx.exec(answers)).one()})
    await _gather(tx, status)
    orphans = await tx.exec(
        select(Status)
        .where(Status.in_reply_to_id == status.id, col(Status.deleted_at).is_(None))
        .order_by(col(Status.id).desc())
        .limit(MAX_ADOPTED)
        .execution_options(populate_existing=True)
    )
    for orphan in orphans.all():
        await homes.distribute(tx, orphan)


async def _gather(tx: Transaction, status: Status) -> None:
    """What came before the beginning of its thread is in that thread, however deep."""
    if status.context_uri is None:
        return
    answer = aliased(Status)
    below = select(col(Status.id)).where(Status.in_reply_to_id == status.id)
    thread = below.cte("thread", recursive=True)
    thread = thread.union(
        select(col(answer.id)).join(thread, col(answer.in_reply_to_id) == thread.c.id)
    )
    await tx.execute(
        update(Status)
        .where(col(Status.id).in_(select(thread.c.id)))
        .values(context_uri=status.context_uri)
        .execution_options(synchronize_session=False)
    )
