"""What routes are about, found for who asks; what cannot be seen is as if it were not there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from fedi.api.mastodon.route import NO_RECORD
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.social import accounts, statuses
from fedi.social.errors import NotFound


async def account(session: Session, account_id: int) -> Account:
    """Somebody who is there.

    Raises:
        NotFound: nobody, or who was deleted or suspended.
    """
    return there(await accounts.by_id(session, account_id))


def there(found: Account | None) -> Account:
    """Somebody, if they are there and may be seen.

    Raises:
        NotFound: they are not.
    """
    if found is None or not accounts.is_person(found) or found.suspended_at is not None:
        raise NotFound(NO_RECORD)
    return found


async def status(session: Session, viewer: Account | None, status_id: int) -> Status:
    """A status that the viewer may see.

    Raises:
        NotFound: there is none.
    """
    found = await statuses.load(session, viewer, status_id)
    if found is None:
        raise NotFound(NO_RECORD)
    return found


async def accounts_by_id(session: Session, ids: Sequence[int]) -> list[Account]:
    """Those of these who are there, in the same order."""
    if not ids:
        return []
    rows = await session.exec(select(Account).where(col(Account.id).in_(ids)))
    known = {row.id: row for row in rows.all()}
    return [
        known[one]
        for one in ids
        if one in known and accounts.is_person(known[one]) and known[one].suspended_at is None
    ]
