"""Notifications in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedi.database.tables import Account, AccountWarning, Painting
from fedi.social import text
from fedi.social.notification_lists import Group
from fedi.social.posts import Post
from fedi.studio.remote_files.gallery import Gallery
from fedi.web.views.links import excerpt
from fedi.web.views.people import Maker, maker
from fedi.web.views.pictures import Picture, picture
from fedi.web.views.posts import Moment, moment, post_href

FACES = 6  # of a group that are drawn
EXCERPT = 180  # characters of the post

# What somebody did; {} is what they did it to. And the sign that stands beside it.
_DONE = {
    "follow": ("followed you", "person"),
    "follow_request": ("asks to follow you", "person"),
    "mention": ("mentioned you", "reply"),
    "reblog": ("boosted your post", "boost"),
    "favourite": ("liked your post", "like"),
    "reaction": ("reacted to your post", "like"),
    "quote": ("quoted your post", "reply"),
    "remix": ("remixed your picture", "remix"),
    "update": ("changed a post that you boosted", "write"),
    "quoted_update": ("changed a post that you quoted", "write"),
    "poll": ("ended a poll that you voted in", "bell"),
    "status": ("posted", "bell"),
    "admin.report": ("made a report", "bell"),
    "admin.sign_up": ("signed up", "person"),
}
# What is told of somebody's own; nobody did it.
_NEWS = {
    "scheduled_failed": "A post that you scheduled could not be published.",
    "moderation_warning": "Those who run this place have sent you a warning.",
    "severed_relationships": "Ties of yours were cut: a server is shut out, or somebody is gone.",
    "painting_failed": "Your picture could not be painted.",
    "painting_held": "Your picture is painted. A moderator looks at it before it is shown.",
    "painting_refused": "Your picture is not shown here.",
    "painting_approved": "Your picture may be shown.",
}
# What was done to an account, besides that it was warned. Who cannot sign in reads none of it.
_DONE_TO = {
    "sensitive": "Your pictures are covered until somebody wants to see them.",
    "silence": "What you post is shown only to who follows you.",
}
_PLACES = {"scheduled_failed": "/scheduled"}  # where something can be done about it
_WORDS = frozenset({"mention", "quote", "remix", "status"})  # whose words are what is new


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, and to what.

    Attributes:
        others: how many did it besides the first.
        said: the sentence, after the names.
        href: where the post is, or what can be done; empty without either.
        asks: the account that waits for an answer; empty if none does.
        told: what those who run this place say to them, on lines as they wrote it.
    """

    id: str
    sign: str
    makers: list[Maker]
    others: int
    said: str
    when: Moment
    href: str
    words: str
    language: str | None
    picture: Picture | None
    asks: str
    told: str


def notice(
    group: Group,
    people: Mapping[int, Account],
    about: Mapping[int, Post],
    paintings: Mapping[int, Painting],
    warnings: Mapping[int, AccountWarning],
    gallery: Gallery,
    viewer: Account,
) -> Notice | None:
    """One group of notifications; None if there is nothing to say, as of what is gone."""
    row = group.newest
    post, warning = about.get(row.status_id or 0), warnings.get(row.warning_id or 0)
    if row.type in _NEWS:
        painting = paintings.get(row.painting_id or 0)
        more = painting.error if painting is not None and painting.error else ""
        more = _DONE_TO.get(warning.action, "") if warning is not None else more
        sign = "shield" if warning is not None else "studio"
        said, makers = f"{_NEWS[row.type]} {more}".strip(), []
    elif row.type in _DONE and (row.status_id is None or post is not None):
        said, sign = _DONE[row.type]
        known = [people[one] for one in group.account_ids if one in people]
        makers = [maker(one, gallery, viewer) for one in known[:FACES]]
    else:
        return None
    seen = [] if post is None else [picture(one, post.sensitive, gallery) for one in post.media]
    pictured = [one for one in seen if one.preview and not one.sensitive]
    words = "" if post is None else post.status.spoiler_text or text.plain(post.status.content)
    return Notice(
        id=str(row.id),
        sign=sign,
        makers=makers,
        others=max(0, group.count - 1) if makers else 0,
        said=said,
        when=moment(row.created_at),
        href=post_href(post, viewer) if post is not None else _PLACES.get(row.type, ""),
        words=excerpt(words, EXCERPT),
        language=post.status.language if post is not None else None,
        picture=pictured[0] if pictured and row.type not in _WORDS - {"remix"} else None,
        asks=str(row.from_account_id) if row.type == "follow_request" else "",
        told=warning.text if warning is not None else "",
    )
