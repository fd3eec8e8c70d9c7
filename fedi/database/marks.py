"""Noticing that something was changed: by this process, by another, or by a command.

What a process keeps in memory of the database is told to be old by an event; and where no event
comes (on SQLite a command has a process of its own, and nobody relays) by a mark in the database,
which is looked at every other second.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import select

from fedi.database.engine import Database, Transaction
from fedi.database.insertion import insert_into
from fedi.database.tables import Mark
from fedi.events import Event

LOOK_EVERY = timedelta(seconds=2)


async def change(tx: Transaction, name: str) -> None:
    """Say that what is known by this name has changed, once this is committed."""
    insert = insert_into(tx, Mark).values(name=name, value=str(tx.new_id()))
    await tx.execute(
        insert.on_conflict_do_update(index_elements=["name"], set_={"value": insert.excluded.value})
    )
    tx.emit(Event(name, "changed"))


class Watch:
    """Whether something has changed since the last time that somebody asked.

    Args:
        database: where it is kept.
        name: what it is known by.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._heard = database.events.attach(name)
        self._value: str | None = None
        self._looked_at: datetime | None = None  # never: what is not loaded yet is old

    async def changed(self) -> bool:
        """Whether it must be read (again); True the first time."""
        first = self._looked_at is None
        told = bool(self._heard.drain())
        return await self._marked() or first or told

    async def _marked(self) -> bool:
        now = self._database.clock.now()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = now
        async with self._database.read() as session:
            query = select(Mark.value).where(Mark.name == self._name)
            value = (await session.exec(query)).first()
        known, self._value = self._value, value
        return value != known
