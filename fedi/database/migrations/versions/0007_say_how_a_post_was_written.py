"""Say how a post was written"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("status", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("source_type", sa.String(), server_default="text/plain", nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("status", schema=None) as batch_op:
        batch_op.drop_column("source_type")
