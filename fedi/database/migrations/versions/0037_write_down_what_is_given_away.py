"""Write down what is given away for training, and what authors said of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0037"
down_revision = "0034"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "account",
        sa.Column("training_credit", sa.String(), nullable=False, server_default="anonymous"),
    )
    op.add_column(
        "account", sa.Column("training_licence", sa.String(), nullable=False, server_default="")
    )
    op.add_column("status", sa.Column("training", sa.Boolean(), nullable=True))
    op.add_column("status", sa.Column("training_said_at", UTCDateTime(), nullable=True))
    op.create_table(
        "consent_change",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=True),
        sa.Column("allowed", sa.Boolean(), nullable=True),
        sa.Column("credit", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consent_change_account", "consent_change", ["account_id", "id"])
    op.create_table(
        "dataset_export",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("last_used_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "dataset_item",
        sa.Column("id", BIG, nullable=False),
        sa.Column("export_id", BIG, nullable=False),
        sa.Column("media_id", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=False),
        sa.Column("withdrawn_position", BIG, nullable=True),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["dataset_export.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("export_id", "media_id"),
    )
    for name, columns in (
        ("dataset_item_position", ["export_id", "position"]),
        ("dataset_item_account", ["account_id", "export_id"]),
        ("dataset_item_media", ["media_id"]),
    ):
        op.create_index(name, "dataset_item", columns)
    op.create_index(
        "dataset_item_withdrawn",
        "dataset_item",
        ["withdrawn_position"],
        sqlite_where=sa.text("withdrawn_position IS NOT NULL"),
        postgresql_where=sa.text("withdrawn_position IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("dataset_item")
    op.drop_table("dataset_export")
    op.drop_table("consent_change")
    op.drop_column("status", "training_said_at")
    op.drop_column("status", "training")
    op.drop_column("account", "training_licence")
    op.drop_column("account", "training_credit")
