"""Post several pictures together"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TOGETHER = sa.text("post_of IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "post_of", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.create_index(
            "painting_together",
            ["post_of"],
            unique=False,
            sqlite_where=TOGETHER,
            postgresql_where=TOGETHER,
        )


def downgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.drop_index("painting_together")
        batch_op.drop_column("post_of")
