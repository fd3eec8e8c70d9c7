"""Fixtures: two servers that run by themselves, and somebody with each of the clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests import rig
from tests.clients import programs
from tests.clients.walk import Walk


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[rig.ServerProcess, rig.ServerProcess]]:
    folder = tmp_path_factory.mktemp("clients")
    # Under the one name of loopback that every resolver knows.
    both = [rig.ServerProcess(folder / name, name="") for name in ("home", "away")]
    try:
        for server in both:
            asyncio.run(server.start())
        yield both[0], both[1]
    finally:
        for server in both:
            asyncio.run(server.stop())


@pytest.fixture(scope="session", params=programs.NAMES)
def walk(
    request: pytest.FixtureRequest,
    servers: tuple[rig.ServerProcess, rig.ServerProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("client")
    client = programs.start(request.param, folder)
    try:
        yield Walk(client, request.param.replace(".", "_").lower(), *servers, folder)
    finally:
        client.stop()
