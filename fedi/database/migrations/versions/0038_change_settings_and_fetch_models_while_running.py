"""Change settings and fetch models while the server runs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "model_pull",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("done", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=True),
        sa.Column("began_with", BIG, nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("told_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def downgrade() -> None:
    for name in ("model_pull", "setting"):
        op.drop_table(name)
