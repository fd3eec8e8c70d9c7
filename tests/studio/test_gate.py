"""Files of strangers are decoded few at a time; who finds the line full is told to come again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest

from fedi.studio import gate
from generation import apart
from tests import rig
from tests.api.apps import App
from tests.api.beginning import form
from tests.generation import signing
from tests.studio.easel_painter import picture

ASKED = {"recipe": {"prompt": "a boat", "source": {"upload": "photo"}}}


async def test_who_finds_the_line_full_is_told_to_come_again(
    instance: rig.Instance, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "LINE", 2)
    alice = await App.of(instance, browser, "alice")
    bob = await App.of(instance, browser, "bob")
    found = gate.of(instance.easel)
    async with contextlib.AsyncExitStack() as held:
        for _ in range(gate.AT_ONCE):  # as if others were being looked at
            await held.enter_async_context(found.request())
        photo = {"photo": picture()}
        waiting = [asyncio.create_task(form(alice, ASKED, photo)) for _ in range(2)]
        await rig.until(lambda: found._line == 2)
        job = asyncio.create_task(_taken(found))  # which waits, and is refused nothing
        refused = await form(bob, ASKED, photo)
        assert refused.status == 503
        assert refused.headers["Retry-After"] == str(gate.RETRY_AFTER_S)
        assert refused.error == "Too many pictures are being looked at just now."
        assert (await bob.get("/healthz")).status == 200
        assert not job.done() and not any(task.done() for task in waiting)
    assert [(await task).status for task in waiting] == [201, 201]
    await job
    assert (await form(bob, ASKED, {"photo": picture()})).status == 201


async def _taken(found: gate.Gate) -> None:
    async with found.job():
        pass


async def test_requests_go_before_what_nobody_waits_for() -> None:
    found, order = gate.Gate(), list[str]()

    async def job(number: int) -> None:
        async with found.job():
            order.append(f"job {number}")

    async def request() -> None:
        async with found.request():
            order.append("request")

    async with contextlib.AsyncExitStack() as held:
        for _ in range(gate.AT_ONCE):
            await held.enter_async_context(found.request())
        jobs = [asyncio.create_task(job(number)) for number in range(20)]
        await rig.until(found._jobs.locked)
        asked = asyncio.create_task(request())
        await rig.until(lambda: found._line)
    await asyncio.gather(asked, *jobs)
    assert order.index("request") <= gate.JOBS and len(order) == 21


def test_there_are_only_so_many_children(tmp_path: Path) -> None:
    """Counted as the system counts them, while more ask for one than there may be."""
    authority, by = signing.chain()
    content, asking = signing.signed(by), 3 * apart.MAX_CHILDREN
    most, done = 0, threading.Event()

    def count() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, len(children()))

    watching = threading.Thread(target=count)
    watching.start()
    try:
        with ThreadPoolExecutor(asking) as pool:
            known = {signing.NAME: authority}
            found = list(pool.map(lambda _: apart.read(content, "image/png", known), range(asking)))
    finally:
        done.set()
        watching.join()
    assert [one.state for one in found] == ["valid"] * asking
    assert most == apart.MAX_CHILDREN


def children() -> list[int]:
    """The processes of ours that read files apart."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"generation.apart" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
