"""What another server shows to one of our accounts, fetched for its apps (`proxyUrl`).

The request is signed by the account's key and by nothing else of it, so that what only it may see
comes, and nothing that only others here may see. What comes is believed of its own origin alone:
what it embeds of another is named by its id, to be asked for there. It is shown as far as it is
addressed to the account: a server that shows everything to everybody is no reason to do so, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

from sqlmodel import col, select

from activitypub import origin
from activitypub.addressing import PUBLIC_NAMES, without_blind
from activitypub.client import FetchError
from activitypub.objects import values
from fedi.database import Session
from fedi.database.tables import Account, Follow, Status
from fedi.federation import newcomers, remote
from fedi.runtime import Easel
from fedi.social import domains, visibility
from fedi.social.errors import Busy, Invalid, NotAllowed, NotFound, SocialError, TooMany

AT_ONCE = 8  # for one account: a page of an inbox names some dozen people
ALL_AT_ONCE = 64  # for all of them, a quarter of the client's connections
AGAIN_S = 2  # after which there may be room
TRY_LATER_S = 60  # after which another server may answer

NOT_THERE = "There is nothing at that address, or nothing for this account."
DEPTH = 5  # a page in a collection, an activity in that, an object in that, and one in that
EMBEDDED = ("object", "first", "last")  # without which there is nothing
BESIDE = ("replies", "likes", "shares", "context")  # without which there still is something
MEMBERS = ("items", "orderedItems")
ADDRESSED = ("to", "cc", "audience", "bto", "bcc")

_under_way: WeakKeyDictionary[Easel, Counter[int]] = WeakKeyDictionary()


async def fetch(easel: Easel, account: Account, uri: str) -> dict[str, Any]:
    """The document at an address elsewhere, as the account may see it.

    Args:
        account: for whom; of here.
        uri: the id of an object of another server.

    Raises:
        NotFound: there is nothing, or nothing for this account.
        NotAllowed: this instance does not federate.
        Invalid: the address may not be reached, or what is there is no ActivityStreams.
        TooMany: the account fetches too much at once.
        Busy: the other server does not answer, or too much is fetched.
    """
    if not easel.settings.federation.enabled:
        raise NotAllowed("This instance does not federate.")
    async with easel.database.read() as session:
        await _known(session, account, uri)
    under_way = _under_way.setdefault(easel, Counter())
    if under_way[account.id] >= AT_ONCE:
        raise TooMany("Too much is fetched for this account at once.", AGAIN_S)
    if under_way.total() >= ALL_AT_ONCE:
        raise Busy("Too much is fetched at once.", AGAIN_S)
    under_way[account.id] += 1
    try:
        await domains.of(easel)  # the client keeps to them
        newcomers.welcome(easel, uri)
        got = await easel.client.get_document(uri, remote.signer_of(account))
    except FetchError as error:
        raise _refusal(error) from error
    finally:
        under_way[account.id] -= 1
    async with easel.database.read() as session:
        document = await _shown(session, account, _own(got.document, origin.origin(got.url)))
    if document is None:
        raise NotFound(NOT_THERE)
    return document


async def _known(session: Session, account: Account, uri: str) -> None:
    """Do not ask for what we know not to be for the account, or to be gone."""
    status = (await session.exec(select(Status).where(Status.uri == uri))).first()
    if status is None:
        return
    if status.deleted_at is not None or (
        await visibility.load(session, account, status.id) is None
    ):
        raise NotFound(NOT_THERE)


def _refusal(error: FetchError) -> SocialError:
    if error.status in {
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE,
    }:  # fmt: skip
        return NotFound(NOT_THERE)
    if not error.permanent:
        return Busy(error.reason, int(error.retry_after or TRY_LATER_S))
    return Invalid(error.reason)


def _own(value: Any, at: str | None) -> Any:
    """A document, with whatever in it is of another origin named by its id alone."""
    if isinstance(value, list):
        return [_own(entry, at) for entry in value]
    if not isinstance(value, Mapping):
        return value
    named = values.web_uri(value.get("id"))
    if named is not None and origin.origin(named) != at:
        return named
    return {name: _own(entry, at) for name, entry in value.items()}


async def _shown(
    session: Session, account: Account, document: Mapping[str, Any]
) -> dict[str, Any] | None:
    """A document without what is not for the account; None, if all of it is not."""
    allowed = await _circles(session, account, set(_named(document)))
    return _pruned(document, allowed)


def _named(part: Mapping[str, Any], depth: int = DEPTH) -> Iterator[str]:
    """All whom a document and its parts are addressed to."""
    yield from _audience(part) or ()
    for inner in [*(part.get(name) for name in EMBEDDED + BESIDE), *_members(part)]:
        if isinstance(inner, Mapping) and depth:
            yield from _named(inner, depth - 1)


def _pruned(
    part: Mapping[str, Any], allowed: Collection[str], depth: int = DEPTH
) -> dict[str, Any] | None:
    addressed = _audience(part)
    if not depth or (addressed is not None and addressed.isdisjoint(allowed)):
        return None
    shown = without_blind(part)
    for name in EMBEDDED:
        if not isinstance(part.get(name), Mapping):
            continue  # an id alone says nothing of what is there
        inner = _pruned(part[name], allowed, depth - 1)
        if inner is None:
            return None
        shown[name] = inner
    for name in BESIDE:
        if isinstance(part.get(name), Mapping):
            shown[name] = _pruned(part[name], allowed, depth - 1)
            if shown[name] is None:
                del shown[name]
    for name in MEMBERS:
        if isinstance(part.get(name), list):
            pruned = [
                _pruned(one, allowed, depth - 1) if isinstance(one, Mapping) else one
                for one in part[name]
            ]
            shown[name] = [one for one in pruned if one is not None]
    return shown


def _members(part: Mapping[str, Any]) -> list[Any]:
    return [one for name in MEMBERS if isinstance(part.get(name), list) for one in part[name]]


def _audience(part: Mapping[str, Any]) -> set[str] | None:
    """To whom something is addressed; its author may always see it. None: it does not say, as
    actors and collections do not."""
    if not any(name in part for name in ADDRESSED):
        return None
    return {uri for name in ADDRESSED for uri in values.uris(part.get(name))} | _authors(part)


def _authors(part: Mapping[str, Any]) -> set[str]:
    named = (values.author(part.get("attributedTo")), values.uri(part.get("actor")))
    return {uri for uri in named if uri is not None}


async def _circles(session: Session, account: Account, named: set[str]) -> set[str]:
    """Those of some addressees that the account is, or belongs to."""
    followed = await session.exec(
        select(Account.followers_uri)
        .join(Follow, col(Follow.target_account_id) == col(Account.id))
        .where(
            col(Follow.account_id) == account.id,
            Follow.state == "accepted",
            col(Account.followers_uri).in_(named - {""}),
        )
    )
    return {*(PUBLIC_NAMES | {account.uri}) & named, *followed.all()}
