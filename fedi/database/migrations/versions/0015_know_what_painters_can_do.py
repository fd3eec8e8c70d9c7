"""Know what painters can do"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'queued'")


def upgrade() -> None:
    with op.batch_alter_table("painter", schema=None) as batch_op:
        batch_op.add_column(sa.Column("abilities", sa.JSON(), nullable=True))
    with op.batch_alter_table("painting", schema=None) as batch_op:
        # What waits was asked for when nobody told: any painter of its model will do.
        batch_op.add_column(sa.Column("needs", sa.Text(), server_default="", nullable=False))
        batch_op.drop_index("painting_waiting")
        _waiting(batch_op, ["model", "needs", "tag", "id"])


def _waiting(batch_op: BatchOperations, columns: list[str]) -> None:
    batch_op.create_index(
        "painting_waiting", columns, unique=False, sqlite_where=WAITING, postgresql_where=WAITING
    )


def downgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.drop_index("painting_waiting")
        _waiting(batch_op, ["model", "tag", "id"])
        batch_op.drop_column("needs")
    with op.batch_alter_table("painter", schema=None) as batch_op:
        batch_op.drop_column("abilities")
