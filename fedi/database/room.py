"""Whether something failed because there is no room left: on the disk, or in the database."""

from __future__ import annotations

import errno
import sqlite3

_DISK_FULL = "53100"  # PostgreSQL's


def is_full(error: BaseException | None) -> bool:
    """Whether there was no room, as an error or what it came of says."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return True
        if isinstance(error, sqlite3.Error):
            return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        if getattr(error, "sqlstate", None) == _DISK_FULL:
            return True
        error = getattr(error, "orig", None) or error.__cause__
    return False
