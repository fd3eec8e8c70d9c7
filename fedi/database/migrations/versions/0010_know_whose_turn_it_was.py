"""Know whose turn it was"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'queued'")
TAKEN = sa.text("turn IS NOT NULL")
PASSING = sa.text("over_id IS NOT NULL")
BEGUN = sa.text("state = 'painting'")
DONE = sa.text("state = 'done'")
STARTED = sa.text("started_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("turn", sa.Float(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "over_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.drop_index("painting_served")
        batch_op.drop_index("painting_state")
        _index(batch_op, "painting_begun", ["lease_until"], BEGUN)
        _index(batch_op, "painting_waiting", ["model", "tag", "id"], WAITING)
        _index(batch_op, "painting_turn", ["turn"], TAKEN)
        _index(batch_op, "painting_passing", ["tag", "id"], PASSING)
        _index(batch_op, "painting_done", ["id"], DONE)
        batch_op.create_index("painting_asked", ["account_id", "id"], unique=False)
    op.execute("UPDATE painting SET turn = tag WHERE started_at IS NOT NULL")


def _index(batch_op: BatchOperations, name: str, columns: list[str], where: sa.TextClause) -> None:
    batch_op.create_index(name, columns, unique=False, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    with op.batch_alter_table("painting", schema=None) as batch_op:
        for name in (
            "painting_asked",
            "painting_begun",
            "painting_done",
            "painting_passing",
            "painting_turn",
            "painting_waiting",
        ):
            batch_op.drop_index(name)
        _index(batch_op, "painting_served", ["tag"], STARTED)
        batch_op.create_index("painting_state", ["state", "lease_until"], unique=False)
        batch_op.drop_column("over_id")
        batch_op.drop_column("turn")
