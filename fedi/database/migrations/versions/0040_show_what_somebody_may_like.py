"""Show what somebody may like"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0040"
down_revision = "0038"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "picture_change",
        sa.Column("id", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "picture_feature",
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["status_id"], ["status.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "value", "status_id"),
    )
    op.create_index("picture_feature_status", "picture_feature", ["status_id", "kind", "value"])
    op.create_table(
        "picture_term",
        sa.Column("number", BIG, nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "for_you",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("follows", sa.Integer(), nullable=False),
        sa.Column("fresh", sa.Integer(), nullable=False),
        sa.Column("surprise", sa.Integer(), nullable=False),
        sa.Column("ai", sa.String(), nullable=False),
        sa.Column("warned", sa.Boolean(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "for_you_mark",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=False),
        sa.Column("more", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["status_id"], ["status.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "status_id"),
    )
    op.create_index(op.f("ix_for_you_mark_status_id"), "for_you_mark", ["status_id"])
    op.create_table(
        "for_you_ranking",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("for_you_ranking_account", "for_you_ranking", ["account_id", "id"])
    op.execute(
        "INSERT INTO picture_change (status_id) SELECT DISTINCT status_id FROM media_attachment "
        "WHERE status_id IS NOT NULL ORDER BY status_id DESC"
    )


def downgrade() -> None:
    for name in (
        "for_you_ranking", "for_you_mark", "for_you", "picture_term", "picture_feature",
        "picture_change",
    ):  # fmt: skip
        op.drop_table(name)
