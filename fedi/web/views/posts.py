"""Posts, alone, in threads and on walls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from activitypub import origin
from fedi.database.tables import Account, LinkPreview, Poll
from fedi.social import polls
from fedi.social.posts import Post
from fedi.studio.remote_files import claims
from fedi.studio.remote_files.gallery import Gallery
from fedi.web import emojis
from fedi.web.views.links import excerpt, safe_link
from fedi.web.views.people import Maker, maker, path_of
from fedi.web.views.pictures import LABELS, Picture, picture

TITLE_LENGTH, DESCRIPTION_LENGTH = 120, 160  # characters of a page that a post links to

_AUDIENCES = {
    "public": "Public",
    "unlisted": "Quiet public",
    "private": "Followers",
    "direct": "Only who is named",
}


@dataclass(frozen=True, slots=True)
class Moment:
    iso: str
    text: str
    day: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture on a wall, which leads to its post."""

    picture: Picture
    maker: Maker
    href: str
    warning: str


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen in a poll; `share` of those who voted chose it, in percent: None if nobody
    is to know yet. `mine`: who looks chose it."""

    title: str
    share: int | None
    mine: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A poll. `votable`: who looks can still vote; `id` is that of the post."""

    id: str
    options: list[Option]
    voters: int
    ends: Moment | None
    closed: bool
    multiple: bool
    votable: bool


@dataclass(frozen=True, slots=True)
class Linked:
    """A page that a post links to; `picture` is under our own origin, or there is none."""

    href: str
    title: str
    host: str
    description: str
    picture: str
    alt: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A post."""

    href: str
    maker: Maker
    boosted_by: Maker | None
    content: Markup
    spoiler: str
    warning: Markup  # the spoiler with its emoji
    language: str | None
    pictures: list[Picture]
    described: list[str]
    label: str
    model: str
    remix_of: str | None
    audience: str
    poll: Asked | None
    linked: Linked | None
    quote: Shown | None
    created: Moment
    edited: Moment | None
    replies: int
    boosts: int
    favourites: int
    deeds: Deeds | None
    filtered: str = ""  # the names of what warns of it (`web.sifting`)


@dataclass(frozen=True, slots=True)
class Deeds:
    """What who is signed in has done with a post, and may do."""

    id: str
    own: bool
    liked: bool
    boosted: bool
    kept: bool
    pinned: bool
    muted: bool
    boostable: bool
    pinnable: bool


def moment(when: datetime) -> Moment:
    iso = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Moment(iso, f"{when.day} {when:%B %Y, %H:%M} UTC", f"{when.day} {when:%b %Y}")


def shown(post: Post, gallery: Gallery, viewer: Account | None = None) -> Shown:
    """A post; of a boost, the post that was boosted.

    Args:
        viewer: who is signed in: all that it leads to is here then, and it says what they can do.
    """
    booster = None
    if post.reblog is not None:
        booster, post = maker(post.account, gallery, viewer), post.reblog
    status = post.status
    pictures = [picture(media, post.sensitive, gallery) for media in post.media]
    return Shown(
        href=post_href(post, viewer),
        maker=maker(post.account, gallery, viewer),
        boosted_by=booster,
        content=emojis.drawn(status.content, status.emojis, gallery),
        spoiler=status.spoiler_text,
        warning=emojis.drawn_text(status.spoiler_text, status.emojis, gallery),
        language=status.language,
        pictures=pictures,
        described=[entry.alt for entry in pictures if entry.alt],
        label=LABELS.get(status.ai, ""),
        model=status.generator,
        remix_of=safe_link(status.based_on_uri) if status.based_on_uri else None,
        audience=_AUDIENCES.get(status.visibility, ""),
        poll=_asked(post, post.poll, gallery, viewer) if post.poll is not None else None,
        linked=_linked(post, post.preview, gallery) if post.preview is not None else None,
        quote=shown(post.quote, gallery, viewer) if post.quote is not None else None,
        created=moment(status.created_at),
        edited=moment(status.edited_at) if status.edited_at else None,
        replies=status.replies_count,
        boosts=status.reblogs_count,
        favourites=status.favourites_count,
        deeds=_deeds(post, viewer) if viewer is not None else None,
    )


def _linked(post: Post, preview: LinkPreview, gallery: Gallery) -> Linked:
    """What a post links to; without its picture where the post is to be looked at with care."""
    framed = next((gallery.find(claim) for claim in claims.of_preview(preview)), None)
    pictured = framed is not None and not framed.error and not post.sensitive
    return Linked(
        href=safe_link(preview.url),
        title=excerpt(preview.title, TITLE_LENGTH),
        host=origin.host(preview.url) or "",
        description=excerpt(preview.description, DESCRIPTION_LENGTH),
        picture=framed.small if framed is not None and pictured else "",
        alt=preview.image_description,
    )


def _deeds(post: Post, viewer: Account) -> Deeds:
    status, own = post.status, post.status.account_id == viewer.id
    everybodys = status.visibility in {"public", "unlisted"}
    return Deeds(
        id=str(status.id),
        own=own,
        liked=post.favourited,
        boosted=post.reblogged,
        kept=post.bookmarked,
        pinned=post.pinned,
        muted=post.muted,
        boostable=everybodys or (own and status.visibility == "private"),
        pinnable=own and status.visibility != "direct",
    )


def _asked(post: Post, poll: Poll, gallery: Gallery, viewer: Account | None) -> Asked:
    votes = [int(option["votes_count"]) for option in poll.options]
    voters = poll.voters_count if poll.voters_count is not None else sum(votes)
    closed = polls.has_ended(poll, gallery.now)
    hidden = poll.hide_totals and not closed
    own = viewer is not None and viewer.id == post.account.id

    def share(count: int) -> int | None:
        if hidden:
            return None
        return min(100, round(100 * count / voters)) if voters else 0

    return Asked(
        id=str(post.status.id),
        options=[
            Option(option["title"], share(count), number in post.own_votes)
            for number, (option, count) in enumerate(zip(poll.options, votes, strict=True))
        ],
        voters=voters,
        ends=moment(poll.ends_at) if poll.ends_at is not None else None,
        closed=closed,
        multiple=poll.multiple,
        votable=viewer is not None and not (own or closed or post.own_votes),
    )


def reactions(found: Counter[tuple[str, str | None]]) -> list[tuple[str, int]]:
    """Emoji and how often they were put to a post, the most frequent first.

    Custom ones by their names: their images lie on other servers.
    """
    return [(f":{name}:" if url else name, count) for (name, url), count in found.most_common()]


def tiles(posts: Sequence[Post], gallery: Gallery, viewer: Account | None = None) -> list[Tile]:
    """The pictures of these posts and of what they boost for a wall, each once; what is no picture
    of ours is left out."""
    once = {(post.reblog or post).status.id: post.reblog or post for post in posts}
    return [
        Tile(
            seen,
            maker(post.account, gallery, viewer),
            post_href(post, viewer),
            post.status.spoiler_text,
        )
        for post in once.values()
        for media in post.media
        if (seen := picture(media, post.sensitive, gallery)).preview and seen.kind == "Picture"
    ]


def post_href(post: Post, viewer: Account | None = None) -> str:
    """Where a post is read: here if it is ours or somebody is signed in, else on its server."""
    if post.status.local or viewer is not None:
        return f"{path_of(post.account)}/{post.status.id}"
    return safe_link(post.status.url or post.status.uri)
