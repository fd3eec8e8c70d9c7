"""Ask again who was asked for less, and call pictures that go out by other names

Before 0037 a yes was about the files of pictures painted from then on. Since then it is about all
public pictures, those from before among them. Whoever said yes to the smaller question, and nothing
of all their pictures since, is taken to have said nothing.

What went out by the number of the picture keeps that as its key: whoever has it must find it on the
list of what was withdrawn.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE account SET training_consent_at = NULL "
        "WHERE domain IS NULL AND training_consent_at IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM consent_change WHERE consent_change.account_id = account.id "
        "AND consent_change.status_id IS NULL)"
    )
    op.add_column("dataset_item", sa.Column("key", sa.String(), nullable=False, server_default=""))
    op.execute("UPDATE dataset_item SET key = CAST(media_id AS VARCHAR)")
    op.create_index("dataset_item_key", "dataset_item", ["export_id", "key"])


def downgrade() -> None:
    # Nobody's yes comes back by itself.
    op.drop_index("dataset_item_key", "dataset_item")
    op.drop_column("dataset_item", "key")
