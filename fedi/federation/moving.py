"""Moving between servers, as far as another server has to be asked."""

from __future__ import annotations

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.database.tables import Account
from fedi.federation import remote
from fedi.runtime import Easel
from fedi.social import accounts, letters, moves
from fedi.social.errors import NotFound


async def alias(easel: Easel, account_id: int, other: str) -> Account:
    """Say that another account is the same person, so that it can move here.

    Args:
        account_id: of somebody here.
        other: a handle or an address.

    Returns:
        The other account.

    Raises:
        NotFound, Invalid: see `remote.resolve` and `moves.add_alias`.
    """
    found = await remote.resolve(easel, other)
    async with easel.database.write() as tx:
        await moves.add_alias(tx, await tx.get_one(Account, account_id), found)
    return found


async def unalias(easel: Easel, account_id: int, other: str) -> None:
    """Say so no longer; who is not known here is named by their id.

    Raises:
        Invalid: it was not said.
    """
    async with easel.database.write() as tx:
        known = await accounts.by_handle(tx, other)
        account = await tx.get_one(Account, account_id)
        await moves.remove_alias(tx, account, known.uri if known else other)


async def move(
    easel: Easel, account_id: int, whom: str, *, activity_uri: str | None = None
) -> Account:
    """Move an account of ours to another one, which must name it among its others.

    Args:
        account_id: of somebody here.
        whom: a handle or an address.
        activity_uri: the id of the Move, if it was minted before.

    Returns:
        The new account.

    Raises:
        NotFound: it cannot be had.
        Invalid, NotAllowed: see `moves.move`.
    """
    target = await _fresh(easel, await remote.resolve(easel, whom))
    async with easel.database.write() as tx:
        new = await tx.get_one(Account, target.id)
        old = await tx.get_one(Account, account_id)
        await moves.move_local(tx, old, new, activity_uri=activity_uri)
        # An app may have done it: who has the account hears of it.
        await letters.write(tx, "moved", account_id=old.id, target=new.acct)
    return target


async def _fresh(easel: Easel, target: Account) -> Account:
    """The new account as its server shows it now: its aliases may be minutes old."""
    if origin.origin(target.uri) == easel.settings.instance.url:
        return target
    try:
        return await remote.fetch(easel, target.uri, fresh=True)
    except (FetchError, Malformed) as error:
        raise NotFound(f"{target.acct} cannot be read: {error.reason}") from error
