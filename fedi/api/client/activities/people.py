"""Move and Flag: accounts that go elsewhere, and those that somebody should look at."""

from __future__ import annotations

from activitypub import origin
from activitypub.objects import activity as made
from fedi.api.client import finding
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.database.tables import Account, Status
from fedi.federation import moving
from fedi.social import accounts, activities, reports, statuses
from fedi.social.errors import Invalid, NotAllowed, NotFound


async def move(asked: Asked) -> Done:
    """Move to another account, which must name this one in `alsoKnownAs`."""
    activity, author = asked.activity, asked.author
    if activity.object_id != author.uri:
        raise NotAllowed("Only you yourself can be moved by you.")
    async with asked.easel.database.write() as tx:
        uri = activities.mint_uri(tx, author)
    target = await moving.move(asked.easel, author.id, activity.target or "", activity_uri=uri)
    async with asked.easel.database.write() as tx:
        done = made.move(uri, author.uri, target.uri, to=[author.followers_uri])
        return await keep(tx, await asked.whom(tx), done, visibility="private")


async def flag(asked: Asked) -> Done:
    """Report somebody, and posts of theirs; nobody but those who run this instance learns by whom.
    The server of whom it is about is told if the Flag is addressed to somebody there."""
    named = [uri for uri in (asked.activity.object_id, *asked.activity.others) if uri]
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        posts: list[Status] = []
        target: Account | None = None
        for uri in named:
            status = await statuses.load_by_uri(tx, author, uri)
            if status is not None:
                posts.append(status)
            else:
                target = await accounts.by_uri(tx, uri) or target
    if target is None and posts:
        async with asked.easel.database.read() as session:
            target = await session.get_one(Account, posts[0].account_id)
    if target is None:
        target = await finding.person(asked.easel, next(iter(named), None))
    if not accounts.is_person(target):
        raise NotFound("There is nobody to be reported.")
    about = origin.origin(target.uri)
    forward = any(origin.origin(uri) == about for uri in asked.audience().people)
    comment = asked.activity.content or ""
    if not comment:
        raise Invalid("A report needs a reason: say it as content.")
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        whom = await tx.get_one(Account, target.id)
        shown = [await finding.again(tx, author, status) for status in posts]
        await reports.make(tx, author, whom, comment, shown, forward=forward)
        uris = [whom.uri, *(status.uri for status in shown)]
        done = made.flag(activities.mint_uri(tx, author), author.uri, uris, comment)
        return await keep(tx, author, done)
