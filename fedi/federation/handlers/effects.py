"""What a handler is, and how it finds the rows that an activity speaks of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from activitypub.errors import Malformed
from activitypub.objects import Activity
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import accounts, statuses

Effect = Callable[[Transaction], Awaitable[None]]
"""What is to change, in one transaction."""

Handler = Callable[[Easel, Account, Activity], Awaitable[Effect | None]]
"""`await handler(easel, actor, activity)`: asks other servers what it must, and changes nothing.
Raises `FetchError` and `Malformed`."""


async def local_person(session: Session, uri: str | None) -> Account | None:
    """The person of this instance with this id."""
    account = await accounts.by_uri(session, uri) if uri else None
    return account if account and account.local and accounts.is_person(account) else None


async def status_by_uri(session: Session, uri: str | None) -> Status | None:
    """The status with this id, dead or alive."""
    if uri is None:
        return None
    return (await session.exec(statuses.BY_URI, params={"uri": uri})).first()


def embedded(activity: Activity) -> Activity | None:
    """The embedded activity; None if there is none, or only its id."""
    try:
        return Activity.parse(activity.object) if activity.object is not None else None
    except Malformed:
        return None
