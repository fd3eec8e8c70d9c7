"""`/api/v1/admin/reports`: what people reported, and who looks after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.admin.access import by, route, row
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, by_id
from fedi.api.mastodon.views import admin as views
from fedi.database import Transaction
from fedi.database.tables import Account, Report
from fedi.social import audit, reports, rules
from fedi.social.reports import Category
from fedi.social.staff import Power

READ, WRITE = "admin:read:reports", "admin:write:reports"
PATH = "/reports"
USUAL = 100  # reports of a page, as Mastodon


class Asked(paging.Asked, kw_only=True):
    resolved: bool = False
    account_id: str = ""
    target_account_id: str = ""


class Sorting(Struct, kw_only=True):
    category: Category | None = None
    rule_ids: list[str] = []


async def many(call: Call) -> Paged:
    asked = await call.read(Asked)
    async with call.easel.database.read() as session:
        found = await reports.listed(
            session,
            asked.page(USUAL),
            resolved=asked.resolved,
            account_id=_id(asked.account_id),
            target_account_id=_id(asked.target_account_id),
        )
        shown = await views.show_reports(call.easel, session, call.account, found)
    return paged(shown, by_id(found))


def _id(text: str) -> int | None:
    return (ids.parse(text) or 0) if text else None


async def one(call: Call) -> entities.AdminReport:
    async with call.easel.database.read() as session:
        found = await row(session, Report, call.id())
        [shown] = await views.show_reports(call.easel, session, call.account, [found])
        return shown


async def sort(call: Call) -> entities.AdminReport:
    asked = await call.read(Sorting)
    named = [ids.parse(rule_id) or 0 for rule_id in dict.fromkeys(asked.rule_ids)]
    async with call.easel.database.write() as tx:
        who, report = await by(tx, call), await row(tx, Report, call.id())
        await rules.check(tx, named)
        category = asked.category or report.category
        await reports.sort(tx, report, category, named if category == "violation" else [])  # type: ignore[arg-type]
        await audit.note(tx, who, "report.update", str(report.id), report.id, category=category)
    return await one(call)


Change = Callable[[Transaction, Report, Account], Awaitable[None]]


def _changing(name: str, change: Change) -> Callable[[Call], Awaitable[entities.AdminReport]]:
    async def handler(call: Call) -> entities.AdminReport:
        async with call.easel.database.write() as tx:
            who, report = await by(tx, call), await row(tx, Report, call.id())
            await change(tx, report, who)
            await audit.note(tx, who, f"report.{name}", str(report.id), report.id)
        return await one(call)

    return handler


async def _unassign(tx: Transaction, report: Report, who: Account) -> None:
    await reports.assign(tx, report, None)


async def _reopen(tx: Transaction, report: Report, who: Account) -> None:
    await reports.reopen(tx, report)


CHANGES: dict[str, Change] = {
    "assign_to_self": reports.assign,
    "unassign": _unassign,
    "resolve": reports.resolve,
    "reopen": _reopen,
}
POWER: Power = "reports"
routes: list[BaseRoute] = [
    route("GET", PATH, many, READ, POWER),
    route("GET", f"{PATH}/{{id}}", one, READ, POWER),
    route("PUT", f"{PATH}/{{id}}", sort, WRITE, POWER),
    *(
        route("POST", f"{PATH}/{{id}}/{name}", _changing(name, change), WRITE, POWER)
        for name, change in CHANGES.items()
    ),
]
