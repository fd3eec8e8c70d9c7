"""Lists: some of those whom somebody follows, read by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, exists, func, or_
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Account, Follow, ListMember, Status, UserList
from fedi.social import accounts, homes, paging, text, timelines
from fedi.social.errors import Invalid, NotFound
from fedi.social.visibility import seen_by

Policy = Literal["followed", "list", "none"]
POLICIES = ("followed", "list", "none")
MAX_LISTS = 50  # of one account, as Mastodon
MAX_TITLE = 256
MAX_MEMBERS = 1000

NO_RECORD = "Record not found"  # Mastodon's own words


async def of_account(session: Session, account: Account) -> Sequence[UserList]:
    """An account's lists, by their titles."""
    rows = await session.exec(
        select(UserList)
        .where(UserList.account_id == account.id)
        .order_by(func.lower(UserList.title), col(UserList.id))
    )
    return rows.all()


async def find(session: Session, account: Account, list_id: int) -> UserList:
    """One of an account's lists.

    Raises:
        NotFound: it is none of theirs.
    """
    found = await session.get(UserList, list_id)
    if found is None or found.account_id != account.id:
        raise NotFound(NO_RECORD)
    return found


async def create(
    tx: Transaction,
    account: Account,
    title: str,
    *,
    replies_policy: str = "list",
    exclusive: bool = False,
) -> UserList:
    """A new list, of nobody.

    Raises:
        Invalid: the title or the policy is none, or there are too many lists.
    """
    await accounts.take_turns(tx, account.id)
    if len(await of_account(tx, account)) >= MAX_LISTS:
        raise Invalid("You have reached the maximum number of lists")
    row = UserList(id=tx.new_id(), account_id=account.id, title="", created_at=tx.now)
    return await change(tx, row, title, replies_policy=replies_policy, exclusive=exclusive)


async def change(
    tx: Transaction,
    row: UserList,
    title: str | None = None,
    *,
    replies_policy: str | None = None,
    exclusive: bool | None = None,
) -> UserList:
    """Call a list something else, or have it work otherwise; None: as it was.

    Raises:
        Invalid: the title or the policy is none.
    """
    if title is not None:
        row.title = " ".join(text.clean(title).split())
        if not row.title:
            raise Invalid("Title can't be blank")
        if len(row.title) > MAX_TITLE:
            raise Invalid(f"Title is too long (maximum is {MAX_TITLE} characters)")
    if replies_policy is not None:
        if replies_policy not in POLICIES:
            raise Invalid(f"The replies policy is one of {', '.join(POLICIES)}.")
        row.replies_policy = replies_policy
    if exclusive is not None:
        row.exclusive = exclusive
    tx.add(row)
    await tx.flush()
    return row


async def add(tx: Transaction, account: Account, row: UserList, ids: Sequence[int]) -> None:
    """Put people on a list; who is on it stays.

    Raises:
        NotFound: one of them is not followed, or is not there.
        Invalid: there are too many.
    """
    followed = select(Follow.target_account_id).where(
        Follow.account_id == account.id, col(Follow.target_account_id).in_(ids)
    )
    known = {*(await tx.exec(followed)).all(), account.id}
    if not set(ids) <= known:
        raise NotFound(NO_RECORD)
    members = select(func.count()).where(col(ListMember.list_id) == row.id)
    if ((await tx.execute(members)).scalar() or 0) + len(ids) > MAX_MEMBERS:
        raise Invalid(f"A list has at most {MAX_MEMBERS} people.")
    rows = [
        {"id": tx.new_id(), "list_id": row.id, "account_id": account_id}
        for account_id in dict.fromkeys(ids)
    ]
    if rows:
        await insert_new(tx, ListMember, rows)


async def remove(tx: Transaction, row: UserList, ids: Sequence[int]) -> None:
    """Take people off a list."""
    await tx.execute(
        delete(ListMember)
        .where(col(ListMember.list_id) == row.id, col(ListMember.account_id).in_(ids))
        .execution_options(synchronize_session=False)
    )


async def members(
    session: Session, row: UserList, page: paging.Page | None
) -> list[tuple[int, Account]]:
    """Who is on a list, each with the id by which they are listed; without a page, all."""
    query = (
        select(ListMember.id, Account)
        .join(Account, col(Account.id) == col(ListMember.account_id))
        .where(
            ListMember.list_id == row.id,
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
            _is_followed(row, col(ListMember.account_id)),
        )
    )
    if page is None:
        found = await session.exec(query.order_by(col(ListMember.id).desc()).limit(MAX_MEMBERS))
        return [(key, account) for key, account in found.all()]
    return [(key, one) for key, one in await paging.rows(session, query, page, col(ListMember.id))]


async def with_member(session: Session, account: Account, member_id: int) -> Sequence[UserList]:
    """Which of an account's lists somebody is on."""
    rows = await session.exec(
        select(UserList)
        .join(ListMember, col(ListMember.list_id) == col(UserList.id))
        .where(UserList.account_id == account.id, ListMember.account_id == member_id)
        .order_by(func.lower(UserList.title), col(UserList.id))
    )
    return rows.all()


async def timeline(
    session: Session, account: Account, row: UserList, page: paging.Page
) -> Sequence[Status]:
    """What those on a list posted and boosted."""
    member = exists().where(
        col(ListMember.list_id) == row.id, col(ListMember.account_id) == col(Status.account_id)
    )
    query = seen_by(account).where(
        member,
        _is_followed(row, col(Status.account_id), boosts=True),
        col(Status.visibility) != "direct",
        _answers(account, row),
    )
    return await timelines.unmuted(session, account, query, page)


def _is_followed(row: UserList, account_id: Any, *, boosts: bool = False) -> ColumnElement[bool]:
    """Who was unfollowed is on no list; whose boosts are not wanted, has none there."""
    follow = exists().where(
        col(Follow.account_id) == row.account_id, col(Follow.target_account_id) == account_id
    )
    if boosts:
        follow = follow.where(
            or_(col(Follow.reblogs), col(Status.reblog_of_id).is_(None)),
            homes.understood(col(Follow.languages), col(Status.language)),
        )
    return or_(follow, account_id == row.account_id)


def _answers(account: Account, row: UserList) -> ColumnElement[bool]:
    """Which answers a list shows: always those to oneself and to its owner."""
    to = col(Status.in_reply_to_account_id)
    always = [
        col(Status.in_reply_to_uri).is_(None),
        to == col(Status.account_id),
        to == account.id,
    ]
    if row.replies_policy == "list":
        always.append(
            exists().where(col(ListMember.list_id) == row.id, col(ListMember.account_id) == to)
        )
    elif row.replies_policy == "followed":
        always.append(
            exists().where(
                col(Follow.account_id) == account.id,
                col(Follow.target_account_id) == to,
                col(Follow.state) == "accepted",
            )
        )
    return or_(*always)
