"""Keep what people keep to themselves"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _whose(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "bookmark",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _whose("account_id", "account.id"),
        _whose("status_id", "status.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "status_id"),
    )
    op.create_index("bookmark_account", "bookmark", ["account_id", "id"])
    op.create_index("ix_bookmark_status_id", "bookmark", ["status_id"])
    op.create_table(
        "mute",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("target_account_id", BIG, nullable=False),
        sa.Column("notifications", sa.Boolean(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _whose("account_id", "account.id"),
        _whose("target_account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "target_account_id"),
    )
    op.create_index("mute_account", "mute", ["account_id", "id"])
    op.create_index("ix_mute_target_account_id", "mute", ["target_account_id"])
    op.create_table(
        "thread_mute",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("context_uri", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id", "context_uri"),
    )
    op.create_table(
        "account_note",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("target_account_id", BIG, nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        _whose("account_id", "account.id"),
        _whose("target_account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id", "target_account_id"),
    )
    op.create_index("ix_account_note_target_account_id", "account_note", ["target_account_id"])
    op.create_table(
        "marker",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("timeline", sa.String(), nullable=False),
        sa.Column("last_read_id", BIG, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id", "timeline"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("status_uri", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id", "key"),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("reblogs", sa.Boolean(), server_default=sa.true(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("notify", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("languages", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_column("languages")
        batch_op.drop_column("notify")
        batch_op.drop_column("reblogs")
    for table in ("idempotency_key", "marker", "account_note", "thread_mute", "mute", "bookmark"):
        op.drop_table(table)
