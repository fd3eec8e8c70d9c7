"""What somebody with an app waits for: timelines as they are read, and a post with a picture.

One server process on one core, the load in this process on the other. Alice follows 1,000 people
elsewhere, whose posts have a picture each.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from PIL import Image

from bench import load, server
from bench.measure import ROUNDS, Figure
from fedi import ids
from fedi.clock import Clock
from fedi.database import Database
from fedi.database.migrations import migrate
from fedi.settings import DatabaseSettings, InstanceSettings
from fedi.social import accounts, credentials
from fedi.social.homes import HOME_LENGTH

FOLLOWS = 1000
HOSTS = 100
STATUSES, MANY_STATUSES = 100_000, 1_000_000
READS = 200  # of one timeline, one after another
AT_ONCE, CLIENTS = 2000, 16
POSTS = 25  # Mastodon lets an account upload 30 in half an hour
WARM = 20  # requests that are not measured
LONG_AGO = "2026-01-01 00:00:00.000000"
HOME, PUBLIC = "/api/v1/timelines/home?limit=20", "/api/v1/timelines/public?limit=20"


@dataclass
class Measured:
    """A running server, and alice's token."""

    url: str
    port: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def read(self, path: str) -> bytes:
        """A request for a timeline, as it goes over the wire."""
        host = self.url.removeprefix("http://")
        return load.request("GET", path, host, self.headers, b"")


async def prepare(folder: Path, url: str, statuses: int) -> str:
    """A database as described above; alice's token."""
    settings = DatabaseSettings.model_validate({"url": f"sqlite:///{folder / 'easel.db'}"})
    await migrate(settings.url)
    database = Database(settings, InstanceSettings.model_validate({"url": url}))
    async with database.write() as tx:
        alice = await accounts.create_local(tx, "alice")
        token = await credentials.issue_token(tx, alice, "bench")
    await database.close()
    connection = sqlite3.connect(folder / "easel.db")
    fill(connection, alice.id, statuses)
    connection.close()
    return token


def fill(connection: sqlite3.Connection, reader: int, statuses: int) -> None:
    """People whom a reader follows, and what they posted, each with a picture."""
    newest = ids.floor(Clock().now())
    first = newest - statuses * 1000
    people = range(first - FOLLOWS, first)

    def person(number: int) -> dict[str, Any]:
        name, host = f"p{number % FOLLOWS}", f"h{number % HOSTS}.example"
        uri = f"https://{host}/users/{name}"
        return {
            "id": number, "username": name, "domain": host, "handle": f"{name}@{host}",
            "uri": uri, "url": f"https://{host}/@{name}", "inbox_uri": f"{uri}/inbox",
            "display_name": f"Person {name}", "note": "<p>Painter of foxes</p>",
            "avatar": f"https://{host}/avatars/{name}.png", "actor_type": "Person",
            "followers_uri": f"{uri}/followers", "created_at": LONG_AGO, "updated_at": LONG_AGO,
        }  # fmt: skip

    def follow(number: int) -> dict[str, Any]:
        return {
            "id": number, "account_id": reader, "target_account_id": number, "state": "accepted",
            "reblogs": 1, "uri": f"https://here.example/follows/{number}", "created_at": LONG_AGO,
        }  # fmt: skip

    def status(number: int) -> dict[str, Any]:
        author = people[number % FOLLOWS]
        uri = f"https://h{author % HOSTS}.example/posts/{number}"
        return {
            "id": first + number * 1000, "uri": uri, "url": uri, "account_id": author, "local": 0,
            "visibility": "public", "created_at": LONG_AGO, "object_type": "Note",
            "content": "<p>" + "a fox asleep in tall grass " * 6 + "</p>", "audience": "{}",
        }  # fmt: skip

    def picture(number: int) -> dict[str, Any]:
        author = people[number % FOLLOWS]
        return {
            "id": first + number * 1000 + 1, "account_id": author,
            "status_id": first + number * 1000, "type": "image", "media_type": "image/png",
            "remote_url": f"https://h{author % HOSTS}.example/media/{number}.png",
            "width": 1024, "height": 768, "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
            "description": "A fox asleep in tall grass", "created_at": LONG_AGO,
        }  # fmt: skip

    _insert(connection, "account", map(person, people))
    _insert(connection, "follow", map(follow, people))
    _insert(connection, "status", map(status, range(statuses)))
    _insert(connection, "media_attachment", map(picture, range(statuses)))
    entries = range(statuses - HOME_LENGTH, statuses)
    home = ({"account_id": reader, "status_id": first + number * 1000} for number in entries)
    _insert(connection, "home_entry", home)
    with connection:  # they came long ago, and trends have counted them then
        connection.execute("DELETE FROM trend_change")


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    """Rows, as far as they say, and for the rest what a new row has."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    kinds = {name: kind for _, name, kind, needed, usual, _ in columns if needed and usual is None}
    empty = {"JSON": "[]", "BOOLEAN": 0, "INTEGER": 0, "BIGINT": 0}
    template = {name: empty.get(kind, "") for name, kind in kinds.items()}
    first = next(rows)
    template |= first
    marks = ", ".join("?" * len(template))
    written = (tuple((template | row).values()) for row in itertools.chain([first], rows))
    with connection:
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(template)}) VALUES ({marks})", written
        )


@asynccontextmanager
async def running(statuses: int) -> AsyncIterator[Measured]:
    """A server process on a database of so many statuses."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), server.free_port()
        url = f"http://easel.localhost:{port}"
        token = await prepare(folder, url, statuses)
        with server.process(folder, port, url, EASEL_SERVER__API_REQUESTS="1000000") as process:
            await asyncio.to_thread(server.answer, process, port)
            yield Measured(url, port, token)


async def read_ms(measured: Measured, path: str) -> float:
    """The median time that reading a timeline takes, one request after another."""
    request = measured.read(path)
    status, body = await load.ask(measured.port, request)
    shown = json.loads(body)
    assert status == 200 and len(shown) == 20, body[:200]
    assert all(one["media_attachments"] for one in shown)
    times = await load.times(measured.port, itertools.repeat(request, WARM + READS))
    return statistics.median(times[WARM:]) * 1000


async def post_ms(measured: Measured) -> float:
    """The median time that posting takes, the picture being there."""
    content = io.BytesIO()
    Image.frombytes("RGB", (64, 64), secrets.token_bytes(64 * 64 * 3)).save(content, "PNG")
    host = measured.url.removeprefix("http://")
    headers = {**measured.headers, "Content-Type": "application/json"}
    requests = []
    async with aiohttp.ClientSession(headers=measured.headers) as session:
        for number in range(POSTS):
            form = aiohttp.FormData()
            form.add_field("file", content.getvalue(), filename="a.png", content_type="image/png")
            form.add_field("description", "Noise")
            address = f"http://127.0.0.1:{measured.port}/api/v2/media"
            async with session.post(address, data=form, headers={"Host": host}) as answer:
                uploaded = await answer.json()
            body = {"status": f"Noise {number} #noise", "media_ids": [uploaded["id"]]}
            requests.append(
                load.request("POST", "/api/v1/statuses", host, headers, json.dumps(body).encode())
            )
    return statistics.median(await load.times(measured.port, requests)) * 1000


async def per_s(measured: Measured) -> float:
    """Home timelines per second, as many at once as there are clients."""
    request = measured.read(HOME)
    began = time.perf_counter()
    statuses = await load.send(measured.port, [request] * AT_ONCE, clients=CLIENTS)
    assert statuses == {200: AT_ONCE}, statuses
    return AT_ONCE / (time.perf_counter() - began)


async def _measure() -> list[Figure]:
    async with running(STATUSES) as measured:
        home = min([await read_ms(measured, HOME) for _ in range(ROUNDS)])
        public = min([await read_ms(measured, PUBLIC) for _ in range(ROUNDS)])
        rate = max([await per_s(measured) for _ in range(ROUNDS)])
        posted = await post_ms(measured)
    async with running(MANY_STATUSES) as measured:
        grown = min([await read_ms(measured, HOME) for _ in range(ROUNDS)]) / home
    return [
        Figure("home_timeline_ms", home, 15, False,
               f"20 posts with pictures of {FOLLOWS:,} followed, among {STATUSES:,}, p50"),
        Figure("home_timeline_growth", grown, 1.2, False,
               f"the same among {MANY_STATUSES:,}, against that"),
        Figure("public_timeline_ms", public, 15, False, "the public timeline, p50"),
        Figure("post_ms", posted, 30, False, "a post with a picture that is there, p50"),
        Figure("requests_per_s", rate, 1000, True,
               f"home timelines per second, {CLIENTS} clients"),
    ]  # fmt: skip


def measure() -> list[Figure]:
    """`home_timeline_*`, `public_timeline_ms`, `post_ms`, `requests_per_s`."""
    return uvloop.run(_measure())


if __name__ == "__main__":
    for figure in measure():
        print(f"{figure.key:20} {figure.value:.3g}")
