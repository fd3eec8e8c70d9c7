"""Find what a stamp lets be seen"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STAMPED = sa.text("approved_by IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("status", schema=None) as batch_op:
        batch_op.create_index(
            "status_approved_by",
            ["approved_by"],
            unique=False,
            sqlite_where=STAMPED,
            postgresql_where=STAMPED,
        )


def downgrade() -> None:
    with op.batch_alter_table("status", schema=None) as batch_op:
        batch_op.drop_index("status_approved_by")
