"""Undo: of a Follow, a Like, an Announce, a Block, or anything else that was only told.

It is named by its id, or embedded with what it was done to. Nobody undoes what another did.
"""

from __future__ import annotations

from typing import Any

from sqlmodel import select

from activitypub.objects import Activity
from activitypub.objects import activity as made
from fedi.api import auth
from fedi.api.client import envelope
from fedi.api.client.activities import extensions
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.database import Transaction
from fedi.database.tables import Account, Block, Favourite, Follow, OutboxActivity, Status
from fedi.federation.outgoing.posts import announce_of
from fedi.social import accounts, activities, blocks, favourites, follows, reblogs, statuses
from fedi.social.errors import NotAllowed, NotFound

NOTHING = "There is nothing of yours to be undone so."
NOT_YOURS = "Only who did something can undo it."

# What the token must allow, by what is undone.
SCOPES: dict[type[Any], str] = {
    Status: "write:statuses",
    Follow: "write:follows",
    Favourite: "write:favourites",
    Block: "write:blocks",
    OutboxActivity: "write:statuses",
}

BY_ROWS = frozenset({"Announce", "Block", "Follow", "Like"})  # what holds as long as its row does

Row = Follow | Favourite | Block | Status | OutboxActivity


async def undo(asked: Asked) -> Done:
    """Take back what the author did."""
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        row = await _named(tx, author, asked.activity)
        if row.account_id != author.id:  # what others do is not told by how it is refused
            raise NotFound(NOTHING)
        auth.demand(asked.who, SCOPES[type(row)])
        match row:
            case Follow():
                return await _follow(tx, author, row)
            case Favourite():
                return await _like(tx, author, row)
            case Block():
                return await _block(tx, author, row)
            case Status():
                return await _boost(tx, author, row)
            case _:
                return await extensions.undo(tx, author, row)


async def _named(tx: Transaction, author: Account, activity: Activity) -> Row:
    """What is to be undone: by its id, whoever did it; or what the author did to an object.

    Raises:
        NotFound: there is no such thing.
    """
    uri = activity.object_id
    for find in (follows.by_uri, favourites.by_uri, blocks.by_uri, _boost_by_uri):
        found = await find(tx, uri) if uri else None
        if found is not None:
            return found
    kept = await activities.by_uri(tx, uri) if uri else None
    if kept is not None and kept.undone_at is None and kept.type not in BY_ROWS:
        return kept
    if activity.object is None:
        raise NotFound(NOTHING)
    inner = envelope.parsed(activity.object)
    if inner.actor is not None and inner.actor != author.uri:
        raise NotAllowed(NOT_YOURS)
    done = await _done(tx, author, inner)
    if done is None:
        raise NotFound(NOTHING)
    return done


async def _boost_by_uri(tx: Transaction, uri: str) -> Status | None:
    found = (await tx.exec(select(Status).where(Status.uri == uri))).first()
    boosts = found is not None and found.reblog_of_id is not None and found.deleted_at is None
    return found if boosts else None


async def _done(tx: Transaction, author: Account, inner: Activity) -> Row | None:
    """What the author did to an object."""
    about = inner.object_id or ""
    if inner.type in {"Follow", "Block"}:
        whom = await accounts.by_uri(tx, about)
        find = follows.find if inner.type == "Follow" else blocks.find
        return await find(tx, author.id, whom.id) if whom is not None else None
    if inner.type in {"Like", "Announce"}:
        what = await statuses.load_by_uri(tx, author, about)
        look = favourites.find if inner.type == "Like" else reblogs.find
        return await look(tx, author.id, what.id) if what is not None else None
    return await activities.done_to(tx, author, inner.type, about)


async def _follow(tx: Transaction, author: Account, row: Follow) -> Done:
    target = await tx.get_one(Account, row.target_account_id)
    done = made.undo(f"{row.uri}/undo", made.follow(row.uri, author.uri, target.uri))
    await follows.remove(tx, author, target)
    return await keep(tx, author, done, recipients=[target])


async def _like(tx: Transaction, author: Account, row: Favourite) -> Done:
    status = await tx.get_one(Status, row.status_id)
    liked = await tx.get_one(Account, status.account_id)
    like = made.like(row.uri, author.uri, status.uri, to=[liked.uri])
    done = made.undo(f"{row.uri}/undo", like)
    await favourites.remove(tx, author, status)
    return await keep(tx, author, done, recipients=[liked])


async def _block(tx: Transaction, author: Account, row: Block) -> Done:
    target = await tx.get_one(Account, row.target_account_id)
    block = Activity(id=row.uri, type="Block", actor=author.uri, object_id=target.uri)
    done = made.undo(f"{row.uri}/undo", block)
    await blocks.remove(tx, author, target)
    return await keep(tx, author, done)


async def _boost(tx: Transaction, author: Account, row: Status) -> Done:
    announce = await announce_of(tx, row, author)
    if announce is None:
        raise NotFound(NOTHING)
    done = made.undo(activities.mint_uri(tx, author), announce)
    visibility = row.visibility
    await statuses.delete(tx, row, activity_uri=done.id)
    return await keep(tx, author, done, visibility=visibility)
