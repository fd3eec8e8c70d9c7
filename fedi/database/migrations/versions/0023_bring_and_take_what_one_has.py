"""Keep endorsements, rules, emoji, and what people bring and take"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _whose(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], ondelete="CASCADE")


def _id(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=False)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _moment(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UTCDateTime(), nullable=optional)


def upgrade() -> None:
    op.create_table(
        "endorsement",
        _id("id"),
        _id("account_id"),
        _id("target_account_id"),
        _moment("created_at"),
        _whose("account_id", "account.id"),
        _whose("target_account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "target_account_id"),
    )
    op.create_index("endorsement_account", "endorsement", ["account_id", "id"])
    op.create_index("ix_endorsement_target_account_id", "endorsement", ["target_account_id"])
    op.create_table(
        "account_domain_block",
        _id("id"),
        _id("account_id"),
        _text("domain"),
        _moment("created_at"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "domain"),
    )
    op.create_index("account_domain_block_account", "account_domain_block", ["account_id", "id"])
    op.create_table(
        "rule",
        _id("id"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        _moment("created_at"),
        _moment("deleted_at", optional=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "custom_emoji",
        _id("id"),
        _text("shortcode"),
        _text("file"),
        _text("still_file"),
        _text("media_type"),
        _text("category"),
        _moment("updated_at"),
        _moment("removed_at", optional=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("shortcode", "file", "still_file"):
        op.create_index(f"ix_custom_emoji_{column}", "custom_emoji", [column])
    op.create_table(
        "import",
        _id("id"),
        _id("account_id"),
        _text("kind"),
        sa.Column("overwrite", sa.Boolean(), nullable=False),
        _count("total"),
        _count("done"),
        _count("failed"),
        _moment("created_at"),
        _moment("finished_at", optional=True),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_import_account_id", "import", ["account_id"])
    op.create_table(
        "import_line",
        _id("id"),
        _id("import_id"),
        sa.Column("entry", sa.JSON(), nullable=False),
        _text("error"),
        _whose("import_id", "import.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("import_line_import", "import_line", ["import_id", "error", "id"])
    op.create_table(
        "archive",
        _id("id"),
        _id("account_id"),
        sa.Column("file", sa.String(), nullable=True),
        sa.Column("bytes", BIG, nullable=False),
        _moment("created_at"),
        _moment("finished_at", optional=True),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("account_id", "file"):
        op.create_index(f"ix_archive_{column}", "archive", [column])
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("category", sa.String(), server_default="other", nullable=False)
        )
        batch_op.add_column(sa.Column("rule_ids", sa.JSON(), server_default="[]", nullable=False))
    op.add_column(
        "account",
        sa.Column("attribution_domains", sa.JSON(), server_default="[]", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("account", "attribution_domains")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_column("rule_ids")
        batch_op.drop_column("category")
    for table in (
        "archive",
        "import_line",
        "import",
        "custom_emoji",
        "rule",
        "account_domain_block",
        "endorsement",
    ):
        op.drop_table(table)
