"""One instance for all tests of a module; the people of each test are its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count

import aiohttp
import pytest
import pytest_asyncio

from fedi.clock import FakeClock
from tests import rig
from tests.api.apps import App
from tests.federation import peer
from tests.federation.peer import Internet, Person


@dataclass
class Stage:
    """A running instance, and who may come on it."""

    instance: rig.Instance
    internet: Internet
    browser: aiohttp.ClientSession
    database_url: str
    _numbers: count[int] = field(default_factory=count)

    async def app(self, name: str) -> App:
        """The app of somebody new of ours."""
        return await App.of(self.instance, self.browser, f"{name}{next(self._numbers)}")

    def stranger(self, name: str, server: str = "peer", **changes: object) -> Person:
        """Somebody new elsewhere."""
        return self.internet.person(f"{name}{next(self._numbers)}", server, **changes)

    async def follower(self, of: App, name: str, server: str = "peer", **changes: object) -> Person:
        """Somebody new elsewhere who follows one of ours."""
        person = self.stranger(name, server, **changes)
        await person.does(self.instance, person.activity("Follow", of.account.uri))
        self.internet.posted.clear()
        return person


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    clock = FakeClock()
    async with (
        peer.opened(clock) as internet,
        rig.open_browser() as browser,
        rig.serve_instance(tmp_path_factory.mktemp("w3c"), database_url, clock=clock) as instance,
    ):
        yield Stage(instance, internet, browser, database_url)


@pytest_asyncio.fixture(loop_scope="module")
async def instance(stage: Stage) -> rig.Instance:
    return stage.instance


@pytest_asyncio.fixture(loop_scope="module")
async def alice(stage: Stage) -> App:
    return await stage.app("alice")


@pytest_asyncio.fixture(loop_scope="module")
async def bob(stage: Stage) -> App:
    return await stage.app("bob")


@pytest_asyncio.fixture(loop_scope="module")
async def carol(stage: Stage, alice: App) -> Person:
    """Somebody elsewhere who follows alice."""
    return await stage.follower(alice, "carol")
