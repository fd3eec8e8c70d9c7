"""The database: engine, tables, migrations."""

from __future__ import annotations

from fedi.database.engine import Database, Session, Transaction

__all__ = ["Database", "Session", "Transaction"]
