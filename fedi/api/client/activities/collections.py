"""Add and Remove, as an app posts them: what an account shows on its profile.

    {"type": "Add", "object": "ID-OF-A-POST", "target": "ID-OF-featured"}
    {"type": "Add", "object": {"type": "Hashtag", "name": "#art"}, "target": "ID-OF-featuredTags"}

Both collections stand in the account's own actor document; no others can be changed so.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException

from activitypub.errors import Malformed
from activitypub.objects import Activity, Hashtag
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.outgoing import collections
from fedi.federation.translate import outward
from fedi.social import featured_tags, pins, statuses
from fedi.social.errors import Invalid, NotFound


async def add(asked: Asked) -> Done:
    """Show a post or a hashtag on the profile. Added twice, it is the same Add."""
    return await _change(asked, undone=False)


async def remove(asked: Asked) -> Done:
    """Show a post or a hashtag no longer."""
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
            raise Invalid(
                "Posts go into your own “featured”, Hashtags into your own “featuredTags”."
            )
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
