"""Announcements as apps get them."""

from __future__ import annotations

from fedi.api.mastodon import entities
from fedi.social.announcements import Shown


def announcement(shown: Shown, *, personal: bool = True) -> entities.Announcement:
    """One announcement.

    Args:
        personal: whether it is for one account, rather than for all.
    """
    row = shown.announcement
    return entities.Announcement(
        id=str(row.id),
        content=row.content,
        starts_at=entities.optional_moment(row.starts_at),
        ends_at=entities.optional_moment(row.ends_at),
        all_day=row.all_day,
        published_at=entities.moment(row.published_at),
        updated_at=entities.moment(row.updated_at),
        read=shown.read if personal else entities.UNSET,
        mentions=[],
        statuses=[],
        tags=[],
        emojis=[],
        reactions=[
            entities.Reaction(name=name, count=count, me=mine if personal else entities.UNSET)
            for name, (count, mine) in shown.reactions.items()
        ],
    )
