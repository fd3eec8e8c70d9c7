"""Hashtags as apps get them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import col, select

from fedi.api.mastodon import entities
from fedi.database import Session
from fedi.database.tables import Account, FeaturedTag, FollowedTag, Tag
from fedi.runtime import Easel
from fedi.social import text
from fedi.social.trends import histories
from fedi.social.trends.histories import Day


async def show(
    easel: Easel, session: Session, viewer: Account | None, tags: Sequence[Tag]
) -> list[entities.Tag]:
    """Hashtags, in the same order.

    Args:
        viewer: whose ties to them are told; None: nobody's.
    """
    used = await histories.of_tags(session, [tag for tag in tags if tag.id])
    followed, featured = set[int](), set[int]()
    if viewer is not None and tags:
        wanted = [tag.id for tag in tags]
        follows = select(FollowedTag.tag_id).where(
            FollowedTag.account_id == viewer.id, col(FollowedTag.tag_id).in_(wanted)
        )
        shown = select(FeaturedTag.tag_id).where(
            FeaturedTag.account_id == viewer.id, col(FeaturedTag.tag_id).in_(wanted)
        )
        followed = set((await session.exec(follows)).all())
        featured = set((await session.exec(shown)).all())
    return [
        entities.Tag(
            id=str(tag.id),
            name=tag.display_name,
            url=text.tag_url(tag.name, easel.settings.instance.url),
            history=history(used.get(tag.id, ())),
            following=entities.UNSET if viewer is None else tag.id in followed,
            featuring=entities.UNSET if viewer is None else tag.id in featured,
        )
        for tag in tags
    ]


def history(days: Iterable[Day]) -> list[entities.TagHistory]:
    """How something was used, day by day."""
    return [
        entities.TagHistory(
            day=str(int(day.begins.timestamp())),
            uses=str(day.uses),
            accounts=str(day.accounts),
        )
        for day in days
    ]
