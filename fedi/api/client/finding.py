"""What an app names by its id: people and posts, of here or fetched from where they are."""

from __future__ import annotations

import contextlib

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import values
from fedi.api.client.audience import Audience
from fedi.api.problems import Problem
from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.federation import addressees as reached
from fedi.federation import newcomers, remote, threads
from fedi.federation.addressees import Addressees
from fedi.runtime import Easel
from fedi.social import accounts, activities, domains, statuses
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.text import MAX_MENTIONS

NO_POST = "There is no such post."
NOBODY = "None of those whom this is for can be found."


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


async def addressees(easel: Easel, author: Account, addressed: Audience) -> Addressees:
    """Those whom something is addressed to, but for its author; who cannot be had is left out.

    Raises:
        Invalid: they are too many.
        Problem: it is for them alone, and none of them can be had.
    """
    if len(addressed.people) > MAX_MENTIONS:
        raise Invalid(f"A post is addressed to at most {MAX_MENTIONS} people.")
    found = await reached.find(easel, author, addressed.people)
    others = [uri for uri in addressed.people if uri != author.uri]
    if others and addressed.visibility == "direct" and not (found.people or found.members):
        raise Problem("no-applicable-addressees", NOBODY)
    return found


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


async def kind_of(easel: Easel, author: Account, uri: str) -> str | None:
    """The type of what is at an address, as far as the author may see it; None if nobody tells."""
    async with easel.database.read() as session:
        kept = await activities.load(session, author, uri)
    if kept is not None:
        return kept.type
    if origin.origin(uri) == easel.settings.instance.url:
        return None
    await domains.of(easel)  # the client keeps to them
    try:
        newcomers.welcome(easel, uri)
        got = await easel.client.get_document(uri, remote.signer_of(author))
        return values.kind(got.document)
    except (FetchError, Malformed):
        return None


async def again(tx: Transaction, account: Account, status: Status) -> Status:
    """A post that was just found, in the transaction that does something to it.

    Raises:
        NotFound: it is gone meanwhile, or not for the account to see any more.
    """
    found = await statuses.load(tx, account, status.id)
    if found is None:
        raise NotFound(NO_POST)
    return found
