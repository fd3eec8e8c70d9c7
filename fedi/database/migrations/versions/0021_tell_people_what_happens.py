"""Tell people what happens: as groups, as they want it, and where their apps do not run"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOTIFIED = sa.text("notify")


def _tie(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], ondelete="CASCADE")


def upgrade() -> None:
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("group_key", sa.String(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("filtered", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("report_id", BIG, nullable=True))
        batch_op.create_index(batch_op.f("ix_notification_report_id"), ["report_id"], unique=False)
        batch_op.create_foreign_key(
            "notification_report", "report", ["report_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index("notification_group", ["account_id", "group_key", "id"], unique=False)
    op.execute("UPDATE notification SET group_key = 'ungrouped-' || id")
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.create_index(
            "follow_notify",
            ["target_account_id"],
            unique=False,
            sqlite_where=NOTIFIED,
            postgresql_where=NOTIFIED,
        )
    op.create_table(
        "notification_policy",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("for_not_following", sa.String(), nullable=False),
        sa.Column("for_not_followers", sa.String(), nullable=False),
        sa.Column("for_new_accounts", sa.String(), nullable=False),
        sa.Column("for_private_mentions", sa.String(), nullable=False),
        sa.Column("for_limited_accounts", sa.String(), nullable=False),
        _tie("account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "notification_permission",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("from_account_id", BIG, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _tie("account_id", "account.id"),
        _tie("from_account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id", "from_account_id"),
    )
    op.create_table(
        "notification_request",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("from_account_id", BIG, nullable=False),
        sa.Column("last_status_id", BIG, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        _tie("account_id", "account.id"),
        _tie("from_account_id", "account.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "from_account_id"),
    )
    op.create_table(
        "push_subscription",
        sa.Column("id", BIG, nullable=False),
        sa.Column("token_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("standard", sa.Boolean(), nullable=False),
        sa.Column("alerts", sa.JSON(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _tie("account_id", "account.id"),
        _tie("token_id", "access_token.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_id"),
    )
    op.create_table(
        "announcement",
        sa.Column("id", BIG, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=True),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("published_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "announcement_read",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("announcement_id", BIG, nullable=False),
        _tie("account_id", "account.id"),
        _tie("announcement_id", "announcement.id"),
        sa.PrimaryKeyConstraint("account_id", "announcement_id"),
    )
    op.create_table(
        "announcement_reaction",
        sa.Column("announcement_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _tie("account_id", "account.id"),
        _tie("announcement_id", "announcement.id"),
        sa.PrimaryKeyConstraint("announcement_id", "account_id", "name"),
    )
    for table, column in (
        ("notification_permission", "from_account_id"),
        ("notification_request", "from_account_id"),
        ("push_subscription", "account_id"),
        ("announcement_read", "announcement_id"),
        ("announcement_reaction", "account_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column], unique=False)
    op.create_index("notification_request_account", "notification_request", ["account_id", "id"])


def downgrade() -> None:
    for table in (
        "announcement_reaction",
        "announcement_read",
        "announcement",
        "push_subscription",
        "notification_request",
        "notification_permission",
        "notification_policy",
    ):
        op.drop_table(table)
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_index("follow_notify")
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.drop_index("notification_group")
        batch_op.drop_constraint("notification_report", type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_notification_report_id"))
        batch_op.drop_column("report_id")
        batch_op.drop_column("filtered")
        batch_op.drop_column("group_key")
