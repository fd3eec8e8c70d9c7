"""Fixtures for the tests of ActivityPub clients: the other servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fedi.clock import FakeClock
from tests.federation import peer
from tests.federation.peer import Internet


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet
