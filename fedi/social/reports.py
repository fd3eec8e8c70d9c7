"""Reports: of accounts here by people elsewhere, and the other way round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Report, Status
from fedi.social import domains, paging, text
from fedi.social.errors import Invalid, NotAllowed
from fedi.social.notifications import report_to_staff
from fedi.social.outbound import tell
from fedi.social.paging import Page

MAX_COMMENT = 5000  # characters that are kept; Mastodon writes 1,000
MAX_STATUSES = 100

Category = Literal["spam", "legal", "violation", "other"]  # Mastodon's


async def receive(
    tx: Transaction, account: Account, uris: Sequence[str], comment: str, uri: str
) -> None:
    """Somebody elsewhere reports accounts of ours, or their posts.

    Args:
        account: who says so; often their server's own actor, so that nobody knows who it was.
        uris: what is reported; what is not ours is passed over.
        comment: why.
        uri: the id of the Flag.

    Raises:
        NotAllowed: reports from their domain are not to be heard.
    """
    if await domains.rejects_reports(tx, account.domain):
        raise NotAllowed("Reports from that domain are not heard.")
    named = await tx.exec(
        select(Account).where(
            col(Account.uri).in_(uris),
            col(Account.domain).is_(None),
            col(Account.deleted_at).is_(None),
        )
    )
    posts = await tx.exec(
        select(Status).where(
            col(Status.uri).in_(uris), col(Status.local).is_(True), col(Status.deleted_at).is_(None)
        )
    )
    about: dict[int, list[int]] = {target.id: [] for target in named.all()}
    for status in posts.all():
        about.setdefault(status.account_id, []).append(status.id)
    for number, (target_id, status_ids) in enumerate(sorted(about.items())):
        report = _new(tx, account.id, target_id, status_ids, comment)
        report.uri = uri if number == 0 else f"{uri}#{number}"
        if await add_once(tx, report):
            await report_to_staff(tx, report.id, account)


async def make(
    tx: Transaction,
    account: Account,
    target: Account,
    comment: str,
    posts: Sequence[Status] = (),
    *,
    forward: bool = True,
    category: Category | None = None,
    rule_ids: Sequence[int] = (),
) -> Report:
    """A local account reports somebody.

    Args:
        posts: posts of the target that show why.
        forward: tell the server of a remote target, without saying who reports.
        category: what it is; who says so need not say why in words.
        rule_ids: which rules are broken.

    Raises:
        Invalid: it is themselves, there is no reason, it is too long, or a post is somebody else's.
    """
    if account.id == target.id:
        raise Invalid("Nobody can report themselves.")
    words = text.clean(comment).strip()
    if not words and category is None:
        raise Invalid("A report needs a reason.")
    if len(words) > MAX_COMMENT:
        raise Invalid(f"A report has at most {MAX_COMMENT} characters.")
    if any(status.account_id != target.id for status in posts):
        raise Invalid("A reported post must be of the account that is reported.")
    report = _new(tx, account.id, target.id, [status.id for status in posts], comment)
    report.forwarded = forward and not target.local
    report.category, report.rule_ids = category or "other", list(rule_ids)
    tx.add(report)
    await tx.flush()
    await report_to_staff(tx, report.id, account)
    if report.forwarded:
        await tell(tx, "flag", report_id=report.id)
    return report


def _new(
    tx: Transaction, account_id: int, target_id: int, status_ids: Sequence[int], comment: str
) -> Report:
    report_id = tx.new_id()
    return Report(
        id=report_id,
        account_id=account_id,
        target_account_id=target_id,
        status_ids=list(status_ids)[:MAX_STATUSES],
        comment=text.clean(comment).strip()[:MAX_COMMENT],
        uri=f"{tx.instance.url}/reports/{report_id}",
        created_at=tx.now,
    )


async def listed(
    session: Session,
    page: Page,
    *,
    resolved: bool = False,
    account_id: int | None = None,
    target_account_id: int | None = None,
) -> list[Report]:
    """Reports, the newest first.

    Args:
        resolved: those that were dealt with, instead of the others.
        account_id, target_account_id: only those by, or about, one account.
    """
    done = col(Report.resolved_at)
    query = select(Report).where(done.is_not(None) if resolved else done.is_(None))
    if account_id is not None:
        query = query.where(Report.account_id == account_id)
    if target_account_id is not None:
        query = query.where(Report.target_account_id == target_account_id)
    return await paging.rows(session, query, page, col(Report.id))


async def statuses_of(session: Session, reports: Sequence[Report]) -> dict[int, Status]:
    """The posts that were reported, by their ids: who settles a report sees them, whoever else
    may. What was deleted since is left out."""
    wanted = {status_id for report in reports for status_id in report.status_ids}
    if not wanted:
        return {}
    rows = await session.exec(
        select(Status).where(col(Status.id).in_(wanted), col(Status.deleted_at).is_(None))
    )
    return {status.id: status for status in rows.all()}


def concerned(reports: Iterable[Report]) -> set[int]:
    """The ids of all accounts in reports: who reports whom, and who sees to it."""
    return {
        account_id
        for report in reports
        for account_id in (
            report.account_id,
            report.target_account_id,
            report.assigned_account_id,
            report.resolved_by_id,
        )
        if account_id is not None
    }


async def resolve(tx: Transaction, report: Report, by: Account | None) -> None:
    """A report is dealt with."""
    if report.resolved_at is None:
        report.resolved_at = tx.now
        report.resolved_by_id = None if by is None else by.id
    await _keep(tx, report)


async def reopen(tx: Transaction, report: Report) -> None:
    """A report is to be dealt with once more."""
    report.resolved_at = report.resolved_by_id = None
    await _keep(tx, report)


async def assign(tx: Transaction, report: Report, to: Account | None) -> None:
    """Somebody of the staff looks after a report; nobody, if None."""
    report.assigned_account_id = None if to is None else to.id
    await _keep(tx, report)


async def sort(
    tx: Transaction, report: Report, category: Category, rule_ids: Sequence[int]
) -> None:
    """Say better what a report is about."""
    report.category, report.rule_ids = category, list(rule_ids)
    await _keep(tx, report)


async def forward(tx: Transaction, report: Report) -> None:
    """Tell the server of whom a report is about, without saying who reports.

    Raises:
        Invalid: it is somebody of ours, the report is not ours, or it was told already.
    """
    if await _is_local(tx, report.target_account_id):
        raise Invalid("That account is of this server: there is nobody else to tell.")
    if not await _is_local(tx, report.account_id):
        raise Invalid("That report came from elsewhere: it is not ours to pass on.")
    if report.forwarded:
        raise Invalid("That server was told already.")
    report.forwarded = True
    await _keep(tx, report)
    await tell(tx, "flag", report_id=report.id)


async def _is_local(session: Session, account_id: int) -> bool:
    found = await session.get(Account, account_id)
    return found is not None and found.local


async def _keep(tx: Transaction, report: Report) -> None:
    report.updated_at = tx.now
    tx.add(report)
    await tx.flush()


async def count(session: Session) -> int:
    """How many nobody has dealt with."""
    query = select(func.count()).select_from(Report).where(col(Report.resolved_at).is_(None))
    return (await session.exec(query)).one()


async def unresolved(session: Session) -> list[Report]:
    """Reports that nobody has dealt with, the newest first."""
    rows = await session.exec(
        select(Report).where(col(Report.resolved_at).is_(None)).order_by(col(Report.id).desc())
    )
    return list(rows.all())
