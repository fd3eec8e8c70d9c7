"""Who writes to whom: direct posts of one thread between the same people are a conversation.

Each of ours who has part in it has a row of their own, which they can read, and put away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import func, or_, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into
from fedi.database.tables import Account, Conversation, Mention, Status
from fedi.events import Event
from fedi.social import paging
from fedi.social.errors import NotFound
from fedi.social.visibility import visible_to


async def add(tx: Transaction, status: Status) -> None:
    """A direct post came: it is the last of its conversation, for each of ours in it."""
    rows = await tx.exec(
        select(Account.id, Account.domain, Mention.blind)
        .join(Mention, col(Mention.account_id) == col(Account.id))
        .where(Mention.status_id == status.id)
    )
    named = {account_id: (domain, blind) for account_id, domain, blind in rows.all()}
    author = await tx.get_one(Account, status.account_id)
    open_to_all = {status.account_id, *(one for one, (_, blind) in named.items() if not blind)}
    ours = {one for one, (domain, _) in named.items() if domain is None}
    if author.local:
        ours.add(author.id)
    thread = status.context_uri or status.uri
    for account_id in sorted(ours):
        others = sorted(open_to_all - {account_id})
        row = {
            "id": tx.new_id(),
            "account_id": account_id,
            "key": _key(thread, others),
            "context_uri": thread,
            "participants": others,
            "last_status_id": status.id,
            "unread": account_id != status.account_id,
        }
        insert = insert_into(tx, Conversation).values(row)
        latest = {"last_status_id": row["last_status_id"], "unread": row["unread"]}
        await tx.execute(
            insert.on_conflict_do_update(
                index_elements=["account_id", "key"],
                set_=latest,
                where=col(Conversation.last_status_id) < status.id,
            )
        )
        tx.emit(Event(f"account:{account_id}", "conversation", {"status_id": str(status.id)}))


def _key(thread: str, others: Sequence[int]) -> str:
    told = f"{thread} {','.join(map(str, others))}"
    return hashlib.sha256(told.encode()).hexdigest()


async def withdraw(tx: Transaction, status: Status) -> None:
    """A direct post is gone: the one before it is the last now; without one there is nothing."""
    rows = await tx.exec(select(Conversation).where(Conversation.last_status_id == status.id))
    for conversation in rows.all():
        account = await tx.get_one(Account, conversation.account_id)
        before = (
            visible_to(account)
            .where(
                Status.context_uri == conversation.context_uri,
                Status.visibility == "direct",
                col(Status.id) < status.id,
            )
            .order_by(col(Status.id).desc())
            .limit(1)
        )
        last = (await tx.exec(before)).first()
        if last is None:
            await tx.delete(conversation)
        else:
            conversation.last_status_id = last.id
            tx.add(conversation)
    await tx.flush()


async def unread(session: Session, account: Account, most: int) -> int:
    """How many conversations of an account have something new; not more than `most` are counted."""
    new = select(Conversation.id).where(
        Conversation.account_id == account.id, col(Conversation.unread).is_(True)
    )
    query = select(func.count()).select_from(new.limit(most).subquery())
    return int((await session.exec(query)).one())


async def of_account(session: Session, account: Account, page: paging.Page) -> list[Conversation]:
    """An account's conversations, the one with the latest post first."""
    query = select(Conversation).where(Conversation.account_id == account.id)
    found: list[Conversation] = await paging.rows(
        session, query, page, col(Conversation.last_status_id)
    )
    return found


async def find(session: Session, account: Account, conversation_id: int) -> Conversation:
    """One of an account's conversations.

    Raises:
        NotFound: it is none of theirs.
    """
    found = await session.get(Conversation, conversation_id)
    if found is None or found.account_id != account.id:
        raise NotFound("Record not found")
    return found


async def with_last(session: Session, account: Account, status_id: int) -> Conversation | None:
    """The conversation of an account in which a post is the last."""
    query = select(Conversation).where(
        Conversation.account_id == account.id, Conversation.last_status_id == status_id
    )
    return (await session.exec(query)).first()


async def thread(
    session: Session, account: Account, conversation: Conversation, limit: int
) -> list[Status]:
    """The latest posts of a conversation as one of its people sees them, the oldest first.

    Args:
        limit: of posts in the thread that are looked at: some may be between other people.
    """
    context = conversation.context_uri
    rows = await session.exec(
        visible_to(account)
        .where(
            or_(col(Status.context_uri) == context, col(Status.uri) == context),
            col(Status.visibility) == "direct",
        )
        .order_by(col(Status.id).desc())
        .limit(limit)
    )
    found = rows.all()[::-1]
    people = {status.id: {status.account_id} for status in found}
    named = await session.exec(
        select(Mention.status_id, Mention.account_id).where(
            col(Mention.status_id).in_(people), col(Mention.blind).is_(False)
        )
    )
    for status_id, account_id in named.all():
        people[status_id].add(account_id)
    wanted = set(conversation.participants)
    return [status for status in found if people[status.id] - {account.id} == wanted]


async def mark(
    tx: Transaction, account: Account, conversation_id: int, *, unread: bool
) -> Conversation:
    """Note whether a conversation was read.

    Raises:
        NotFound: it is none of theirs.
    """
    found = await find(tx, account, conversation_id)
    await tx.execute(
        update(Conversation)
        .where(col(Conversation.id) == found.id)
        .values(unread=unread)
        .execution_options(synchronize_session=False)
    )
    await tx.refresh(found)
    return found
