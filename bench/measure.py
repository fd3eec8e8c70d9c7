"""How something is measured."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

ROUNDS = 3


@dataclass(frozen=True)
class Figure:
    """One number of the table.

    Args:
        key: its name in `bench/results.json`.
        value: what was measured, the best of three rounds.
        goal: what to reach.
        larger_is_better: whether the goal is a floor rather than a ceiling.
        what: in a few words, with the unit.
    """

    key: str
    value: float
    goal: float
    larger_is_better: bool
    what: str

    @property
    def reached(self) -> bool:
        return self.value >= self.goal if self.larger_is_better else self.value <= self.goal


def rate(work: Callable[[], object], seconds: float) -> float:
    """How often per second `work` can be done, measured for about `seconds`."""
    count = 0
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        work()
        count += 1
    return count / spent


async def async_rate(work: Callable[[], Awaitable[object]], seconds: float) -> float:
    """`rate` for a coroutine function."""
    count = 0
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        await work()
        count += 1
    return count / spent
