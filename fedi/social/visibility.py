"""Who may see what: the one place that decides it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, exists, false, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from fedi.database import Session
from fedi.database.among import among
from fedi.database.tables import Account, Block, Follow, Mention, Status
from fedi.social.errors import NotFound

SHOWN_TO_ALL = ("public", "unlisted")
HELD = ("pending", "rejected")  # `Status.approval`


def visible_to(viewer: Account | None) -> SelectOfScalar[Status]:
    """The only way to load statuses for anyone: a SELECT of those that `viewer` may see.

    Public and unlisted posts are for all, followers-only ones for accepted followers and those
    named in them, direct ones for those named in them; authors see their own. Nobody sees what
    is deleted, what a suspended or deleted account posted, or what somebody posted who blocks
    them. What waits for the leave of the author whom it answers, only those two see, and those
    named in it. A boost is seen where what it boosts is.

    Args:
        viewer: local or remote, or nobody.
    """
    return _visible(None if viewer is None else viewer.id)


def seen_by(viewer: Account | None) -> SelectOfScalar[Status]:
    """`visible_to` for what is a statement of its own, and no part of another: then it is made
    once, which takes SQLAlchemy milliseconds, and given the viewer when it is executed."""
    if viewer is None:
        return _for_nobody()
    return for_viewer().params(viewer=viewer.id)


@cache
def _for_nobody() -> SelectOfScalar[Status]:
    return _visible(None)


@cache
def for_viewer() -> SelectOfScalar[Status]:
    """`seen_by` for the account whose id is given as `viewer` when it is executed."""
    return _visible(bindparam("viewer", type_=BigInteger))


def _visible(viewer: Any) -> SelectOfScalar[Status]:
    return select(Status).where(_shown_to(viewer, gone=False))


async def load(session: Session, viewer: Account | None, status_id: int) -> Status | None:
    """The status with this id, if the viewer may see it."""
    return (await session.exec(seen_by(viewer).where(col(Status.id) == status_id))).first()


async def load_by_uri(session: Session, viewer: Account | None, uri: str) -> Status | None:
    """The status with this ActivityPub id, if the viewer may see it."""
    return (await session.exec(seen_by(viewer).where(col(Status.uri) == uri))).first()


async def load_many(
    session: Session, viewer: Account | None, status_ids: Iterable[int | None]
) -> dict[int, Status]:
    """Those of some statuses that the viewer may see, by their ids, in the order of these."""
    wanted = [number for number in dict.fromkeys(status_ids) if number is not None]
    if not wanted:
        return {}
    asked = {"ids": wanted} if viewer is None else {"ids": wanted, "viewer": viewer.id}
    rows = await session.execute(_named(anybody=viewer is None), asked)
    found = {row.id: row for row in rows.scalars()}
    return {number: found[number] for number in wanted if number in found}


@cache
def _named(*, anybody: bool) -> Any:
    """Those of `ids` that `viewer` may see, or anybody."""
    return (_for_nobody() if anybody else for_viewer()).where(among(col(Status.id), "ids"))


async def load_original(session: Session, viewer: Account, status: Status) -> Status:
    """A status as it is acted upon: a boost stands for what it boosts.

    Raises:
        NotFound: the viewer may not see it.
    """
    found = await load(session, viewer, status.reblog_of_id or status.id)
    if found is None:
        raise NotFound("There is no such post.")
    return found


async def viewers_of(
    session: Session, status_id: int, viewers: Collection[int], *, gone: bool = False
) -> set[int]:
    """`visible_to` turned round: which of some accounts may see a status.

    Args:
        viewers: their ids.
        gone: whether they could see it, before it was deleted or withheld.
    """
    if not viewers:
        return set()
    about = {"viewers": list(viewers), "status": status_id}
    return set((await session.execute(_viewers(gone=gone), about)).scalars())


@cache
def _viewers(*, gone: bool) -> Any:
    viewer = aliased(Account)
    return select(col(viewer.id)).where(
        col(Status.id) == bindparam("status", type_=BigInteger),
        col(viewer.id).in_(bindparam("viewers", expanding=True)),
        _shown_to(col(viewer.id), gone=gone),
    )


def _shown_to(viewer: Any, *, gone: bool) -> ColumnElement[bool]:
    """Whether one may see a status: an id, a column of ids, or None for nobody."""
    original = aliased(Status)
    boosted = exists().where(
        col(original.id) == col(Status.reblog_of_id), _may_see(original, viewer, gone=gone)
    )
    return and_(
        _may_see(Status, viewer, gone=gone), or_(col(Status.reblog_of_id).is_(None), boosted)
    )


def _may_see(status: Any, viewer: Any, *, gone: bool) -> ColumnElement[bool]:
    author = aliased(Account)
    condition: ColumnElement[bool] = exists().where(
        col(author.id) == col(status.account_id),
        col(author.suspended_at).is_(None),
        col(author.deleted_at).is_(None),
    )
    held = false() if gone else col(status.approval).in_(HELD)
    refused = false() if gone else col(status.approval) == "rejected"
    if not gone:
        condition &= col(status.deleted_at).is_(None)
    shown = col(status.visibility).in_(SHOWN_TO_ALL) & ~held
    if viewer is None:
        return condition & shown
    named = exists().where(
        col(Mention.status_id) == col(status.id), col(Mention.account_id) == viewer
    )
    follows = exists().where(
        col(Follow.target_account_id) == col(status.account_id),
        col(Follow.account_id) == viewer,
        col(Follow.state) == "accepted",
    )
    blocked = exists().where(
        col(Block.account_id) == col(status.account_id),
        col(Block.target_account_id) == viewer,
    )
    return condition & or_(
        col(status.account_id) == viewer,
        ~blocked
        & or_(
            shown,
            named & ~refused,
            (col(status.visibility) == "private") & follows & ~held,
            (col(status.in_reply_to_account_id) == viewer) & (col(status.approval) == "pending"),
        ),
    )
