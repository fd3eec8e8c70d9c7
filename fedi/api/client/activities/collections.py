"""Add and Remove, as an app posts them: what an account shows on its profile, and what is in the
collections that it made; and how these are made.

    {"type": "Add", "object": "ID-OF-A-POST", "target": "ID-OF-featured"}
    {"type": "Add", "object": {"type": "Hashtag", "name": "#art"}, "target": "ID-OF-featuredTags"}
    {"type": "Add", "object": "ID", "target": "ID-OF-A-COLLECTION"}

The first two collections stand in the account's own actor document.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.exceptions import HTTPException

from activitypub import origin
from activitypub.errors import Malformed
from activitypub.objects import Activity, Hashtag, values
from fedi.api.client.activities import extensions
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.api.client.envelope import Document
from fedi.database import Session, Transaction
from fedi.database.tables import Account, OutboxActivity
from fedi.federation.outgoing import collections
from fedi.federation.translate import outward
from fedi.social import accounts, activities, featured_tags, pins, statuses
from fedi.social import collections as own
from fedi.social.errors import Invalid, NotFound

NOT_OURS = (
    "Posts go into your own “featured”, Hashtags into your own “featuredTags”, "
    "and anything into a collection that you made."
)
BY_ID = "What is in a collection is named by its id."


async def create(asked: Asked, object_: Document) -> Done:
    """Make a collection, with what is to be in it from the beginning."""
    held = next((object_[name] for name in extensions.MEMBERS if object_.get(name)), ())
    entries = held if isinstance(held, list | tuple) else [held]
    if len(entries) > own.MAX_ITEMS:
        raise Invalid(f"A collection has at most {own.MAX_ITEMS} members.")
    named = [values.uri(entry) or "" for entry in entries]
    async with asked.easel.database.read() as session:
        await own.refuse_too_many(session, asked.author)
        await _check(session, asked.author, named)
    bare = extensions.without_members({**object_, **dict.fromkeys(extensions.MEMBERS)})
    return await extensions.create(asked, bare, named)


async def add(asked: Asked) -> Done:
    """Show a post or a hashtag on the profile, or put something into a collection. Added twice to
    the profile, it is the same Add."""
    return await _change(asked, undone=False)


async def remove(asked: Asked) -> Done:
    """Show a post or a hashtag no longer, or take something out of a collection."""
    return await _change(asked, undone=True)


async def _change(asked: Asked, *, undone: bool) -> Done:
    activity, object_ = asked.activity, asked.activity.object or {}
    try:
        tag = Hashtag.parse(object_) if object_.get("type") == "Hashtag" else None
    except Malformed as error:
        raise HTTPException(400, error.reason) from error
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        if activity.target == author.featured_uri and tag is None:
            made = await _pin(tx, author, activity, undone=undone)
        elif activity.target == outward.featured_tags_uri(author) and tag is not None:
            made = await _feature(tx, author, tag.name, undone=undone)
        else:
            row = await own.find(tx, author, activity.target or "")
            if row is None:
                raise Invalid(NOT_OURS)
            return await _hold(tx, author, activity, row, undone=undone)
        return await keep(tx, author, made, visibility="public")


async def _pin(tx: Transaction, author: Account, activity: Activity, *, undone: bool) -> Activity:
    status = await statuses.load_by_uri(tx, author, activity.object_id or "")
    if status is None:
        raise NotFound("There is no such post.")
    if not undone:
        return collections.pin_activity(author, status, await pins.add(tx, author, status))
    pin = await pins.remove(tx, author, status)
    if pin is None:
        raise NotFound("That post is not pinned.")
    return collections.pin_activity(author, status, pin, undone=True)


async def _feature(tx: Transaction, author: Account, name: str, *, undone: bool) -> Activity:
    change_ = featured_tags.remove if undone else featured_tags.add
    featured, tag = await change_(tx, author, name)
    return collections.tag_activity(tx.instance, author, tag, featured, undone=undone)


async def _hold(
    tx: Transaction, author: Account, activity: Activity, row: OutboxActivity, *, undone: bool
) -> Done:
    """Put something into a collection, or take it out; those are told whom the collection is for.
    What is in it already is not told again."""
    named = [activity.object_id or "", *activity.others]
    if undone:
        changed = await own.remove(tx, row, named) > 0
        if not changed:
            raise NotFound("That is not in the collection.")
    else:
        await _check(tx, author, named)
        changed = bool(await own.add(tx, row, named))
    done = Activity(
        id=activities.mint_uri(tx, author),
        type="Remove" if undone else "Add",
        actor=author.uri,
        object_id=named[0],
        others=tuple(named[1:]),
        target=activity.target,
        to=tuple(row.document.get("to", ())),
        cc=tuple(row.document.get("cc", ())),
    )
    if changed:
        return await extensions.follow_up(tx, author, row, done)
    return await keep(tx, author, done)


async def _check(session: Session, author: Account, uris: Iterable[str]) -> None:
    """Refuse what cannot be in a collection: of what is here, only what its author may see.

    Raises:
        HTTPException: 400 for what has no id.
        NotFound: there is no such thing here.
    """
    for uri in uris:
        place = origin.origin(uri)
        if place is None:
            raise HTTPException(400, BY_ID)
        if place != session.instance.url:
            continue
        if await statuses.load_by_uri(session, author, uri) is not None:
            continue
        if await accounts.by_uri(session, uri) is not None:
            continue
        made = await activities.creation_of(session, uri)
        if made is None or made.account_id != author.id or made.undone_at is not None:
            raise NotFound("There is no such thing that could be in a collection.")
