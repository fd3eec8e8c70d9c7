"""A copy of a SQLite while it is in use: whole, and as it was at one moment."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def back_up(database: Path, file: Path) -> int:
    """Write a copy of a database, for its owner alone: it holds private keys.

    Args:
        database: the file of a SQLite, whoever works with it meanwhile.
        file: where the copy is written. It must not be there yet; it is there once it is whole.

    Returns:
        Its size in bytes.

    Raises:
        FileExistsError: it is there already.
        OSError, sqlite3.Error: it cannot be read or written.
    """
    if file.exists():
        raise FileExistsError(f"There is {file} already")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=rw", uri=True)
        try:
            # Unlike SQLite's own backup, it is not begun anew whenever somebody writes.
            connection.execute("VACUUM INTO ?", (str(part),))
        finally:
            connection.close()
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size
