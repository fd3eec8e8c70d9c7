"""Routes of those who run this instance: the token must allow it, and so must the person's role."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlmodel import SQLModel
from starlette.exceptions import HTTPException
from starlette.routing import Route

from fedi.api.mastodon import route as common
from fedi.api.mastodon.route import NO_RECORD, Call, Handler
from fedi.database import Session
from fedi.database.tables import Account, Login
from fedi.social import staff
from fedi.social.errors import Invalid, NotFound
from fedi.social.staff import Power

ADMIN = "/api/v1/admin"
Row = TypeVar("Row", bound=SQLModel)


def route(method: str, path: str, handler: Handler, scope: str, power: Power) -> Route:
    """A route.

    Args:
        path: below `/api/v1/admin`, or a whole one.
        scope: such as `admin:read:accounts`.
        power: what the person must be able to do here.
    """

    async def checked(call: Call) -> Any:
        async with call.easel.database.read() as session:
            login = await session.get(Login, call.account.id)
        if not staff.may(login, power):
            raise HTTPException(403, staff.NOT_ALLOWED)
        return await handler(call)

    whole = path if path.startswith("/api/") else ADMIN + path
    return common.route(method, whole, checked, scope)


async def by(session: Session, call: Call) -> Account:
    """Who acts, as a row of this session."""
    return await session.get_one(Account, call.account.id)


async def row(session: Session, kind: type[Row], id_: int) -> Row:
    """A row by its id.

    Raises:
        NotFound: there is none.
    """
    found = await session.get(kind, id_)
    if found is None:
        raise NotFound(NO_RECORD)
    return found


def moment(text: str, what: str) -> datetime:
    """A day or a moment as apps send it, in UTC if it does not say.

    Raises:
        Invalid: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{what} is no date.") from error
