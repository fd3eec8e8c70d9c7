"""Let people join, and keep what staff do"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from fedi.database.tables.columns import UTCDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "account_warning",
    "mail_link",
    "invite",
    "audit_entry",
    "trend_verdict",
    "ip_block",
    "email_domain_block",
    "canonical_email_block",
)
LOGIN_TEXTS = (("locale", sa.String()), ("reason", sa.Text()), ("address", sa.String()))
TIES = {
    "login": (("invite_id", "invite"), ("application_id", "application")),
    "report": (("resolved_by_id", "account"), ("assigned_account_id", "account")),
}
NUMBERED = ("domain_rule", "domain_allow")


def _id(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=optional)


def _text(name: str, kind: Any = sa.String) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False)


def _moment(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UTCDateTime(), nullable=optional)


def _whose(column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], ondelete=ondelete)


def _blocks() -> None:
    op.create_table(
        "canonical_email_block",
        _id("id"),
        _text("email_hash"),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email_hash"),
    )
    op.create_table(
        "email_domain_block",
        _id("id"),
        _text("domain"),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("domain"),
    )
    op.create_table(
        "ip_block",
        _id("id"),
        _text("ip"),
        _text("severity"),
        _text("comment", sa.Text),
        _moment("created_at"),
        _moment("expires_at", optional=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ip"),
    )


def _staff() -> None:
    op.create_table(
        "trend_verdict",
        _id("id"),
        _text("kind"),
        _id("subject_id"),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject_id"),
    )
    op.create_table(
        "audit_entry",
        _id("id"),
        _id("account_id", optional=True),
        _text("actor"),
        _text("action"),
        _text("target"),
        _id("target_id", optional=True),
        sa.Column("details", sa.JSON(), nullable=False),
        _moment("created_at"),
        _whose("account_id", "account.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_entry_account_id", "audit_entry", ["account_id"])
    op.create_index("ix_audit_entry_created_at", "audit_entry", ["created_at"])
    op.create_table(
        "account_warning",
        _id("id"),
        _id("account_id"),
        _id("by_account_id", optional=True),
        _text("action"),
        _text("text", sa.Text),
        sa.Column("status_ids", sa.JSON(), nullable=False),
        _id("report_id", optional=True),
        _moment("created_at"),
        _whose("account_id", "account.id"),
        _whose("by_account_id", "account.id", "SET NULL"),
        _whose("report_id", "report.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in ("account_id", "by_account_id", "report_id"):
        op.create_index(f"ix_account_warning_{name}", "account_warning", [name])


def _joining() -> None:
    op.create_table(
        "invite",
        _id("id"),
        _text("code"),
        _id("account_id", optional=True),
        _text("comment", sa.Text),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        _moment("created_at"),
        _moment("expires_at", optional=True),
        _moment("revoked_at", optional=True),
        _whose("account_id", "account.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_index("ix_invite_account_id", "invite", ["account_id"])
    op.create_table(
        "mail_link",
        _text("token_hash"),
        _id("account_id"),
        _text("purpose"),
        _text("email"),
        _moment("created_at"),
        _moment("expires_at"),
        _whose("account_id", "account.id"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    for name in ("account_id", "expires_at"):
        op.create_index(f"ix_mail_link_{name}", "mail_link", [name])


def _number(table: str) -> None:
    """Give the rows that are there their numbers."""
    rows = sa.table(table, sa.column("domain", sa.String), sa.column("id", BIG))
    connection = op.get_bind()
    domains = connection.execute(sa.select(rows.c.domain).order_by(rows.c.domain)).scalars().all()
    for number, domain in enumerate(domains, 1):
        connection.execute(rows.update().where(rows.c.domain == domain).values(id=number))


def upgrade() -> None:
    _blocks()
    _staff()
    _joining()
    op.add_column("account", _moment("sensitized_at", optional=True))
    for table in NUMBERED:
        op.add_column(table, _id("id", optional=True))
        _number(table)
        op.create_index(f"ix_{table}_id", table, ["id"], unique=True)
    with op.batch_alter_table("login", schema=None) as batch_op:
        for name, kind in (*LOGIN_TEXTS, ("digest", sa.String())):
            batch_op.add_column(sa.Column(name, kind, server_default="", nullable=False))
        for name in ("disabled_at", "digested_at"):
            batch_op.add_column(_moment(name, optional=True))
        batch_op.add_column(sa.Column("browsers", sa.JSON(), nullable=True))
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.add_column(_moment("updated_at", optional=True))
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.add_column(_id("warning_id", optional=True))
        batch_op.create_index("ix_notification_warning_id", ["warning_id"])
        batch_op.create_foreign_key(
            "notification_warning_id", "account_warning", ["warning_id"], ["id"], ondelete="CASCADE"
        )
    for table, ties in TIES.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, target in ties:
                batch_op.add_column(_id(name, optional=True))
                batch_op.create_index(f"ix_{table}_{name}", [name])
                batch_op.create_foreign_key(
                    f"{table}_{name}", target, [name], ["id"], ondelete="SET NULL"
                )


def downgrade() -> None:
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.drop_constraint("notification_warning_id", type_="foreignkey")
        batch_op.drop_index("ix_notification_warning_id")
        batch_op.drop_column("warning_id")
    for table, ties in TIES.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, _ in ties:
                batch_op.drop_constraint(f"{table}_{name}", type_="foreignkey")
                batch_op.drop_index(f"ix_{table}_{name}")
                batch_op.drop_column(name)
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_column("updated_at")
    with op.batch_alter_table("login", schema=None) as batch_op:
        for name, _ in LOGIN_TEXTS:
            batch_op.drop_column(name)
        for name in ("digest", "disabled_at", "digested_at", "browsers"):
            batch_op.drop_column(name)
    for table in NUMBERED:
        op.drop_index(f"ix_{table}_id", table)
        op.drop_column(table, "id")
    op.drop_column("account", "sensitized_at")
    for table in TABLES:
        op.drop_table(table)
