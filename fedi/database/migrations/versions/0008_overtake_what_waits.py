"""Let later activities overtake earlier ones"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outgoing_activity", schema=None) as batch_op:
        batch_op.add_column(sa.Column("type", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("about", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("overtaken_at", UTCDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_outgoing_activity_about"), ["about"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("outgoing_activity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outgoing_activity_about"))
        batch_op.drop_column("overtaken_at")
        batch_op.drop_column("about")
        batch_op.drop_column("type")
