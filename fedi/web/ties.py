"""What somebody does about an account: follow it, mute it, block it, report it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import accounts, attempts, blocks, follows, mutes, reports, rules
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import deeds, forms, visitors
from fedi.web.render import private_page
from fedi.web.views import people

Tie = Callable[[Transaction, Account, Account], Awaitable[Any]]


async def _accept(tx: Transaction, account: Account, other: Account) -> None:
    """Let somebody follow who asked."""
    follow = await follows.find(tx, other.id, account.id)
    if follow is not None:
        await follows.accept(tx, follow)


async def _reject(tx: Transaction, account: Account, other: Account) -> None:
    """Refuse who asked to follow, or have them follow no more."""
    follow = await follows.find(tx, other.id, account.id)
    if follow is not None:
        await follows.reject(tx, follow)


TIES: dict[str, Tie] = {
    "follow": follows.request,
    "unfollow": follows.remove,
    "mute": mutes.add,
    "unmute": mutes.remove,
    "block": blocks.add,
    "unblock": blocks.remove,
    "accept": _accept,
    "reject": _reject,
}
NOBODY = "There is no such account here."
CATEGORIES: dict[str, str] = {
    "spam": "It is spam",
    "violation": "It breaks a rule of this place",
    "legal": "It is against the law",
    "other": "Something else",
}


@visitors.signed_in
async def do(request: Request, visitor: SignedIn) -> Response:
    """`POST /people/ID/TIE`: a button about somebody was pressed."""
    fields = await forms.read(request)
    name: str = request.path_params["tie"]
    tie = TIES.get(name)
    if tie is None:
        raise HTTPException(404, "Nothing of that kind can be done about an account.")
    easel = easel_of(request)
    limit = attempts.FOLLOWS_OF_ACCOUNT if name == "follow" else attempts.DEEDS_OF_ACCOUNT
    attempts.by_account(easel, limit, visitor.account)
    async with easel.database.write() as tx:
        account = await tx.get_one(Account, visitor.account.id)
        await tie(tx, account, await _somebody(tx, request.path_params["id"]))
    goal = visitors.next_path(fields["next"]) if "next" in fields else visitors.back(request)
    return RedirectResponse(goal, 303, {"Cache-Control": "no-store"})


async def _somebody(session: Session, number: int) -> Account:
    found = await accounts.by_id(session, number)
    if found is None or not accounts.is_person(found):
        raise HTTPException(404, NOBODY)
    return found


@visitors.signed_in
async def ask_report(request: Request, visitor: SignedIn) -> Response:
    """`GET /report?post=ID` or `?account=ID`: what is wrong with it?"""
    return await _report_page(request, visitor, forms.parsed(request.url.query))


@visitors.signed_in
async def report(request: Request, visitor: SignedIn) -> Response:
    """`POST /report`: those who run this place are told, and another's if that is wished."""
    fields = await forms.read(request)
    category = fields.get("category", "")
    easel = easel_of(request)
    named = [ids.parse(key.removeprefix("rule-")) or 0 for key in fields if key[:5] == "rule-"]
    try:
        if category not in CATEGORIES:
            raise Invalid("Say what is wrong with it.")
        attempts.by_account(easel, attempts.REPORTS_OF_ACCOUNT, visitor.account)
        async with easel.database.write() as tx:
            account = await tx.get_one(Account, visitor.account.id)
            target, status = await _meant(tx, account, fields)
            await rules.check(tx, named)
            await reports.make(
                tx,
                account,
                target,
                fields.get("comment", ""),
                [status] if status is not None else [],
                forward="forward" in fields,
                category=cast(reports.Category, "violation" if named else category),
                rule_ids=named,
            )
    except SocialError as error:
        return await _report_page(request, visitor, fields, error)
    return private_page(
        request,
        "told.html",
        heading="Thank you",
        words="Those who run this place have been told, and will look at it.",
        ways={"Home": "/home"},
    )


async def _meant(
    session: Session, viewer: Account, fields: dict[str, str]
) -> tuple[Account, Status | None]:
    """Whom a report is about, and by which post."""
    if fields.get("post"):
        status = await deeds.find(session, viewer, ids.parse(fields["post"]) or 0)
        return await _somebody(session, status.account_id), status
    return await _somebody(session, ids.parse(fields.get("account")) or 0), None


async def _report_page(
    request: Request,
    visitor: SignedIn,
    fields: dict[str, str],
    error: SocialError | None = None,
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        target, status = await _meant(session, visitor.account, fields)
        hung = await gallery.of(easel, session, claims.of_account(target))
        known = await rules.every(session)
    return private_page(
        request,
        "report.html",
        status=error.status if error is not None else 200,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        maker=people.maker(target, hung, visitor.account),
        account_id=str(target.id),
        post_id=str(status.id) if status is not None else "",
        host=target.domain or "",
        categories=CATEGORIES,
        rules=known,
        ticked=frozenset(fields),
        longest=reports.MAX_COMMENT,
        category=fields.get("category", ""),
        comment=fields.get("comment", ""),
    )


routes: list[BaseRoute] = [
    Route("/people/{id:int}/{tie}", do, methods=["POST"]),
    Route("/report", ask_report, methods=["GET"]),
    Route("/report", report, methods=["POST"]),
]
