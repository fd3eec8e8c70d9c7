"""What is still to be done: jobs, deliveries, paintings, and who paints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, Text, false, text
from sqlmodel import Field

from fedi.database.tables.columns import (
    BigId,
    Table,
    moment,
    new_list,
    optional_moment,
    optional_reference,
    primary_id,
    reference,
)


class Job(Table, table=True):
    """Something to do, enqueued in the transaction of the change that asks for it."""

    __tablename__ = "job"
    __table_args__ = (
        Index("job_due", "state", "kind", "run_at", "id"),
        Index("job_lease", "state", "lease_until"),
        Index("job_unique", "unique_key", unique=True),
        Index(
            "job_lane",
            "kind",
            "lane",
            "run_at",
            "id",
            sqlite_where=text("due"),
            postgresql_where=text("due"),
        ),
        Index(
            "job_later",
            "kind",
            "run_at",
            sqlite_where=text("NOT due"),
            postgresql_where=text("NOT due"),
        ),
    )

    id: int = primary_id()
    kind: str
    payload: dict[str, Any] = Field(sa_type=JSON)
    state: str = "ready"  # ready, running, dead
    lane: str = ""  # jobs of one lane share a fate, such as deliveries to one host
    unique_key: str | None = None  # enqueued again under the same key: nothing happens
    run_at: datetime = moment()
    # True: stands in its lane. False: waits for its time. None: runs, or is dead. Lanes are looked
    # through by it alone, so that no database can choose a worse index (`jobs.lanes`).
    due: bool | None = None
    attempts: int = 0
    lease_until: datetime | None = optional_moment()
    runner: str | None = None
    error: str = Field(default="", sa_type=Text)
    created_at: datetime = moment()


class OutgoingActivity(Table, table=True):
    """An activity serialised once, for all its deliveries. Pruned when the last is done."""

    __tablename__ = "outgoing_activity"

    id: int = primary_id()
    uri: str = Field(index=True)
    type: str = ""
    about: str | None = Field(default=None, index=True)  # later ones about the same overtake it
    account_id: int = reference("account.id")  # who signs
    body: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = moment(index=True)
    overtaken_at: datetime | None = optional_moment()  # not sent any more since


class ReceivedActivity(Table, table=True):
    """The id of an activity that was taken in, so that it is taken in once."""

    __tablename__ = "received_activity"

    digest: str = Field(primary_key=True)  # SHA-256 of the activity's id
    received_at: datetime = moment(index=True)


class Painter(Table, table=True):
    """A process that paints, here or on another machine."""

    __tablename__ = "painter"

    id: int = primary_id()
    name: str
    token_hash: str = Field(unique=True)
    local: bool = False  # started by this server
    models: list[str] = Field(default_factory=new_list, sa_type=JSON)  # the first is its default
    device: str = ""
    # What it said that it can do (`generation.abilities`); None: nothing.
    abilities: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    connected_at: datetime | None = optional_moment()
    seen_at: datetime | None = optional_moment()
    created_at: datetime = moment()


class Painting(Table, table=True):
    """A picture that somebody asked for. The row is the queue."""

    __tablename__ = "painting"
    __table_args__ = (
        Index(
            "painting_queue",
            "tag",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "painting_waiting",
            "model",
            "needs",
            "tag",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "painting_turn",
            "turn",
            sqlite_where=text("turn IS NOT NULL"),
            postgresql_where=text("turn IS NOT NULL"),
        ),
        Index(
            "painting_passing",
            "tag",
            "id",
            sqlite_where=text("over_id IS NOT NULL"),
            postgresql_where=text("over_id IS NOT NULL"),
        ),
        Index(
            "painting_done",
            "id",
            sqlite_where=text("state = 'done'"),
            postgresql_where=text("state = 'done'"),
        ),
        Index(
            "painting_review",
            "id",
            sqlite_where=text("state = 'review'"),
            postgresql_where=text("state = 'review'"),
        ),
        Index(
            "painting_together",
            "post_of",
            sqlite_where=text("post_of IS NOT NULL"),
            postgresql_where=text("post_of IS NOT NULL"),
        ),
        Index(
            "painting_asked_with",
            "asked_with",
            sqlite_where=text("asked_with IS NOT NULL"),
            postgresql_where=text("asked_with IS NOT NULL"),
        ),
        Index("painting_account", "account_id", "state", "id"),
        Index("painting_asked", "account_id", "id"),
        Index(
            "painting_share",
            "share",
            "id",
            sqlite_where=text("share IS NOT NULL"),
            postgresql_where=text("share IS NOT NULL"),
        ),
        Index(
            "painting_begun",
            "lease_until",
            sqlite_where=text("state = 'painting'"),
            postgresql_where=text("state = 'painting'"),
        ),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    state: str = "queued"  # queued, painting, review, done, failed, cancelled
    recipe: dict[str, Any] = Field(sa_type=JSON)
    model: str = ""  # what a painter must offer to take it; empty: any will do
    # What a painter must be able to do beside painting from words, as `studio.cards` writes it.
    needs: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    share_recipe: bool = False
    description: str = Field(default="", sa_type=Text)  # alt text
    language: str = Field(default="", sa_column_kwargs={"server_default": ""})  # of its post
    # By the prompt; what the classifier says comes to that when the picture is there.
    sensitive: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    judgement: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    # Of one in review: its files and what its painter said of it, as `studio.reviews` reads it.
    held: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    cost: float = 0.0  # estimated GPU-seconds
    tag: float = 0.0  # start-time fair queueing: the smallest is painted next
    turn: float | None = None  # the tag whose turn it was when this one was taken
    # The picture whose turn it was, if this one was taken out of turn: see `studio.turns`.
    over_id: int | None = Field(default=None, sa_type=BigId, nullable=True)
    painter_id: int | None = optional_reference("painter.id", index=True)
    lease_until: datetime | None = optional_moment()
    attempts: int = 0  # how often it was taken; only who took it last may end it
    crashes: int = 0  # how many painters died over it
    step: int = 0
    steps: int = 0
    error: str = Field(default="", sa_type=Text)
    media_id: int | None = Field(default=None, sa_type=BigId, nullable=True)
    based_on_uri: str | None = None  # the post that it is a remix of
    # Whose share it takes, as `studio.shares` writes it; None: its author's.
    share: str | None = None
    parent_digest: str | None = None  # and our copy of that post's picture: an InputPicture
    # The post that publishes itself with this picture: a draft as `social.statuses` reads it.
    draft: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    # The painting that has the draft, if this picture is one of several of a post.
    post_of: int | None = Field(default=None, sa_type=BigId, nullable=True)
    # The first of the pictures that were asked for with it; None: it is that, or alone.
    asked_with: int | None = Field(default=None, sa_type=BigId, nullable=True)
    # The post that its author has begun, and means to post by hand: a draft, too.
    begun_post: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    status_uri: str | None = Field(
        default=None, unique=True
    )  # the id of that post, minted beforehand
    status_id: int | None = Field(default=None, sa_type=BigId, nullable=True)
    created_at: datetime = moment()
    started_at: datetime | None = optional_moment()
    finished_at: datetime | None = optional_moment()


class InputPicture(Table, table=True):
    """A picture that paintings begin with: a copy of our own, so that they can be painted whatever
    becomes of the post or the server that it is from. It goes with the last of its ties."""

    __tablename__ = "input_picture"
    __table_args__ = (Index("input_picture_file", "file"),)

    digest: str = Field(primary_key=True)  # multibase SHA-256 of the file: its name in recipes
    file: str  # storage key
    media_type: str
    width: int
    height: int
    size: int  # bytes
    created_at: datetime = moment()


class PaintingInput(Table, table=True):
    """That a painting begins with a picture, and so may its variations: what ties our copy to it
    (`studio.cleaning`)."""

    __tablename__ = "painting_input"
    __table_args__ = (
        Index(
            "painting_input_medium",
            "medium_id",
            sqlite_where=text("medium_id IS NOT NULL"),
            postgresql_where=text("medium_id IS NOT NULL"),
        ),
    )

    painting_id: int = reference("painting.id", primary=True)
    digest: str = Field(foreign_key="input_picture.digest", primary_key=True, index=True)
    account_id: int = reference("account.id", index=True)  # whose painting it is
    # The MediaAttachment that it is a copy of, which may be gone; None: its file was sent along.
    medium_id: int | None = Field(default=None, sa_type=BigId, nullable=True)


class ModelPull(Table, table=True):
    """A model that is being fetched from the hub, or was to be. It goes when the model is here."""

    __tablename__ = "model_pull"

    key: str = Field(primary_key=True)  # as the catalogue names it, or its hub id
    server: str  # which fetches it, by the name of its own painter
    state: str = "waiting"  # waiting, fetching, stopped, broken
    chosen: bool = False  # it is to paint when it is here
    done: int = Field(default=0, sa_type=BigId)  # bytes that are here
    size: int = Field(default=0, sa_type=BigId)  # of so many; 0: not known yet
    error: str = Field(default="", sa_type=Text)  # why it broke off
    began_at: datetime | None = optional_moment()  # this try, with so many bytes
    began_with: int = Field(default=0, sa_type=BigId)
    asked_at: datetime = moment()
    told_at: datetime = moment()  # the last sign of who fetches it


__all__ = [
    "InputPicture",
    "Job",
    "ModelPull",
    "OutgoingActivity",
    "Painter",
    "Painting",
    "PaintingInput",
    "ReceivedActivity",
]
