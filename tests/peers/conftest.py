"""Fixtures: servers that are not ours."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from .fedify_peer import FedifyPeer, FedifyProcess, Unavailable


def _start(host: str, first_knock: str) -> FedifyProcess:
    try:
        return FedifyProcess(host, first_knock)
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def fedify_process() -> Iterator[FedifyProcess]:
    """Fedify, which tries RFC 9421 signatures first and then draft-cavage, as it ships."""
    process = _start("fedify.localhost", "rfc9421")
    yield process
    process.stop()


@pytest.fixture(scope="session")
def cavage_process() -> Iterator[FedifyProcess]:
    """A second Fedify, which tries draft-cavage signatures first, as most servers do."""
    process = _start("cavage.localhost", "cavage")
    yield process
    process.stop()


@pytest.fixture
async def fedify(fedify_process: FedifyProcess) -> AsyncIterator[FedifyPeer]:
    """carol@fedify.localhost, who knows nobody yet."""
    async with FedifyPeer(fedify_process) as peer:
        yield peer


@pytest.fixture
async def cavage(cavage_process: FedifyProcess) -> AsyncIterator[FedifyPeer]:
    """carol@cavage.localhost, who knows nobody yet."""
    async with FedifyPeer(cavage_process) as peer:
        yield peer
