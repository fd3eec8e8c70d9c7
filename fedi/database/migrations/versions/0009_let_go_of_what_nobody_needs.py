"""Let go of what nobody needs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

RELAYED = sa.text("relayed_at IS NOT NULL")
UNREAD = sa.text("deleted_at IS NOT NULL AND fetched_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("status", schema=None) as batch_op:
        batch_op.add_column(sa.Column("relayed_at", UTCDateTime(), nullable=True))
        batch_op.create_index(
            "status_relayed",
            ["relayed_at"],
            unique=False,
            sqlite_where=RELAYED,
            postgresql_where=RELAYED,
        )
        batch_op.create_index(
            "status_unread",
            ["local", "deleted_at"],
            unique=False,
            sqlite_where=UNREAD,
            postgresql_where=UNREAD,
        )


def downgrade() -> None:
    with op.batch_alter_table("status", schema=None) as batch_op:
        batch_op.drop_index("status_unread")
        batch_op.drop_index("status_relayed")
        batch_op.drop_column("relayed_at")
