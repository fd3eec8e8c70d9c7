"""Asking for pictures, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fedi.database.tables import Account, Painting
from fedi.runtime import Easel
from fedi.social import accounts
from fedi.social.statuses import Draft
from fedi.studio import paintings
from generation.recipe import Recipe
from tests.studio.easel_painter import WAIT_S


async def account(easel: Easel, name: str) -> Account:
    async with easel.database.write() as tx:
        return await accounts.create_local(tx, name)


async def ask(
    easel: Easel, who: Account, prompt: str = "a lighthouse", *, draft: Draft | None = None,
    share_recipe: bool = False, description: str = "", **recipe: Any,
) -> Painting:  # fmt: skip
    async with easel.database.write() as tx:
        return await paintings.request(
            tx,
            easel.settings.painting,
            who,
            Recipe(prompt=prompt, **recipe),
            share_recipe=share_recipe,
            description=description,
            draft=draft,
        )


async def look(easel: Easel, painting: Painting | int) -> Painting:
    """The painting as it stands in the database."""
    painting_id = painting if isinstance(painting, int) else painting.id
    async with easel.database.read() as session:
        found = await session.get(Painting, painting_id)
        assert found is not None
        return found


@asynccontextmanager
async def reaches(
    easel: Easel, painting: Painting | int, state: str, *, seconds: float = WAIT_S
) -> AsyncIterator[None]:
    """When the block is done, waits until the picture is told to be in that state."""
    painting_id = painting if isinstance(painting, int) else painting.id
    with easel.events.listen([paintings.topic(painting_id)]) as heard:
        yield
        async with asyncio.timeout(seconds):
            while (await heard.next()).kind != state:
                pass
