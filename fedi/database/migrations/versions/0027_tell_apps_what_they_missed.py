"""Tell apps what they missed: find what changed and what went since a moment"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

GONE = "deleted_at IS NOT NULL"
EDITED = "edited_at IS NOT NULL AND fetched_at IS NULL"
EDITED_ELSEWHERE = "edited_at IS NOT NULL AND fetched_at IS NOT NULL"
INDEXES = (
    ("status_deleted", "deleted_at", GONE),
    ("status_edited", "edited_at", EDITED),
    ("status_edited_elsewhere", "fetched_at", EDITED_ELSEWHERE),
)


def upgrade() -> None:
    for name, column, where in INDEXES:
        op.create_index(
            name,
            "status",
            [column],
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def downgrade() -> None:
    for name, _, _ in reversed(INDEXES):
        op.drop_index(name, table_name="status")
