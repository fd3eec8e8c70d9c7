"""What is dear, made cheap for tests.

Keys that are hard to find and passwords that are slow to try: both stay real, only nobody here
has a secret. And the SQL of a statement, which each engine writes once: each test has an engine
of its own, all of them write the same.
"""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

from fedi.social import credentials

KEYS = 40  # made as they are needed, then given out again: no test has as many accounts

STATEMENTS = 5_000

_generate = rsa.generate_private_key
_made: list[rsa.RSAPrivateKey] = []
_next = 0


def _key(public_exponent: int, key_size: int, *rest: Any) -> rsa.RSAPrivateKey:
    global _next
    if key_size != 2048 or rest:
        return _generate(public_exponent, key_size, *rest)
    _next = (_next + 1) % KEYS
    if len(_made) < KEYS:
        _made.append(_generate(public_exponent, key_size))
        return _made[-1]
    return _made[_next]


def _share_statements(dialect: Any) -> None:
    """Let all engines of this kind know what one of them has written. SQLAlchemy keeps it by
    dialect, of which each engine has one; ours differ in nothing."""
    dialect.__eq__ = lambda self, other: type(self) is type(other)
    dialect.__hash__ = lambda self: hash(type(self))
    written: LRUCache[Any, Any] = LRUCache(STATEMENTS)
    begin = Engine.__init__

    def begin_with(self: Engine, pool: Any, its: Any, *rest: Any, **more: Any) -> None:
        begin(self, pool, its, *rest, **more)
        if type(its) is dialect:
            self._compiled_cache = written

    Engine.__init__ = begin_with  # type: ignore[method-assign]


def make_cheap() -> None:
    """Call once, before the first test."""
    rsa.generate_private_key = _key
    credentials._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    for dialect in (SQLiteDialect_aiosqlite, PGDialect_asyncpg):
        _share_statements(dialect)
