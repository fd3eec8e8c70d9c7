"""Everybody whom this instance knows, as those who run it look for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import func
from sqlmodel import col, or_, select

from fedi.database import Session
from fedi.database.tables import Account, Invite, Login
from fedi.social import paging
from fedi.social.paging import Page

State = Literal["active", "pending", "disabled", "silenced", "suspended", "sensitized"]
STATES: tuple[State, ...] = get_args(State)
MAX_TEXT = 300  # characters of what is looked for

# Whoever has shown that their address is theirs, and waits to be let in.
_ASKING = col(Login.approved_at).is_(None) & col(Login.confirmed_at).is_not(None)


@dataclass(frozen=True, slots=True)
class Sought:
    """Who is looked for; all of it holds.

    Attributes:
        words: the beginning of a handle, a name or an email address.
        username, display_name, email: their beginnings.
        domain: that of another server.
        address: the IP address that they came from.
        local: ours, or everybody else.
        states: in which they are, all at once.
        roles: which of ours, by what they may do.
        invited_by: whose invitation they came by.
    """

    words: str = ""
    username: str = ""
    display_name: str = ""
    email: str = ""
    domain: str = ""
    address: str = ""
    local: bool | None = None
    states: Collection[State] = ()
    roles: Collection[str] | None = None
    invited_by: int | None = None


async def listed(session: Session, sought: Sought, page: Page) -> list[Account]:
    """Accounts, the newest first; those that were deleted, and our own actor, are left out."""
    query = (
        select(Account)
        .outerjoin(Login, col(Login.account_id) == col(Account.id))
        .where(
            col(Account.deleted_at).is_(None),
            or_(col(Account.domain).is_not(None), col(Account.actor_type) != "Application"),
            *_conditions(sought),
        )
    )
    return await paging.rows(session, query, page, col(Account.id))


async def asking(session: Session, *, limit: int) -> list[tuple[Account, Login]]:
    """Those who wait to be let in, the first first."""
    found = await session.exec(
        select(Account, Login)
        .join(Login, col(Login.account_id) == col(Account.id))
        .where(_ASKING)
        .order_by(col(Account.id))
        .limit(limit)
    )
    return list(found.all())


async def count_asking(session: Session) -> int:
    """How many wait to be let in."""
    return (await session.exec(select(func.count()).select_from(Login).where(_ASKING))).one()


def _conditions(sought: Sought) -> list[Any]:
    found = [_in_state(state) for state in sought.states]
    if sought.words:
        words = sought.words[:MAX_TEXT].removeprefix("@")
        columns = (Account.handle, Account.username, Account.display_name, Login.email)
        found.append(or_(*(_begins(col(column), words) for column in columns)))
    for column, text in (
        (Account.username, sought.username.removeprefix("@")),
        (Account.display_name, sought.display_name),
        (Login.email, sought.email),
    ):
        if text:
            found.append(_begins(col(column), text))
    if sought.domain:
        found.append(col(Account.domain) == sought.domain.lower())
    if sought.address:
        found.append(col(Login.address) == sought.address)
    if sought.local is not None:
        local = col(Account.domain).is_(None)
        found.append(local if sought.local else ~local)
    if sought.roles is not None:
        found.append(col(Login.role).in_(sought.roles))
    if sought.invited_by is not None:
        codes = select(Invite.id).where(Invite.account_id == sought.invited_by)
        found.append(col(Login.invite_id).in_(codes))
    return found


def _in_state(state: State) -> Any:
    login = col(Login.account_id)
    waits = col(Login.confirmed_at).is_(None) | col(Login.approved_at).is_(None)
    match state:
        case "active":
            free = col(Account.suspended_at).is_(None) & col(Account.silenced_at).is_(None)
            return free & (login.is_(None) | col(Login.disabled_at).is_(None))
        case "pending":
            return login.is_not(None) & col(Login.approved_at).is_(None)
        case "disabled":
            return login.is_not(None) & col(Login.disabled_at).is_not(None)
        case "silenced":
            return col(Account.silenced_at).is_not(None)
        case "suspended":
            return col(Account.suspended_at).is_not(None) & (login.is_(None) | ~waits)
        case "sensitized":
            return col(Account.sensitized_at).is_not(None)


def _begins(column: Any, text: str) -> Any:
    return column.istartswith(text, autoescape=True)
