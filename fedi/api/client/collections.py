"""Add and Remove, as an app posts them: what an account shows on its profile.

    {"type": "Add", "object": "ID-OF-A-POST", "target": "ID-OF-featured"}
    {"type": "Add", "object": {"type": "Hashtag", "name": "#art"}, "target": "ID-OF-featuredTags"}

Both collections stand in the account's own actor document; no others can be changed so.
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from activitypub.errors import Malformed
from activitypub.objects import Activity, Hashtag
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.outgoing import collections
from fedi.federation.translate import outward
from fedi.runtime import Easel
from fedi.social import featured_tags, pins, statuses
from fedi.social.errors import Invalid, NotFound

TYPES = frozenset({"Add", "Remove"})


async def change(easel: Easel, author: Account, document: dict[str, Any]) -> Activity:
    """Do what an Add or a Remove asks for.

    Args:
        easel: the instance.
        author: whose outbox it was posted to.
        document: the activity; its id and its actor are the app's claims, and passed over.

    Returns:
        The activity that followers get. Added twice, it is the same one.

    Raises:
        HTTPException: 400 for a Hashtag without a name.
        Invalid: the target is another collection, or the object may not be in it.
        NotFound: the object is not there, or is not in it.
    """
    try:
        activity = Activity.parse(document)
        object_ = activity.object or {}
        tag = Hashtag.parse(object_) if object_.get("type") == "Hashtag" else None
    except Malformed as error:
        raise HTTPException(400, error.reason) from error
    undone = activity.type == "Remove"
    async with easel.database.write() as tx:
        if activity.target == author.featured_uri and tag is None:
            return await _pin(tx, author, activity, undone=undone)
        if activity.target == outward.featured_tags_uri(author) and tag is not None:
            return await _feature(tx, author, tag.name, undone=undone)
    raise Invalid("Posts go into your own “featured”, Hashtags into your own “featuredTags”.")


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
