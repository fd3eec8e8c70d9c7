"""Let go of what was begun with"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

FILES = (
    ("media_attachment", "media_file", "file"),
    ("media_attachment", "media_preview_file", "preview_file"),
    ("remote_file", "remote_file_file", "file"),
    ("remote_file", "remote_file_preview_file", "preview_file"),
)
MEDIUM = sa.text("medium_id IS NOT NULL")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table, name, column in FILES:
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)
    op.create_index("input_picture_file", "input_picture", ["file"])
    with op.batch_alter_table("painting_input", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_id", BIG_ID, nullable=True))
        batch_op.add_column(sa.Column("medium_id", BIG_ID, nullable=True))
    op.execute(
        "UPDATE painting_input SET account_id = "
        "(SELECT account_id FROM painting WHERE painting.id = painting_input.painting_id)"
    )
    # Where a picture was from was not written down: a picture here that has its digest, if any.
    op.create_index("media_digest_for_once", "media_attachment", ["digest"])
    op.execute(
        "UPDATE painting_input SET medium_id = (SELECT MIN(media_attachment.id) "
        "FROM media_attachment WHERE media_attachment.digest = painting_input.digest)"
    )
    op.drop_index("media_digest_for_once", "media_attachment")
    with op.batch_alter_table("painting_input", schema=None) as batch_op:
        batch_op.alter_column("account_id", existing_type=BIG_ID, nullable=False)
        batch_op.create_foreign_key(
            "painting_input_account_id_fkey", "account", ["account_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index(batch_op.f("ix_painting_input_account_id"), ["account_id"])
        batch_op.create_index(
            "painting_input_medium", ["medium_id"], sqlite_where=MEDIUM, postgresql_where=MEDIUM
        )


def downgrade() -> None:
    with op.batch_alter_table("painting_input", schema=None) as batch_op:
        batch_op.drop_index("painting_input_medium")
        batch_op.drop_index(batch_op.f("ix_painting_input_account_id"))
        batch_op.drop_constraint("painting_input_account_id_fkey", type_="foreignkey")
        batch_op.drop_column("medium_id")
        batch_op.drop_column("account_id")
    op.drop_index("input_picture_file", "input_picture")
    for table, name, _ in reversed(FILES):
        op.drop_index(name, table)
