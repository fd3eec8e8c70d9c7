"""What people should know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlmodel
from sqlalchemy import ColumnElement, bindparam, delete, insert, or_, select, union_all
from sqlmodel import col

from activitypub import origin
from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import (
    Account,
    AccountDomainBlock,
    Block,
    Login,
    Mention,
    Mute,
    Notification,
    Status,
    ThreadMute,
)
from fedi.events import Event
from fedi.jobs import enqueue
from fedi.social import notification_policies
from fedi.social.push import subscriptions
from fedi.social.push.subscriptions import Told

Kind = Literal[
    "follow",
    "follow_request",
    "mention",
    "reblog",
    "favourite",
    "reaction",
    "quote",
    "remix",
    "update",
    "quoted_update",
    "poll",
    "scheduled_failed",
    "status",
    "admin.report",
    "admin.sign_up",
    "moderation_warning",
    "severed_relationships",
    "painting_failed",
    "painting_held",
    "painting_approved",
    "painting_refused",
]

# Jobs: somebody named a bot of this instance, `{"account_id": …, "status_id": …}`; and they took
# that back, `{"status_id": …}`, or want nothing of it any more, `{"account_id": …}` of who asked.
ASKED = "asked_in_a_post"
UNASKED = "asked_no_more"
BOT = "Service"  # the type of their actors

# What apps may show together, and over how long, as Mastodon.
GROUPED = frozenset({"favourite", "reblog", "follow"})
GROUP_SPAN = timedelta(hours=12)

# What people hear of their own pictures.
OF_PAINTINGS = frozenset(
    ("painting_failed", "painting_held", "painting_approved", "painting_refused")
)

# What people hear of what they did themselves.
OF_THEIR_OWN = OF_PAINTINGS | {"poll", "scheduled_failed"}

# What a notification may be about besides who did it.
_ABOUT = ("status_id", "painting_id", "report_id", "warning_id", "severance_id")

_TOLD, _BLOCKS, _MUTES = table_of(Notification), table_of(Block).c, table_of(Mute).c
_STATUSES, _THREADS = table_of(Status).c, table_of(ThreadMute).c
_HIDDEN, _PEOPLE = table_of(AccountDomainBlock).c, table_of(Account).c
_WANTED: Any = bindparam("wanted", expanding=True)


def _unwilling(about: ColumnElement[bool], *more: Any) -> Any:
    """Who was told already, or blocks or mutes who did it, or is blocked by them."""
    author: Any = bindparam("author")
    return union_all(
        select(_TOLD.c.account_id).where(
            _TOLD.c.account_id.in_(_WANTED),
            _TOLD.c.from_account_id == author,
            _TOLD.c.type == bindparam("kind"),
            about,
        ),
        select(_BLOCKS.account_id).where(
            _BLOCKS.account_id.in_(_WANTED), _BLOCKS.target_account_id == author
        ),
        select(_BLOCKS.target_account_id).where(
            _BLOCKS.account_id == author, _BLOCKS.target_account_id.in_(_WANTED)
        ),
        select(_MUTES.account_id).where(
            _MUTES.account_id.in_(_WANTED),
            _MUTES.target_account_id == author,
            _MUTES.notifications,
            or_(_MUTES.expires_at.is_(None), _MUTES.expires_at > bindparam("now")),
        ),
        # Or hides their domain.
        select(_HIDDEN.account_id).where(
            _HIDDEN.account_id.in_(_WANTED),
            _HIDDEN.domain == _PEOPLE.domain,
            _PEOPLE.id == author,
        ),
        *more,
    )


def _withdrawn(about: ColumnElement[bool]) -> Any:
    return delete(_TOLD).where(
        _TOLD.c.account_id == bindparam("account"),
        _TOLD.c.from_account_id == bindparam("author"),
        _TOLD.c.type == bindparam("kind"),
        about,
    )


_UNWILLING = _unwilling(
    _TOLD.c.status_id == bindparam("status"),
    # Or who wants to hear no more of its thread.
    select(_THREADS.account_id).where(
        _THREADS.account_id.in_(_WANTED),
        _THREADS.context_uri == _STATUSES.context_uri,
        _STATUSES.id == bindparam("status"),
    ),
)
_UNWILLING_WITHOUT_STATUS = _unwilling(_TOLD.c.status_id.is_(None))
_WITHDRAW = _withdrawn(_TOLD.c.status_id == bindparam("status"))
_WITHDRAW_WITHOUT_STATUS = _withdrawn(_TOLD.c.status_id.is_(None))


async def notify(
    tx: Transaction,
    account: Account,
    from_account: Account,
    kind: Kind,
    status_id: int | None = None,
    painting_id: int | None = None,
) -> None:
    """Tell a local account something, once; nobody hears of themselves, or across a block, or of
    those of whom they do not want to hear (`notification_policies`).

    Args:
        account: who should know; nothing happens for remote ones.
        from_account: who did it.
        kind: what they did.
        status_id: to or with which status.
        painting_id: which painting it is about.
    """
    itself = account.id == from_account.id
    if not account.local or account.deleted_at is not None:
        return
    if itself and kind not in OF_THEIR_OWN:
        return
    if not itself:
        await notify_all(tx, [account], from_account, kind, status_id)
        return
    await _add(tx, [account.id], from_account.id, kind, status_id, painting_id=painting_id)


async def notify_all(
    tx: Transaction,
    accounts: Sequence[Account],
    from_account: Account,
    kind: Kind,
    status_id: int | None = None,
) -> None:
    """Tell the local ones among some accounts the same thing, as `notify` does, in one query."""
    wanted = [
        account.id
        for account in accounts
        if account.local and account.deleted_at is None and account.id != from_account.id
    ]
    if not wanted:
        return
    about = {"wanted": wanted, "author": from_account.id, "kind": kind, "now": tx.now}
    if status_id is None:
        found = await tx.execute_core(_UNWILLING_WITHOUT_STATUS, about)
    else:
        found = await tx.execute_core(_UNWILLING, {**about, "status": status_id})
    not_these = set(found.scalars())
    told = [account_id for account_id in dict.fromkeys(wanted) if account_id not in not_these]
    judgement = await notification_policies.judge(tx, told, from_account, kind, status_id)
    told = [account_id for account_id in told if account_id not in judgement.dropped]
    await _add(tx, told, from_account.id, kind, status_id, filtered=judgement.filtered)
    if kind == "mention":
        heard = set(told) - set(judgement.filtered)
        named = [one for one in accounts if one.id in heard]
        await _ask_bots(tx, named, from_account, status_id)
    if judgement.filtered and kind in notification_policies.REQUESTED:
        await notification_policies.request(
            tx, list(judgement.filtered), from_account.id, status_id
        )


async def _ask_bots(
    tx: Transaction, accounts: Sequence[Account], from_account: Account, status_id: int | None
) -> None:
    """Programs of this instance hear of what is said to them by a job. All of another domain stand
    in one line, and nobody else waits behind them."""
    lane = str(from_account.id)
    if from_account.domain is not None:
        lane = origin.domain_of(from_account.domain)
    for account in accounts:
        if account.actor_type == BOT:
            payload = {"account_id": account.id, "status_id": status_id}
            await enqueue(tx, ASKED, payload, lane=lane)


async def unask(tx: Transaction, status: Status) -> None:
    """A post goes: programs of this instance that it names have nothing more to do for it."""
    named = (
        sqlmodel.select(Account.id)
        .join(Mention, col(Mention.account_id) == col(Account.id))
        .where(Mention.status_id == status.id, Account.actor_type == BOT)
        .where(col(Account.domain).is_(None))
    )
    if (await tx.exec(named.limit(1))).first() is not None:
        await enqueue(tx, UNASKED, {"status_id": status.id})


async def report_to_staff(tx: Transaction, report_id: int, reporter: Account) -> None:
    """Tell those who look after this instance of a report."""
    await _add(tx, await _staff(tx), reporter.id, "admin.report", None, report_id=report_id)


async def sign_up_to_staff(tx: Transaction, newcomer: Account) -> None:
    """Tell those who look after this instance who has come."""
    await _add(tx, await _staff(tx), newcomer.id, "admin.sign_up", None)


async def _staff(tx: Transaction) -> Sequence[int]:
    staff = await tx.exec(
        sqlmodel.select(Login.account_id)
        .join(Account, col(Account.id) == col(Login.account_id))
        .where(col(Login.role).in_(("moderator", "admin")), col(Account.deleted_at).is_(None))
    )
    return staff.all()


async def warn(tx: Transaction, account: Account, warning_id: int) -> None:
    """Tell somebody of ours what moderators told them, or did; as Mastodon in their own name, since
    nobody should know which moderator it was."""
    kind: Kind = "moderation_warning"
    await _add(tx, [account.id], account.id, kind, None, warning_id=warning_id)


async def severed(tx: Transaction, account_id: int, severance_id: int) -> None:
    """Tell somebody of ours that they lost ties to many at once; as Mastodon in their own name."""
    kind: Kind = "severed_relationships"
    await _add(tx, [account_id], account_id, kind, None, severance_id=severance_id)


def group_key(kind: Kind, notification_id: int, status_id: int | None, now: datetime) -> str:
    """What apps show as one thing: likes and boosts of one post, and follows, within half a day.
    All else stands for itself."""
    alike = {"reaction": "favourite"}.get(kind, kind)
    if alike not in GROUPED:
        return f"ungrouped-{notification_id}"
    about = f"-{status_id}" if status_id is not None else ""
    return f"{alike}{about}-{int(now.timestamp() // GROUP_SPAN.total_seconds())}"


async def _add(
    tx: Transaction,
    account_ids: Sequence[int],
    from_account_id: int,
    kind: Kind,
    status_id: int | None,
    *,
    painting_id: int | None = None,
    report_id: int | None = None,
    warning_id: int | None = None,
    severance_id: int | None = None,
    filtered: Collection[int] = (),
) -> None:
    """Write the same notification of somebody for some accounts, and tell those for whom it is not
    set aside."""
    about = {
        "status_id": status_id,
        "painting_id": painting_id,
        "report_id": report_id,
        "warning_id": warning_id,
        "severance_id": severance_id,
    }
    rows = [
        _row(tx, account_id, from_account_id, kind, filtered=account_id in filtered, **about)
        for account_id in account_ids
    ]
    await _write(tx, kind, rows)


async def add_follows(tx: Transaction, pairs: Sequence[tuple[int, int]]) -> None:
    """Tell local accounts that somebody follows them, where it is known already that they want to
    hear of it, and did not yet.

    Args:
        tx: a transaction.
        pairs: who is told, and of whom.
    """
    await _write(tx, "follow", [_row(tx, told, author, "follow") for told, author in pairs])


def _row(
    tx: Transaction,
    account_id: int,
    from_account_id: int,
    kind: Kind,
    *,
    filtered: bool = False,
    **about: int | None,
) -> dict[str, Any]:
    number = tx.new_id()
    status_id = about.get("status_id")
    return {
        "id": number,
        "account_id": account_id,
        "from_account_id": from_account_id,
        "type": kind,
        **dict.fromkeys(_ABOUT),
        **about,
        "group_key": group_key(kind, number, status_id, tx.now),
        "filtered": filtered,
        "created_at": tx.now,
    }


async def _write(tx: Transaction, kind: Kind, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    await tx.execute_core(insert(_TOLD), rows)
    told = [
        Told(row["account_id"], row["from_account_id"], row["id"])
        for row in rows
        if not row["filtered"]
    ]
    for each in told:
        number = str(each.notification_id)
        tx.emit(Event(f"account:{each.account_id}", "notification", {"id": number}))
    await subscriptions.tell(tx, told, kind)


async def withdraw(
    tx: Transaction,
    account_id: int,
    from_account_id: int,
    kind: Kind,
    status_id: int | None = None,
) -> None:
    """Take back what is not so any more."""
    about = {"account": account_id, "author": from_account_id, "kind": kind}
    if status_id is None:
        await tx.execute_core(_WITHDRAW_WITHOUT_STATUS, about)
    else:
        await tx.execute_core(_WITHDRAW, {**about, "status": status_id})


async def forget(tx: Transaction, account_id: int, from_account_id: int) -> None:
    """An account wants to hear nothing of another, nor to have heard anything."""
    await tx.execute(
        delete(Notification).where(
            col(Notification.account_id) == account_id,
            col(Notification.from_account_id) == from_account_id,
        )
    )


async def newest(session: Session, account: Account, *, limit: int = 40) -> list[Notification]:
    """An account's notifications, the newest first, without those that are set aside."""
    rows = await session.exec(
        sqlmodel.select(Notification)
        .where(Notification.account_id == account.id, ~col(Notification.filtered))
        .order_by(col(Notification.id).desc())
        .limit(limit)
    )
    return list(rows.all())
