"""What the commands share: the settings file, and an opened instance to work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from fedi import adjustments, logs
from fedi import settings as settings_module
from fedi.database import Database, home
from fedi.runtime import Easel
from fedi.settings import Settings

Result = TypeVar("Result")

config: Path | None = None  # `--config`


class CommandError(Exception):
    """A command cannot do what was asked; the message is one plain sentence."""


class DatabaseUnusable(CommandError):
    """There is no database that this Easel can work with.

    Args:
        reason: why, in the words of the database.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"The database cannot be used: {reason}. Mend database.url.")
        self.reason = reason


class WrongAddress(CommandError):
    """The database is that of another address than the settings name."""


def settings() -> Settings:
    """The settings of this command.

    Raises:
        SettingsError: they cannot be used.
    """
    return settings_module.load(config)


def adjusted() -> Settings:
    """The settings of this command, with what was changed while the server ran: as the file has
    them, as long as there is no database.

    Raises:
        SettingsError: they cannot be used.
    """
    chosen = settings()
    url = chosen.database.url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return chosen
    try:
        return run(_adjusted(chosen))
    except (OSError, SQLAlchemyError):
        return chosen  # none of this Easel yet; `easel doctor` tells


async def _adjusted(chosen: Settings) -> Settings:
    database = Database(chosen.database, chosen.instance)
    try:
        async with database.read() as session:
            return adjustments.laid_over(chosen, await adjustments.kept(session))
    finally:
        await database.close()


@contextmanager
def database_in_words() -> Iterator[None]:
    """What a database that cannot be used raises: it is none, it is down, it is a newer Easel's.

    Raises:
        DatabaseUnusable: in place of all that.
        WrongAddress: it is that of another address than the settings name.
    """
    try:
        yield
    except home.OfAnother as error:
        raise WrongAddress(str(error)) from error
    except Exception as error:
        # Here, so that a start that goes well need not load them.
        from alembic.util import CommandError as MigrationError
        from asyncpg import PostgresError
        from sqlalchemy.exc import SQLAlchemyError

        words = str(getattr(error, "orig", None) or error).splitlines()
        reason = words[0].rstrip(".") if words else type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            reason = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        if isinstance(error, MigrationError):
            raise DatabaseUnusable(f"it may be a newer Easel's ({reason})") from error
        if isinstance(error, OSError | ValueError | SQLAlchemyError | PostgresError):
            raise DatabaseUnusable(reason) from error
        raise


async def open_easel(chosen: Settings) -> Easel:
    """Open the instance that these settings name.

    Raises:
        DatabaseUnusable: its database is none that this Easel can work with.
        WrongAddress: it is that of another address than the settings name.
    """
    with database_in_words():
        easel = await Easel.open(chosen)
        try:
            async with easel.database.read() as session:
                await home.check(session)
        except BaseException:
            await easel.close()
            raise
        return easel


@asynccontextmanager
async def opened() -> AsyncIterator[Easel]:
    """The instance that the settings name, opened for one command.

    Raises:
        SettingsError: the settings cannot be used.
        DatabaseUnusable: the database cannot be used.
    """
    chosen = settings()
    logs.configure(chosen.log.model_copy(update={"level": "warning"}))
    easel = await open_easel(chosen)
    try:
        yield easel
    finally:
        await easel.close()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)
