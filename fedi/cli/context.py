"""What the commands share: the settings file, and an opened instance to work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from fedi import logs
from fedi import settings as settings_module
from fedi.runtime import Easel
from fedi.settings import Settings

Result = TypeVar("Result")

config: Path | None = None  # `--config`


class CommandError(Exception):
    """A command cannot do what was asked; the message is one plain sentence."""


def settings() -> Settings:
    """The settings of this command.

    Raises:
        SettingsError: they cannot be used.
    """
    return settings_module.load(config)


@asynccontextmanager
async def opened() -> AsyncIterator[Easel]:
    """The instance that the settings name, opened for one command."""
    chosen = settings()
    logs.configure(chosen.log.model_copy(update={"level": "warning"}))
    easel = await Easel.open(chosen)
    try:
        yield easel
    finally:
        await easel.close()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)
