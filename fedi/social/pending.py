"""Posts that wait for their pictures, as only their authors see them.

There is no status before there is a picture, so that nothing can show, count or send one too
early. What its author sees meanwhile is made here of the painting and its draft: records that are
no rows, and must not become any. The post comes to be under the id that it has here; its row is
newer than that, so that nobody who reads by the ids of rows misses it, and `number` leads to it.

The picture has the id of its painting, before it is there and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy
from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Painting, Status, Tag
from fedi.social import drafts, labels, posts, remixes, text, visibility
from fedi.social.drafts import Draft
from fedi.social.posts import Post

WAITING = ("queued", "painting", "review")  # states of a painting whose post may still come
MAX_LISTED = 20  # posts of one account; more may wait, and come one after the other
IPTC_PAINTED = f"http://cv.iptc.org/newscodes/digitalsourcetype/{labels.PAINTED}"


@dataclass(frozen=True, slots=True)
class Pending:
    """A post whose picture is being made.

    Attributes:
        painting: where that stands.
        post: the post as it is going to be. Pictures that are not there have no file yet.
    """

    painting: Painting
    post: Post


def number(uri: str) -> int:
    """The number at the end of a post's id, which leads to it for good (`moved_to`)."""
    last = uri.rpartition("/")[2]
    return int(last) if last.isascii() and last.isdigit() else 0


def uri_of(author: Account, number: int) -> str:
    """The id of a local post that was promised under this number."""
    return f"{author.uri}/statuses/{number}"


async def of_account(session: Session, viewer: Account | None, author: Account) -> list[Pending]:
    """An author's posts that wait for their pictures, the newest first: nothing to anybody else."""
    if viewer is None or viewer.id != author.id:
        return []
    rows = await session.exec(
        select(Painting)
        .where(
            col(Painting.account_id) == author.id,
            _waits(author),
            col(Painting.status_uri).is_not(None),
        )
        .order_by(col(Painting.id).desc())
        .limit(MAX_LISTED)
    )
    return [await assemble(session, author, painting) for painting in rows.all()]


async def load(session: Session, viewer: Account | None, uri: str) -> Pending | None:
    """The post of this id, if it waits for its picture and is the viewer's."""
    if viewer is None:
        return None
    found = await session.exec(
        select(Painting).where(
            col(Painting.status_uri) == uri,
            col(Painting.account_id) == viewer.id,
            _waits(viewer),
        )
    )
    painting = found.first()
    return None if painting is None else await assemble(session, viewer, painting)


def _waits(author: Account) -> ColumnElement[bool]:
    """Whether a picture, or another of its post, is not there yet."""
    other = aliased(Painting)
    posts_of = sqlalchemy.select(col(other.post_of)).where(
        col(other.account_id) == author.id,
        col(other.state).in_(WAITING),
        col(other.post_of).is_not(None),
    )
    return (col(Painting.state) == "done") & col(Painting.id).in_(posts_of) | col(
        Painting.state
    ).in_(WAITING)


async def moved_to(
    session: Session, viewer: Account | None, author: Account, number: int
) -> Status | None:
    """The post that was promised under this number, if it is there and the viewer may see it."""
    return await visibility.load_by_uri(session, viewer, uri_of(author, number))


async def medium(session: Session, viewer: Account, media_id: int) -> Painting | None:
    """The painting that this picture of the viewer's is to come from, while it is not there;
    failed or cancelled, it will not be."""
    painting = await session.get(Painting, media_id)
    if painting is None or painting.account_id != viewer.id or painting.media_id is not None:
        return None
    return painting


async def assemble(session: Session, author: Account, painting: Painting) -> Pending:
    """A post that waits for its picture.

    Args:
        author: whose it is.
        painting: one that has a draft and the id of its post.
    """
    assert painting.status_uri is not None
    draft = msgspec.convert(painting.draft, Draft)
    rows = await session.exec(
        select(Painting).where(col(Painting.post_of) == painting.id).order_by(col(Painting.id))
    )
    pictures = [painting, *rows.all()]
    there = await _attached(session, author, [*draft.media_ids, *(one.id for one in pictures)])
    media = [there[media_id] for media_id in draft.media_ids if media_id in there]
    media += [there.get(one.id) or promised(one) for one in pictures]
    based_on = await remixes.parent_uri(session, draft.based_on_uri, media, draft.visibility)
    credit = await remixes.credit(session, author, based_on) if based_on is not None else None
    words = await drafts.write(session, draft, media, credit)
    parent = await _parent(session, author, draft.in_reply_to_id)
    named = {account.id for account in words.mentions}
    people = await posts.accounts_of(session, {*draft.recipients, *draft.blind})
    key = number(painting.status_uri)
    status = Status(
        id=key,
        uri=painting.status_uri,
        url=f"{author.url}/{key}",
        object_type=draft.kind,
        details=draft.details or None,
        account_id=author.id,
        local=True,
        in_reply_to_uri=parent.uri if parent else None,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_account_id=parent.account_id if parent else None,
        visibility=draft.visibility,
        content=words.html,
        source=words.source,
        source_type=words.source_type,
        spoiler_text=words.spoiler_text,
        sensitive=draft.sensitive
        or bool(words.spoiler_text)
        or any(medium.sensitive for medium in media),
        language=draft.language,
        approval="pending",  # as with what waits for leave: not for everybody, nor for a cache
        ai=labels.of_post(media, words.tags),
        based_on_uri=based_on,
        created_at=painting.created_at,
    )
    return Pending(
        painting,
        Post(
            status=status,
            account=author,
            media=media,
            mentions=words.mentions,
            silent=[people[n] for n in draft.recipients if n in people and n not in named],
            blind=[people[n] for n in draft.blind if n in people],
            tags=[Tag(id=0, name=text.normal_tag(tag), display_name=tag) for tag in words.tags],
            in_reply_to=parent,
        ),
    )


def promised(painting: Painting) -> MediaAttachment:
    """The picture that a painting is to become: a record that is no row."""
    return MediaAttachment(
        id=painting.id,
        account_id=painting.account_id,
        description=painting.description,
        sensitive=painting.sensitive,
        width=_side(painting, "width"),
        height=_side(painting, "height"),
        digital_source_type=IPTC_PAINTED,
        painting_id=painting.id,
        created_at=painting.created_at,
    )


def _side(painting: Painting, name: str) -> int | None:
    """Pixels of the finished picture, if that is known yet."""
    pixels = painting.recipe.get(name)
    return pixels and pixels * painting.recipe.get("upscale", 1)


async def _attached(
    session: Session, author: Account, media_ids: Sequence[int]
) -> dict[int, MediaAttachment]:
    rows = await session.exec(
        select(MediaAttachment).where(
            col(MediaAttachment.id).in_(media_ids), MediaAttachment.account_id == author.id
        )
    )
    return {medium.id: medium for medium in rows.all()}


async def _parent(session: Session, author: Account, parent_id: int | None) -> Status | None:
    return None if parent_id is None else await visibility.load(session, author, parent_id)
