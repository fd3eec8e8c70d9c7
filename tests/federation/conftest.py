"""Fixtures for the tests of federation: the other servers, and a person of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Account
from fedi.social import accounts
from tests.federation import peer, seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet


@pytest.fixture
async def alice(instance: Instance) -> Account:
    """A local account."""
    async with instance.easel.database.write() as tx:
        return await accounts.create_local(tx, "alice")


@pytest.fixture
async def bob(instance: Instance, internet: Internet, alice: Account) -> Person:
    """Somebody elsewhere whom alice follows."""
    bob = internet.person("bob")
    await seeing.befriend(instance, alice, bob)
    return bob
