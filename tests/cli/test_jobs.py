"""`easel jobs`: what waits and what was given up, told, retried and dropped."""

from __future__ import annotations

import asyncio

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner

from fedi.cli import app, context
from fedi.database.tables import Job
from fedi.runtime import Easel


async def jobs(easel: Easel) -> list[tuple[int, str, int]]:
    async with easel.database.read() as session:
        found = (await session.exec(select(Job).order_by(col(Job.id)))).all()
    return [(job.id, job.state, job.attempts) for job in found]


async def test_jobs_that_were_given_up_are_told_retried_and_dropped(
    easel: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(context, "settings", lambda: easel.settings)

    async def run(*arguments: str, code: int = 0) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["jobs", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    assert "Nothing waits, and nothing failed." in await run()
    async with easel.database.write() as tx:
        first, second, waiting = (tx.new_id() for _ in range(3))
        for number, state in ((first, "dead"), (second, "dead"), (waiting, "ready")):
            now = tx.now
            tx.add(
                Job(id=number, kind="knock", payload={}, state=state, lane="door.example",
                    attempts=3, error="nobody opened", run_at=now, created_at=now)
            )  # fmt: skip
    told = await run()
    assert str(first) in told and "door.example" in told and "nobody opened" in told
    assert str(waiting) not in told
    assert "1 dead job: waits again." in await run("retry", str(first))
    assert await jobs(easel) == [(first, "ready", 0), (second, "dead", 3), (waiting, "ready", 3)]
    assert "1 dead job: is forgotten." in await run("drop")
    assert [number for number, _, _ in await jobs(easel)] == [first, waiting]
    await run("drop", str(waiting), code=1)
    assert len(await jobs(easel)) == 2
