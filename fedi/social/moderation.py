"""What moderators do to accounts, ours and others', and take back again.

- `sensitive`: all their pictures have a warning.
- `disable`: one of ours cannot sign in; everybody sees what they posted.
- `silence`: only those who follow them see what they post.
- `suspend`: nobody sees anything of them, nothing is taken from them, and they may do nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from sqlalchemy import delete
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import (
    Account,
    AccountWarning,
    CanonicalEmailBlock,
    Follow,
    Login,
    Notification,
    Report,
)
from fedi.social import (
    accounts,
    audit,
    departures,
    domains,
    email_addresses,
    follows,
    forgetting,
    letters,
    notifications,
    registration,
    reports,
    severing,
    staff,
    text,
    withheld,
)
from fedi.social.errors import Invalid, NotAllowed
from fedi.social.outbound import tell

Action = Literal["none", "sensitive", "disable", "silence", "suspend"]
Undoing = Literal["enable", "unsensitive", "unsilence", "unsuspend"]
ACTIONS: tuple[Action, ...] = get_args(Action)
UNDOINGS: tuple[Undoing, ...] = get_args(Undoing)
MAX_TEXT = 5000  # characters that somebody is told


async def act(
    tx: Transaction,
    by: Account | None,
    target: Account,
    action: Action,
    *,
    words: str = "",
    report: Report | None = None,
    mail: bool = True,
) -> None:
    """Do something to an account; one of ours is told.

    Args:
        by: which moderator; the command line, if None.
        words: for the owner of the account.
        report: that is settled with it.
        mail: whether one of ours hears of it by mail.

    Raises:
        NotAllowed: the moderator may not do that to them.
        Invalid: it makes no sense for this account.
    """
    await _check(tx, by, target)
    match action:
        case "sensitive":
            target.sensitized_at = target.sensitized_at or tx.now
        case "disable":
            await _disable(tx, target)
        case "silence":
            target.silenced_at, target.limited_by_domain = target.silenced_at or tx.now, False
        case "suspend":
            await _suspend(tx, target)
    tx.add(target)
    await tx.flush()
    status_ids = report.status_ids if report is not None else []
    if target.local:
        await _warn(tx, by, target, action, words, status_ids, report, mail=mail)
    if report is not None:
        await reports.resolve(tx, report, by)
    about = {} if report is None else {"report": str(report.id)}
    await audit.note(tx, by, f"account.{action}", target.acct, target.id, **about)


async def _check(tx: Transaction, by: Account | None, target: Account) -> None:
    if not accounts.is_person(target):
        raise Invalid("That account is gone.")
    if by is not None:
        await staff.check_rank(tx, by, target)


async def _warn(
    tx: Transaction,
    by: Account | None,
    target: Account,
    action: Action,
    words: str,
    status_ids: Sequence[int],
    report: Report | None,
    *,
    mail: bool,
) -> None:
    words = text.clean(words).strip()[:MAX_TEXT]
    if action == "none" and not words:
        return
    row = AccountWarning(
        id=tx.new_id(),
        account_id=target.id,
        by_account_id=None if by is None else by.id,
        action=action,
        text=words,
        status_ids=list(status_ids),
        report_id=None if report is None else report.id,
        created_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    await notifications.warn(tx, target, row.id)
    if mail:
        await letters.write(tx, "warning", warning_id=row.id)


async def _disable(tx: Transaction, target: Account) -> None:
    login = await tx.get(Login, target.id)
    if login is None:
        raise Invalid("Only people of this instance can be locked out.")
    login.disabled_at = login.disabled_at or tx.now
    tx.add(login)


async def _suspend(tx: Transaction, target: Account) -> None:
    if await registration.waits(tx, target):
        raise Invalid("That account was not let in yet: reject it instead.")
    new = target.suspended_at is None
    target.suspended_at, target.limited_by_domain = target.suspended_at or tx.now, False
    tx.add(target)
    await tx.flush()
    await tx.execute(
        delete(Notification)
        .where(col(Notification.from_account_id) == target.id)
        .execution_options(synchronize_session=False)
    )
    if not target.local:
        await forgetting.drop_copies(tx, col(Account.id) == target.id)
        await severing.of_account(tx, target, followers=False)
        theirs = select(Follow).where(Follow.account_id == target.id)
        for follow in (await tx.exec(theirs)).all():
            await follows.reject(tx, follow)
        return
    login = await tx.get(Login, target.id)
    if login is not None and login.email is not None:
        await email_addresses.block(tx, email_addresses.fingerprint(login.email))
    if new:
        await withheld.changed(tx)
        await tell(tx, "update_actor", account_id=target.id)


async def undo(tx: Transaction, by: Account | None, target: Account, what: Undoing) -> None:
    """Take back what was done to an account.

    Raises:
        NotAllowed: the moderator may not do that to them.
        Invalid: it makes no sense for this account.
    """
    await _check(tx, by, target)
    match what:
        case "enable":
            login = await tx.get(Login, target.id)
            if login is None:
                raise Invalid("Only people of this instance can be locked out.")
            login.disabled_at = None
            tx.add(login)
        case "unsensitive":
            target.sensitized_at = None
        case "unsilence":
            target.silenced_at, target.limited_by_domain = None, False
            await _as_its_domain(tx, target)
        case "unsuspend":
            await _unsuspend(tx, target)
    tx.add(target)
    await tx.flush()
    await audit.note(tx, by, f"account.{what}", target.acct, target.id)


async def _unsuspend(tx: Transaction, target: Account) -> None:
    if await registration.waits(tx, target):
        raise Invalid("That account was not let in yet: approve it instead.")
    was = target.suspended_at is not None
    target.suspended_at, target.limited_by_domain = None, False
    await _as_its_domain(tx, target)
    tx.add(target)
    await tx.flush()
    login = await tx.get(Login, target.id) if target.local else None
    if login is not None and login.email is not None:
        mark = email_addresses.fingerprint(login.email)
        await tx.execute(
            delete(CanonicalEmailBlock).where(col(CanonicalEmailBlock.email_hash) == mark)
        )
    if was and target.local:
        await withheld.changed(tx)
        await tell(tx, "update_actor", account_id=target.id)


async def _as_its_domain(tx: Transaction, target: Account) -> None:
    """What holds for a whole domain holds for who is pardoned, too."""
    if target.domain is not None:
        rules = await domains.load(tx, limited=False)
        rules.mark(target, tx.now)


async def erase(tx: Transaction, by: Account | None, target: Account) -> None:
    """Delete a suspended account and all that it posted, for good.

    Raises:
        NotAllowed: the moderator may not do that to them, or it is not suspended.
    """
    await _check(tx, by, target)
    if target.suspended_at is None or await registration.waits(tx, target):
        raise NotAllowed("Only a suspended account can be deleted.")
    await audit.note(tx, by, "account.delete", target.acct, target.id)
    await severing.of_account(tx, target)
    if target.local:
        await accounts.delete_account(tx, target)
    else:
        await departures.bury(tx, target)
