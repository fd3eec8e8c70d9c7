"""Hold pictures for review"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

REVIEW = sa.text("state = 'review'")


def upgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("sensitive", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("judgement", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("held", sa.JSON(), nullable=True))
        batch_op.create_index(
            "painting_review", ["id"], unique=False, sqlite_where=REVIEW, postgresql_where=REVIEW
        )
    with op.batch_alter_table("media_attachment", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("described_by", sa.String(), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("sensitive", sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("media_attachment", schema=None) as batch_op:
        batch_op.drop_column("sensitive")
        batch_op.drop_column("described_by")
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.drop_index("painting_review")
        batch_op.drop_column("held")
        batch_op.drop_column("judgement")
        batch_op.drop_column("sensitive")
