"""Follows that the two ends disagree about, found and mended (FEP-8fcf).

What is for followers only goes to a server by its shared inbox, and that server shows it to those
whom it believes to be followers. So it is told, with each such delivery, who they are.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlmodel import col, select

from activitypub import json, origin, synchronisation
from activitypub.addressing import PUBLIC_NAMES
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.collection import COLLECTION_TYPES, PAGE_TYPES
from activitypub.synchronisation import HEADER, NOBODY, Synchronisation
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Follow
from fedi.federation import remote
from fedi.jobs import Backoff, Claimed, enqueue, handles
from fedi.runtime import Easel
from fedi.social import accounts, activities, follows
from fedi.social.outbound import tell

DIGESTS_KEPT = 64  # accounts whose digests are kept while their posts go out
DIGESTS_FRESH = timedelta(minutes=1)
SETTLED_AFTER = timedelta(minutes=1)  # a follow or its Accept may be on its way
MAX_LISTED = 20_000  # followers that one server lists for ours; of more, none is believed
MAX_PAGES = 20
BACKOFF = Backoff(first=timedelta(minutes=5), factor=6)


# ---- our followers elsewhere --------------------------------------------------------------------


@dataclass
class _Digests:
    """By account: when they were made, and the digest for each origin."""

    kept: OrderedDict[int, tuple[datetime, dict[str, str]]] = field(default_factory=OrderedDict)
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


_digests: WeakKeyDictionary[Easel, _Digests] = WeakKeyDictionary()


def concerns(account: Account, body: bytes) -> bool:
    """Whether an activity is for an account's followers and not for everybody."""
    document = json.decode(body, limit=len(body))
    addressed = {*values.uris(document.get("to")), *values.uris(document.get("cc"))}
    return account.followers_uri in addressed and addressed.isdisjoint(PUBLIC_NAMES)


async def headers(easel: Easel, account: Account, inbox: str) -> dict[str, str]:
    """What goes along with a delivery to an inbox: the digest of the followers at its server."""
    at = origin.origin(inbox)
    if at is None:
        return {}  # no address at all: the delivery will find that out
    told = Synchronisation(
        collection_id=account.followers_uri,
        url=address(account),
        digest=(await _digests_of(easel, account)).get(at, NOBODY),
    )
    return {HEADER: told.header()}


def address(account: Account) -> str:
    """Where an account's followers at one server are listed to that server."""
    return f"{account.uri}/followers_synchronization"


async def _digests_of(easel: Easel, account: Account) -> dict[str, str]:
    """The digest for each origin, made once for a whole fan-out."""
    digests = _digests.setdefault(easel, _Digests())
    async with digests.making:
        known = digests.kept.get(account.id)
        now = easel.clock.now()
        if known is not None and now - known[0] < DIGESTS_FRESH:
            return known[1]
        async with easel.database.read() as session:
            uris = (await session.exec(_followers(account))).all()
        made = await asyncio.to_thread(_by_origin, uris)
        digests.kept[account.id] = now, made
        digests.kept.move_to_end(account.id)
        while len(digests.kept) > DIGESTS_KEPT:
            digests.kept.popitem(last=False)
        return made


def _by_origin(uris: Any) -> dict[str, str]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for uri in uris:
        at = origin.origin(uri)
        if at is not None:
            found[at].append(uri)
    return {at: synchronisation.digest(ids) for at, ids in found.items()}


def _followers(account: Account) -> Any:
    return (
        select(Account.uri)
        .join(Follow, col(Follow.account_id) == col(Account.id))
        .where(
            Follow.target_account_id == account.id,
            Follow.state == follows.ACCEPTED,
            col(Account.domain).is_not(None),
        )
    )


async def followers_at(session: Session, account: Account, at: str) -> list[str]:
    """The followers of an account whose ids are of one origin."""
    query = _followers(account).where(col(Account.uri).startswith(f"{at}/", autoescape=True))
    found = (await session.exec(query.order_by(col(Account.uri)))).all()
    return [uri for uri in found if origin.origin(uri) == at]


# ---- those elsewhere whom ours follow -----------------------------------------------------------


async def take(tx: Transaction, signer: str, received: Mapping[str, str]) -> None:
    """Compare what a sender says of its followers here, if it does, with what we know.

    Args:
        signer: who sent it.
        received: the headers that came with it; their signature was verified.
    """
    value = received.get(HEADER)
    covered = received.get("signature-input") or received.get("signature", "")
    if value is None or HEADER.lower() not in covered.lower():
        return
    try:
        told = Synchronisation.parse(value)
    except Malformed:
        return
    account = await accounts.by_uri(tx, signer)
    if account is None or account.local or told.collection_id != account.followers_uri:
        return
    if not origin.same_origin(told.url, account.uri):
        return
    if told.digest == _digest(await _local_follows(tx, account)):
        return
    await enqueue(
        tx,
        "synchronise",
        {"account_id": account.id, "url": told.url, "digest": told.digest},
        delay=SETTLED_AFTER,
        unique_key=f"synchronise {account.id}",
    )


def _digest(held: Iterable[tuple[Follow, str]]) -> str:
    return synchronisation.digest(uri for follow, uri in held if follow.state == follows.ACCEPTED)


async def _local_follows(session: Session, account: Account) -> list[tuple[Follow, str]]:
    """The follows of ours, and the ids of those who follow."""
    rows = await session.exec(
        select(Follow, Account.uri)
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(Follow.target_account_id == account.id, col(Account.domain).is_(None))
    )
    return [(follow, uri) for follow, uri in rows.all()]


@handles("synchronise", attempts=4, at_once=2, backoff=BACKOFF)
async def synchronise(easel: Easel, job: Claimed) -> None:
    """Read whom an account's server holds for its followers here, and hold the same."""
    async with easel.database.read() as session:
        account = await session.get(Account, job.payload["account_id"])
        if account is None or account.deleted_at is not None:
            return
        before = await _local_follows(session, account)
    held_before = {follow.id for follow, _ in before if follow.state == follows.ACCEPTED}
    if job.payload["digest"] == _digest(before):
        return  # it has settled
    try:
        listed = await _listed(easel, job.payload["url"])
    except Malformed:
        return
    except FetchError as error:
        remote.retry(error)
        return
    async with easel.database.write() as tx:
        held = await _local_follows(tx, account)
        for follow, uri in held:
            # What was accepted while the list was on its way cannot be on it.
            if uri not in listed and follow.state == follows.ACCEPTED and follow.id in held_before:
                await follows.reject(tx, follow)
            elif uri in listed and follow.state == follows.PENDING:
                await follows.accept(tx, follow)
        unknown = listed - {uri for _, uri in held}
        for uri in sorted(uri for uri in unknown if origin.origin(uri) == tx.instance.url):
            await _end(tx, uri, account)
        await job.finish(tx)


async def _end(tx: Transaction, uri: str, account: Account) -> None:
    """Undo a follow that the other side has and we do not."""
    follower = await accounts.by_uri(tx, uri)
    if follower is None or not follower.local or not accounts.is_person(follower):
        return
    await tell(
        tx,
        "undo_follow",
        account_id=follower.id,
        target_account_id=account.id,
        uri=activities.mint_uri(tx, follower),
    )


async def _listed(easel: Easel, url: str) -> set[str]:
    """The followers here, as an account's server lists them: all of them, or an error.

    Raises:
        FetchError: it cannot be had.
        Malformed: it is no such list, or has no end.
    """
    signer = await remote.instance_signer(easel)
    found: set[str] = set()
    following = url
    for _ in range(MAX_PAGES):
        document = (await easel.client.get_document(following, signer)).document
        if values.kind(document) not in COLLECTION_TYPES | PAGE_TYPES:
            raise Malformed("That is no collection.")
        members = document.get("orderedItems", document.get("items"))
        if isinstance(members, list):
            found.update(values.uris(members, MAX_LISTED))
        after = document.get("next") or document.get("first")
        if not isinstance(members, list) and after is None:
            raise Malformed("The collection shows nobody.")
        further = values.web_uri(after)
        if further is None:
            return found
        if len(found) >= MAX_LISTED or not origin.same_origin(further, url):
            break
        following = further
    raise Malformed("The collection is too large.")
