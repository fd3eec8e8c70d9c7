"""From the command line: an account gets an alias, reports somebody, and moves away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fedi.clock import FakeClock
from tests import rig
from tests.federation import peer
from tests.federation.peer import Internet


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    async with peer.opened(FakeClock()) as internet:
        yield internet


async def test_an_account_moves_away_by_the_command_line(
    tmp_path: Path, internet: Internet
) -> None:
    server = rig.ServerProcess(tmp_path)
    await server.easel("account", "create", "alice")
    old, mallory = internet.person("old"), internet.person("mallory", "evil")
    new = internet.person("alice", "new", alsoKnownAs=[f"{server.url}/users/alice"])

    await server.easel("account", "alias", "alice", "add", old.handle)
    assert await server.easel("account", "alias", "alice", "list") == old.uri

    told = await server.easel("report", "alice", mallory.handle, "Pretends to be me")
    assert told == f"{mallory.handle} is reported to its server."
    assert "Pretends to be me" in await server.easel("reports")

    assert new.handle in await server.easel("account", "move", "alice", new.handle, "--yes")

    await server.start()
    try:
        await rig.until(lambda: internet.got(mallory.inbox), seconds=60)
    finally:
        await server.stop()
    [flag] = internet.got(mallory.inbox)
    assert (flag["type"], flag["actor"]) == ("Flag", f"{server.url}/actor")
    assert flag["content"] == "Pretends to be me"
