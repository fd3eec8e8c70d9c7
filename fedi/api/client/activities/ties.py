"""Follow, its Accept and Reject, and Block: what people are to each other. What answers anything
else, such as an Offer, means nothing here, and is told to those whom it is for."""

from __future__ import annotations

from activitypub.objects import Activity
from activitypub.objects import activity as made
from fedi.api import auth
from fedi.api.client import envelope, finding
from fedi.api.client.activities import extensions
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.database import Transaction
from fedi.database.tables import Account, Follow
from fedi.social import accounts, activities, blocks, follows
from fedi.social.errors import Invalid, NotFound

NO_REQUEST = "Nobody asks to follow you so."


async def follow(asked: Asked) -> Done:
    """Ask to follow somebody; it holds once they accept. Asked twice, the first one stays where it
    is known that it came."""
    target = await asked.person()
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        whom = await tx.get_one(Account, target.id)
        uri = activities.mint_uri(tx, author)
        row = await follows.request(tx, author, whom, uri=uri)
        return await keep(tx, author, made.follow(row.uri, author.uri, whom.uri), recipients=[whom])


async def accept(asked: Asked) -> Done:
    """Let somebody follow who asks to."""
    if await _of_another_kind(asked):
        return await extensions.tell_on(asked)
    async with asked.easel.database.write() as tx:
        author, row, follower = await _asking(tx, asked)
        uri = activities.mint_uri(tx, author)
        await follows.accept(tx, row, activity_uri=uri)
        done = made.accept(uri, author.uri, row.uri, follower.uri)
        return await keep(tx, author, done, recipients=[follower])


async def reject(asked: Asked) -> Done:
    """Do not let somebody follow who asks to, or not any longer."""
    if await _of_another_kind(asked):
        return await extensions.tell_on(asked)
    async with asked.easel.database.write() as tx:
        author, row, follower = await _asking(tx, asked)
        uri = activities.mint_uri(tx, author)
        done = made.reject(uri, author.uri, row.uri, follower.uri)
        await follows.reject(tx, row, activity_uri=uri)
        return await keep(tx, author, done, recipients=[follower])


async def _of_another_kind(asked: Asked) -> bool:
    """Whether what is answered is an activity, and no Follow. What cannot be read might be one: if
    its author were told of an Accept that changes nothing here, they would think that they follow.

    Raises:
        Invalid: it is a QuoteRequest, which the policy of the post answers.
    """
    uri = asked.activity.object_id or ""
    async with asked.easel.database.read() as session:
        kind = "Follow" if await follows.by_uri(session, uri) is not None else None
    if kind is None and asked.activity.object is not None:
        kind = envelope.kind({"type": "Follow", **asked.activity.object})
    elif kind is None and uri:
        kind = await finding.kind_of(asked.easel, asked.author, uri)
    if kind == "QuoteRequest":
        raise Invalid("Who may quote a post is said by its interactionPolicy.")
    done = kind is not None and envelope.is_activity(kind, asked.activity.object or {})
    another = done and kind not in envelope.NEEDS_OBJECT  # what else we know, nobody answers
    auth.demand(asked.who, "write:statuses" if another else "write:follows")
    return another


async def _asking(tx: Transaction, asked: Asked) -> tuple[Account, Follow, Account]:
    """The author, and the Follow of them that is answered: by its id, or by who asks."""
    author = await asked.whom(tx)
    row = await follows.by_uri(tx, asked.activity.object_id or "")
    if row is None and asked.activity.object is not None:
        inner = envelope.parsed(asked.activity.object)
        asking = await accounts.by_uri(tx, inner.actor or "")
        named = inner.type == "Follow" and inner.object_id == author.uri
        row = await follows.find(tx, asking.id, author.id) if asking and named else None
    if row is None or row.target_account_id != author.id:
        raise NotFound(NO_REQUEST)
    return author, row, await tx.get_one(Account, row.account_id)


async def block(asked: Asked) -> Done:
    """Have nothing to do with somebody any more. Their server alone is told: no other can keep from
    them what the author posts."""
    target = await asked.person()
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        whom = await tx.get_one(Account, target.id)
        row = await blocks.add(tx, author, whom, activities.mint_uri(tx, author))
        return await keep(tx, author, _to_nobody(made.block(row.uri, author.uri, whom.uri)))


def _to_nobody(block: Activity) -> Activity:
    """A Block as its author reads it: addressed to nobody, so that nobody finds it here."""
    return Activity(id=block.id, type=block.type, actor=block.actor, object_id=block.object_id)
