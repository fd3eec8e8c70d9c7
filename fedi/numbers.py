"""Ids in the paths of pages: `{id:int}` in a pattern.

Starlette's own reads as many digits as a path has room for, which Python refuses with an error
that nobody catches; a number that no column holds would go on to the database.
"""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor

from fedi import ids

DIGITS = len(str(ids.MAX))


class _Id(Convertor[int]):
    """What no id can be is the largest, which nothing has."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        return ids.MAX if len(value) > DIGITS else min(int(value), ids.MAX)

    def to_string(self, value: int) -> str:
        return str(value)


# Patterns are read where they stand, so this comes before all of them.
register_url_convertor("int", _Id())
