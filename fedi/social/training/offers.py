"""Which pictures may be given to those who train models: the one place that decides it.

A picture is offered while all of this holds:

- its author is of this instance, and lets others train on that post (`choices.allows`);
- its post is public or unlisted, there, and waits for nobody's leave;
- its author is neither suspended nor silenced nor gone;
- it does not say that it was painted over another: what is in a picture that began with another
  may not be its author's to give away;
- if its post is a remix, all of this holds for the posts that it is made of.

Posts with a warning, and sensitive ones, are offered only where the host includes them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import labels
from fedi.social.visibility import HELD, SHOWN_TO_ALL

MAX_CHAIN = 4  # remixes of remixes of …; one that is further from the first picture is left out


def offered(*, sensitive: bool) -> Any:
    """A SELECT of what is offered: (MediaAttachment, Status, Account) each.

    Args:
        sensitive: whether posts with a warning, and sensitive ones, are among it.
    """
    return (
        select(MediaAttachment, Status, Account)
        .join(Status, col(Status.id) == col(MediaAttachment.status_id))
        .join(Account, col(Account.id) == col(Status.account_id))
        .where(_open(MediaAttachment, Status, Account), *([] if sensitive else [~_marked()]))
    )


def still(media_id: Any, sensitive: Any) -> ColumnElement[bool]:
    """Whether a picture is offered, as a condition of another statement.

    Args:
        media_id: a column of ids.
        sensitive: a column: whether posts with a warning are among it.
    """
    return exists().where(
        col(MediaAttachment.id) == media_id,
        col(Status.id) == col(MediaAttachment.status_id),
        col(Account.id) == col(Status.account_id),
        _open(MediaAttachment, Status, Account),
        or_(sensitive, ~_marked()),
    )


def asked_for(author_id: int) -> Any:
    """A SELECT of what an author gives by asking for it themselves, whatever they let others:
    (MediaAttachment, Status) each. What is offered without a warning but for their yes, and is
    no remix; and not what they said nobody may train on.
    """
    return (
        select(MediaAttachment, Status)
        .join(Status, col(Status.id) == col(MediaAttachment.status_id))
        .join(Account, col(Account.id) == col(Status.account_id))
        .where(_by_themselves(), col(Status.account_id) == author_id)
    )


def still_asked_for(media_id: Any) -> ColumnElement[bool]:
    """Whether a picture is among what its author gives by asking (`asked_for`), as a condition of
    another statement.

    Args:
        media_id: a column of ids.
    """
    return exists().where(
        col(MediaAttachment.id) == media_id,
        col(Status.id) == col(MediaAttachment.status_id),
        col(Account.id) == col(Status.account_id),
        _by_themselves(),
    )


async def is_file_offered(session: Session, key: str) -> bool:
    """Whether the file under a storage key is of a picture that is offered."""
    query = offered(sensitive=True).where(
        or_(col(MediaAttachment.file) == key, col(MediaAttachment.preview_file) == key)
    )
    return (await session.exec(query.limit(1))).first() is not None


async def are_offered(session: Session, media_ids: Collection[int]) -> bool:
    """Whether all of some pictures are offered."""
    query = offered(sensitive=True).where(col(MediaAttachment.id).in_(media_ids))
    return len((await session.exec(query)).all()) == len(set(media_ids))


def _by_themselves() -> ColumnElement[bool]:
    """Whether an author gives a picture by asking for what is made of it."""
    return and_(
        _theirs(MediaAttachment, Status),
        _shown(Status, Account),
        col(Status.training).is_distinct_from(False),
        _chain(Status, 0),
        ~_marked(),
    )


def _open(media: Any, status: Any, author: Any) -> ColumnElement[bool]:
    return and_(_theirs(media, status), _given(status, author), _chain(status, MAX_CHAIN))


def _theirs(media: Any, status: Any) -> ColumnElement[bool]:
    """Whether it is a picture, and its author's to give by what it says of itself."""
    return and_(
        col(media.type) == "image",
        col(media.file).is_not(None),
        or_(
            col(media.digital_source_type).is_(None),
            ~col(media.digital_source_type).endswith(labels.PAINTED_OVER),
        ),
        col(status.reblog_of_id).is_(None),
    )


def _given(status: Any, author: Any) -> ColumnElement[bool]:
    """Whether an author lets others train on a post that everybody may see."""
    return and_(
        _shown(status, author),
        func.coalesce(col(status.training), col(author.training_consent_at).is_not(None)),
    )


def _shown(status: Any, author: Any) -> ColumnElement[bool]:
    """Whether a post of this instance is there for everybody."""
    return and_(
        col(status.local),
        col(status.deleted_at).is_(None),
        col(status.visibility).in_(SHOWN_TO_ALL),
        col(status.approval).not_in(HELD),
        col(author.domain).is_(None),
        col(author.suspended_at).is_(None),
        col(author.silenced_at).is_(None),
        col(author.deleted_at).is_(None),
    )


def _chain(status: Any, depth: int) -> ColumnElement[bool]:
    """Whether a post is no remix, or all that it is made of may be trained on, too."""
    first = col(status.based_on_uri).is_(None)
    if not depth:
        return first
    parent, author = aliased(Status), aliased(Account)
    good = exists().where(
        col(parent.uri) == col(status.based_on_uri),
        col(author.id) == col(parent.account_id),
        _given(parent, author),
        _chain(parent, depth - 1),
    )
    return or_(first, good)


def _marked() -> ColumnElement[bool]:
    return or_(
        col(Status.sensitive),
        col(Status.spoiler_text) != "",
        col(MediaAttachment.sensitive),
        col(Account.sensitized_at).is_not(None),
    )
