"""Ask again who was asked for less

Before 0037 a yes was about the files of pictures painted from then on. Since then it is about all
public pictures, those from before among them. Whoever said yes to the smaller question, and nothing
of all their pictures since, is taken to have said nothing.
"""

from __future__ import annotations

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


def downgrade() -> None:
    """Nobody's yes comes back by itself."""
