"""Like and EmojiReact."""

from __future__ import annotations

from activitypub.objects import Activity, Emoji
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation.handlers.effects import Effect, status_by_uri
from fedi.runtime import Easel
from fedi.social import favourites, reactions


async def like(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    """A Like; with an emoji that is no heart, a reaction (Misskey)."""
    if emoji(activity) is not None:
        return await react(easel, actor, activity)

    async def effect(tx: Transaction) -> None:
        status = await status_by_uri(tx, activity.object_id)
        if status is not None:
            await favourites.add(tx, actor, status, activity.id)

    return effect


async def react(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    """An EmojiReact (Pleroma, FEP-c0e0)."""
    found = emoji(activity, hearts=activity.type == "EmojiReact")

    async def effect(tx: Transaction) -> None:
        status = await status_by_uri(tx, activity.object_id)
        if status is not None and found is not None and activity.id is not None:
            name, url = found
            await reactions.add(tx, actor, status, name, uri=activity.id, url=url)

    return effect


def emoji(activity: Activity, *, hearts: bool = False) -> tuple[str, str | None] | None:
    """The emoji of an activity and, of a custom one, its image; None for a plain Like.

    What is neither an emoji nor among the `tag`s counts as none: a Like is a Like then.
    """
    words = (activity.content or "").strip()
    if len(words) > 2 and words[0] == words[-1] == ":":
        # Misskey names the server of an emoji that is not its own: `:blobcat@other.example:`
        name = words.strip(":")
        for tag in activity.tags:
            if isinstance(tag, Emoji) and tag.name in {name, name.partition("@")[0]}:
                return name.partition("@")[0], tag.url
        return None
    if not reactions.is_emoji(words) or (words in reactions.HEARTS and not hearts):
        return None
    return words, None
