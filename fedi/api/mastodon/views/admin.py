"""Accounts and reports as moderators get them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from fedi.api.mastodon import entities
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import statuses as status_views
from fedi.database import Session
from fedi.database.tables import Account, Invite, Login, Report, Rule
from fedi.runtime import Easel
from fedi.social import reports
from fedi.social.posts import accounts_of


async def show(
    easel: Easel, session: Session, accounts: Sequence[Account]
) -> list[entities.AdminAccount]:
    """Accounts, in the same order."""
    ids = [account.id for account in accounts]
    logins: dict[int, Login] = {}
    hosts: dict[int, int | None] = {}
    if ids:
        rows = await session.exec(select(Login).where(col(Login.account_id).in_(ids)))
        logins = {row.account_id: row for row in rows.all()}
        codes = {row.invite_id for row in logins.values() if row.invite_id is not None}
        found = await session.exec(select(Invite).where(col(Invite.id).in_(codes)))
        hosts = {row.id: row.account_id for row in found.all()} if codes else {}
    shown = await account_views.show(easel, session, accounts)
    return [
        _account(account, entity, logins.get(account.id), hosts)
        for account, entity in zip(accounts, shown, strict=True)
    ]


def _account(
    account: Account,
    shown: entities.Account,
    login: Login | None,
    hosts: dict[int, int | None],
) -> entities.AdminAccount:
    waits = login is not None and (login.confirmed_at is None or login.approved_at is None)
    address = login.address if login is not None else ""
    invited_by = hosts.get(login.invite_id or 0) if login is not None else None
    app = login.application_id if login is not None else None
    return entities.AdminAccount(
        id=str(account.id),
        username=account.username,
        domain=account.domain,
        created_at=entities.moment(account.created_at),
        email=(login.email or "") if login is not None else "",
        ip=address or None,
        ips=[entities.AdminIp(ip=address, used_at=entities.moment(account.created_at))]
        if address
        else [],
        locale=login.locale if login is not None else "",
        invite_request=(login.reason or None) if login is not None else None,
        role=account_views.role_entity(login.role if login is not None else "user"),
        confirmed=login is not None and login.confirmed_at is not None,
        approved=login is not None and login.approved_at is not None,
        disabled=login is not None and login.disabled_at is not None,
        sensitized=account.sensitized_at is not None,
        silenced=account.silenced_at is not None,
        suspended=account.suspended_at is not None and not waits,
        account=shown,
        created_by_application_id=entities.UNSET if app is None else str(app),
        invited_by_account_id=entities.UNSET if invited_by is None else str(invited_by),
    )


async def show_reports(
    easel: Easel, session: Session, viewer: Account, rows: Sequence[Report]
) -> list[entities.AdminReport]:
    """Reports, in the same order.

    Args:
        viewer: who of the staff looks.
    """
    accounts = await accounts_of(session, reports.concerned(rows))
    people = dict(zip(accounts, await show(easel, session, list(accounts.values())), strict=True))
    posts = await reports.statuses_of(session, rows)
    shown = await status_views.show(easel, session, viewer, list(posts.values()))
    statuses = dict(zip(posts, shown, strict=True))
    rule_ids = {rule_id for row in rows for rule_id in row.rule_ids}
    rules: dict[int, Rule] = {}
    if rule_ids:
        found = await session.exec(select(Rule).where(col(Rule.id).in_(rule_ids)))
        rules = {rule.id: rule for rule in found.all()}
    return [_report(row, people, statuses, rules) for row in rows]


def _report(
    row: Report,
    people: dict[int, entities.AdminAccount],
    statuses: dict[int, entities.Status],
    rules: dict[int, Rule],
) -> entities.AdminReport:
    return entities.AdminReport(
        id=str(row.id),
        action_taken=row.resolved_at is not None,
        action_taken_at=entities.optional_moment(row.resolved_at),
        category=row.category,  # type: ignore[arg-type]
        comment=row.comment,
        forwarded=row.forwarded,
        created_at=entities.moment(row.created_at),
        updated_at=entities.moment(row.updated_at or row.created_at),
        account=people[row.account_id],
        target_account=people[row.target_account_id],
        assigned_account=people.get(row.assigned_account_id or 0),
        action_taken_by_account=people.get(row.resolved_by_id or 0),
        statuses=[statuses[one] for one in row.status_ids if one in statuses],
        rules=[
            entities.Rule(id=str(one), text=rules[one].text, hint=rules[one].hint)
            for one in row.rule_ids
            if one in rules
        ],
    )
