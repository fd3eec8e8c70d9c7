"""Write, arrange and vote: edits, polls of our own, later posts, conversations, lists, filters"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "conversation",
    "scheduled_status",
    "status_edit",
    "poll_vote",
    "dismissed_suggestion",
    "followed_tag",
    "filter_status",
    "filter_keyword",
    "filter",
    "list_member",
    "user_list",
)


def _whose(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], ondelete="CASCADE")


def _id(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=False)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _string(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UTCDateTime(), nullable=nullable)


def upgrade() -> None:
    _arranging()
    _writing()
    op.create_table(
        "poll_vote",
        _id("id"),
        _id("status_id"),
        _id("account_id"),
        sa.Column("choice", sa.Integer(), nullable=False),
        _string("uri"),
        _moment("created_at"),
        _whose("status_id", "status.id"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("status_id", "account_id", "choice"),
    )
    op.create_index("ix_poll_vote_account_id", "poll_vote", ["account_id"])
    op.create_index("ix_poll_vote_uri", "poll_vote", ["uri"])
    with op.batch_alter_table("poll", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("hide_totals", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.add_column(sa.Column("request_uri", sa.String(), nullable=True))
    op.create_index("ix_quote_request_uri", "quote", ["request_uri"])


def _arranging() -> None:
    op.create_table(
        "user_list",
        _id("id"),
        _id("account_id"),
        _string("title"),
        _string("replies_policy"),
        _flag("exclusive"),
        _moment("created_at"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_user_list_account_id", "user_list", ["account_id"])
    op.create_table(
        "list_member",
        _id("id"),
        _id("list_id"),
        _id("account_id"),
        _whose("list_id", "user_list.id"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("list_id", "account_id"),
    )
    op.create_index("ix_list_member_account_id", "list_member", ["account_id"])
    op.create_table(
        "filter",
        _id("id"),
        _id("account_id"),
        _text("title"),
        _json("context"),
        _string("action"),
        _moment("expires_at", nullable=True),
        _moment("created_at"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_filter_account_id", "filter", ["account_id"])
    op.create_table(
        "filter_keyword",
        _id("id"),
        _id("filter_id"),
        _text("keyword"),
        _flag("whole_word"),
        _whose("filter_id", "filter.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_filter_keyword_filter_id", "filter_keyword", ["filter_id"])
    op.create_table(
        "filter_status",
        _id("id"),
        _id("filter_id"),
        _id("status_id"),
        _whose("filter_id", "filter.id"),
        _whose("status_id", "status.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("filter_id", "status_id"),
    )
    op.create_index("ix_filter_status_status_id", "filter_status", ["status_id"])
    op.create_table(
        "followed_tag",
        _id("id"),
        _id("account_id"),
        _id("tag_id"),
        _moment("created_at"),
        _whose("account_id", "account.id"),
        _whose("tag_id", "tag.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "tag_id"),
    )
    op.create_index("followed_tag_account", "followed_tag", ["account_id", "id"])
    op.create_index("ix_followed_tag_tag_id", "followed_tag", ["tag_id"])
    op.create_table(
        "dismissed_suggestion",
        _id("account_id"),
        _id("target_account_id"),
        _whose("account_id", "account.id"),
        _whose("target_account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id", "target_account_id"),
    )
    op.create_index(
        "ix_dismissed_suggestion_target_account_id", "dismissed_suggestion", ["target_account_id"]
    )


def _writing() -> None:
    op.create_table(
        "status_edit",
        _id("id"),
        _id("status_id"),
        _text("content"),
        _string("spoiler_text"),
        _flag("sensitive"),
        _json("media"),
        _json("poll", nullable=True),
        _json("emojis"),
        _moment("created_at"),
        _whose("status_id", "status.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("status_edit_status", "status_edit", ["status_id", "id"])
    op.create_table(
        "scheduled_status",
        _id("id"),
        _id("account_id"),
        _moment("scheduled_at"),
        _json("draft"),
        _string("uri"),
        _text("error"),
        _moment("created_at"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("scheduled_account", "scheduled_status", ["account_id", "id"])
    op.create_index("ix_scheduled_status_scheduled_at", "scheduled_status", ["scheduled_at"])
    op.create_table(
        "conversation",
        _id("id"),
        _id("account_id"),
        _string("key"),
        _string("context_uri"),
        _json("participants"),
        _id("last_status_id"),
        _flag("unread"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "key"),
    )
    op.create_index("conversation_account", "conversation", ["account_id", "last_status_id"])
    op.create_index("ix_conversation_last_status_id", "conversation", ["last_status_id"])


def downgrade() -> None:
    op.drop_index("ix_quote_request_uri", "quote")
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.drop_column("request_uri")
    with op.batch_alter_table("poll", schema=None) as batch_op:
        batch_op.drop_column("hide_totals")
    for table in TABLES:
        op.drop_table(table)
