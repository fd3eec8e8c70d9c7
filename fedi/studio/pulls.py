"""Models that are to be fetched from the hub: the rows, and what is done with them from pages.

A row says what is wanted and how far it is, so that a restart loses nothing of it. The server that
was asked fetches it, in a process of its own (`studio.pulling`).
"""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import ModelPull
from fedi.events import Event
from fedi.social.errors import Invalid, NotFound
from generation.catalogue import Model

TOPIC = "pulls"
WAITING, FETCHING, STOPPED, BROKEN = "waiting", "fetching", "stopped", "broken"
UNDER_WAY = frozenset({WAITING, FETCHING})
MAX_ROWS = 20  # that wait, or wait for somebody to go on
NOTHING = "That model is not being fetched."


async def listed(session: Session) -> list[ModelPull]:
    """All of them, the first asked for first."""
    found = await session.exec(select(ModelPull).order_by(col(ModelPull.asked_at), ModelPull.key))
    return list(found.all())


async def find(session: Session, key: str) -> ModelPull:
    """The row of a model.

    Raises:
        NotFound: nobody asked for it.
    """
    row = await session.get(ModelPull, key)
    if row is None:
        raise NotFound(NOTHING)
    return row


async def ask(tx: Transaction, server: str, model: Model, *, chosen: bool = False) -> ModelPull:
    """Have a model fetched, or go on with it.

    Args:
        server: which fetches it, by the name of its own painter.
        chosen: whether it is to paint when it is here.

    Raises:
        Invalid: it is no model of the hub's, or too many wait.
    """
    if model.local:
        raise Invalid(f"{model.name} is a folder: there is nothing to fetch.")
    row = await tx.get(ModelPull, model.key, with_for_update=True)
    if row is None:
        if len(await listed(tx)) >= MAX_ROWS:
            raise Invalid(f"{MAX_ROWS} models wait already: take some off the list first.")
        row = ModelPull(key=model.key, server=server, asked_at=tx.now, told_at=tx.now)
    if row.state not in UNDER_WAY or row.server != server:
        row.state, row.error, row.server = WAITING, "", server
    row.chosen = row.chosen or chosen
    row.told_at = tx.now
    tx.add(row)
    await tx.flush()
    tell(tx, row.key)
    return row


async def stop(tx: Transaction, key: str) -> ModelPull:
    """Fetch nothing more of a model; what is here stays, and one can go on.

    Raises:
        NotFound: nobody asked for it.
    """
    row = await find(tx, key)
    if row.state in UNDER_WAY:
        row.state = STOPPED
        tx.add(row)
        await tx.flush()
        tell(tx, key)
    return row


async def forget(tx: Transaction, key: str) -> None:
    """Take a model off the list; nothing happens if it is not on it."""
    row = await tx.get(ModelPull, key)
    if row is not None:
        await tx.delete(row)
        await tx.flush()
        tell(tx, key)


def tell(tx: Transaction, key: str) -> None:
    """Let pages and servers know that something is different."""
    tx.emit(Event(TOPIC, "changed", {"key": key}))
