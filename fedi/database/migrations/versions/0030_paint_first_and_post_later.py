"""Paint first and post later, and choose among several"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

AMONG = sa.text("asked_with IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("begun_post", sa.JSON(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "asked_with", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.create_index(
            "painting_asked_with", ["asked_with"], sqlite_where=AMONG, postgresql_where=AMONG
        )


def downgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.drop_index("painting_asked_with", sqlite_where=AMONG, postgresql_where=AMONG)
        batch_op.drop_column("asked_with")
        batch_op.drop_column("begun_post")
