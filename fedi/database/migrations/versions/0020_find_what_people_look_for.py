"""Find what people look for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEXES = ("status_search", "account_search")


def upgrade() -> None:
    op.create_table(
        "search_change",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("row_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in INDEXES:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"CREATE VIRTUAL TABLE {name} USING fts5(words, tokenize='ascii')")
        else:
            op.execute(f"CREATE TABLE {name} (id bigint PRIMARY KEY, words tsvector NOT NULL)")
            op.execute(f"CREATE INDEX {name}_words ON {name} USING gin (words)")
    for kind in ("account", "status"):
        op.execute(f"INSERT INTO search_change (kind, row_id) SELECT '{kind}', id FROM {kind}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP TABLE {name}")
    op.drop_table("search_change")
