"""What a server does for others: activities received, delivered, answered, and read.

One server process on one core, the load and all other servers in this process on the other.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench import load, peers, served, server
from bench.measure import ROUNDS, Figure
from fedi.database import Transaction
from fedi.database.tables import Account, Follow

CLIENTS = 16
CREATES = 2000
AUTHORS, AUTHOR_HOSTS = 50, 10
INBOXES, INBOX_HOSTS = 2000, 200
FOLLOWS, FOLLOW_HOSTS = 500, 50
READS = 4000
STORED = 1_000_000  # statuses of the large database
DELIVERIES_AT_ONCE = 64  # the setting's default
PATIENCE_S = 120.0
POLL_S = 0.02


@dataclass
class Measured:
    """A running server with alice in it, whose followers and follows are of `Peers`."""

    url: str
    port: int
    database: Path
    token: str
    pid: int

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def count(self, query: str) -> int:
        connection = sqlite3.connect(self.database, timeout=30)
        try:
            return int(connection.execute(query).fetchone()[0])
        finally:
            connection.close()

    async def until(self, done: Callable[[], bool]) -> None:
        deadline = time.perf_counter() + PATIENCE_S
        while not done():
            if time.perf_counter() > deadline:
                raise RuntimeError("the server does not get there")
            await asyncio.sleep(POLL_S)


async def prepare(folder: Path, url: str, authors: Sequence[peers.Person]) -> str:
    """A database with alice, who follows the authors and is followed by them; her token."""

    async def befriend(tx: Transaction, alice: Account) -> None:
        for person in authors:
            account = Account(
                id=tx.new_id(),
                username=person.name,
                domain=person.host,
                handle=f"{person.name}@{person.host}",
                uri=person.uri,
                inbox_uri=f"{person.uri}/inbox",
                followers_uri=f"{person.uri}/followers",
                public_key_id=f"{person.uri}#main-key",
                public_key_pem=peers.key(person.number % peers.KEYS)[1],
                created_at=tx.now,
                updated_at=tx.now,
                fetched_at=tx.now,
            )
            tx.add(account)
            await tx.flush()
            for source, target in ((alice, account), (account, alice)):
                follow = Follow(
                    id=tx.new_id(),
                    account_id=source.id,
                    target_account_id=target.id,
                    uri=f"{source.uri}/follows/{target.id}",
                    created_at=tx.now,
                )
                tx.add(follow)

    return await served.prepare(folder, url, lambda connection, reader: None, befriend)


def fill(database: Path, statuses: int) -> None:
    """As many public statuses as a server of some years has, by the authors that are there."""
    connection = sqlite3.connect(database)
    authors = [row[0] for row in connection.execute("SELECT id FROM account WHERE domain NOTNULL")]
    columns = [row[1:5] for row in connection.execute("PRAGMA table_info(status)")]
    long_ago = "2026-01-01 00:00:00.000000"
    known = {
        "local": 0, "visibility": "public", "created_at": long_ago, "object_type": "Note",
        "content": "<p>" + "a fox asleep in tall grass " * 6 + "</p>", "ai": "undeclared",
    }  # fmt: skip

    def default(name: str, type_: str, required: int) -> object:
        if name in known:
            return known[name]
        if not required:
            return None
        return {"JSON": "{}" if name == "audience" else "[]"}.get(
            type_, "" if type_.startswith(("VARCHAR", "TEXT")) else 0
        )

    names = [name for name, *_ in columns]
    template = {name: default(name, type_, required) for name, type_, required, _ in columns}

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(1, statuses + 1):
            author = authors[number % len(authors)]
            uri = f"http://h.localhost/old/{number}"
            row = {**template, "id": number, "uri": uri, "url": uri, "account_id": author}
            yield tuple(row[name] for name in names)

    marks = ", ".join("?" * len(names))
    with connection:
        connection.executemany(f"INSERT INTO status ({', '.join(names)}) VALUES ({marks})", rows())
        connection.execute("DELETE FROM trend_change")  # trends have counted them when they came
    connection.close()


@asynccontextmanager
async def running(authors: Sequence[peers.Person], *, stored: int = 0) -> AsyncIterator[Measured]:
    """A server process on a fresh database."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = server.free_port()
        url = f"http://easel.localhost:{port}"
        token = await prepare(folder, url, authors)
        if stored:
            fill(folder / "easel.db", stored)
        with server.process(folder, port, url) as process:
            await asyncio.to_thread(server.answer, process, port)
            yield Measured(url, port, folder / "easel.db", token, process.pid)


async def inbox(net: peers.Peers, stored: int = 0) -> float:
    """Signed Creates per second, until the last stands in alice's home timeline."""
    authors = net.people(AUTHORS, AUTHOR_HOSTS)
    async with running(authors, stored=stored) as measured:
        address = f"{measured.url}/inbox"
        creates = [authors[number % AUTHORS].create(address, number) for number in range(CREATES)]
        began = time.perf_counter()
        statuses = await load.send(measured.port, creates, clients=CLIENTS)
        assert statuses == {202: CREATES}, statuses
        # Written with its entry in the home timeline, which keeps only the newest 800.
        came = f"SELECT count(*) FROM status WHERE id > {STORED}"
        await measured.until(lambda: measured.count(came) >= CREATES)
        return CREATES / (time.perf_counter() - began)


async def bare_inbox(net: peers.Peers) -> float:
    """The same requests per second to an application that only verifies."""
    authors = net.people(AUTHORS, AUTHOR_HOSTS)
    port = server.free_port()
    host = f"easel.localhost:{port}"
    person = authors[0]
    creates = [person.create(f"http://{host}/inbox", number) for number in range(CREATES)]
    command = [sys.executable, "-m", "bench.bare", "inbox", str(port), host]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: ASYNC220  (starts at once)
    assert process.stdin is not None
    process.stdin.write(peers.key(person.number)[1].encode())
    process.stdin.close()
    try:
        await asyncio.to_thread(server.answer, process, port, any_status=True)
        began = time.perf_counter()
        statuses = await load.send(port, creates, clients=CLIENTS)
        assert statuses == {202: CREATES}, statuses
        return CREATES / (time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait()


async def fan_out(net: peers.Peers) -> float:
    """Deliveries per second of one post to every follower's inbox, until the last has it."""
    async with running(net.people(INBOXES, INBOX_HOSTS)) as measured:
        net.expect(INBOXES)
        note = {"type": "Note", "content": "a fox asleep in tall grass", "to": [peers.PUBLIC],
                "cc": [f"{measured.url}/users/alice/followers"]}  # fmt: skip
        headers = {
            "Authorization": f"Bearer {measured.token}",
            "Content-Type": "application/activity+json",
        }
        post = load.request(
            "POST", "/users/alice/outbox", measured.host, headers, json.dumps(note).encode()
        )
        began = time.perf_counter()
        assert await load.send(measured.port, [post], clients=1) == {201: 1}
        await asyncio.wait_for(net.all_came(), PATIENCE_S)
        return INBOXES / (time.perf_counter() - began)


async def bare_fan_out(net: peers.Peers) -> float:
    """The same deliveries per second by a loop that signs and posts."""
    net.expect(INBOXES)
    sizes = map(str, (net.port, INBOXES, INBOX_HOSTS, DELIVERIES_AT_ONCE))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", "send", *sizes,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate(b'{"type":"Create","object":"' + b"x" * 1200 + b'"}')
    return INBOXES / float(json.loads(output)["seconds"])


async def follows(net: peers.Peers) -> float:
    """Follows of people never heard of, per second, until each has the Accept."""
    async with running([]) as measured:
        strangers = net.people(FOLLOWS, FOLLOW_HOSTS, prefix="s")
        alice = f"{measured.url}/users/alice"
        asked = [
            person.signed(
                f"{measured.url}/inbox",
                {"id": f"{person.uri}/follows/1", "type": "Follow", "object": alice},
            )
            for person in strangers
        ]
        net.expect(FOLLOWS)
        began = time.perf_counter()
        statuses = await load.send(measured.port, asked, clients=CLIENTS)
        assert statuses == {202: FOLLOWS}, statuses
        await asyncio.wait_for(net.all_came(), PATIENCE_S)
        return FOLLOWS / (time.perf_counter() - began)


async def reads() -> tuple[float, float]:
    """WebFinger answers and actor documents per second."""
    async with running([]) as measured:
        resource = f"/.well-known/webfinger?resource=acct:alice@{measured.host}"
        accept = {"Accept": "application/activity+json"}
        rates = []
        for path in (resource, "/users/alice"):
            asked = [load.request("GET", path, measured.host, accept, b"")] * READS
            began = time.perf_counter()
            statuses = await load.send(measured.port, asked, clients=CLIENTS)
            assert statuses == {200: READS}, statuses
            rates.append(READS / (time.perf_counter() - began))
        return rates[0], rates[1]


async def _measure() -> list[Figure]:
    async with peers.opened() as net:
        inboxes = [(await inbox(net), await bare_inbox(net)) for _ in range(ROUNDS)]
        fans = [(await fan_out(net), await bare_fan_out(net)) for _ in range(ROUNDS)]
        followed = max([await follows(net) for _ in range(ROUNDS)])
        read = [await reads() for _ in range(ROUNDS)]
        grown = await inbox(net, STORED) / max(ours for ours, _ in inboxes)
    return [
        Figure("inbox_per_s", max(ours for ours, _ in inboxes), 250, True,
               "signed Creates received, until they stand in the home timeline, per second"),
        Figure("inbox_vs_bare", max(ours / bare for ours, bare in inboxes), 0.4, True,
               "the same, against an application that only verifies"),
        Figure("inbox_growth", grown, 0.8, True,
               f"the same with {STORED:,} statuses stored, against an empty database"),
        Figure("fanout_per_s", max(ours for ours, _ in fans), 900, True,
               f"deliveries of one post to {INBOXES:,} inboxes on {INBOX_HOSTS} hosts, per second"),
        Figure("fanout_vs_bare", max(ours / bare for ours, bare in fans), 0.6, True,
               "the same, against a loop that signs and posts"),
        Figure("follows_per_s", followed, 150, True,
               "follows of strangers, until they have the Accept, per second"),
        Figure("webfinger_per_s", max(finger for finger, _ in read), 1000, True,
               "WebFinger answers per second"),
        Figure("actor_per_s", max(actor for _, actor in read), 1000, True,
               "actor documents per second"),
    ]  # fmt: skip


def measure() -> list[Figure]:
    """`inbox_*`, `fanout_*`, `follows_per_s`, `webfinger_per_s`, `actor_per_s`."""
    return uvloop.run(_measure())


if __name__ == "__main__":
    for figure in measure():
        print(f"{figure.key:20} {figure.value:.3g}   {datetime.now(UTC):%H:%M:%S}")
