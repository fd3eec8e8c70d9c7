"""The bad inputs that every server meets (by their numbers in the catalogue), one after another
against a running server.

The oracle is the HTTP answer, what everybody sees before and after, the logs, and a canary that
nobody may visit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.attacks import (
    apps,
    content,
    doors,
    fetching,
    files,
    posting,
    signing,
    speaking,
    world,
)
from tests.attacks.world import CASES, World
from tests.listening import nothing_fails

MODULES = (
    signing,
    speaking,
    fetching,
    content,
    files,
    apps,
    doors,
    posting,
)  # imported for the cases that they register

# What never comes near a table is tried once, over SQLite.
BEFORE_THE_TABLES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "15", "16", "18", "19",
                     "20", "21", "35", "36", "45", "46", "47", "58")  # fmt: skip
BUSY = ("16", "43", "44", "45", "46", "47", "48", "49", "50", "51", "52", "53")
"""After these it is looked whether anything else still comes in."""

GIVE_UP_S = 120  # a case that takes so long hangs; the honest ones take far less


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("media")
    sections: dict[str, dict[str, Any]] = {
        "federation": {"timeout_s": 4.0},
        "registrations": {"mode": "open"},
        "server": {"api_requests": 100_000},  # for all that is tried within one window
        "painting": {"local": False, "max_waiting": 5, "max_per_hour": 20},
    }
    async with world.running(folder, database_url, **sections) as started:
        yield started


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", CASES)
async def test_attack(running: World, name: str) -> None:
    case, number = CASES[name], name.partition("-")[0]
    if number in BEFORE_THE_TABLES and not running.instance.easel.database.sqlite:
        return
    before = running.seen or await running.state()
    running.seen = None
    async with asyncio.timeout(GIVE_UP_S):
        with nothing_fails():
            await case.run(running)
            await running.instance.run_jobs()
            if number in BUSY:
                await running.still_lives()
        running.release()
        after = running.seen = await running.state()
    if not case.changes:
        assert {path: seen for path, seen in after.items() if before[path] != seen} == {}
    assert running.canary.visits == []
