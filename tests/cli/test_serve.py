"""`easel serve` with a database that it cannot use: one plain sentence, and it ends."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from tests import rig

COMMANDS = (("serve",), ("migrate",), ("account", "list"))


async def said(folder: Path, database_url: str, command: tuple[str, ...]) -> tuple[int | None, str]:
    """The exit status of a command, and all that it says."""
    server = rig.ServerProcess(folder, database={"url": database_url})
    process = await asyncio.create_subprocess_exec(
        *server.command(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, output.decode()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_a_file_that_is_no_database_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "text.db").write_text("This is no database, but a text. " * 100)
    status, output = await said(tmp_path, "sqlite:///text.db", command)
    assert (status, output.splitlines()) == (
        1, ["The database cannot be used: file is not a database. Mend database.url."],
    )  # fmt: skip


async def test_a_database_of_a_newer_easel_is_told(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    async with (
        rig.ServerProcess(tmp_path, database={"url": url}).database() as database,
        database.write() as tx,
    ):
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    status, output = await said(tmp_path, url, ("serve",))
    [line] = output.splitlines()
    assert status == 1
    assert line.startswith("The database cannot be used: it may be a newer Easel's (")
    assert "9999" in line


async def test_a_database_that_is_down_is_told(tmp_path: Path) -> None:
    status, output = await said(tmp_path, "postgresql://localhost:1/easel", ("serve",))
    [line] = output.splitlines()
    assert status == 1
    assert line.startswith("The database cannot be used: ")
