"""Whom something of one of ours is addressed to: people, and those in the collections that it
names. These are read as its author may see them, with their signature (ActivityPub 7.1).

Who cannot be had, is gone, or is beyond the limits is left out: one of many must not keep a post
from the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import col, select

from activitypub import origin
from activitypub.addressing import PUBLIC_NAMES
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.collection import COLLECTION_TYPES, PAGE_TYPES
from fedi.database import Session
from fedi.database.tables import Account, Follow
from fedi.federation import newcomers, remote
from fedi.runtime import Easel
from fedi.social import accounts, activities, collections, domains
from fedi.social.drafts import MAX_BLIND
from fedi.social.errors import SocialError
from fedi.social.text import MAX_MENTIONS

# What the collections of one post may lead to.
MAX_MEMBERS = MAX_BLIND - MAX_MENTIONS  # who is named by bto and bcc has room besides
MAX_DEPTH = 3  # collections in collections
MAX_PAGES = 20
MAX_UNKNOWN = 40  # members that nobody here ever heard of: each is asked for at its server
MAX_TIME_S = 30.0  # an app waits for its answer
AT_ONCE = 8

MEMBERS = ("orderedItems", "items")


@dataclass(slots=True)
class Addressees:
    """Whom something is for.

    Attributes:
        people: those that are named, by their ids.
        members: those that only collections name; the author is not among them.
    """

    people: dict[str, Account] = field(default_factory=dict)
    members: list[Account] = field(default_factory=list)


async def find(easel: Easel, author: Account, uris: Sequence[str]) -> Addressees:
    """Those whom something is addressed to, but for its author.

    Args:
        author: of here.
        uris: ids of actors and collections, without Public and the author's own followers.
    """
    await domains.of(easel)  # the client keeps to them
    walk = _Walk(easel, author)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MAX_TIME_S), asyncio.TaskGroup() as tasks:
            for uri in dict.fromkeys(uris):
                tasks.create_task(walk.named(uri))
    order = [uri for uri in uris if uri in walk.people]
    people = {uri: walk.people[uri] for uri in order}
    known = {account.id for account in people.values()} | {author.id}
    return Addressees(people, [one for n, one in walk.members.items() if n not in known])


class _Walk:
    """One reading of all that something is addressed to, within the limits."""

    def __init__(self, easel: Easel, author: Account) -> None:
        self.people: dict[str, Account] = {}
        self.members: dict[int, Account] = {}
        self._easel = easel
        self._author = author
        self._room = asyncio.Semaphore(AT_ONCE)
        self._seen: set[str] = set(PUBLIC_NAMES)  # nobody is delivered to as everybody
        self._pages = MAX_PAGES
        self._unknown = MAX_UNKNOWN

    async def named(self, uri: str) -> None:
        """Find one that is named: somebody, or a collection."""
        async with self._room:
            with contextlib.suppress(FetchError, Malformed, SocialError):
                found = await self._known(uri)
                if found is None and not self._ours(uri):
                    newcomers.welcome(self._easel, uri)
                    document = await self._read(uri)
                    if values.kind(document) in COLLECTION_TYPES:
                        await self._collection(uri, document, MAX_DEPTH)
                        return
                    found = await remote.resolve(self._easel, uri)
                if found is None:
                    await self._local(uri, MAX_DEPTH)
                elif found.uri != self._author.uri and _reached(found):
                    self.people[uri] = found

    async def _member(self, uri: str, depth: int) -> None:
        """Find one that is in a collection."""
        if uri in self._seen or len(self.members) >= MAX_MEMBERS:
            return
        self._seen.add(uri)
        with contextlib.suppress(FetchError, Malformed, SocialError):
            found = await self._known(uri)
            if found is None and not self._ours(uri):
                if self._unknown <= 0:
                    return
                self._unknown -= 1
                await newcomers.meet(self._easel, uri)
                document = await self._read(uri)
                if values.kind(document) in COLLECTION_TYPES:
                    await self._collection(uri, document, depth - 1)
                    return
                found = await remote.account(self._easel, uri)
            if found is None:
                await self._local(uri, depth - 1)
            else:
                self._take(found)

    def _take(self, account: Account) -> None:
        if _reached(account) and len(self.members) < MAX_MEMBERS:
            self.members[account.id] = account

    async def _collection(self, uri: str, document: Mapping[str, Any], depth: int) -> None:
        """Find those in a collection, page by page."""
        part: Mapping[str, Any] = document
        while depth > 0 and len(self.members) < MAX_MEMBERS:
            for name in MEMBERS:
                for member in values.uris(part.get(name), MAX_MEMBERS):
                    await self._member(member, depth)
            after = part.get("next") or part.get("first")
            if isinstance(after, Mapping) and values.kind(after) in PAGE_TYPES:
                part = after  # a first page that came embedded
                continue
            further = values.web_uri(after)
            if further is None or further in self._seen or not origin.same_origin(further, uri):
                return
            self._seen.add(further)
            part = await self._read(further)

    async def _local(self, uri: str, depth: int) -> None:
        """Find those in a collection of ours: of followers or followed, as far as its owner shows
        it to the author; or one that an app made as an object."""
        owner_uri, _, name = uri.rpartition("/")
        async with self._easel.database.read() as session:
            owner = await accounts.by_uri(session, owner_uri)
            if owner is not None and name in {"followers", "following"}:
                if owner.id == self._author.id or not owner.hide_collections:
                    for account in await _tied(session, owner, name):
                        self._take(account)
                return
            row = await activities.creation_of(session, uri)
            shown = row and await activities.load(session, self._author, row.uri)
            if shown is None or not collections.is_collection(shown):
                return
            held = await collections.listed(session, self._author, shown, MAX_MEMBERS)
        await self._collection(uri, {"items": held}, depth)

    async def _known(self, uri: str) -> Account | None:
        async with self._easel.database.read() as session:
            return await accounts.by_uri(session, uri)

    async def _read(self, uri: str) -> Mapping[str, Any]:
        """What another server shows to the author.

        Raises:
            FetchError: it cannot be had, or enough was read.
        """
        if self._pages <= 0 or self._ours(uri):  # pages of ours no app can make
            raise FetchError("Enough was read.")
        self._pages -= 1
        signer = remote.signer_of(self._author)
        return (await self._easel.client.get_document(uri, signer)).document

    def _ours(self, uri: str) -> bool:
        return origin.origin(uri) == self._easel.settings.instance.url


def _reached(account: Account) -> bool:
    """Whether anything can come to somebody."""
    return account.deleted_at is None and account.suspended_at is None


async def _tied(session: Session, owner: Account, name: str) -> Sequence[Account]:
    listed, whose = Follow.account_id, Follow.target_account_id
    if name == "following":
        listed, whose = whose, listed
    query = (
        select(Account)
        .join(Follow, col(listed) == col(Account.id))
        .where(col(whose) == owner.id, Follow.state == "accepted")
        .order_by(col(Follow.id).desc())
    )
    return (await session.exec(query.limit(MAX_MEMBERS))).all()
