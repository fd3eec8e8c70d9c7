"""Begin with pictures"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "input_picture",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "painting_input",
        sa.Column(
            "painting_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["input_picture.digest"]),
        sa.ForeignKeyConstraint(["painting_id"], ["painting.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("painting_id", "digest"),
    )
    with op.batch_alter_table("painting_input", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_painting_input_digest"), ["digest"], unique=False)
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("based_on_uri", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("parent_digest", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.drop_column("parent_digest")
        batch_op.drop_column("based_on_uri")
    with op.batch_alter_table("painting_input", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_painting_input_digest"))
    op.drop_table("painting_input")
    op.drop_table("input_picture")
