"""Painters that take pictures straight from the queue, for tests."""

from __future__ import annotations

from datetime import timedelta

from fedi.database.tables import Painting
from fedi.runtime import Easel
from fedi.studio import claims, painters

LEASE = timedelta(seconds=60)


async def painter(easel: Easel, name: str = "card", models: tuple[str, ...] = ()) -> int:
    """A painter that has connected once and offers these models; its id."""
    async with easel.database.write() as tx:
        await painters.issue_token(tx, name)
        found = next(p for p in await painters.list_painters(tx) if p.name == name)
        await painters.connected(tx, found.id, device="cpu", models=models)
        return found.id


async def take(
    easel: Easel, painter_id: int, models: tuple[str, ...] = (), warm: str = ""
) -> Painting | None:
    """What a painter with these models, one of them loaded, is given next."""
    async with easel.database.write() as tx:
        return await claims.take(tx, painter_id, models, LEASE, warm=warm)


async def order(easel: Easel, painter_id: int, names: dict[int, str]) -> str:
    """Who is painted for, one letter each, until nothing waits."""
    served = ""
    while (taken := await take(easel, painter_id)) is not None:
        served += names[taken.account_id][0]
    return served
