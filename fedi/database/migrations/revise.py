"""Write a migration: `python -m fedi.database.migrations.revise 0002 "Add lists"`.

The difference is taken between the tables of the code and a fresh database at today's head.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from fedi.database.engine import driver_url
from fedi.database.migrations import FOLDER, configuration, migrate


async def revise(number: str, message: str) -> None:
    """Write `versions/NUMBER_message.py`.

    Args:
        number: four digits, one more than the last.
        message: what changes, as one imperative sentence.
    """

    def write(connection: Connection) -> None:
        config = configuration()
        config.attributes["connection"] = connection
        command.revision(config, message=message, rev_id=number, autogenerate=True)

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'head.db'}"
        if any((FOLDER / "versions").glob("[0-9]*.py")):
            await migrate(url)
        engine = create_async_engine(driver_url(url))
        async with engine.begin() as connection:
            await connection.run_sync(write)
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(revise(sys.argv[1], sys.argv[2]))
