"""Ten minutes among honest servers and hostile ones: `make soak`.

Honest people send posts, read, and get every post of ours; beside them one server hangs, one
answers 500, one sends a gigabyte and one redirects in a circle, both when we deliver to them and
when we must ask them who they are. In the end nothing may be lost, memory must have stayed flat,
and the honest ones must not have waited longer than before the hostile ones came.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import uvloop
from rich.console import Console
from rich.table import Table

from bench import load, peers, server
from bench.federation import Measured, running

SECONDS = float(os.environ.get("SECONDS", "600"))
CALM = 0.2  # of the time passes before the hostile servers come
CREATES_PER_S, READS_PER_S, HOSTILE_PER_S = 30, 20, 2
POST_EVERY_S = 2.0
HONEST, HONEST_HOSTS = 40, 20
EACH_HOSTILE = 5  # followers on each hostile server
HOSTILE = ("hangs", "broken", "endless", "circle")
SETTLE_S = 90.0  # for what is still under way in the end
SAMPLE_S = 2.0

RECEIVED = "SELECT count(*) FROM status WHERE NOT local"  # written with their entries in the home

GROWTH = 1.15  # of memory, from the second quarter to the last
SLOWER = 3.0  # how much later an honest server may have a post while others are hostile
SLOW_FLOOR_S = 0.5  # below it nobody calls it late


@dataclass
class Seen:
    """What happened."""

    sent: int = 0  # Creates that were answered 202
    refused: dict[int, int] = field(default_factory=dict)  # answers to what hostile servers sent
    posted: dict[str, float] = field(default_factory=dict)  # id of our post: when it was answered
    took: dict[str, list[float]] = field(default_factory=dict)  # id: seconds to each honest inbox
    memory: list[float] = field(default_factory=list)  # megabytes
    failed: list[str] = field(default_factory=list)

    def latency(self, since: float, until: float) -> float:
        """The 95th percentile of the seconds from a post to an honest inbox."""
        times = [
            seconds
            for uri, moment in self.posted.items()
            if since <= moment < until
            for seconds in self.took.get(uri, [])
        ]
        return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else 0.0


async def every(seconds: float, until: float, work: Callable[[int], Awaitable[None]]) -> None:
    """Do something at a steady pace; what is late is made up for."""
    number, due = 0, time.perf_counter()
    while time.perf_counter() < until:
        await work(number)
        number += 1
        due += seconds
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


async def soak(console: Console) -> Seen:
    seen = Seen()
    async with peers.opened() as net:
        honest = net.people(HONEST, HONEST_HOSTS)
        hostile = [
            person for name in HOSTILE for person in net.people(EACH_HOSTILE, 1, prefix=name)
        ]

        def took(host: str, body: bytes) -> None:
            activity = json.loads(body)
            if activity["type"] == "Create" and not host.startswith(HOSTILE):
                uri = activity["object"]["id"]
                posted = seen.posted.get(uri)
                # it may arrive before the author has their answer
                waited = time.perf_counter() - posted if posted is not None else 0.0
                seen.took.setdefault(uri, []).append(waited)

        net.on_post = took
        net.calm = True
        async with running([*honest, *hostile]) as measured:
            began = time.perf_counter()
            until, storm = began + SECONDS, began + SECONDS * CALM
            inbox = f"{measured.url}/inbox"

            async def create(number: int) -> None:
                person = honest[number % HONEST]
                statuses = await load.send(measured.port, [person.create(inbox, number)], clients=1)
                if statuses == {202: 1}:
                    seen.sent += 1
                else:
                    seen.failed.append(f"a Create was answered {statuses}")

            async def post(number: int) -> None:
                uri = await publish(measured, number)
                seen.posted[uri] = time.perf_counter()

            async def read(number: int) -> None:
                path = ("/users/alice", "/users/alice/outbox?page=true", "/@alice")[number % 3]
                accept = "text/html" if path == "/@alice" else "application/activity+json"
                asked = load.request("GET", path, measured.host, {"Accept": accept}, b"")
                statuses = await load.send(measured.port, [asked], clients=1)
                if statuses != {200: 1}:
                    seen.failed.append(f"{path} was answered {statuses}")

            async def strike(number: int) -> None:
                # somebody of a hostile server whom nobody knows: we must ask it for the key
                name = HOSTILE[number % len(HOSTILE)]
                stranger = peers.Person(f"{name}{number}.localhost:{net.port}", "user1", number)
                follow = {"id": f"{stranger.uri}/1", "type": "Follow"}
                asked = stranger.signed(inbox, {**follow, "object": f"{measured.url}/users/alice"})
                striking.add(asyncio.create_task(struck(asked)))

            async def struck(asked: bytes) -> None:
                for status in await load.send(measured.port, [asked], clients=1):
                    seen.refused[status] = seen.refused.get(status, 0) + 1

            async def sample(number: int) -> None:
                pids = server.family(measured.pid)
                seen.memory.append(sum(server.resident_mb(pid) for pid in pids))
                if number % 15 == 0:
                    console.print(
                        f"{time.perf_counter() - began:4.0f} s: {seen.sent} Creates taken, "
                        f"{len(seen.posted)} posts, {seen.memory[-1]:.0f} MB"
                    )

            async def storms() -> None:
                await asyncio.sleep(storm - time.perf_counter())
                net.calm = False
                await every(1 / HOSTILE_PER_S, until, strike)

            striking: set[asyncio.Task[None]] = set()
            await asyncio.gather(
                every(1 / CREATES_PER_S, until, create),
                every(POST_EVERY_S, until, post),
                every(1 / READS_PER_S, until, read),
                every(SAMPLE_S, until, sample),
                storms(),
            )
            await settled(measured, seen)
            await asyncio.wait(striking, timeout=SETTLE_S) if striking else None
            judge(console, seen, measured, began, storm, until)
    return seen


async def publish(measured: Measured, number: int) -> str:
    """A post of alice's; its id."""
    note = {"type": "Note", "content": f"picture {number}", "to": [peers.PUBLIC],
            "cc": [f"{measured.url}/users/alice/followers"]}  # fmt: skip
    headers = {
        "Authorization": f"Bearer {measured.token}",
        "Content-Type": "application/activity+json",
    }
    asked = load.request(
        "POST", "/users/alice/outbox", measured.host, headers, json.dumps(note).encode()
    )
    status, body = await load.ask(measured.port, asked)
    assert status == 201, (status, body)
    return str(json.loads(body)["object"]["id"])


async def settled(measured: Measured, seen: Seen) -> None:
    """Wait until everything honest has come, or long enough."""
    deadline = time.perf_counter() + SETTLE_S
    while time.perf_counter() < deadline:
        entries = measured.count(RECEIVED)
        waiting = sum(HONEST - len(seen.took.get(uri, [])) for uri in seen.posted)
        if entries >= seen.sent and not waiting:
            return
        await asyncio.sleep(0.2)


def judge(
    console: Console, seen: Seen, measured: Measured, began: float, storm: float, until: float
) -> None:
    """Print what was seen, and say what is not as it must be in `seen.failed`."""
    entries = measured.count(RECEIVED)
    got = sum(min(HONEST, len(seen.took.get(uri, []))) for uri in seen.posted)
    wanted = HONEST * len(seen.posted)
    quarter = max(1, len(seen.memory) // 4)
    early = statistics.median(seen.memory[quarter : 2 * quarter] or seen.memory)
    late = statistics.median(seen.memory[-quarter:])
    calm, stormy = seen.latency(began, storm), seen.latency(storm, until)
    table = Table("what", "seen", "must be")
    table.add_row("Creates in the home timeline", f"{entries}", f"≥ {seen.sent}")
    table.add_row("posts in honest inboxes", f"{got}", f"{wanted}")
    table.add_row("memory, second quarter", f"{early:.0f} MB", "")
    table.add_row("memory, last quarter", f"{late:.0f} MB", f"≤ {early * GROWTH:.0f} MB")
    allowed = max(SLOWER * calm, SLOW_FLOOR_S)
    table.add_row("a post to an honest inbox, p95, calm", f"{calm:.3f} s", "")
    table.add_row("the same among hostile servers", f"{stormy:.3f} s", f"≤ {allowed:.3f} s")
    refused = ", ".join(f"{count} × {status}" for status, count in sorted(seen.refused.items()))
    table.add_row("answers to hostile servers", refused or "none", "401 or 503")
    console.print(table)
    if entries < seen.sent:
        seen.failed.append(f"{seen.sent - entries} Creates were lost")
    if got < wanted:
        seen.failed.append(f"{wanted - got} deliveries to honest inboxes were lost")
    if late > early * GROWTH:
        seen.failed.append("memory grew")
    if stormy > allowed:
        seen.failed.append("honest servers had to wait")
    if set(seen.refused) - {401, 503}:
        seen.failed.append("somebody hostile was answered otherwise than 401 or 503")


def main() -> None:
    console = Console()
    console.print(f"Soaking for {SECONDS:.0f} s")
    seen = uvloop.run(soak(console))
    for failure in dict.fromkeys(seen.failed):
        console.print(f"[red]✗ {failure}")
    sys.exit(bool(seen.failed))


if __name__ == "__main__":
    main()
