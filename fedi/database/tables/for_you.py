"""What pictures are about, and what readers of «For you» chose (`social.for_you`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, text
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    new_list,
    optional_moment,
    primary_id,
    reference,
)


class PictureChange(Table, table=True):
    """A post with pictures is to be looked at again; triggers write it."""

    __tablename__ = "picture_change"

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    status_id: int = Field(sa_type=BigId)


class PictureFeature(Table, table=True):
    """Something that a public post with pictures has: an author, a hashtag, words of its prompt."""

    __tablename__ = "picture_feature"
    __table_args__ = (Index("picture_feature_status", "status_id", "kind", "value"),)

    kind: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    value: int = Field(sa_type=BigId, primary_key=True)  # by `kind`: see `for_you.features`
    status_id: int = reference("status.id", primary=True)


class PictureLook(Table, table=True):
    """What a painter saw in a picture of a public post, or that one is to look at it."""

    __tablename__ = "picture_look"
    __table_args__ = (
        Index(
            "picture_look_due",
            "media_id",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
    )

    media_id: int = reference("media_attachment.id", primary=True)
    status_id: int = reference("status.id", index=True)
    concepts: list[str] = Field(default_factory=new_list, sa_type=JSON)  # `generation.concepts`
    sketch: bytes | None = Field(default=None, sa_type=LargeBinary)  # to compare pictures by
    model: str = ""  # that saw them; empty: none did yet
    wanted: str = ""  # the model that is to look; empty: any
    tries: int = 0  # how often it was asked for
    due_at: datetime | None = optional_moment()  # from when on it may be asked for; None: no more


class PictureTerm(Table, table=True):
    """Words of prompts by their number."""

    __tablename__ = "picture_term"

    number: int = Field(sa_type=BigId, primary_key=True)
    words: str


class ForYou(Table, table=True):
    """That somebody has switched the feed on, and how they tuned it."""

    __tablename__ = "for_you"

    account_id: int = reference("account.id", primary=True)
    follows: int  # percent; 0: makers whom one does not follow, 100: those whom one follows
    fresh: int  # percent; 0: what fits, 100: what is new
    surprise: int  # percent of the feed that is there for no reason
    ai: str  # all, only, hide
    warned: bool  # whether pictures with a warning are shown
    since: datetime | None = optional_moment()  # what one did before says nothing
    created_at: datetime = moment()


class ForYouMark(Table, table=True):
    """«More like this» or «less like this»."""

    __tablename__ = "for_you_mark"

    account_id: int = reference("account.id", primary=True)
    status_id: int = reference("status.id", primary=True, index=True)
    more: bool
    created_at: datetime = moment()


class ForYouRanking(Table, table=True):
    """The feed as it was when somebody opened it, so that its pages go together."""

    __tablename__ = "for_you_ranking"
    __table_args__ = (Index("for_you_ranking_account", "account_id", "id"),)

    id: int = primary_id()
    account_id: int = reference("account.id")
    entries: list[list[Any]] = Field(sa_type=JSON)  # as `for_you.ranking` writes them


__all__ = [
    "ForYou",
    "ForYouMark",
    "ForYouRanking",
    "PictureChange",
    "PictureFeature",
    "PictureLook",
    "PictureTerm",
]
