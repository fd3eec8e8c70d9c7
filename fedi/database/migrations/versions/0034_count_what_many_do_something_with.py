"""Count what many do something with"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from fedi import ids

revision = "0034"
down_revision = "0031"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = timedelta(days=7)


def upgrade() -> None:
    op.create_table(
        "trend_change",
        sa.Column("id", BIG, nullable=False),
        sa.Column("status_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "trend_signal",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("easy", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "subject_id", "account_id", "source_id"),
    )
    op.create_index("trend_signal_source", "trend_signal", ["account_id", "source_id"])
    op.create_index("trend_signal_hour", "trend_signal", ["hour"])
    op.create_table(
        "trend",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", BIG, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("rank", sa.Float(), nullable=False),
        sa.Column("voices", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("servers", sa.Integer(), nullable=False),
        sa.Column("began", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject_id"),
    )
    op.create_index("trend_rank", "trend", ["kind", "rank"])
    op.create_index("trend_last", "trend", ["last"])
    _count_what_is_recent()


def _count_what_is_recent() -> None:
    since = datetime.now(UTC) - KEPT
    for query in (
        "SELECT COALESCE(reblog_of_id, id), account_id FROM status "
        "WHERE visibility IN ('public', 'unlisted') AND id >= :since",
        "SELECT status_id, account_id FROM favourite WHERE id >= :since",
        "SELECT status_id, account_id FROM reaction WHERE id >= :since",
    ):
        op.get_bind().execute(
            sa.text(f"INSERT INTO trend_change (status_id, account_id) {query}"),
            {"since": ids.floor(since)},
        )


def downgrade() -> None:
    for name in ("trend", "trend_signal", "trend_change"):
        op.drop_table(name)
