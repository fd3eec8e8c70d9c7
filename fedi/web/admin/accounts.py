"""`/admin/accounts`: who is here and elsewhere, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, AccountWarning, Invite, Login
from fedi.runtime import easel_of
from fedi.social import accounts, audit, moderation, posts, registration, reports, roster
from fedi.social.errors import Invalid, NotAllowed, NotFound, SocialError
from fedi.social.moderation import Action
from fedi.social.paging import Page
from fedi.social.roster import Sought
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import audit as audit_views
from fedi.web.views import people
from fedi.web.views import posts as post_views
from fedi.web.views import staff as views
from fedi.web.views.staff import Person

LENGTH = 40  # accounts on one page
MOST_TOLD = 20  # warnings and deeds about one account that are shown, the newest
PATH = "/admin/accounts"
NOT_WAITING = "That account does not wait to be let in."

WHERE = {"": "Everywhere", "here": "Here", "elsewhere": "On other servers"}
STATES: dict[str, str] = {
    "": "Whatever they are",
    "active": "Nothing is the matter",
    "pending": "Waits to be let in",
    "silenced": "Silenced",
    "sensitized": "Pictures behind a warning",
    "disabled": "Cannot sign in",
    "suspended": "Suspended",
    "staff": "Runs this place",
}


@access.only("users")
async def many(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/accounts?q=WORDS&where=here&state=suspended`: accounts, the newest first."""
    words = request.query_params.get("q", "").replace("\0", "").strip()[: roster.MAX_TEXT]
    where = request.query_params.get("where", "")
    where = where if where in WHERE else ""
    state = request.query_params.get("state", "")
    state = state if state in STATES else ""
    max_id = cursors.max_id(request)
    known_states: list[roster.State] = [state] if state in roster.STATES else []
    sought = Sought(
        words=words,
        local={"here": True, "elsewhere": False}.get(where),
        states=known_states,
        roles=("moderator", "admin") if state == "staff" else None,
    )
    easel = easel_of(request)
    async with easel.database.read() as session:
        rows = await roster.listed(session, sought, Page(LENGTH + 1, max_id))
        found = await _people(request, session, visitor.account, rows[:LENGTH])
    asked = [("q", words), ("where", where), ("state", state)]
    kept = [(name, value) for name, value in asked if value]
    return access.page(
        request,
        visitor,
        "accounts",
        "accounts",
        people=found,
        q=words,
        where=where,
        state=state,
        places=WHERE,
        states=STATES,
        older=access.address(PATH, *kept, ("max_id", found[-1].id)) if len(rows) > LENGTH else None,
        newer=access.address(PATH, *kept) if max_id else None,
    )


async def _people(
    request: Request, session: Session, viewer: Account, rows: Sequence[Account]
) -> list[Person]:
    logins = await _logins(session, rows)
    faces = [claim for account in rows for claim in claims.of_account(account)]
    hung = await gallery.of(easel_of(request), session, faces)
    return [views.person(account, logins.get(account.id), hung, viewer) for account in rows]


async def _logins(session: Session, rows: Sequence[Account]) -> dict[int, Login]:
    ours = [account.id for account in rows if account.local]
    if not ours:
        return {}
    found = await session.exec(select(Login).where(col(Login.account_id).in_(ours)))
    return {login.account_id: login for login in found.all()}


@access.only("users")
async def one(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/accounts/ID`: all that is known of an account, and what can be done."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    easel, viewer = easel_of(request), visitor.account
    number = access.id_of(request)
    async with easel.database.read() as session:
        account = await session.get(Account, number)
        if account is None or not accounts.is_person(account):
            raise HTTPException(404, access.NOTHING)
        login = await session.get(Login, account.id) if account.local else None
        hung = await gallery.of(easel, session, claims.of_account(account))
        told = (
            await session.exec(
                select(AccountWarning)
                .where(AccountWarning.account_id == account.id)
                .order_by(col(AccountWarning.id).desc())
                .limit(MOST_TOLD)
            )
        ).all()
        by = await posts.accounts_of(
            session, {row.by_account_id for row in told if row.by_account_id is not None}
        )
        done = await audit.newest(session, Page(MOST_TOLD), target=account.acct)
        about = await reports.listed(session, Page(MOST_TOLD), target_account_id=account.id)
        made = await reports.listed(session, Page(MOST_TOLD), account_id=account.id)
        host = await _host(session, login)
        waits = await registration.waits(session, account)
    return access.page(
        request,
        visitor,
        "accounts",
        "account",
        error=error,
        person=views.person(account, login, hung, viewer),
        path=people.path_of(account),
        profile=people.profile(account, hung),
        local=account.local,
        facts=_facts(account, login, host),
        reason=login.reason if login is not None else "",
        waits=waits,
        confirmed=login is not None and login.confirmed_at is not None,
        asks=login is not None and login.approved_at is None,
        own=account.id == viewer.id,
        actions=views.actions(local=account.local),
        undoings=views.undoings(account, login),
        erasable=account.suspended_at is not None and not waits,
        told=views.told(told, by),
        done=[audit_views.entry(row) for row in done],
        reports_about=len(about),
        reports_by=len(made),
        action=fields.get("action", "none"),
        words=fields.get("words", ""),
        mail="mail" in fields or "action" not in fields,
        name=fields.get("name", ""),
        longest=moderation.MAX_TEXT,
    )


async def _host(session: Session, login: Login | None) -> str:
    """Who invited somebody."""
    if login is None or login.invite_id is None:
        return ""
    invite = await session.get(Invite, login.invite_id)
    host = await session.get(Account, invite.account_id or 0) if invite is not None else None
    return f"@{host.acct}" if host is not None else "an invitation of this place"


def _facts(account: Account, login: Login | None, host: str) -> list[tuple[str, str]]:
    found = [("Since", post_views.moment(account.created_at).text)]
    if login is not None:
        found += [
            ("Role", login.role if login.role != "user" else ""),
            ("Email", login.email or "none"),
            ("Came from", login.address),
            ("Invited by", host),
            ("Language", login.locale),
        ]
    else:
        found += [("Server", account.domain or ""), ("Address", account.uri)]
    if account.last_status_at is not None:
        found.append(("Last post", post_views.moment(account.last_status_at).text))
    return [(name, text) for name, text in found if text]


def action(fields: Fields) -> Action:
    """What was chosen to be done to an account.

    Raises:
        Invalid: nothing that can be done.
    """
    name = fields.get("action", "")
    if name not in moderation.ACTIONS:
        raise Invalid("Choose what is to be done.")
    return name


async def _person(deed: Deed) -> Account:
    found = await deed.row(Account)
    if not accounts.is_person(found):
        raise NotFound(access.NOTHING)
    return found


async def _act(deed: Deed) -> str:
    target, what = await _person(deed), action(deed.fields)
    words = deed.fields.get("words", "")
    if what == "none" and not words.strip():
        with access.typed("words"):
            raise Invalid("Say what they are to be told.")
    await moderation.act(deed.tx, deed.who, target, what, words=words, mail="mail" in deed.fields)
    return f"{PATH}/{target.id}"


async def _undo(deed: Deed) -> str:
    target, what = await _person(deed), deed.fields.get("what", "")
    if what not in moderation.UNDOINGS:
        raise Invalid("Choose what is to be taken back.")
    await moderation.undo(deed.tx, deed.who, target, what)
    return f"{PATH}/{target.id}"


async def _erase(deed: Deed) -> str:
    target = await _person(deed)
    with access.typed("name"):
        if deed.fields.get("name", "").strip().removeprefix("@") != target.acct:
            raise Invalid("Write the name of the account to delete it.")
    await moderation.erase(deed.tx, deed.who, target)
    return PATH


async def _waiting(deed: Deed) -> tuple[Account, Login]:
    target = await _person(deed)
    login = await deed.tx.get(Login, target.id)
    if login is None or login.approved_at is not None:
        raise NotAllowed(NOT_WAITING)
    return target, login


async def _approve(deed: Deed) -> str:
    target, login = await _waiting(deed)
    await registration.approve(deed.tx, target, login)
    await deed.note("account.approve", target.acct, target.id)
    return "/admin/joining"


async def _reject(deed: Deed) -> str:
    """Nothing stays of them."""
    target, login = await _waiting(deed)
    await deed.note("account.reject", target.acct, target.id)
    await registration.turn_away(deed.tx, target, login)
    return "/admin/joining"


routes: list[BaseRoute] = [
    Route(PATH, many, methods=["GET"]),
    Route(f"{PATH}/{{id:int}}", one, methods=["GET"]),
    *(
        access.deed(f"/accounts/{{id:int}}/{name}", "users", do, _page)
        for name, do in {
            "act": _act,
            "undo": _undo,
            "delete": _erase,
            "approve": _approve,
            "reject": _reject,
        }.items()
    ),
]
