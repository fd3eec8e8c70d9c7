"""What somebody looks up by hand: a handle, or the address of a person or a post."""

from __future__ import annotations

from sqlmodel import col, select

from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi import ids
from fedi.database.tables import Account, Status
from fedi.federation import newcomers, remote
from fedi.runtime import Easel
from fedi.social import accounts, statuses, text
from fedi.social.errors import Invalid, NotFound


def is_address(words: str) -> bool:
    """Whether words are an address of the web."""
    return words.startswith(("http://", "https://")) and not any(map(str.isspace, words))


def is_handle(words: str) -> bool:
    """Whether words are `@user@host` or `user@host`."""
    handle = text.clean(words).strip().removeprefix("acct:").removeprefix("@")
    name, _, host = handle.partition("@")
    return bool(name and host) and "@" not in host and not any(map(str.isspace, handle))


async def person(easel: Easel, name: str) -> Account | None:
    """Somebody by their handle or address, asked for elsewhere if need be; None if there is none
    who can be had."""
    try:
        return await remote.resolve(easel, name)
    except (NotFound, Invalid):
        return None


async def post(easel: Easel, viewer: Account, address: str) -> Status | None:
    """A post by its address, its id or that of its page, asked for elsewhere if need be.

    Args:
        easel: the instance.
        viewer: who looks; of what they may not see there is nothing.
    """
    ours = f"{easel.settings.instance.url}/"
    if address.startswith(ours):
        return await _ours(easel, viewer, address)
    newcomers.welcome(easel, address)
    try:
        found = await remote.status(easel, address)
    except (FetchError, Malformed):
        return None
    if found is None:
        return None
    async with easel.database.read() as session:
        return await statuses.load(session, viewer, found.id)


async def address(easel: Easel, viewer: Account, asked: str) -> Account | Status | None:
    """Whatever is at an address, as far as the viewer may see it."""
    async with easel.database.read() as session:
        known = await accounts.by_uri(session, asked)
        if known is None:
            # Their server is theirs (`remote_accounts`); two of one server may say the same page.
            named = await session.exec(select(Account).where(col(Account.url) == asked).limit(2))
            theirs = named.all()
            known = theirs[0] if len(theirs) == 1 else None
        status = await statuses.load_by_uri(session, viewer, asked) if known is None else None
    if status is not None:
        return status
    if known is not None:
        seen = accounts.is_person(known) and known.suspended_at is None
        return await remote.refreshed(easel, known) if seen else None
    if (written := await post(easel, viewer, asked)) is not None:
        return written
    if asked.startswith(f"{easel.settings.instance.url}/"):
        return None
    there = await person(easel, asked)
    return there if there is not None and there.suspended_at is None else None


async def _ours(easel: Easel, viewer: Account, address: str) -> Status | None:
    """The post of one of our pages: `/@alice/ID` or `/users/alice/statuses/ID`."""
    number = ids.parse(address.rstrip("/").rpartition("/")[2])
    if number is None:
        return None
    async with easel.database.read() as session:
        found = await statuses.load(session, viewer, number)
    return found if found is not None and address.rstrip("/") in {found.uri, found.url} else None
