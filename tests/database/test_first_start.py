"""Several processes may start on one database at the same moment, also for the first time."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest
from sqlmodel import col, select

from fedi.app import create_app
from fedi.database.tables import Account, DomainRule
from fedi.runtime import Easel
from fedi.settings import Settings
from fedi.social import domains, seals
from tests import rig

TOGETHER = 3

FEDERATION = {
    "reject": ["spam.example", "worse.example"],
    "silence": ["loud.example"],
    "reject_media": ["loud.example"],
}


async def start(settings: Settings) -> None:
    """A process starts, and the others start meanwhile."""
    together = asyncio.Barrier(TOGETHER)

    async def one() -> None:
        async with rig.opened(settings) as easel:
            app = create_app(easel, run_jobs=False)
            await together.wait()
            async with app.router.lifespan_context(app):
                pass

    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(one())


async def rules(easel: Easel) -> list[tuple[str, str, bool]]:
    async with easel.database.read() as session:
        rows = (await session.exec(select(DomainRule).order_by(col(DomainRule.domain)))).all()
        return [(row.domain, row.severity, row.reject_media) for row in rows]


@pytest.mark.parametrize("turn", range(3))
async def test_processes_that_start_at_once_do_not_collide(
    new_database: rig.NewDatabase, tmp_path: Path, turn: int
) -> None:
    url = new_database()
    await start(rig.settings_for(tmp_path, url, federation=FEDERATION))
    limited = {"mode": "limited", "reject": ["spam.example", "new.example"]}
    async with rig.opened(rig.settings_for(tmp_path, url)) as easel:
        assert await rules(easel) == [
            ("loud.example", "silence", True),
            ("spam.example", "suspend", False),
            ("worse.example", "suspend", False),
        ]
        async with easel.database.read() as session:
            actors = (await session.exec(select(Account.uri))).all()
            authority = await seals.authority(session)
        assert actors == [f"{easel.settings.instance.url}/actor"]
        assert authority is not None and (await seals.of(easel)).certificate.endswith(authority)
        # Not for the first time, but with other settings.
        await start(rig.settings_for(tmp_path, url, federation=limited))
        assert await rules(easel) == [
            ("new.example", "suspend", False),
            ("spam.example", "suspend", False),
        ]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has such modes")
async def test_nobody_else_can_read_the_keys_in_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "data" / "easel.db"
    async with rig.opened(rig.settings_for(tmp_path, f"sqlite:///{path}")) as easel:
        await seals.of(easel)
        files = list(path.parent.glob("easel.db*"))
        assert len(files) == 3  # the log and its index, too
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_silence_that_was_lifted_by_hand_comes_back_with_the_next_start(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    settings = rig.settings_for(tmp_path, url, federation={"silence": ["loud.example"]})
    await start(settings)
    async with rig.opened(settings) as easel:
        async with easel.database.write() as tx:
            await domains.remove(tx, "loud.example", limited=False)
        assert await rules(easel) == []
        await start(settings)
        assert await rules(easel) == [("loud.example", "silence", False)]
