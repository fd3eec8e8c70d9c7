"""Choosing the next picture to paint, when very many wait."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.measure import ROUNDS, Figure
from fedi.database.tables import Account, Painting
from fedi.runtime import Easel
from fedi.settings import Settings
from fedi.studio import claims, painters
from generation.recipe import Recipe

USERS, EACH = 1_000, 10
MODELS = ("bench/one", "bench/two", "bench/three")
STEPS = (4, 8, 20, 30)
TAKEN = 200  # pictures of each round
LEASE = timedelta(seconds=60)


def measure() -> list[Figure]:
    """`queue_pick_ms`: a painter that keeps to its loaded model where it may takes a picture, in a
    transaction of its own, while 10,000 of 1,000 users wait for three models (SQLite)."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = asyncio.run(_measure(Path(folder)))
    return [
        Figure(
            "queue_pick_ms",
            min(rounds),
            5.0,
            False,
            "fair pick of 10,000 waiting pictures of 1,000 users, milliseconds, median",
        )
    ]


async def _measure(folder: Path) -> list[float]:
    settings = Settings.model_validate(
        {
            "database": {"url": f"sqlite:///{folder / 'easel.db'}"},
            "media": {"folder": folder / "media"},
            "painting": {"local": False},
        }
    )
    easel = await Easel.open(settings)
    try:
        async with easel.database.write() as tx:
            await painters.issue_token(tx, "card")
            [card] = await painters.list_painters(tx)
            await painters.connected(tx, card.id, device="cpu", models=MODELS)
        await _fill(easel)
        return [await _round(easel, card.id) for _ in range(ROUNDS)]
    finally:
        await easel.close()


async def _fill(easel: Easel) -> None:
    """Everybody has asked for their pictures, one each in turn: the rows that requests make."""
    async with easel.database.write() as tx:
        people = [
            Account(
                id=tx.new_id(),
                username=f"user{number}",
                handle=f"user{number}",
                uri=f"{tx.instance.url}/users/user{number}",
                created_at=tx.now,
                updated_at=tx.now,
            )
            for number in range(USERS)
        ]
        tx.add_all(people)
        await tx.flush()
        for number in range(USERS * EACH):
            turn, place = divmod(number, USERS)
            steps = STEPS[place % len(STEPS)]
            recipe = Recipe(prompt="a lighthouse", steps=steps, width=512, height=512)
            cost = steps * (recipe.megapixels() or 1.0)
            tx.add(
                Painting(
                    id=tx.new_id(),
                    account_id=people[place].id,
                    recipe=recipe.seeded().document(),
                    model=MODELS[number % len(MODELS)],
                    cost=cost,
                    tag=cost * (turn + 1),
                    steps=steps,
                    created_at=tx.now,
                )
            )


async def _round(easel: Easel, painter_id: int) -> float:
    """The median of many picks, in milliseconds. What was taken goes back to the queue."""
    spent, warm, held = [], "", []
    for _ in range(TAKEN):
        began = time.perf_counter()
        async with easel.database.write() as tx:
            painting = await claims.take(tx, painter_id, MODELS, LEASE, warm=warm)
        spent.append((time.perf_counter() - began) * 1000)
        assert painting is not None
        warm = painting.model
        held.append(claims.claim_of(painting))
    async with easel.database.write() as tx:
        for claim in held:
            await claims.give_back(tx, claim)
    return statistics.median(spent)
