"""Remember what pictures show"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RECENT = 20_000  # posts that are looked at once more, so that their pictures are noted


def upgrade() -> None:
    op.create_table(
        "picture_look",
        sa.Column("media_id", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=False),
        sa.Column("concepts", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["media_id"], ["media_attachment.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["status_id"], ["status.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("media_id"),
    )
    op.create_index(op.f("ix_picture_look_status_id"), "picture_look", ["status_id"])
    op.create_index(
        "picture_look_due",
        "picture_look",
        ["media_id"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.execute(
        "INSERT INTO picture_change (status_id) SELECT status_id FROM picture_feature "
        f"WHERE kind = 0 AND value = 0 ORDER BY status_id DESC LIMIT {RECENT}"
    )


def downgrade() -> None:
    op.drop_table("picture_look")
