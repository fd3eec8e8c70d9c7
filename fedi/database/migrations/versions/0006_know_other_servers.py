"""Know other servers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "domain_allow",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.create_table(
        "domain_rule",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("reject_media", sa.Boolean(), nullable=False),
        sa.Column("reject_reports", sa.Boolean(), nullable=False),
        sa.Column("public_comment", sa.Text(), nullable=False),
        sa.Column("private_comment", sa.Text(), nullable=False),
        sa.Column("obfuscate", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.create_table(
        "mark",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    with op.batch_alter_table("peer_host", schema=None) as batch_op:
        for name in ("seen_at", "delivered_at", "failed_at", "failing_since"):
            batch_op.add_column(sa.Column(name, UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("open_until", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("rested_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("error", sa.Text(), server_default="", nullable=False))
        batch_op.create_index(
            batch_op.f("ix_peer_host_failing_since"), ["failing_since"], unique=False
        )

    op.create_table(
        "relay",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("inbox_uri", sa.String(), nullable=False),
        sa.Column("actor_uri", sa.String(), nullable=True),
        sa.Column("style", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("follow_uri", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("follow_uri"),
        sa.UniqueConstraint("inbox_uri"),
    )
    with op.batch_alter_table("relay", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_relay_actor_uri"), ["actor_uri"], unique=False)

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("silenced_at", UTCDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column("limited_by_domain", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due", sa.Boolean(), nullable=True))
        batch_op.drop_index(batch_op.f("job_due"))
        batch_op.create_index("job_due", ["state", "kind", "run_at", "id"], unique=False)
        batch_op.create_index(
            "job_lane",
            ["kind", "lane", "run_at", "id"],
            unique=False,
            sqlite_where=sa.text("due"),
            postgresql_where=sa.text("due"),
        )
        batch_op.create_index(
            "job_later",
            ["kind", "run_at"],
            unique=False,
            sqlite_where=sa.text("NOT due"),
            postgresql_where=sa.text("NOT due"),
        )

    # What waits is found again by its time.
    op.execute("UPDATE job SET due = false WHERE state = 'ready'")


def downgrade() -> None:
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(
            "job_later", sqlite_where=sa.text("NOT due"), postgresql_where=sa.text("NOT due")
        )
        batch_op.drop_index(
            "job_lane", sqlite_where=sa.text("due"), postgresql_where=sa.text("due")
        )
        batch_op.drop_index("job_due")
        batch_op.create_index(batch_op.f("job_due"), ["state", "kind", "run_at"], unique=False)
        batch_op.drop_column("due")

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_column("limited_by_domain")
        batch_op.drop_column("silenced_at")

    with op.batch_alter_table("relay", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_relay_actor_uri"))

    op.drop_table("relay")
    with op.batch_alter_table("peer_host", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_peer_host_failing_since"))
        for name in (
            "error", "rested_at", "open_until", "failures", "failing_since", "failed_at",
            "delivered_at", "seen_at",
        ):  # fmt: skip
            batch_op.drop_column(name)

    op.drop_table("mark")
    op.drop_table("domain_rule")
    op.drop_table("domain_allow")
