"""Fixtures for the tests of client-to-server: somebody elsewhere who follows alice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fedi.clock import FakeClock
from tests import rig
from tests.api.apps import App
from tests.federation import peer
from tests.federation.peer import Internet, Person


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet


@pytest.fixture
async def carol(instance: rig.Instance, internet: Internet, alice: App) -> Person:
    """Somebody elsewhere who follows alice."""
    carol = internet.person("carol")
    await carol.does(instance, carol.activity("Follow", alice.account.uri))
    internet.posted.clear()
    return carol
