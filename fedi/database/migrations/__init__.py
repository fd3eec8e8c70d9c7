"""Bring a database to today's tables. `easel` does it itself when it starts.

Alembic is only imported when there is something to do: a start should be quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from fedi.database.engine import driver_url

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent
SEARCHED = ("status_search", "account_search")
ADVISORY_LOCK = 0x4561_73656C  # one process migrates a PostgreSQL at a time


def head() -> str:
    """The newest revision that this Easel knows: the last file of `versions/`, by number."""
    return max(path.stem for path in (FOLDER / "versions").glob("[0-9]*.py")).split("_")[0]


async def migrate(url: str) -> bool:
    """Bring the database at `url` to the newest tables.

    Returns:
        Whether there was anything to do.
    """
    address = driver_url(url)
    if address.get_backend_name() == "sqlite" and address.database:
        _begin(Path(address.database))
    engine = create_async_engine(address)
    try:
        if await _revision(engine) == head():
            return False
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
        return True
    finally:
        await engine.dispose()


def _begin(path: Path) -> None:
    """The file of a new database, for its owner alone: it holds private keys. What SQLite puts
    beside it has the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)


async def _revision(engine: Any) -> str | None:
    try:
        async with engine.connect() as connection:
            found = await connection.execute(text("SELECT version_num FROM alembic_version"))
            revision = found.scalar()
            return None if revision is None else str(revision)
    except DBAPIError:
        return None  # a new database


def _upgrade(connection: Connection) -> None:
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Whether something in the database is declared by `tables`: the indexes of the search are
    not, nor what SQLite keeps beside them."""
    return kind != "table" or not str(name).startswith(SEARCHED)


def configuration() -> Config:
    """Alembic's configuration: no ini file, everything is here."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config
