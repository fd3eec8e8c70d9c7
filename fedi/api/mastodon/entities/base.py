"""What all entities have in common: how they are made, and how moments and ids are written.

An entity is JSON as Mastodon's clients decode it, some of them strictly (Ice Cubes, Tusky): what
is not `| None` is never null, and what may be `UNSET` is left out rather than null.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType

Moment: TypeAlias = str
"""`YYYY-MM-DDTHH:MM:SS.sssZ`: Ice Cubes reads no other form."""

Day: TypeAlias = str
"""`YYYY-MM-DD`."""

Id: TypeAlias = str
"""A 64-bit number as text; JavaScript would round it."""

Omitted: TypeAlias = UnsetType


class Entity(Struct):
    """The base of all entities."""


def moment(when: datetime) -> Moment:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def optional_moment(when: datetime | None) -> Moment | None:
    return None if when is None else moment(when)


def day(when: datetime) -> Day:
    return when.astimezone(UTC).strftime("%Y-%m-%d")


__all__ = ["UNSET", "Day", "Entity", "Id", "Moment", "Omitted", "day", "moment", "optional_moment"]
