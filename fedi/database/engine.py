"""The database: SQLite on one machine, PostgreSQL on many, behind the same two doors.

`Database.read()` gives a session that only reads; `Database.write()` gives a transaction. On
SQLite writers stand in line inside the process, so that nobody polls for the file lock, and a
write transaction begins IMMEDIATE, so that it never fails half-way for the lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy.ext.asyncio
from sqlalchemy import CursorResult, QueuePool, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import _CoreAnyExecuteParams
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.sql.base import Executable
from sqlmodel.ext.asyncio.session import AsyncSession

from fedi import ids, logs
from fedi.clock import Clock
from fedi.database import relay, sqlite
from fedi.events import Event, Events
from fedi.settings import DatabaseSettings, InstanceSettings

log = logs.get(__name__)

CHECKPOINT_EVERY = 100  # transactions; SQLite's own measure is 1,000 pages
CHECKPOINT_PAGES = 10_000  # of the log: if nobody else does it, a commit must
# Pages kept in memory: by the one connection that writes, and by each of those that read, to which
# the system hands the pages that it has anyway.
SQLITE_WRITING_KB, SQLITE_READING_KB = 16 * 1024, 2 * 1024
SQLITE_MMAP_BYTES = 256 * 1024 * 1024
GIVE_BACK_S = 2.0  # in which whoever was cancelled gives back the connection
SHARED_BY = 128  # pieces of work in one transaction at most; readers wait for none of them

Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Callable[["Transaction", Sequence[Any]], Awaitable[Sequence[Any]]]


class Session(AsyncSession):
    """A session that knows what time it is and whose instance it works for."""

    clock: Clock
    instance: InstanceSettings

    # SQLModel's own warns whoever says `execute`, which is right for Core statements.
    execute = sqlalchemy.ext.asyncio.AsyncSession.execute

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def dialect_name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.get_bind().dialect.name


class Transaction(Session):
    """A session whose changes are committed together, and events told after that."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.events: list[Event] = []

    def new_id(self) -> int:
        return ids.new(self.now)

    async def execute_core(
        self, statement: Executable, parameters: _CoreAnyExecuteParams | None = None
    ) -> CursorResult[Any]:
        """Execute a statement on tables, past the ORM: quick, where one is made once and executed
        often. What the ORM has not written yet is written before."""
        session = self.sync_session
        if session.new or session.deleted or session.identity_map.check_modified():
            await self.flush()
        result = await self.execute(statement, parameters)
        assert isinstance(result, CursorResult)
        return result

    def emit(self, event: Event) -> None:
        """Publish `event` once this transaction is committed; never, if it is rolled back."""
        self.events.append(event)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What shares a transaction with others."""

    work: Work
    item: Any
    future: asyncio.Future[Any]

    def succeed(self, result: Any) -> None:
        if not self.future.done():  # whoever asked may have given up
            self.future.set_result(result)


class Database:
    """One database, opened.

    Args:
        settings: where it is; a SQLite file and its folder are made if they are not there.
        instance: handed to each session, for the addresses of what it creates.
        clock: handed to each session.
        events: where a transaction's events go after it is committed.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        instance: InstanceSettings,
        clock: Clock | None = None,
        events: Events | None = None,
    ) -> None:
        self.url = driver_url(settings.url)
        self.clock = clock or Clock()
        self.events = events or Events()
        self.instance = instance
        self._pieces: deque[_Piece] = deque()
        self._sharing: asyncio.Task[None] | None = None
        self._written = 0
        self._checkpointing: asyncio.Task[None] | None = None
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            if self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self._writers: asyncio.Lock | None = asyncio.Lock()
            self._reading = _sqlite_engine(
                self.url, settings, "BEGIN", settings.pool_size, SQLITE_READING_KB
            )
            self._writing = _sqlite_engine(
                self.url, settings, "BEGIN IMMEDIATE", 1, SQLITE_WRITING_KB
            )
        else:
            self._writers = None
            self._reading = create_async_engine(
                self.url,
                pool_size=settings.pool_size,
                max_overflow=settings.pool_size,
                json_deserializer=_json,
            )
            self._writing = self._reading

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        """A session on a consistent state of the database, for reading only."""
        async with Session(self._reading, expire_on_commit=False, autoflush=False) as session:
            session.clock, session.instance = self.clock, self.instance
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction: committed when the block ends, rolled back when it raises.

        Keep it short and free of anything slow: on SQLite every other writer waits for it.
        """
        if self._writers is None:
            async with self._transaction() as transaction:
                yield transaction
        else:
            async with self._writers, self._transaction() as transaction:
                yield transaction
            self._written += 1
            if self._written % CHECKPOINT_EVERY == 0 and self.url.database:
                self._checkpoint()
        for happened in transaction.events:
            self.events.publish(happened, relayed=True)

    def _checkpoint(self) -> None:
        if self._checkpointing is None or self._checkpointing.done():
            self._checkpointing = asyncio.create_task(self._shorten(), name="checkpoint")

    async def _shorten(self) -> None:
        """Nearly all of it beside the writers; the rest, without which the log is not begun anew,
        between two of them."""
        assert self._writers is not None
        await asyncio.to_thread(sqlite.checkpoint, str(self.url.database))
        async with self._writers:
            await asyncio.to_thread(sqlite.checkpoint, str(self.url.database))

    async def together(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Do something small and frequent in a transaction that it shares with its like.

        What waits while one transaction is under way goes into the next one, so that the number
        of commits does not grow with the load. It is committed when this returns.

        Args:
            work: changes the database, and nothing else: where a neighbour fails, all is rolled
                back and each piece is done once more in a transaction of its own.

        Returns:
            What `work` returned. What it raised is raised here.
        """

        async def alone(tx: Transaction, items: Sequence[None]) -> list[Result]:
            return [await work(tx)]

        return await self.in_bulk(alone, None)

    async def in_bulk(
        self,
        work: Callable[[Transaction, Sequence[Item]], Awaitable[Sequence[Result]]],
        item: Item,
    ) -> Result:
        """`together` for what takes few statements for many: everything that waits for the same
        `work` is done by one call of it.

        Args:
            work: changes the database for all of these items, and nothing else; gives back as many
                results. Where it fails, it is called once more for each item alone.
            item: for what.

        Returns:
            The result for this item. What was raised for it alone is raised here.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._pieces.append(_Piece(work, item, future))
        if self._sharing is None or self._sharing.done():
            self._sharing = asyncio.create_task(self._share(), name="shared transactions")
        return await future

    async def _share(self) -> None:
        while self._pieces:
            taken = [self._pieces.popleft() for _ in range(min(SHARED_BY, len(self._pieces)))]
            alike: dict[Work, list[_Piece]] = {}
            for piece in taken:
                alike.setdefault(piece.work, []).append(piece)
            try:
                async with self.write() as tx:
                    results = [
                        await work(tx, [piece.item for piece in pieces])
                        for work, pieces in alike.items()
                    ]
            except Exception as error:
                # One of them may be refused, which is its own affair; a fault of all costs time.
                log.info("redone_one_by_one", pieces=len(taken), error=repr(error))
                for piece in taken:
                    await self._alone(piece)
            else:
                for pieces, found in zip(alike.values(), results, strict=True):
                    for piece, result in zip(pieces, found, strict=True):
                        piece.succeed(result)

    async def _alone(self, piece: _Piece) -> None:
        try:
            async with self.write() as tx:
                (result,) = await piece.work(tx, [piece.item])
        except Exception as error:
            if not piece.future.done():
                piece.future.set_exception(error)
        else:
            piece.succeed(result)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        async with Transaction(self._writing, expire_on_commit=False) as transaction:
            transaction.clock, transaction.instance = self.clock, self.instance
            yield transaction
            if not self.sqlite:
                await self._notify(transaction)
            await transaction.commit()

    async def _notify(self, transaction: Transaction) -> None:
        """Tell the other processes, exactly when this is committed (PostgreSQL's own promise)."""
        for happened in transaction.events:
            for payload in relay.encode(happened):
                await transaction.execute(
                    relay.NOTIFY, {"channel": relay.CHANNEL, "payload": payload}
                )

    async def close(self) -> None:
        if self._sharing is not None:
            await self._sharing
        if self._checkpointing is not None:
            await asyncio.wait([self._checkpointing])
        for engine in (self._writing, self._reading):
            await _given_back(engine)
            await engine.dispose()


async def _given_back(engine: AsyncEngine) -> None:
    """Wait until nobody holds a connection: a session whose task was cancelled gives its own back
    a moment later, and nothing would close that one."""
    pool, given = engine.pool, asyncio.Event()
    event.listen(engine.sync_engine, "checkin", lambda *_: given.set())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GIVE_BACK_S):
            while isinstance(pool, QueuePool) and pool.checkedout():
                given.clear()
                await given.wait()


def driver_url(address: str) -> URL:
    """The address with the asynchronous driver that we use for it.

    Raises:
        ValueError: it is neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(address)
    except ArgumentError:  # without the address, which may hold a password
        raise ValueError(
            "that is no address such as sqlite:///data/easel.db or "
            "postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    match url.get_backend_name():
        case "sqlite":
            return url.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+asyncpg")
        case other:
            raise ValueError(f"Easel stores in SQLite or PostgreSQL, not in {other}")


def _json(written: str) -> Any:
    """What a column of JSON holds: most often nothing, which needs no parser."""
    if written == "[]":
        return []
    return {} if written == "{}" else json.loads(written)


def _sqlite_engine(
    url: URL, settings: DatabaseSettings, begin: str, connections: int, cache_kb: int
) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        module=sqlite.module,
        json_deserializer=_json,
        connect_args={"timeout": sqlite.BUSY_TIMEOUT_S, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={settings.synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={sqlite.BUSY_TIMEOUT_S * 1000}")
        cursor.execute(f"PRAGMA cache_size=-{cache_kb}")
        cursor.execute(f"PRAGMA mmap_size={SQLITE_MMAP_BYTES}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
