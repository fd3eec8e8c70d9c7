"""Like and Announce: what people do with posts."""

from __future__ import annotations

from activitypub.objects import activity as made
from fedi.api.client import finding
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.database.tables import Account, Status
from fedi.federation.documents.posts import announce_document
from fedi.social import activities, favourites, reblogs
from fedi.social.errors import Invalid
from fedi.social.visibility import SHOWN_TO_ALL


async def like(asked: Asked) -> Done:
    """Like a post; liked twice, the first Like is the answer."""
    found = await asked.post()
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        status = await finding.again(tx, author, found)
        if status.reblog_of_id is not None:  # a boost stands for what it boosts
            status = await tx.get_one(Status, status.reblog_of_id)
        row = await favourites.add(tx, author, status, activities.mint_uri(tx, author))
        liked = await tx.get_one(Account, status.account_id)
        done = made.like(row.uri, author.uri, status.uri, to=[liked.uri])
        return await keep(tx, author, done, recipients=[liked])


async def announce(asked: Asked) -> Done:
    """Boost a post: to everybody, unless it is addressed, and to followers at most."""
    found = await asked.post()
    addressed = asked.audience()
    named = bool(addressed.to or addressed.cc or addressed.people)
    if named and addressed.visibility == "direct":
        raise Invalid("A boost is for everybody, or for your followers.")
    for_followers = named and addressed.visibility not in SHOWN_TO_ALL
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        status = await finding.again(tx, author, found)
        boost = await reblogs.add(tx, author, status, for_followers=for_followers)
        return Done(await announce_document(tx, boost))
