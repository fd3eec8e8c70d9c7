"""Remixes: what a post is made of, who is credited for it, and what was made of it.

A post names its parent by `based_on_uri` (schema:isBasedOn). The parent may be anywhere, or gone;
what of the chain somebody may see, `visible_to` says, post by post.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, Block, MediaAttachment, Painting, Status
from fedi.social import text
from fedi.social.visibility import SHOWN_TO_ALL, load_by_uri, visible_to

MAX_CHAIN = 20  # posts upwards; a chain may be a ring, or somebody's idea of an attack
MAX_REMIXES = 40  # of one post, the newest first


@dataclass(frozen=True, slots=True)
class Credit:
    """What a remix says of its parent.

    Attributes:
        html: a line of the post.
        author: whose the parent is, where that is known and another than who remixes.
        names_author: whether the line names them, so that their server is told.
    """

    html: str
    author: Account | None
    names_author: bool = False


async def parent_uri(
    session: Session, stated: str | None, media: Sequence[MediaAttachment], visibility: str
) -> str | None:
    """The post that a new one is a remix of: as its author says, or as its pictures were asked
    for; None if more people would hear of it by this than may see it.

    Args:
        visibility: of the new post.
    """
    uri = await _parent_uri(session, stated, media)
    if uri is None or visibility == "direct" or await may_be_told(session, uri):
        return uri
    return None


async def may_be_told(session: Session, uri: str) -> bool:
    """Whether everybody may hear of a post; also of one that is not known here."""
    found = await session.exec(select(col(Status.visibility)).where(col(Status.uri) == uri))
    visibility = found.first()
    return visibility is None or visibility in SHOWN_TO_ALL


async def _parent_uri(
    session: Session, stated: str | None, media: Sequence[MediaAttachment]
) -> str | None:
    ids = [medium.painting_id for medium in media if medium.painting_id is not None]
    if stated is not None or not ids:
        return stated
    rows = await session.exec(
        select(Painting.id, Painting.based_on_uri).where(
            col(Painting.id).in_(ids), col(Painting.based_on_uri).is_not(None)
        )
    )
    found = dict(rows.all())
    return next((found[each] for each in ids if each in found), None)


async def credit(session: Session, author: Account, uri: str, *, naming: bool = True) -> Credit:
    """How a post credits what it is a remix of.

    Args:
        author: who remixes.
        uri: the parent's id.
        naming: whether the parent's author may be named, if they are elsewhere.
    """
    row = (
        await session.exec(
            select(Status, Account)
            .join(Account, col(Account.id) == col(Status.account_id))
            .where(
                col(Status.uri) == uri,
                col(Status.id).in_(visible_to(author).with_only_columns(col(Status.id))),
            )
        )
    ).first()
    if row is None:
        return Credit(f"<p>Remix of {text.link_to(uri)}</p>", None)
    status, maker = row
    named = f"<p>Remix of {text.link_to(status.url or status.uri)}"
    if maker.id == author.id:
        return Credit(f"{named}</p>", None)
    if maker.local or not naming:  # who is here is told by a notice of its own, not named
        handle = f"@{html.escape(maker.username)}"
        url = html.escape(maker.url or maker.uri)
        return Credit(f'{named} by <a href="{url}">{handle}</a></p>', maker)
    mention = text.mention(text.Named(maker.acct, maker.url or maker.uri))
    return Credit(f"{named} by {mention}</p>", maker, names_author=True)


def told(credit: Credit, visibility: str) -> Account | None:
    """Whom a post tells that it is a remix: the parent's author, unless it is for few."""
    return credit.author if visibility in SHOWN_TO_ALL else None


async def parent(session: Session, viewer: Account | None, status: Status) -> Status | None:
    """What a post is a remix of, if that is known and the viewer may see it."""
    if status.based_on_uri is None or status.based_on_uri == status.uri:
        return None
    return await load_by_uri(session, viewer, status.based_on_uri)


async def parents(session: Session, viewer: Account | None, status: Status) -> list[Status]:
    """The chain upwards, the nearest first, as far as the viewer may see it."""
    chain: list[Status] = []
    seen = {status.id}
    while len(chain) < MAX_CHAIN:
        above = await parent(session, viewer, status)
        if above is None or above.id in seen:
            break
        seen.add(above.id)
        chain.append(above)
        status = above
    return chain


async def remixes(
    session: Session, viewer: Account | None, status: Status, *, limit: int = MAX_REMIXES
) -> Sequence[Status]:
    """What was made of a post, the newest first, as far as the viewer may see it.

    It stands beside the post, on its author's page: so only what is of a shared recipe, or their
    own; and nothing of whom they block, or whom this instance silences.
    """
    shared = select(MediaAttachment.id).where(
        col(MediaAttachment.status_id) == status.id, col(MediaAttachment.share_recipe).is_(True)
    )
    author = aliased(Account)
    blocked = select(Block.id).where(
        col(Block.account_id) == status.account_id,
        col(Block.target_account_id) == col(Status.account_id),
    )
    query = (
        visible_to(viewer)
        .join(author, col(author.id) == col(Status.account_id))
        .where(
            col(Status.based_on_uri) == status.uri,
            col(Status.reblog_of_id).is_(None),
            col(Status.id) != status.id,
            or_(
                col(Status.account_id) == status.account_id,
                shared.exists() & ~blocked.exists() & col(author.silenced_at).is_(None),
            ),
        )
        .order_by(col(Status.id).desc())
        .limit(limit)
    )
    return (await session.exec(query)).all()
