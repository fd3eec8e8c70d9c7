"""Fixtures for all tests: databases, instances, a browser. See `tests/rig.py`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, settings

from fedi.clock import FakeClock
from fedi.database.migrations import migrate
from fedi.runtime import Easel
from tests import rig
from tests.cheap import make_cheap
from tests.mailbox import Mailbox, open_mailbox

# The same examples every time; `HYPOTHESIS_PROFILE=deep` looks for others, and many more.
# A busy machine is no failure.
_PATIENT = {"deadline": None, "suppress_health_check": (HealthCheck.too_slow,)}
settings.register_profile("usual", derandomize=True, **_PATIENT)  # type: ignore[arg-type]
settings.register_profile("deep", max_examples=3000, print_blob=True, **_PATIENT)  # type: ignore[arg-type]
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

make_cheap()


@pytest.fixture(scope="session")
def postgres() -> Iterator[rig.Postgres]:
    server = rig.Postgres()
    asyncio.run(migrate(server.url("template_easel")))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> Iterator[rig.NewDatabase]:
    """Makes fresh databases: on SQLite, and once more on PostgreSQL."""
    if request.param == "sqlite":
        yield rig.SQLiteFiles(sqlite_template, tmp_path).new
        return
    postgres: rig.Postgres = request.getfixturevalue("postgres")
    given: list[str] = []

    def new() -> str:
        given.append(postgres.new())
        return given[-1]

    yield new
    for url in given:
        asyncio.run(postgres.give_back(url))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """One database for all tests of a module: on SQLite, and once more on PostgreSQL."""
    if request.param == "sqlite":
        return rig.SQLiteFiles(sqlite_template, tmp_path_factory.mktemp("module")).new()
    postgres: rig.Postgres = request.getfixturevalue("postgres")
    return postgres.new()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def easel(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[Easel]:
    """An opened instance that serves nothing."""
    async with rig.opened(rig.settings_for(tmp_path, new_database()), clock) as easel:
        yield easel


@pytest.fixture
async def instance(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[rig.Instance]:
    """One instance that serves on loopback."""
    async with rig.serve_instance(tmp_path, new_database(), clock=clock) as instance:
        yield instance


@pytest.fixture
async def two_instances(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[tuple[rig.Instance, rig.Instance]]:
    """Two instances that serve on loopback and share a clock: (easel-a, easel-b)."""
    async with (
        rig.serve_instance(tmp_path / "a", new_database(), name="easel-a", clock=clock) as a,
        rig.serve_instance(tmp_path / "b", new_database(), name="easel-b", clock=clock) as b,
    ):
        yield a, b


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with rig.open_browser() as session:
        yield session


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first: what begins last ends alone, while other cores have nothing to
    do. All else stays in its order."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


# What a machine may lack even in CI.
MAY_SKIP_IN_CI = ("GPU",)
_skipped_in_ci: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In CI nothing that `.ci/run` can install may be missing, so nothing may be skipped."""
    if os.environ.get("CI") == "true" and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if not any(word in reason for word in MAY_SKIP_IN_CI):
            _skipped_in_ci.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skipped_in_ci:
        print("\nSkipped in CI, which skips nothing:", *_skipped_in_ci, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
