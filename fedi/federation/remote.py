"""People and posts on other servers: found, fetched, refreshed.

Nothing here holds a transaction while it waits for another server.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy import bindparam
from sqlmodel import select

from activitypub import origin, webfinger
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity, Actor, Note, values
from activitypub.objects.note import NOTE_TYPES
from activitypub.signatures import Signer
from fedi.database import Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, Status
from fedi.federation import arrivals, newcomers
from fedi.federation.translate import inward
from fedi.jobs import Backoff, Retry
from fedi.runtime import Easel
from fedi.social import accounts, domains, remote_accounts, statuses, text
from fedi.social.errors import Invalid, NotFound
from fedi.social.visibility import SHOWN_TO_ALL

ACTOR_AGE = timedelta(days=1)  # an actor is read again after so long, as Mastodon does
ACTORS_REMEMBERED = 256  # actor documents that were just fetched, for a key or a refresh
ACTOR_MEMORY = timedelta(minutes=1)
# Who could not be read again is left alone for so long, however much they say meanwhile.
UNREAD = Backoff(first=timedelta(hours=1), factor=2, most=timedelta(hours=12), jitter=0.1)
UNREAD_REMEMBERED = 2048  # of them; who is forgotten is only asked sooner

_ACCOUNTS = table_of(Account).c
_IDS = sqlalchemy.select(_ACCOUNTS.uri, _ACCOUNTS.id).where(
    _ACCOUNTS.uri.in_(bindparam("uris", expanding=True)), _ACCOUNTS.deleted_at.is_(None)
)

Belongs = Callable[[Note], bool]
"""Whether a post that was fetched is the one that was wanted."""

_signers: WeakKeyDictionary[Easel, Signer] = WeakKeyDictionary()
_fetched: WeakKeyDictionary[Easel, OrderedDict[str, tuple[datetime, Actor]]] = WeakKeyDictionary()
_unread: WeakKeyDictionary[Easel, OrderedDict[str, tuple[int, datetime]]] = WeakKeyDictionary()


def retry(error: FetchError) -> None:
    """What a job does where something could not be read: it is tried again, as soon as the other
    server asks for it at the earliest. Where that would be of no use, nothing is raised.

    Raises:
        Retry: it may be readable later.
    """
    if not error.permanent:
        raise Retry(error.reason, asked=error.retry_after) from error


async def instance_signer(easel: Easel) -> Signer:
    """Who signs what the instance itself asks for: servers with authorised fetch demand it."""
    await domains.of(easel)  # the client keeps to them
    signer = _signers.get(easel)
    if signer is None:
        async with easel.database.write() as tx:
            actor = await accounts.ensure_instance_actor(tx)
        signer = _signers[easel] = signer_of(actor)
    return signer


def signer_of(account: Account) -> Signer:
    """Who signs as a local account."""
    assert account.private_key_pem is not None
    return Signer(account.public_key_id, account.private_key_pem)


async def resolve(easel: Easel, name: str) -> Account:
    """The account of a handle (`user@host`, `user` for one of ours) or of an actor's address.

    Raises:
        NotFound: there is none, or its server does not answer.
        Invalid: that is neither a handle nor an address.
    """
    await domains.of(easel)  # the client keeps to them
    name = text.clean(name).strip().removeprefix("acct:").removeprefix("@")
    try:
        if name.startswith(("http://", "https://")):
            newcomers.welcome(easel, name)
            return await _at(easel, name)
        async with easel.database.read() as session:
            known = await accounts.by_handle(session, name)
        if known is not None and accounts.is_person(known):
            return await refreshed(easel, known)
        if "@" not in name or name.endswith(f"@{easel.settings.instance.domain}"):
            raise NotFound(f"There is no account {name} here.")
        found = await webfinger.resolve(easel.client, name)
        newcomers.welcome(easel, found.actor_uri)
        return await _at(easel, found.actor_uri)
    except Malformed as error:
        raise Invalid(error.reason) from error
    except FetchError as error:
        raise NotFound(f"{name} cannot be found: {error.reason}") from error


async def account(easel: Easel, uri: str) -> Account:
    """The account with this id: known and fresh, or fetched.

    Raises:
        FetchError: it cannot be had, or what is there is somebody else.
        Malformed: what is there is no actor.
    """
    async with easel.database.read() as session:
        known = await accounts.by_uri(session, uri)
    return await refreshed(easel, known) if known is not None else await fetch(easel, uri)


async def _at(easel: Easel, address: str) -> Account:
    """The account that an address leads to: it need not be its id, but may be that of its page."""
    async with easel.database.read() as session:
        known = await accounts.by_uri(session, address)
    if known is not None:
        return await refreshed(easel, known)
    found = await _stored(easel, await actor_of(easel, address, fresh=False))
    if found.featured_uri is not None:
        async with easel.database.write() as tx:
            await arrivals.expect_pins(tx, [found])
    return found


async def refreshed(easel: Easel, known: Account) -> Account:
    """A known account, read again if that was long ago.

    Args:
        easel: the instance.
        known: the account as it is stored.

    Returns:
        The account as it is now; the old one, if its server does not tell. Then it is asked again
        an hour later, and later still if that is in vain, too.
    """
    read, now = known.fetched_at, easel.clock.now()
    if known.local or known.deleted_at or (read and now - read < ACTOR_AGE):
        return known
    unread = _unread.setdefault(easel, OrderedDict())
    failures, until = unread.get(known.uri, (0, now))
    if now < until:
        return known
    # Noted before it is tried: what they say meanwhile does not ask once more.
    unread[known.uri] = failures + 1, now + UNREAD.wait(failures + 1)
    unread.move_to_end(known.uri)
    while len(unread) > UNREAD_REMEMBERED:
        unread.popitem(last=False)
    try:
        found = await fetch(easel, known.uri)
    except (FetchError, Malformed):
        return known
    unread.pop(known.uri, None)
    return found


async def fetch(easel: Easel, uri: str, *, fresh: bool = False) -> Account:
    """Read an actor from its server, confirm its handle by WebFinger, and store it.

    Args:
        fresh: do not use what was read a moment ago.

    Raises:
        FetchError: it cannot be had, or its handle is not confirmed; or what is there is somebody
            else, as whom nobody acts by pointing to them.
        Malformed: what is there is no actor.
    """
    actor = await actor_of(easel, uri, fresh=fresh)
    if actor.id != uri:
        raise FetchError(f"{uri} is not the id of who is there.")
    return await _stored(easel, actor)


async def _stored(easel: Easel, actor: Actor) -> Account:
    handle = await webfinger.confirm(easel.client, actor)
    if handle is None:
        raise FetchError(f"WebFinger does not confirm the handle of {actor.id}.")
    described = inward.remote_account(actor, handle)
    found = described, await domains.of(easel)
    try:
        saved = await easel.database.in_bulk(_save, found)
    except Invalid as error:
        raise FetchError(str(error)) from error
    if saved.deleted_at is not None:
        raise FetchError(f"{actor.id} is deleted.", status=410)
    return saved


async def _save(
    tx: Transaction, several: Sequence[tuple[remote_accounts.RemoteAccount, domains.Rules]]
) -> list[Account]:
    """Store accounts as their servers describe them, under the rules for their domains."""
    saved = await remote_accounts.save_all(tx, [described for described, _ in several])
    for account, (_, rules) in zip(saved, several, strict=True):
        if account.deleted_at is None:
            rules.mark(account, tx.now)
    await arrivals.expect_pins_of_followed(
        tx, [each for each in saved if each.deleted_at is None and each.suspended_at is None]
    )
    return saved


class NoActor(Malformed):
    """What is at an actor's address is `document`, which is no actor."""

    def __init__(self, reason: str, document: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.document = document


async def actor_of(easel: Easel, uri: str, *, fresh: bool) -> Actor:
    """An actor's document, from its own origin; it may be one that was read a moment ago.

    Args:
        fresh: it may not.

    Raises:
        FetchError: it cannot be had.
        NoActor: what is there is something else.
    """
    if origin.origin(uri) == easel.settings.instance.url:
        raise FetchError("That is an address of this instance.")
    remembered = _fetched.setdefault(easel, OrderedDict())
    known = remembered.get(uri)
    now = easel.clock.now()
    if known is not None and not fresh and now - known[0] < ACTOR_MEMORY:
        return known[1]
    await newcomers.meet(easel, uri)
    got = await easel.client.get_document(uri, await instance_signer(easel))
    try:
        actor = Actor.parse(got.document)
    except Malformed as error:
        raise NoActor(error.reason, got.document) from error
    for name in {uri, actor.id}:
        remembered[name] = (now, actor)
        remembered.move_to_end(name)
    while len(remembered) > ACTORS_REMEMBERED:
        remembered.popitem(last=False)
    return actor


async def is_gone(easel: Easel, uri: str) -> bool:
    """Whether an actor's own server says, now, that they are deleted."""
    try:
        await actor_of(easel, uri, fresh=True)
    except FetchError as error:
        return error.gone
    except Malformed:
        return False
    return False


async def status(
    easel: Easel,
    uri: str,
    *,
    live: bool = False,
    relayed: bool = False,
    belongs: Belongs | None = None,
) -> Status | None:
    """A post by its id: known, or fetched from its own server and stored.

    Args:
        live: it is news (a group told us of it) and goes to those who follow its author.
        relayed: a relay told us of it, and nobody here asked for it.
        belongs: whether it is what is looked for; what is not is not stored.

    Returns:
        None if it is there but nobody here may see it, or it is dead.

    Raises:
        FetchError: it cannot be had.
        Malformed: what is there is no post.
    """
    async with easel.database.read() as session:
        found = await session.exec(select(Status).where(Status.uri == uri))
        known = found.first()
    if known is not None:
        return known if known.deleted_at is None else None
    if origin.origin(uri) == easel.settings.instance.url:
        return None
    await newcomers.meet(easel, uri)
    got = await easel.client.get_document(uri, await instance_signer(easel))
    document: Mapping[str, Any] = got.document
    if values.kind(document) not in NOTE_TYPES:
        document = _created(Activity.parse(document))
    note = Note.parse(document)
    if note.id is None or note.attributed_to is None:
        raise Malformed("The post has no id or no author.")
    if origin.may_speak(note.attributed_to, document) is not None:
        raise Malformed("The post is not its author's.")
    if belongs is not None and not belongs(note):
        raise Malformed("The post is not what it was listed as.")
    author = await account(easel, note.attributed_to)
    if author.suspended_at is not None or author.deleted_at is not None:
        return None
    async with easel.database.write() as tx:
        known_actors = await ids_of(tx, inward.addressed_actors(note))
        received = inward.received(note, author, known_actors)
        fetched = await statuses.receive(tx, author, received, live=live, relayed=relayed)
        await arrivals.expect(easel, tx, fetched)
        return fetched


async def reread(easel: Easel, known: Status) -> Mapping[str, Any] | None:
    """The document of a post that is here, as its own server shows it now; None if it is gone.

    Raises:
        FetchError: that cannot be told. To us what is not for everybody may be 404, and there all
            the same.
    """
    try:
        got = await easel.client.get_document(known.uri, await instance_signer(easel))
    except FetchError as error:
        missing = error.status == HTTPStatus.NOT_FOUND and known.visibility in SHOWN_TO_ALL
        if error.gone or missing:
            return None
        raise
    return None if values.kind(got.document) == "Tombstone" else got.document


def _created(activity: Activity) -> Mapping[str, Any]:
    """The post that a fetched Create brings. Its actor must be of the origin that said so: the
    embedded object is only held against the actor."""
    wrapped = origin.embedded(activity) if activity.type == "Create" else None
    if wrapped is None or not origin.same_origin(activity.id, activity.actor):
        raise Malformed("What is there is no post.")
    return wrapped


async def ids_of(tx: Transaction, uris: Sequence[str]) -> dict[str, int]:
    """The ids of those of these actors that we know."""
    if not uris:
        return {}
    rows = await tx.execute_core(_IDS, {"uris": uris})
    return {row.uri: row.id for row in rows}
