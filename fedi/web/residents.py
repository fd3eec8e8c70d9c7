"""Who lives here, by the name in an address."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException

from fedi.database import Session
from fedi.database.tables import Account
from fedi.social import accounts

NAME = re.compile(r"[A-Za-z0-9_]{1,30}")
NOBODY = "There is nobody of this name here."


async def resident(session: Session, name: str, *, nobody: str = NOBODY) -> Account:
    """A local account that may be seen.

    Raises:
        HTTPException: 410 if it was deleted, 404 if it never was or is hidden.
    """
    account = await accounts.by_handle(session, name) if NAME.fullmatch(name) else None
    if account is None or not account.local or account.suspended_at is not None:
        raise HTTPException(404, nobody)
    if account.deleted_at is not None:
        raise HTTPException(410, "This account was deleted.")
    if not accounts.is_person(account):  # the instance's own actor
        raise HTTPException(404, nobody)
    return account
