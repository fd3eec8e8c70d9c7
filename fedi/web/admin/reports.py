"""`/admin/reports`: what people reported, who looks after it, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, Report, Rule, Status
from fedi.runtime import easel_of
from fedi.social import moderation, posts, reports, rules, staff, statuses
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.paging import Page
from fedi.social.reports import Category
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors
from fedi.web.admin import access, accounts
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import posts as post_views
from fedi.web.views import staff as views
from fedi.web.views.staff import Reported

LENGTH = 20  # reports on one page
PATH = "/admin/reports"


@access.only("reports")
async def many(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/reports?settled=1&about=ID&by=ID`: reports, the newest first."""
    settled = "settled" in request.query_params
    about, by = cursors.number(request, "about"), cursors.number(request, "by")
    max_id = cursors.max_id(request)
    easel = easel_of(request)
    async with easel.database.read() as session:
        rows = await reports.listed(
            session,
            Page(LENGTH + 1, max_id),
            resolved=settled,
            target_account_id=about,
            account_id=by,
        )
        found = await _shown(request, session, visitor.account, rows[:LENGTH])
    kept = [("settled", "1")] if settled else []
    kept += [(name, str(number)) for name, number in (("about", about), ("by", by)) if number]
    return access.page(
        request,
        visitor,
        "reports",
        "reports",
        reports=found,
        settled=settled,
        tabs=[
            (access.address(PATH, *_without_settled(kept)), "To be settled", not settled),
            (access.address(PATH, ("settled", "1"), *_without_settled(kept)), "Settled", settled),
        ],
        narrowed=bool(about or by),
        older=access.address(PATH, *kept, ("max_id", found[-1].id)) if len(rows) > LENGTH else None,
        newer=access.address(PATH, *kept) if max_id else None,
    )


def _without_settled(kept: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for pair in kept if pair[0] != "settled"]


@access.only("reports")
async def one(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/reports/ID`: all that is known of a report."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    easel, viewer = easel_of(request), visitor.account
    number = access.id_of(request)
    async with easel.database.read() as session:
        report = await session.get(Report, number)
        if report is None:
            raise HTTPException(404, access.NOTHING)
        [shown] = await _shown(request, session, viewer, [report])
        rows = await reports.statuses_of(session, [report])
        found = await posts.assemble(session, rows.values(), viewer)
        hung = await gallery.of(easel, session, claims.of_posts(found))
        known = await rules.every(session)
        others = await reports.listed(session, Page(2), target_account_id=report.target_account_id)
    return access.page(
        request,
        visitor,
        "reports",
        "report",
        error=error,
        report=shown,
        posts=[post_views.shown(post, hung, viewer) for post in found],
        gone=len(set(report.status_ids) - set(rows)),
        others=any(other.id != report.id for other in others),
        categories=views.CATEGORIES,
        rules=known,
        actions=views.actions(local=shown.about_local),
        category=fields.get("category", shown.category),
        ticked=_rules_of(fields) if "category" in fields else shown.rule_ids,
        action=fields.get("action", "none"),
        words=fields.get("words", ""),
        mail="mail" in fields or "action" not in fields,
        longest=moderation.MAX_TEXT,
    )


async def _shown(
    request: Request, session: Session, viewer: Account, rows: Sequence[Report]
) -> list[Reported]:
    people = await posts.accounts_of(session, reports.concerned(rows))
    faces = [claim for account in people.values() for claim in claims.of_account(account)]
    hung = await gallery.of(easel_of(request), session, faces)
    rule_ids = {rule_id for row in rows for rule_id in row.rule_ids}
    known: dict[int, Rule] = {}
    if rule_ids:  # reports name rules that were taken back, too
        held = await session.exec(select(Rule).where(col(Rule.id).in_(rule_ids)))
        known = {rule.id: rule for rule in held.all()}
    return [views.reported(row, people, known, hung, viewer) for row in rows]


def _rules_of(fields: Fields) -> list[int]:
    """The rules that are ticked; 0 stands for what is none."""
    names = [key.removeprefix("rule-") for key in fields if key.startswith("rule-")]
    return [ids.parse(name) or 0 for name in names]


def _place(report: Report) -> str:
    return f"{PATH}/{report.id}"


async def _take(deed: Deed) -> str:
    report = await deed.row(Report)
    await reports.assign(deed.tx, report, deed.who)
    await deed.note("report.assign_to_self", str(report.id), report.id)
    return _place(report)


async def _leave(deed: Deed) -> str:
    report = await deed.row(Report)
    await reports.assign(deed.tx, report, None)
    await deed.note("report.unassign", str(report.id), report.id)
    return _place(report)


async def _settle(deed: Deed) -> str:
    report = await deed.row(Report)
    await reports.resolve(deed.tx, report, deed.who)
    await deed.note("report.resolve", str(report.id), report.id)
    return PATH


async def _reopen(deed: Deed) -> str:
    report = await deed.row(Report)
    await reports.reopen(deed.tx, report)
    await deed.note("report.reopen", str(report.id), report.id)
    return _place(report)


async def _forward(deed: Deed) -> str:
    report = await deed.row(Report)
    await reports.forward(deed.tx, report)
    await deed.note("report.forward", str(report.id), report.id)
    return _place(report)


async def _sort(deed: Deed) -> str:
    report, category = await deed.row(Report), deed.fields.get("category", "")
    if category not in views.CATEGORIES:
        raise Invalid("Say what it is about.")
    named = _rules_of(deed.fields) if category == "violation" else []
    # One that was taken back since may go on standing there, as it stood.
    await rules.check(deed.tx, set(named) - set(report.rule_ids))
    await reports.sort(deed.tx, report, cast(Category, category), named)
    await deed.note("report.update", str(report.id), report.id, category=category)
    return _place(report)


async def _act(deed: Deed) -> str:
    report = await deed.row(Report)
    target = await deed.row(Account, report.target_account_id)
    await moderation.act(
        deed.tx,
        deed.who,
        target,
        accounts.action(deed.fields),
        words=deed.fields.get("words", ""),
        report=report,
        mail="mail" in deed.fields,
    )
    return PATH


async def _delete(deed: Deed) -> str:
    """A post that was reported is taken down."""
    report = await deed.row(Report)
    number = ids.parse(deed.fields.get("post")) or 0
    status = await deed.row(Status, number)
    if status.id not in report.status_ids or status.deleted_at is not None:
        raise NotFound(access.NOTHING)
    author = await deed.row(Account, status.account_id)
    await staff.check_rank(deed.tx, deed.who, author)
    await statuses.delete(deed.tx, status)
    await deed.note("status.delete", status.uri, status.id, report=str(report.id))
    return _place(report)


routes: list[BaseRoute] = [
    Route(PATH, many, methods=["GET"]),
    Route(f"{PATH}/{{id:int}}", one, methods=["GET"]),
    *(
        access.deed(f"/reports/{{id:int}}/{name}", "reports", do, _page)
        for name, do in {
            "take": _take,
            "leave": _leave,
            "settle": _settle,
            "reopen": _reopen,
            "forward": _forward,
            "sort": _sort,
            "act": _act,
            "delete-post": _delete,
        }.items()
    ),
]
