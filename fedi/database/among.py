"""`column IN (many)` as a statement whose text is the same for any number of them.

SQLAlchemy's own `in_(bindparam(…, expanding=True))` is written anew with each execution: for short
statements that takes longer than SQLite does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, String, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Many(TypeDecorator[Sequence[Any]]):
    """Ids or texts as one parameter: JSON on SQLite, an array on PostgreSQL."""

    impl = String
    cache_ok = True

    def __init__(self, item: type[BigInteger] | type[String]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = String() if dialect.name == "sqlite" else ARRAY(self.item())
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        found = list(value or ())
        return json.dumps(found) if dialect.name == "sqlite" else found


class _Among(FunctionElement[bool]):
    type = Boolean()
    name = "among"
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As it is: SQLAlchemy would write `… = 1` on SQLite, which then finds no index for it."""
        return self


def among(column: Any, name: str, item: type[BigInteger] | type[String] = BigInteger) -> Any:
    """Whether a column is one of those that are given as `name` when the statement is executed.

    Args:
        column: it has an index, which is used.
        item: what the column holds.
    """
    return _Among(column, bindparam(name, type_=Many(item)))


@compiles(_Among, "sqlite")
def _on_sqlite(element: _Among, compiler: SQLCompiler, **rest: Any) -> str:
    column, many = (compiler.process(part, **rest) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({many}))"


@compiles(_Among, "postgresql")
def _on_postgresql(element: _Among, compiler: SQLCompiler, **rest: Any) -> str:
    column, many = (compiler.process(part, **rest) for part in element.clauses)
    return f"{column} = ANY ({many})"
