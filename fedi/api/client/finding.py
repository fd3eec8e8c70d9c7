"""What an app names by its id: people and posts, of here or fetched from where they are."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.federation import newcomers, remote, threads
from fedi.runtime import Easel
from fedi.social import accounts, statuses
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.text import MAX_MENTIONS

NO_POST = "There is no such post."


async def person(easel: Easel, uri: str | None) -> Account:
    """Somebody by their id.

    Raises:
        Invalid: that is no address, or they are not there any more.
        NotFound: they cannot be found.
    """
    if not uri:
        raise Invalid("Name somebody by their id.")
    async with easel.database.read() as session:
        account = await accounts.by_uri(session, uri)
    if account is None:
        account = await remote.resolve(easel, uri)
    if account.deleted_at is not None:
        raise Invalid(f"{uri} is not there any more.")
    return account


async def people(easel: Easel, author: Account, uris: Sequence[str]) -> dict[str, Account]:
    """Those whom something is addressed to, but for its author.

    Raises:
        Invalid: they are too many.
        NotFound: one of them cannot be found.
    """
    if len(uris) > MAX_MENTIONS:
        raise Invalid(f"A post is addressed to at most {MAX_MENTIONS} people.")
    return {uri: await person(easel, uri) for uri in uris if uri != author.uri}


async def post(easel: Easel, author: Account, uri: str | None, missing: str = NO_POST) -> Status:
    """A post by its id; what the author may not see is as if it were not there.

    Args:
        missing: what is said where it is not.

    Raises:
        NotFound: it is not there.
    """
    for known in (True, False):
        if not uri:
            break
        if not known:
            with contextlib.suppress(FetchError, Malformed, SocialError):
                newcomers.welcome(easel, uri)
                fetched = await remote.status(easel, uri)
                if fetched is not None:
                    async with easel.database.write() as tx:
                        await threads.look_up(tx, fetched)
        async with easel.database.read() as session:
            status = await statuses.load_by_uri(session, author, uri)
        if status is not None:
            return status
    raise NotFound(missing)


async def again(tx: Transaction, account: Account, status: Status) -> Status:
    """A post that was just found, in the transaction that does something to it.

    Raises:
        NotFound: it is gone meanwhile, or not for the account to see any more.
    """
    found = await statuses.load(tx, account, status.id)
    if found is None:
        raise NotFound(NO_POST)
    return found
