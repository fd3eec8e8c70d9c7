"""Fixtures: the servers that describe apps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fedi.clock import FakeClock
from tests.federation import peer
from tests.federation.peer import Internet


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    """All servers that are not ours."""
    async with peer.opened(clock) as internet:
        yield internet
