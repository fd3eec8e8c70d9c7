"""`/api/v1/reports`: what is to be looked at by those who run this instance, or another."""

from __future__ import annotations

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, throttle
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import accounts as views
from fedi.api.mastodon.views import reports as report_views
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.social import accounts, reports, rules, statuses
from fedi.social.errors import NotFound
from fedi.social.reports import Category


class Asked(Struct, kw_only=True):
    account_id: str
    status_ids: list[str] = []
    comment: str = ""
    forward: bool = False
    category: Category = "other"
    rule_ids: list[str] = []


async def report(call: Call) -> entities.Report:
    asked = await call.read(Asked)
    call.count(throttle.REPORTS)
    named = [ids.parse(rule_id) or 0 for rule_id in dict.fromkeys(asked.rule_ids)]
    async with call.easel.database.write() as tx:
        account = await tx.get_one(Account, call.account.id)
        target = await tx.get(Account, ids.parse(asked.account_id) or 0)
        if target is None or not accounts.is_person(target):
            raise NotFound(NO_RECORD)
        await rules.check(tx, named)
        made = await reports.make(
            tx,
            account,
            target,
            asked.comment,
            await _posts(tx, account, asked.status_ids),
            forward=asked.forward,
            category="violation" if named else asked.category,
            rule_ids=named,
        )
    async with call.easel.database.read() as session:
        [shown] = await views.show(call.easel, session, [target])
    return report_views.show(made, shown)


async def _posts(session: Session, account: Account, named: list[str]) -> list[Status]:
    """The reported posts, all of which who reports must be able to see."""
    wanted = {ids.parse(status_id) or 0 for status_id in named[: reports.MAX_STATUSES]}
    if not wanted:
        return []
    found = list((await statuses.load_many(session, account, wanted)).values())
    if len(found) != len(wanted):
        raise NotFound(NO_RECORD)
    return found


routes: list[BaseRoute] = [route("POST", "/api/v1/reports", report, "write:reports")]
