"""Watching a picture: by many, by some who hang, by some who come back, on every process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from fedi.studio import watching
from tests import rig
from tests.api.apps import App
from tests.studio.asking import reaches
from tests.studio.easel_painter import WAIT_S, connected

PATH = "/api/easel/v1/paintings"
PREVIEW = b"\xff\xd8" + bytes(10_000)  # as large as ours


class Watcher:
    """An event stream, as a browser reads it."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last = ""  # id

    async def next(self) -> tuple[str, Any]:
        """The kind and the data of the next event; empty at the end."""
        found: dict[str, str] = {}
        async with asyncio.timeout(WAIT_S):
            async for raw in self.answer.content:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name:
                    found[name] = value
                elif "event" in found:
                    self.last = found["id"]
                    return found["event"], json.loads(found["data"])
        return "", None

    async def until(self, kind: str) -> Any:
        while True:
            heard, data = await self.next()
            assert heard, f"it ended before it was {kind}"
            if heard == kind:
                return data


@asynccontextmanager
async def watched(app: App, painting: str, last: str = "") -> AsyncIterator[Watcher]:
    headers = {"Authorization": f"Bearer {app.token}"}
    if last:
        headers["Last-Event-ID"] = last
    async with app.browser.get(
        f"{app.instance.url}{PATH}/{painting}/events",
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None),
    ) as answer:
        yield Watcher(answer)


async def ask(app: App) -> str:
    made = await app.post(PATH, {"recipe": {"prompt": "a lighthouse"}})
    return str(made.body["id"])


async def test_who_comes_back_hears_how_it_stands_and_nothing_twice(alice: App) -> None:
    painting = await ask(alice)
    async with connected(alice.instance) as card, AsyncExitStack() as later:
        given = await card.given()
        async with watched(alice, painting) as first:
            assert (await first.next())[0] == "painting"
            await card.step(given, 3, 4, PREVIEW)
            seen = await first.until("progress")
        # Cut off, and back again: the state at once, but no progress that was heard.
        again = await later.enter_async_context(watched(alice, painting, first.last))
        kind, data = await again.next()
        assert (kind, data["state"]) == ("painting", "painting")
        # Somebody else sees at once what the last step looked like.
        other = await later.enter_async_context(watched(alice, painting))
        assert (await other.next())[0] == "painting"
        assert await other.next() == ("progress", seen)
        await card.step(given, 4, 4)
        for watcher in (again, other):
            kind, data = await watcher.next()
            assert (kind, data["step"]) == ("progress", 4)
        async with reaches(alice.instance.easel, int(painting), "done"):
            await card.finish(given)
        for watcher in (again, other):
            assert (await watcher.until("done"))["media"]
            assert await watcher.next() == ("", None)
    # Whoever missed the end hears it; whoever knows it is told to stop asking.
    async with watched(alice, painting, first.last) as late:
        assert (await late.next())[0] == "done"
    async with watched(alice, painting, late.last) as known:
        assert known.answer.status == 204


async def test_many_watch_and_one_who_hangs_holds_nobody(alice: App) -> None:
    painting = await ask(alice)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(alice.instance.url).port)
    host = urlsplit(alice.instance.url).netloc
    writer.write(
        f"GET {PATH}/{painting}/events HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {alice.token}\r\n\r\n".encode()
    )
    await writer.drain()
    await reader.readexactly(1)  # it listens, and reads no more
    async with AsyncExitStack() as later, connected(alice.instance) as card:
        watchers = [await later.enter_async_context(watched(alice, painting)) for _ in range(30)]
        given = await card.given()
        for step in range(1, 301):  # more than what anybody may be behind, four megabytes
            await card.step(given, step, 300, PREVIEW)
        await card.finish(given)
        for watcher in watchers:
            assert (await watcher.until("done"))["state"] == "done"
    writer.close()


async def test_who_waits_hears_that_others_moved_on(
    alice: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "HEARTBEAT_S", 0.05)
    first, second = await ask(alice), await ask(alice)
    async with watched(alice, second) as watcher:
        assert (await watcher.next())[1]["ahead"] == 1
        await alice.ask("DELETE", f"{PATH}/{first}")
        kind, data = await watcher.next()
        assert (kind, data["ahead"]) == ("queued", 0)


async def test_it_is_watched_on_every_process(
    postgres: rig.Postgres, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    """Two processes on one database: as real ones, each of which would not hear itself."""
    url = postgres.new()
    async with rig.serve_instance(tmp_path / "here", url) as here:
        web = rig.ServerProcess(tmp_path / "web", instance={"url": here.url}, database={"url": url})
        await web.start()
        try:
            alice = await App.of(here, browser, "alice")
            painting = await ask(alice)
            async with (
                connected(here) as card,
                browser.get(
                    f"{web.url}{PATH}/{painting}/events",
                    headers={"Authorization": f"Bearer {alice.token}"},
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as answer,
            ):
                there = Watcher(answer)
                assert (await there.next())[0] in ("queued", "painting")
                given = await card.given()
                await card.step(given, 1, 4, PREVIEW)
                seen = await there.until("progress")
                assert seen["step"] == 1 and len(seen["preview"]) > 10_000
                await card.finish(given)
                assert (await there.until("done"))["state"] == "done"
        finally:
            await web.stop()
