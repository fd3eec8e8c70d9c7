"""aiosqlite under SQLAlchemy, with no more trips to the connection's thread than are worth it.

SQLAlchemy's own adapter makes four trips for each statement (open a cursor, execute, fetch, close
it), and each costs more than what SQLite does for most statements. Here a statement runs where it
stands, as long as its like was quick; what was slow goes to the thread for the next times, in one
trip, and so does whatever must wait for a lock. (Slow is what was so twice in a row: on a busy
machine most statements that took long were only interrupted.) A trip costs more than it seems: the
thread gets the interpreter's lock back only when nobody else works, or after some milliseconds.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util.concurrency import await_

SLOW_S = 0.005
"""Seconds for which a statement may hold up everybody else; a trip to the thread costs a tenth of a
millisecond. (To ask how long the thread itself worked costs as much as most statements.)"""

VERY_SLOW_S = 0.025
"""Seconds after which once is enough: that is longer than one program takes its turn."""

TRIPS = 50
"""How often a statement that was slow goes to the thread before it is tried here once more."""

SLOW_KEPT = 1000
"""Statements that were slow, remembered by their text."""

WAITING = ("PRAGMA", "VACUUM", "ANALYZE", "ATTACH")
"""How statements begin that may wait for a lock or for the disk."""

LOCKING = "BEGIN IMMEDIATE"
"""How a transaction begins that writes: there is only one at a time, of all processes."""

BUSY_TIMEOUT_S = 30
"""Seconds to wait for another process (a command line, a backup) that holds a lock."""

# How many trips are left; 0 of what was slow when it was last tried here.
_slow: OrderedDict[str, int] = OrderedDict()

Outcome = tuple[Any, list[Any], int, int | None]
"""Description, rows, row count, id of the last inserted row."""


class Cursor:
    """A cursor that has all of its rows when it has executed."""

    __slots__ = ("_connection", "_rows", "arraysize", "description", "lastrowid", "rowcount")

    server_side = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: deque[Any] = deque()
        self.arraysize = 1
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def execute(self, operation: str, parameters: Any = None) -> Cursor:
        return self._keep(self._connection.run(_execute, operation, parameters or ()))

    def executemany(self, operation: str, parameters: Any) -> Cursor:
        return self._keep(self._connection.run(_executemany, operation, parameters))

    def _keep(self, outcome: Outcome) -> Cursor:
        self.description, rows, self.rowcount, self.lastrowid = outcome
        self._rows = deque(rows)
        return self

    async def _async_soft_close(self) -> None:
        """Nothing is left to close."""

    def close(self) -> None:
        self._rows.clear()

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = min(self.arraysize if size is None else size, len(self._rows))
        return [self._rows.popleft() for _ in range(wanted)]

    def fetchall(self) -> list[Any]:
        rows = list(self._rows)
        self._rows.clear()
        return rows

    def __iter__(self) -> Iterator[Any]:
        while self._rows:
            yield self._rows.popleft()


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection whose quick statements run where they stand.

    `_away` is what is under way in the thread: while something is (its caller may have been
    cancelled), everything goes there, behind it.
    """

    __slots__ = ("_away",)

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._away: set[object] = set()

    def cursor(self, server_side: bool = False) -> Any:
        return Cursor(self)

    def run(self, work: Callable[..., Outcome], operation: str, parameters: Any) -> Outcome:
        """Execute a statement, here or in the thread."""
        try:
            raw: sqlite3.Connection = self._connection._conn
            if self._away or operation.startswith(WAITING) or _is_slow(operation):
                return self._sent(work, raw, operation, parameters)
            if operation == LOCKING:
                return _locked(raw) or self._sent(work, raw, operation, parameters)
            began = time.perf_counter()
            outcome = work(raw, operation, parameters)
            _note(operation, time.perf_counter() - began)
            return outcome
        except Exception as error:
            self._handle_exception(error)

    def _sent(self, work: Callable[..., Outcome], *arguments: Any) -> Outcome:
        """Do something in the thread."""
        trip = object()

        def there() -> Outcome:
            try:
                return work(*arguments)
            finally:
                self._away.discard(trip)

        self._away.add(trip)
        outcome: Outcome = await_(self._connection._execute(there))
        return outcome

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def commit(self) -> None:
        self._end("COMMIT")

    def _end(self, how: str) -> None:
        """End the transaction, if there is one; that may wait for the disk.

        By a statement: from Python 3.12 on `commit()` does nothing in some of its modes.
        """
        if not self._connection._connection:
            return
        raw: sqlite3.Connection = self._connection._conn
        if self._away or raw.in_transaction:
            self.run(_end, how, ())


class Module(AsyncAdapt_aiosqlite_dbapi):
    """What SQLAlchemy takes for the DBAPI module: give it to `create_async_engine(module=…)`."""

    def connect(self, *arguments: Any, **options: Any) -> Connection:
        options["check_same_thread"] = False
        connection = self.aiosqlite.connect(*arguments, **options)
        connection._thread.daemon = True
        return Connection(self, await_(connection))


def _locked(raw: sqlite3.Connection) -> Outcome | None:
    """Begin a transaction that writes, if nobody else is in one."""
    raw.execute("PRAGMA busy_timeout=0").close()
    try:
        return _execute(raw, LOCKING, ())
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return None
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}").close()


def checkpoint(file: str) -> None:
    """Bring what was committed from the log into the database, as far as no reader needs it there:
    a commit that has to do so waits for the disk. Blocks nobody, but may take a while; what cannot
    be done now is done by the next one, or at last by a commit."""
    connection = sqlite3.connect(file, timeout=0)
    try:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
    finally:
        connection.close()


def _execute(raw: sqlite3.Connection, operation: str, parameters: Any) -> Outcome:
    cursor = raw.execute(operation, parameters)
    rows = cursor.fetchall() if cursor.description else []
    outcome: Outcome = cursor.description, rows, cursor.rowcount, cursor.lastrowid
    cursor.close()
    return outcome


def _executemany(raw: sqlite3.Connection, operation: str, parameters: Any) -> Outcome:
    cursor = raw.executemany(operation, parameters)
    outcome: Outcome = None, [], cursor.rowcount, cursor.lastrowid
    cursor.close()
    return outcome


def _end(raw: sqlite3.Connection, operation: str, parameters: Any) -> Outcome:
    if raw.in_transaction:  # what failed may have ended it
        raw.execute(operation).close()
    return None, [], -1, None


def _is_slow(operation: str) -> bool:
    left = _slow.get(operation)
    if not left:
        return False
    _slow[operation] = left - 1
    return True


def _note(operation: str, seconds: float) -> None:
    """How long a statement took here."""
    if seconds <= SLOW_S:
        if operation in _slow:
            del _slow[operation]
        return
    again = operation in _slow
    _slow[operation] = TRIPS if again or seconds > VERY_SLOW_S else 0
    if len(_slow) > SLOW_KEPT:
        _slow.popitem(last=False)


module = Module(aiosqlite, sqlite3)
