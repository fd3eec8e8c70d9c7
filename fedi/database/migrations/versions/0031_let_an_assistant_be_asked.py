"""Let an assistant be asked"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "assistant_request",
        sa.Column("status_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain", sa.String(), nullable=True),
        sa.Column("context_uri", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("painting_id", BIG, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["status_id"], ["status.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("status_id"),
    )
    for name, columns in (
        ("assistant_request_account", ["account_id", "created_at"]),
        ("assistant_request_domain", ["domain", "created_at"]),
    ):
        op.create_index(name, "assistant_request", columns)
    op.create_index(
        "assistant_request_painting",
        "assistant_request",
        ["painting_id"],
        sqlite_where=sa.text("painting_id IS NOT NULL"),
        postgresql_where=sa.text("painting_id IS NOT NULL"),
    )
    op.create_table(
        "assistant_stop",
        sa.Column("context_uri", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("context_uri"),
    )
    op.add_column("painting", sa.Column("share", sa.String(), nullable=True))
    op.create_index(
        "painting_share",
        "painting",
        ["share", "id"],
        sqlite_where=sa.text("share IS NOT NULL"),
        postgresql_where=sa.text("share IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("painting_share", "painting")
    op.drop_column("painting", "share")
    op.drop_table("assistant_stop")
    op.drop_table("assistant_request")
