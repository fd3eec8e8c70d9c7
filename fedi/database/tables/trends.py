"""What many people do something with, and who they are (`social.trends`)."""

from __future__ import annotations

from sqlalchemy import Index, Text
from sqlmodel import Field

from fedi.database.tables.columns import BigId, Table, reference


class TrendChange(Table, table=True):
    """Somebody did something with a post, or undid it; triggers write it. One row for each time:
    nothing that happens while the trends are counted is lost with what they have read."""

    __tablename__ = "trend_change"

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    status_id: int = Field(sa_type=BigId)  # 0: whatever they did counts otherwise from now on
    account_id: int = Field(sa_type=BigId)


class TrendSignal(Table, table=True):
    """That somebody did something with a subject, in one post."""

    __tablename__ = "trend_signal"
    __table_args__ = (
        Index("trend_signal_source", "account_id", "source_id"),
        Index("trend_signal_hour", "hour"),
    )

    kind: str = Field(primary_key=True)  # a `social.trends.subjects.Kind`
    subject_id: int = Field(sa_type=BigId, primary_key=True)
    account_id: int = reference("account.id", primary=True)
    source_id: int = Field(sa_type=BigId, primary_key=True)  # the post
    server: str  # of the account, as its crowd is named
    easy: bool  # a voice that costs nothing
    weight: float
    hour: int  # since 1970


class Trend(Table, table=True):
    """How much something is talked about, counted from its signals when they change."""

    __tablename__ = "trend"
    __table_args__ = (
        Index("trend_rank", "kind", "rank"),
        Index("trend_last", "last"),
    )

    kind: str = Field(primary_key=True)
    # A post, a hashtag, the first post of a chain; or a number made of a link or a prompt.
    subject_id: int = Field(sa_type=BigId, primary_key=True)
    words: str = Field(default="", sa_type=Text)  # the link or the prompt itself
    rank: float
    voices: int
    people: int
    servers: int
    began: int  # hours since 1970
    last: int


__all__ = ["Trend", "TrendChange", "TrendSignal"]
