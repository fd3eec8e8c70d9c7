"""Compare pictures by what they show

What a model saw is kept with a sketch from now on. Pictures that were looked at have none: the
newest are looked at once more.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

RECENT = 20_000  # pictures

_LOOK = sa.table(
    "picture_look",
    sa.column("media_id"), sa.column("model"), sa.column("tries"),
    sa.column("due_at", UTCDateTime()),
)  # fmt: skip


def upgrade() -> None:
    op.add_column("picture_look", sa.Column("sketch", sa.LargeBinary(), nullable=True))
    newest = (
        sa.select(_LOOK.c.media_id)
        .where(_LOOK.c.model != "")
        .order_by(_LOOK.c.media_id.desc())
        .limit(RECENT)
    )
    again = sa.update(_LOOK).where(_LOOK.c.media_id.in_(newest))
    op.execute(again.values(tries=0, due_at=datetime.now(UTC)))


def downgrade() -> None:
    op.drop_column("picture_look", "sketch")
