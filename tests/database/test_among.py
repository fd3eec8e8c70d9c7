"""Lists of ids and of texts as one parameter."""

from __future__ import annotations

from sqlalchemy import String, func, select, text
from sqlalchemy.dialects import sqlite

from fedi.database.among import among
from fedi.database.insertion import table_of
from fedi.database.tables import InstanceSecret, Status
from fedi.runtime import Easel

NAMES = select(table_of(InstanceSecret).c.name).where(
    among(table_of(InstanceSecret).c.name, "names", String)
)
IDS = select(func.count()).where(among(table_of(Status).c.id, "ids"))


async def test_many_or_none_are_given_at_once(easel: Easel) -> None:
    odd = ['"', "a,b", "]", "ü", "plain"]
    async with easel.database.write() as tx:
        for name in (*odd, "another"):
            tx.add(InstanceSecret(name=name, value="x", created_at=tx.now))
    async with easel.database.read() as session:
        found = (await session.execute(NAMES, {"names": [*odd, "missing"]})).scalars()
        assert sorted(found) == sorted(odd)
        assert (await session.execute(NAMES, {"names": []})).all() == []
        assert (await session.execute(IDS, {"ids": [2**62, -1]})).scalar() == 0


async def test_sqlite_finds_them_by_the_index(easel: Easel) -> None:
    if not easel.database.sqlite:
        return
    written = NAMES.compile(dialect=sqlite.dialect(paramstyle="named"))
    async with easel.database.read() as session:
        plan = await session.execute(text(f"EXPLAIN QUERY PLAN {written}"), {"names": "[]"})
        assert "SEARCH instance_secret" in " ".join(str(row) for row in plan)
