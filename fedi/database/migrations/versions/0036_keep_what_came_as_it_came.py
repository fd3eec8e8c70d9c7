"""Keep what came as it came"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from activitypub.objects import values
from fedi.database.tables.columns import UTCDateTime

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TYPES = ("Collection", "OrderedCollection")
MEMBERS = ("orderedItems", "items")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("status", sa.Column("create_uri", sa.String(), nullable=True))
    op.create_table(
        "inbox_activity",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("object_uri", sa.String(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uri"),
    )
    op.create_index("inbox_activity_object", "inbox_activity", ["account_id", "object_uri"])
    op.create_index("ix_inbox_activity_created_at", "inbox_activity", ["created_at"])
    op.create_table(
        "inbox_recipient",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("activity_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["activity_id"], ["inbox_activity.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "activity_id"),
    )
    op.create_index("ix_inbox_recipient_activity_id", "inbox_recipient", ["activity_id"])
    op.create_table(
        "collection_item",
        sa.Column("id", BIG, nullable=False),
        sa.Column("collection_id", BIG, nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["outbox_activity.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collection_id", "uri"),
    )
    _take_members_out()


def _take_members_out() -> None:
    """What is in the collections that apps made stood in their documents."""
    connection = op.get_bind()
    made = sa.table(
        "outbox_activity",
        sa.column("id", BIG),
        sa.column("type", sa.String()),
        sa.column("document", sa.JSON()),
        sa.column("created_at", UTCDateTime()),
    )
    item = sa.table(
        "collection_item",
        sa.column("id", BIG),
        sa.column("collection_id", BIG),
        sa.column("uri", sa.String()),
        sa.column("created_at", UTCDateTime()),
    )
    number = 0
    for row in connection.execute(sa.select(made).where(made.c.type == "Create")).all():
        object_ = row.document.get("object")
        if not isinstance(object_, dict) or object_.get("type") not in TYPES:
            continue
        found = [object_.pop(name, None) for name in MEMBERS]
        uris = values.uris(found[0] or found[1])
        object_.pop("totalItems", None)
        rows = []
        for uri in reversed(uris):
            number += 1
            rows.append({"id": number, "collection_id": row.id, "uri": uri,
                         "created_at": row.created_at})  # fmt: skip
        if rows:
            connection.execute(item.insert(), rows)
        connection.execute(made.update().where(made.c.id == row.id).values(document=row.document))


def downgrade() -> None:
    op.drop_table("collection_item")
    op.drop_table("inbox_recipient")
    op.drop_table("inbox_activity")
    op.drop_column("status", "create_uri")
