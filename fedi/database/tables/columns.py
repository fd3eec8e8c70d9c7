"""The column types that the tables share.

A column that holds the storage key of a file is named `file` or ends in `_file`, and has an index:
by its name the daily cleaning knows which files are still needed (`studio.orphans`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

# SQLite makes only INTEGER PRIMARY KEY an alias of the row itself.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class Table(SQLModel):
    """What all tables are made of. What Pydantic would need to check their values is not built: a
    row of a table is never checked, and a start is quicker by as much."""

    model_config = SQLModelConfig(defer_build=True)


class _New:
    """Makes an empty dict or list. Pydantic asks for its signature with every row, and takes longer
    over a builtin's than over all the rest."""

    __signature__ = inspect.Signature()

    def __init__(self, kind: Callable[[], Any]) -> None:
        self._kind = kind

    def __call__(self) -> Any:
        return self._kind()


new_dict, new_list = _New(dict), _New(list)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, on SQLite (which knows no time zones) as on PostgreSQL."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        """As the usual one, which goes through three functions more for each moment of each row."""
        return _read if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _read(written: str | None) -> datetime | None:
    """A moment as SQLite has it: in UTC, and without saying so."""
    return None if written is None else datetime.fromisoformat(written).replace(tzinfo=UTC)


def primary_id() -> Any:
    """A 64-bit primary key that we mint ourselves (`fedi.ids`)."""
    return Field(sa_type=BigId, primary_key=True)


def numbered() -> Any:
    """A number by which Mastodon's apps know a row that has another primary key."""
    return Field(default=None, sa_type=BigId, nullable=True, unique=True, index=True)


def reference(target: str, *, index: bool = False, primary: bool = False, **rest: Any) -> Any:
    """A 64-bit reference to another row, which goes when that row goes."""
    return Field(
        sa_type=BigId,
        foreign_key=target,
        ondelete="CASCADE",
        index=index,
        primary_key=primary,
        **rest,
    )


def optional_reference(target: str, *, index: bool = False) -> Any:
    """A 64-bit reference that becomes NULL when the other row goes."""
    return Field(
        default=None,
        sa_type=BigId,
        foreign_key=target,
        ondelete="SET NULL",
        index=index,
        nullable=True,
    )


def moment(*, index: bool = False) -> Any:
    return Field(sa_type=UTCDateTime, index=index)


def optional_moment(*, index: bool = False) -> Any:
    return Field(default=None, sa_type=UTCDateTime, nullable=True, index=index)
