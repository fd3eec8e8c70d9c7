"""Fixtures: an admin, a moderator, and two whom they look after."""

from __future__ import annotations

import aiohttp
import pytest

from fedi.database.tables import Login
from tests import rig
from tests.api.apps import App

ALL = "read write follow admin:read admin:write"


async def staff(
    instance: rig.Instance, browser: aiohttp.ClientSession, name: str, role: str, scopes: str = ALL
) -> App:
    """Somebody with a role, and an app that may do everything for them."""
    app = await App.of(instance, browser, name, scopes)
    async with instance.easel.database.write() as tx:
        login = await tx.get_one(Login, app.account.id)
        login.role = role
        tx.add(login)
    return app


@pytest.fixture
async def ada(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await staff(instance, browser, "ada", "admin")


@pytest.fixture
async def max_(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await staff(instance, browser, "max", "moderator")
