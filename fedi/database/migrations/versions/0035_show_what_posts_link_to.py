"""Show what posts link to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LINKING = sa.text("preview_id IS NOT NULL")
WORDS = (
    "title", "description", "author_name", "author_url", "provider_name", "provider_url",
    "image_url", "image_description",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "link_preview",
        sa.Column("id", BIG, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in WORDS),
        sa.Column("author_account_id", BIG, nullable=True),
        sa.Column("image_width", sa.Integer(), nullable=False),
        sa.Column("image_height", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("published_at", UTCDateTime(), nullable=True),
        sa.Column("fetched_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["author_account_id"], ["account.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("link_preview_fetched", "link_preview", ["fetched_at"])
    op.create_index(
        "ix_link_preview_author_account_id", "link_preview", ["author_account_id"], unique=False
    )
    op.add_column("status", sa.Column("preview_id", BIG, nullable=True))
    op.add_column("status", sa.Column("application_id", BIG, nullable=True))
    for side in ("preview_width", "preview_height"):
        op.add_column("media_attachment", sa.Column(side, sa.Integer(), nullable=True))
    op.create_index(
        "status_preview",
        "status",
        ["preview_id", "id"],
        sqlite_where=LINKING,
        postgresql_where=LINKING,
    )


def downgrade() -> None:
    op.drop_index("status_preview", "status")
    for side in ("preview_width", "preview_height"):
        op.drop_column("media_attachment", side)
    op.drop_column("status", "application_id")
    op.drop_column("status", "preview_id")
    op.drop_table("link_preview")
