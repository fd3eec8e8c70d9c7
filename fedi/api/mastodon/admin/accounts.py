"""`/api/v1/admin/accounts`: who is here and elsewhere, and what is done to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.admin.access import by, route, row
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, by_id
from fedi.api.mastodon.views import admin as views
from fedi.api.mastodon.views.accounts import ROLE_IDS
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Login, Report
from fedi.social import accounts, audit, moderation, registration, roster, staff
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.moderation import UNDOINGS, Action, Undoing

READ, WRITE = "admin:read:accounts", "admin:write:accounts"
PATH = "/accounts"
USUAL = 100  # accounts of a page, as Mastodon
_STAFF = frozenset(name for name, rank in staff.RANKS.items() if rank)
_SECOND_STATES: tuple[roster.State, ...] = (
    "active", "pending", "disabled", "silenced", "suspended"
)  # fmt: skip


class Sought(paging.Asked, kw_only=True):
    """What both forms of the listing take."""

    username: str = ""
    display_name: str = ""
    by_domain: str = ""
    email: str = ""
    ip: str = ""


class First(Sought, kw_only=True):
    local: bool = False
    remote: bool = False
    active: bool = False
    pending: bool = False
    disabled: bool = False
    silenced: bool = False
    suspended: bool = False
    sensitized: bool = False
    staff: bool = False


class Second(Sought, kw_only=True):
    origin: str = ""
    status: str = ""
    permissions: str = ""
    role_ids: list[str] = field(default_factory=list)
    invited_by: str = ""


class Acting(Struct, kw_only=True):
    type: Action = "none"
    report_id: str = ""
    text: str = ""
    send_email_notification: bool = True


def _sought(asked: Sought, **more: Any) -> roster.Sought:
    """What is common to both forms, and what is not."""
    return roster.Sought(
        username=asked.username,
        display_name=asked.display_name,
        email=asked.email,
        domain=asked.by_domain,
        address=asked.ip,
        **more,
    )


async def first_form(call: Call) -> Paged:
    asked = await call.read(First)
    if asked.local and asked.remote:
        return paged([], [])
    sought = _sought(
        asked,
        local=True if asked.local else False if asked.remote else None,
        states=[state for state in roster.STATES if getattr(asked, state)],
        roles=_STAFF if asked.staff else None,
    )
    return await _list(call, asked, sought)


async def second_form(call: Call) -> Paged:
    asked = await call.read(Second)
    roles = {*ROLE_IDS} if not asked.role_ids else {
        name for name, number in ROLE_IDS.items() if number in asked.role_ids
    }  # fmt: skip
    if asked.permissions == "staff":
        roles &= _STAFF
    sought = _sought(
        asked,
        local={"local": True, "remote": False}.get(asked.origin),
        states=[state for state in _SECOND_STATES if state == asked.status],
        roles=roles if asked.role_ids or asked.permissions == "staff" else None,
        invited_by=(ids.parse(asked.invited_by) or 0) if asked.invited_by else None,
    )
    return await _list(call, asked, sought)


async def _list(call: Call, asked: Sought, sought: roster.Sought) -> Paged:
    async with call.easel.database.read() as session:
        found = await roster.listed(session, sought, asked.page(USUAL))
        return paged(await views.show(call.easel, session, found), by_id(found))


async def _person(session: Session, call: Call) -> Account:
    found = await row(session, Account, call.id())
    if not accounts.is_person(found):
        raise NotFound(NO_RECORD)
    return found


async def _shown(call: Call) -> entities.AdminAccount:
    async with call.easel.database.read() as session:
        [shown] = await views.show(call.easel, session, [await _person(session, call)])
        return shown


async def one(call: Call) -> entities.AdminAccount:
    return await _shown(call)


async def _waiting(tx: Transaction, call: Call) -> tuple[Account, Account, Login]:
    who, target = await by(tx, call), await _person(tx, call)
    login = await tx.get(Login, target.id)
    if login is None or login.approved_at is not None:
        raise NotAllowed(staff.NOT_ALLOWED)
    return who, target, login


async def approve(call: Call) -> entities.AdminAccount:
    async with call.easel.database.write() as tx:
        who, target, login = await _waiting(tx, call)
        await registration.approve(tx, target, login)
        await audit.note(tx, who, "account.approve", target.acct, target.id)
    return await _shown(call)


async def reject(call: Call) -> entities.AdminAccount:
    """Turn somebody away; what they were is told once more."""
    async with call.easel.database.write() as tx:
        who, target, login = await _waiting(tx, call)
        [shown] = await views.show(call.easel, tx, [target])
        await audit.note(tx, who, "account.reject", target.acct, target.id)
        await registration.turn_away(tx, target, login)
    return shown


async def delete(call: Call) -> entities.AdminAccount:
    async with call.easel.database.write() as tx:
        who, target = await by(tx, call), await _person(tx, call)
        [shown] = await views.show(call.easel, tx, [target])
        await moderation.erase(tx, who, target)
    return shown


async def act(call: Call) -> dict[str, Any]:
    asked = await call.read(Acting)
    async with call.easel.database.write() as tx:
        who, target = await by(tx, call), await _person(tx, call)
        report = None
        if asked.report_id:
            report = await row(tx, Report, ids.parse(asked.report_id) or 0)
            if report.target_account_id != target.id:
                raise NotFound(NO_RECORD)
        await moderation.act(
            tx,
            who,
            target,
            asked.type,
            words=asked.text,
            report=report,
            mail=asked.send_email_notification,
        )
    return {}


def _undoing(what: Undoing) -> Callable[[Call], Awaitable[entities.AdminAccount]]:
    async def undo(call: Call) -> entities.AdminAccount:
        async with call.easel.database.write() as tx:
            who, target = await by(tx, call), await _person(tx, call)
            await moderation.undo(tx, who, target, what)
        return await _shown(call)

    return undo


POWER: staff.Power = "users"
routes: list[BaseRoute] = [
    route("GET", PATH, first_form, READ, POWER),
    route("GET", "/api/v2/admin/accounts", second_form, READ, POWER),
    route("GET", f"{PATH}/{{id}}", one, READ, POWER),
    route("DELETE", f"{PATH}/{{id}}", delete, WRITE, POWER),
    route("POST", f"{PATH}/{{id}}/approve", approve, WRITE, POWER),
    route("POST", f"{PATH}/{{id}}/reject", reject, WRITE, POWER),
    route("POST", f"{PATH}/{{id}}/action", act, WRITE, POWER),
    *(route("POST", f"{PATH}/{{id}}/{what}", _undoing(what), WRITE, POWER) for what in UNDOINGS),
]
