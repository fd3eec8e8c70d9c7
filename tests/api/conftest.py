"""Fixtures for the tests of the APIs: the apps of two people of ours."""

from __future__ import annotations

import aiohttp
import pytest

from tests import rig
from tests.api.apps import App


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")
