"""Fetching the models that are asked for, one after the other, in a process of its own: so the
server stays small, and a download that breaks off breaks nothing else.

What an earlier run of the server was at is gone on with.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

from sqlmodel import col, select

from fedi import logs
from fedi.database import Transaction, marks
from fedi.database.tables import ModelPull
from fedi.events import Listener
from fedi.runtime import Easel
from fedi.social import adjusting
from fedi.social.errors import SocialError
from fedi.studio import pulls, stock

LOOK_S = 60.0  # between two looks at what waits, if nobody says that something does
REST_S = 5.0  # after what should not happen, such as a database that is down
BROKE_OFF = "The download broke off."
MAX_ERROR = 500  # characters

log = logs.get(__name__)


class Puller:
    """Fetches what is asked of this server.

    Args:
        server: the name of its own painter.
    """

    def __init__(self, easel: Easel, server: str) -> None:
        self._easel = easel
        self.server = server
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="model puller")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        with self._easel.events.listen([pulls.TOPIC]) as heard:
            while True:
                heard.drain()
                try:
                    key = await self._next()
                    if key is not None:
                        await self._fetch(key, heard)
                        continue
                except Exception:
                    log.exception("model_puller_failed")
                    await asyncio.sleep(REST_S)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await heard.next()

    async def _next(self) -> str | None:
        """The model that is to be fetched now: the one that was begun, or else the first asked
        for."""
        async with self._easel.database.write() as tx:
            query = (
                select(ModelPull)
                .where(col(ModelPull.server) == self.server)
                .where(col(ModelPull.state).in_(pulls.UNDER_WAY))
                .order_by(col(ModelPull.state), col(ModelPull.asked_at))  # "fetching" comes first
            )
            row = (await tx.exec(query)).first()
            if row is None:
                return None
            row.state, row.began_at, row.error = pulls.FETCHING, None, ""
            row.told_at = tx.now
            tx.add(row)
            pulls.tell(tx, row.key)
            return row.key

    async def _fetch(self, key: str, heard: Listener) -> None:
        log.info("model_pull_began", model=key)
        async with _process(key) as process:
            reading = asyncio.create_task(self._read(process, key))
            try:
                while not reading.done():
                    news = asyncio.ensure_future(heard.next())
                    await asyncio.wait({reading, news}, return_when=asyncio.FIRST_COMPLETED)
                    news.cancel()
                    if not reading.done() and not await self._wanted(key):
                        log.info("model_pull_stopped", model=key)
                        return
                ended = await reading
            finally:
                reading.cancel()
        await self._end(key, ended)

    async def _wanted(self, key: str) -> bool:
        async with self._easel.database.read() as session:
            row = await session.get(ModelPull, key)
        return row is not None and row.state == pulls.FETCHING and row.server == self.server

    async def _read(self, process: asyncio.subprocess.Process, key: str) -> dict[str, Any]:
        """Note how far it is, until it says how it ended."""
        assert process.stdout is not None
        async for line in process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue  # a library's own words
            if "done" not in said:
                return dict(said)
            await self._note(key, int(said["done"]), int(said["size"]))
        return {"failed": BROKE_OFF}

    async def _note(self, key: str, done: int, size: int) -> None:
        async with self._easel.database.write() as tx:
            row = await tx.get(ModelPull, key)
            if row is None:
                return
            if row.began_at is None:
                row.began_at, row.began_with = tx.now, done
            row.done, row.size, row.told_at = done, size, tx.now
            tx.add(row)
            pulls.tell(tx, key)

    async def _end(self, key: str, ended: dict[str, Any]) -> None:
        if not ended.get("here"):
            reason = str(ended.get("failed", BROKE_OFF))[:MAX_ERROR]
            log.warning("model_pull_broke_off", model=key, reason=reason)
            async with self._easel.database.write() as tx:
                row = await tx.get(ModelPull, key)
                if row is not None and row.state == pulls.FETCHING:
                    row.state, row.error, row.told_at = pulls.BROKEN, reason, tx.now
                    tx.add(row)
                    pulls.tell(tx, key)
            return
        model = await asyncio.to_thread(stock.find, key)
        log.info("model_pulled", model=key)
        async with self._easel.database.write() as tx:
            row = await tx.get(ModelPull, key)
            if row is not None and row.chosen and "painting" in model.kinds:
                await self._choose(tx, key)
            await pulls.forget(tx, key)
            await marks.change(tx, stock.MARK)
        await self._easel.adjust()

    async def _choose(self, tx: Transaction, key: str) -> None:
        try:
            await adjusting.change(tx, self._easel.base, {"painting.model": key})
        except SocialError as error:  # the environment says which
            log.warning("model_not_chosen", model=key, reason=str(error))


@contextlib.asynccontextmanager
async def _process(key: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "generation.puller", key),
        stdin=asyncio.subprocess.PIPE,  # it ends when this does
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
