"""How Alembic runs our migrations: always on a connection that `migrate` opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import SQLModel

import fedi.database.tables  # noqa: F401  (fills the metadata)
from fedi.database.migrations import is_ours, triggers
from fedi.database.tables.columns import UTCDateTime


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UTCDateTime):
        autogen.imports.add("from fedi.database.tables.columns import UTCDateTime")
        return "UTCDateTime()"
    if kind == "type" and type(item).__name__ == "AutoString":
        return "sa.String()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=render,
    compare_type=True,
    include_name=is_ours,
    transaction_per_migration=False,
)
with context.begin_transaction():
    triggers.drop(connection)
    context.run_migrations()
    triggers.create(connection)
