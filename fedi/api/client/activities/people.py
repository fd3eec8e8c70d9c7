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

MAX_REPORTED = 10  # people, by one Flag


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
    """Report people, and posts of theirs, with a reason or without; nobody but those who run this
    instance learns by whom. The server of whom it is about is told if the Flag is addressed to
    somebody there."""
    named = [uri for uri in (asked.activity.object_id, *asked.activity.others) if uri]
    people, posts = await _reported(asked, named)
    told = {origin.origin(uri) for uri in asked.audience().people}
    comment = asked.activity.content or ""
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        shown = [await finding.again(tx, author, status) for status in posts]
        for person in people:
            whom = await tx.get_one(Account, person.id)
            await reports.make(
                tx,
                author,
                whom,
                comment,
                [status for status in shown if status.account_id == whom.id],
                forward=origin.origin(whom.uri) in told,
                category=None if comment else "other",
            )
        uris = [*(person.uri for person in people), *(status.uri for status in shown)]
        done = made.flag(activities.mint_uri(tx, author), author.uri, uris, comment)
        return await keep(tx, author, done)


async def _reported(asked: Asked, named: list[str]) -> tuple[list[Account], list[Status]]:
    """Those whom a Flag is about, and the posts that show why: each of somebody among them.

    Raises:
        Invalid: they are too many.
        NotFound: there is nobody to be reported.
    """
    people: dict[int, Account] = {}
    posts: dict[int, Status] = {}
    async with asked.easel.database.read() as session:
        for uri in named:
            status = await statuses.load_by_uri(session, asked.author, uri)
            if status is None:
                found = await accounts.by_uri(session, uri)
            else:
                posts[status.id] = status
                found = await session.get_one(Account, status.account_id)
            if found is not None:
                people[found.id] = found
    if not people:
        found = await finding.person(asked.easel, next(iter(named), None))
        people[found.id] = found
    if len(people) > MAX_REPORTED:
        raise Invalid(f"At most {MAX_REPORTED} people can be reported at once.")
    if not all(accounts.is_person(person) for person in people.values()):
        raise NotFound("There is nobody to be reported.")
    return list(people.values()), list(posts.values())
