"""Ties between people: follow, block, mute, note; and what they are to each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from msgspec import Struct
from starlette.routing import BaseRoute, Route

from fedi.api.mastodon import entities, finding, throttle
from fedi.api.mastodon.accounts import ACCOUNTS, numbers
from fedi.api.mastodon.route import Call, route
from fedi.database import Session, Transaction
from fedi.database.tables import Account
from fedi.social import blocks, drafts, follows, mutes, relationships
from fedi.social.relationships import Relation

MAX_MANY = 100  # of whom a relationship is asked for at once
MAX_LANGUAGES = 100  # in which somebody is followed; Mastodon knows 200
MAX_MUTE_S = 100 * 365 * 24 * 3600  # longer is for good


class Many(Struct, kw_only=True):
    id: list[str] = []


class Following(Struct, kw_only=True):
    """None: as it was."""

    reblogs: bool | None = None
    notify: bool | None = None
    languages: list[str] | None = None


class Muting(Struct, kw_only=True):
    notifications: bool = True
    duration: int = 0  # seconds; 0 is for good


class Noting(Struct, kw_only=True):
    comment: str = ""


async def relations(call: Call) -> list[entities.Relationship]:
    asked = await call.read(Many)
    async with call.easel.database.read() as session:
        known = await finding.accounts_by_id(session, numbers(asked.id, MAX_MANY))
        return await show(session, call.account, [account.id for account in known])


async def show(session: Session, account: Account, ids: list[int]) -> list[entities.Relationship]:
    """What these are to an account, in the same order."""
    found = await relationships.of(session, account, ids)
    return [_entity(one, found[one]) for one in ids]


def _entity(id_: int, found: Relation) -> entities.Relationship:
    return entities.Relationship(
        id=str(id_),
        following=found.following,
        showing_reblogs=found.showing_reblogs,
        notifying=found.notifying,
        languages=found.languages,
        followed_by=found.followed_by,
        blocking=found.blocking,
        blocked_by=found.blocked_by,
        muting=found.muting,
        muting_notifications=found.muting_notifications,
        muting_expires_at=entities.optional_moment(found.muting_expires_at),
        requested=found.requested,
        requested_by=found.requested_by,
        domain_blocking=found.domain_blocking,
        endorsed=found.endorsed,
        note=found.note,
    )


Change = Callable[[Transaction, Account, Account, Any], Awaitable[None]]


async def _follow(tx: Transaction, account: Account, target: Account, asked: Following) -> None:
    follow = await follows.request(tx, account, target)
    if asked.reblogs is not None:
        follow.reblogs = asked.reblogs
    if asked.notify is not None:
        follow.notify = asked.notify
    if asked.languages is not None:
        wanted = list(dict.fromkeys(asked.languages))[:MAX_LANGUAGES]
        for tag in wanted:
            drafts.check_language(tag)
        follow.languages = wanted or None
    tx.add(follow)
    await tx.flush()


async def _unfollow(tx: Transaction, account: Account, target: Account, asked: Any) -> None:
    await follows.remove(tx, account, target)


async def _remove_follower(tx: Transaction, account: Account, target: Account, asked: Any) -> None:
    follow = await follows.find(tx, target.id, account.id)
    if follow is not None:
        await follows.reject(tx, follow)


async def _block(tx: Transaction, account: Account, target: Account, asked: Any) -> None:
    await blocks.add(tx, account, target)


async def _unblock(tx: Transaction, account: Account, target: Account, asked: Any) -> None:
    await blocks.remove(tx, account, target)


async def _mute(tx: Transaction, account: Account, target: Account, asked: Muting) -> None:
    lasts = 0 < asked.duration <= MAX_MUTE_S
    until = tx.now + timedelta(seconds=asked.duration) if lasts else None
    await mutes.add(tx, account, target, notifications=asked.notifications, expires_at=until)


async def _unmute(tx: Transaction, account: Account, target: Account, asked: Any) -> None:
    await mutes.remove(tx, account, target)


async def _note(tx: Transaction, account: Account, target: Account, asked: Noting) -> None:
    await relationships.note(tx, account, target, asked.comment)


class Nothing(Struct):
    """Nothing is asked besides."""


def _tie(verb: str, change: Change, scope: str, kind: type[Struct] = Nothing) -> Route:
    """A route that changes one tie, and answers with what they are to each other now."""

    async def handler(call: Call) -> entities.Relationship:
        asked = await call.read(kind)
        if verb == "follow":
            call.count(throttle.FOLLOWS)
        async with call.easel.database.write() as tx:
            target = await finding.account(tx, call.id())
            account = await tx.get_one(Account, call.account.id)
            await change(tx, account, target, asked)
            [shown] = await show(tx, account, [target.id])
        return shown

    return route("POST", f"{ACCOUNTS}/{{id}}/{verb}", handler, scope)


routes: list[BaseRoute] = [
    route("GET", f"{ACCOUNTS}/relationships", relations, "read:follows"),
    _tie("follow", _follow, "write:follows", Following),
    _tie("unfollow", _unfollow, "write:follows"),
    _tie("remove_from_followers", _remove_follower, "write:follows"),
    _tie("block", _block, "write:blocks"),
    _tie("unblock", _unblock, "write:blocks"),
    _tie("mute", _mute, "write:mutes", Muting),
    _tie("unmute", _unmute, "write:mutes"),
    _tie("note", _note, "write:accounts", Noting),
]
