"""What it takes to follow what people do, among many recent posts."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from bench.measure import Figure
from fedi import ids
from fedi.database import Transaction
from fedi.database.insertion import insert_new, row_values
from fedi.database.tables import Account, Favourite, Status, TrendChange, TrendSignal
from fedi.runtime import Easel
from fedi.settings import Settings
from fedi.social.trends import counting, formula

STATUSES = 100_000
PEOPLE, SERVERS = 5_000, 200
VOICES = 5  # people who like each post
ACTS = 50  # likes that come between two updates, of posts of all ages
UPDATES = 20
ROWS = 500  # in one INSERT


def measure(posts: int = STATUSES) -> list[Figure]:
    """`trends_update_ms`: what `counting.update` takes after 50 likes, among 100,000 posts of the
    last three days with five likes each (SQLite); the median of twenty."""
    with tempfile.TemporaryDirectory() as folder:
        value = asyncio.run(_measure(Path(folder), posts))
    what = "trends after 50 likes, 100,000 recent posts, milliseconds, median"
    return [Figure("trends_update_ms", value, 50.0, False, what)]


async def _measure(folder: Path, posts: int) -> float:
    settings = Settings.model_validate(
        {
            "database": {"url": f"sqlite:///{folder / 'easel.db'}"},
            "media": {"folder": folder / "media"},
            "painting": {"local": False},
        }
    )
    easel = await Easel.open(settings)
    chance = random.Random(1)
    try:
        people, statuses = await _fill(easel, posts)
        taken = []
        for _ in range(UPDATES):
            async with easel.database.write() as tx:
                likes = [
                    _like(chance.choice(people), status_id, tx.now)
                    for status_id in chance.sample(statuses, ACTS)
                ]
                await _insert(tx, likes)
            began = time.perf_counter()
            assert not await counting.update(easel)
            taken.append((time.perf_counter() - began) * 1000)
        return statistics.median(taken)
    finally:
        await easel.close()


async def _fill(easel: Easel, posts: int) -> tuple[list[int], list[int]]:
    now = easel.clock.now()
    people = [
        Account(
            id=ids.new(now),
            username=f"p{n}",
            domain=f"h{n % SERVERS}.example",
            handle=f"p{n}@h{n % SERVERS}.example",
            uri=f"https://h{n % SERVERS}.example/users/p{n}",
            created_at=now - timedelta(days=365),
            updated_at=now,
        )
        for n in range(PEOPLE)
    ]
    async with easel.database.write() as tx:
        await _insert(tx, people)
    step = formula.WINDOW / posts
    statuses = []
    for start in range(0, posts, ROWS):
        made = [
            _post(people[n % PEOPLE], now - formula.WINDOW + n * step)
            for n in range(start, min(start + ROWS, posts))
        ]
        statuses += [status.id for status in made]
        signals = [
            TrendSignal(
                kind="status",
                subject_id=status.id,
                account_id=people[(place * VOICES + voice) % PEOPLE].id,
                source_id=status.id,
                server=f"h{voice}.example",
                easy=False,
                weight=formula.LIKE,
                hour=formula.hour_of(status.created_at),
            )
            for place, status in enumerate(made, start)
            for voice in range(VOICES)
        ]
        async with easel.database.write() as tx:
            await _insert(tx, made)
            await _insert(tx, signals)
            await counting.count(tx, {("status", status.id) for status in made}, {})
            await tx.execute(delete(TrendChange))
    return [one.id for one in people], statuses


def _post(author: Account, when: datetime) -> Status:
    number = ids.at(when)
    return Status(
        id=number,
        uri=f"{author.uri}/{number}",
        account_id=author.id,
        content="<p>A fox asleep in tall grass</p>",
        created_at=when,
    )


def _like(account_id: int, status_id: int, now: datetime) -> Favourite:
    number = ids.new(now)
    return Favourite(
        id=number,
        account_id=account_id,
        status_id=status_id,
        uri=f"https://h.example/likes/{number}",
        created_at=now,
    )


async def _insert(tx: Transaction, rows: Sequence[Any]) -> None:
    for start in range(0, len(rows), ROWS):
        await insert_new(tx, type(rows[0]), [row_values(row) for row in rows[start : start + ROWS]])
