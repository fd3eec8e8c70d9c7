"""Statuses as apps get them: what they are to everybody, and what they are to one viewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec
from sqlmodel import col, select

from activitypub.addressing import PUBLIC_NAMES
from fedi.api.mastodon import entities
from fedi.api.mastodon.views import accounts, frames, links
from fedi.database import Session
from fedi.database.tables import Account, Filter, Follow, Poll, Status
from fedi.runtime import Easel
from fedi.social import filters, polls, posts, text
from fedi.social.posts import Post
from fedi.social.visibility import load_many
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.gallery import Gallery


async def show(
    easel: Easel, session: Session, viewer: Account | None, statuses: Iterable[Status]
) -> list[entities.Status]:
    """Statuses for a viewer, in the same order.

    Args:
        easel: the instance.
        session: a session.
        viewer: for whom; what depends on them is left out for nobody.
        statuses: loaded by `social.statuses.visible_to(viewer)`.
    """
    return await show_posts(easel, session, viewer, await posts.assemble(session, statuses, viewer))


async def show_posts(
    easel: Easel, session: Session, viewer: Account | None, found: Sequence[Post]
) -> list[entities.Status]:
    """`show` for what is assembled already."""
    if not found:
        return []
    whole = list(_all(found))
    hung = await gallery.of(easel, session, claims.of_posts(whole))
    authors = {post.account.id: accounts.account(post.account, hung) for post in whole}
    around = await _around(session, viewer, whole, authors)
    return [_status(post, hung, viewer, around) for post in found]


async def show_one(
    easel: Easel, session: Session, viewer: Account | None, status: Status
) -> entities.Status:
    """`show` for one."""
    [found] = await show(easel, session, viewer, [status])
    return found


async def show_by_id(
    easel: Easel, session: Session, viewer: Account | None, status_ids: Iterable[int | None]
) -> dict[int, entities.Status]:
    """`show` for those of some ids that the viewer may see."""
    found = await load_many(session, viewer, status_ids)
    return dict(zip(found, await show(easel, session, viewer, found.values()), strict=True))


def _all(found: Iterable[Post]) -> Iterable[Post]:
    """Some posts, what they boost and what they quote."""
    for post in found:
        yield post
        yield from _all(other for other in (post.reblog, post.quote) if other is not None)


class _Around(msgspec.Struct, frozen=True):
    """What is known about many statuses at once.

    Attributes:
        authors: who posted them, each made once.
        followed: authors whom the viewer follows, of those where it matters.
        filters: what the viewer does not want to see.
    """

    authors: dict[int, entities.Account]
    followed: set[int]
    filters: Sequence[filters.Whole] = ()


async def _around(
    session: Session,
    viewer: Account | None,
    found: Sequence[Post],
    authors: dict[int, entities.Account],
) -> _Around:
    asking = {
        post.account.id
        for post in found
        if viewer is not None and "followers" in _may_quote(post, "automaticApproval")
    }
    followed: set[int] = set()
    if asking and viewer is not None:
        follows = select(Follow.target_account_id).where(
            Follow.account_id == viewer.id,
            col(Follow.target_account_id).in_(asking),
            Follow.state == "accepted",
        )
        followed = set((await session.exec(follows)).all())
    wanted = await filters.active(session, viewer, session.now) if viewer is not None else []
    return _Around(authors, followed, wanted)


def body(post: Post, gallery: Gallery, author: entities.Account) -> dict[str, Any]:
    """What a status is to everybody, whoever looks: the parts of an `entities.StatusBody`."""
    status, instance = post.status, gallery.instance
    return {
        "id": str(status.id),
        "created_at": entities.moment(status.created_at),
        "in_reply_to_id": status.in_reply_to_id and str(status.in_reply_to_id),
        "in_reply_to_account_id": status.in_reply_to_account_id
        and str(status.in_reply_to_account_id),
        "sensitive": post.sensitive,
        "spoiler_text": status.spoiler_text,
        "visibility": cast(entities.Visibility, status.visibility),
        "language": status.language,
        "uri": status.uri,
        "url": status.url or status.uri,
        "replies_count": status.replies_count,
        "reblogs_count": status.reblogs_count,
        "favourites_count": status.favourites_count,
        "quotes_count": post.quotes_count,
        "edited_at": entities.optional_moment(status.edited_at),
        "content": status.content,
        "application": entities.StatusApplication(
            name=post.application.name, website=post.application.website
        )
        if post.application is not None
        else None,
        "account": author,
        "media_attachments": [frames.attachment(medium, gallery) for medium in post.media],
        "mentions": [mention(person) for person in post.mentions],
        "tags": [
            entities.StatusTag(name=tag.name, url=text.tag_url(tag.name, instance.url))
            for tag in post.tags
        ],
        "emojis": frames.emojis(status.emojis, gallery),
        "card": _card(post, gallery),
    }


def _card(post: Post, gallery: Gallery) -> entities.PreviewCard | None:
    if post.preview is None:
        return None
    writer = accounts.account(post.writer, gallery) if post.writer is not None else None
    return links.card(post.preview, gallery, writer)


def mention(person: Account) -> entities.StatusMention:
    return entities.StatusMention(
        id=str(person.id),
        username=person.username,
        url=person.url or person.uri,
        acct=person.acct,
    )


def _status(
    post: Post, gallery: Gallery, viewer: Account | None, around: _Around, *, quoted: bool = False
) -> entities.Status:
    mine: dict[str, Any] = {}
    if viewer is not None:
        shown = post.reblog or post  # what is done to a boost is done to what it boosts
        mine = {
            "favourited": shown.favourited,
            "reblogged": shown.reblogged,
            "bookmarked": shown.bookmarked,
            "muted": shown.muted,
            "filtered": _filtered(post, viewer, around),
        }
        if viewer.id == shown.status.account_id and shown.status.visibility != "direct":
            mine["pinned"] = shown.pinned
    return entities.Status(
        **body(post, gallery, around.authors[post.account.id]),
        reblog=_status(post.reblog, gallery, viewer, around) if post.reblog is not None else None,
        poll=poll(post, gallery, viewer) if post.poll is not None else None,
        quote=_quote(post, gallery, viewer, around, quoted=quoted),
        quote_approval=_approval(post, viewer, around),
        **mine,
    )


def _filtered(post: Post, viewer: Account, around: _Around) -> list[entities.FilterResult]:
    """Which of the viewer's filters are for a post of somebody else."""
    if not around.filters or (post.reblog or post).account.id == viewer.id:
        return []
    return [
        entities.FilterResult(
            filter=filter_entity(match.filter),
            keyword_matches=match.keywords or None,
            status_matches=[str(status_id) for status_id in match.statuses] or None,
        )
        for match in filters.matches(around.filters, post)
    ]


def filter_entity(row: Filter, **parts: Any) -> entities.Filter:
    return entities.Filter(
        id=str(row.id),
        title=row.title,
        context=cast(list[entities.FilterContext], row.context),
        expires_at=entities.optional_moment(row.expires_at),
        filter_action=cast(Any, row.action),
        **parts,
    )


def _quote(
    post: Post, gallery: Gallery, viewer: Account | None, around: _Around, *, quoted: bool
) -> entities.Quote | None:
    if post.quoting is None:
        return None
    state, quoted_id = post.quoting.state, post.quoting.quoted_id
    if quoted:
        named = str(quoted_id) if quoted_id is not None and state == "accepted" else None
        return entities.Quote(
            state=cast(entities.QuoteState, state if state != "accepted" or named else "deleted"),
            quoted_status_id=named,
        )
    if post.quote is not None:
        return entities.Quote(
            state="accepted",
            quoted_status=_status(post.quote, gallery, viewer, around, quoted=True),
        )
    told = "unauthorized" if state == "accepted" else state  # not for this viewer, or not there
    return entities.Quote(state=cast(entities.QuoteState, told), quoted_status=None)


def _may_quote(post: Post, approval: str) -> list[entities.Automatic]:
    """Whom the author lets quote a post, in Mastodon's words."""
    rule = (post.status.interaction_policy or {}).get("canQuote")
    if post.status.visibility not in {"public", "unlisted"}:
        return []
    if rule is None:
        return ["public"] if approval == "automaticApproval" else []
    named, found = set(rule.get(approval, ())), list[entities.Automatic]()
    if not PUBLIC_NAMES.isdisjoint(named):
        found.append("public")
    if post.account.followers_uri in named - {""}:
        found.append("followers")
    if post.account.following_uri in named - {""}:
        found.append("following")
    known = {post.account.uri, post.account.followers_uri, post.account.following_uri}
    if named - known - PUBLIC_NAMES:
        found.append("unsupported_policy")
    return found


def _approval(post: Post, viewer: Account | None, around: _Around) -> entities.QuoteApproval:
    automatic = _may_quote(post, "automaticApproval")
    manual = _may_quote(post, "manualApproval")
    private = post.status.visibility not in {"public", "unlisted"}
    current: Any = "denied"
    if viewer is None:
        current = "automatic" if "public" in automatic else "unknown" if automatic else "denied"
    elif (viewer.id == post.account.id and post.status.visibility != "direct") or (
        not private
        and (
            "public" in automatic
            or ("followers" in automatic and post.account.id in around.followed)
        )
    ):
        current = "automatic"
    elif manual:
        current = "manual" if "public" in manual else "unknown"
    elif "following" in automatic or "unsupported_policy" in automatic:
        current = "unknown"
    return entities.QuoteApproval(automatic=automatic, manual=manual, current_user=current)


def poll(post: Post, gallery: Gallery, viewer: Account | None) -> entities.Poll:
    """What a post asks, as it was last counted."""
    found = post.poll
    assert isinstance(found, Poll)
    votes = [int(option["votes_count"]) for option in found.options]
    ended = polls.has_ended(found, gallery.now)
    hidden = found.hide_totals and not ended
    return entities.Poll(
        id=str(found.status_id),
        expires_at=entities.optional_moment(found.ends_at),
        expired=ended,
        multiple=found.multiple,
        votes_count=sum(votes),
        voters_count=found.voters_count,
        options=[
            entities.PollOption(title=option["title"], votes_count=None if hidden else count)
            for option, count in zip(found.options, votes, strict=True)
        ],
        emojis=frames.emojis(post.status.emojis, gallery),
        voted=entities.UNSET
        if viewer is None
        else bool(post.own_votes) or viewer.id == post.account.id,
        own_votes=entities.UNSET if viewer is None else post.own_votes,
    )
