"""What somebody with an app waits for: timelines as they are read, and a post with a picture.

One server process on one core, the load in this process on the other. Alice follows 1,000 people
elsewhere, whose posts have a picture each.
"""

from __future__ import annotations

import io
import json
import secrets
import sqlite3
import statistics
import time
from functools import partial

import aiohttp
import uvloop
from PIL import Image

from bench import load, rows
from bench.measure import ROUNDS, Figure
from bench.served import Measured, running
from fedi import ids
from fedi.clock import Clock
from fedi.social.homes import HOME_LENGTH

FOLLOWS = 1000
HOSTS = 100
STATUSES, MANY_STATUSES = 100_000, 1_000_000
READS = 200  # of one timeline, one after another
AT_ONCE, CLIENTS = 2000, 16
POSTS = 25  # Mastodon lets an account upload 30 in half an hour
HOME, PUBLIC = "/api/v1/timelines/home?limit=20", "/api/v1/timelines/public?limit=20"


def fill(connection: sqlite3.Connection, reader: int, statuses: int) -> None:
    """People whom a reader follows, and what they posted, each with a picture."""
    newest = ids.floor(Clock().now())
    first = newest - statuses * 1000
    people = range(first - FOLLOWS, first)

    def of(number: int) -> tuple[int, int, int, int]:
        """A post: its id, author and their server, and its place."""
        author = people[number % FOLLOWS]
        return first + number * 1000, author, author % HOSTS, number

    each = range(statuses)
    rows.insert(connection, "account", (
        rows.person(one, one % FOLLOWS, one % HOSTS) for one in people
    ))  # fmt: skip
    rows.insert(connection, "follow", (rows.follow(reader, one) for one in people))
    rows.insert(connection, "status", (rows.status(*of(one)) for one in each))
    rows.insert(connection, "media_attachment", (rows.picture(*of(one)) for one in each))
    home = ({"account_id": reader, "status_id": of(one)[0]} for one in each[-HOME_LENGTH:])
    rows.insert(connection, "home_entry", home)
    with connection:  # they came long ago: what trends and others make of them is known
        connection.execute("DELETE FROM trend_change")
        connection.execute("DELETE FROM picture_change")


async def read_ms(measured: Measured, path: str) -> float:
    """The median time that reading a timeline takes, one request after another."""
    status, body = await load.ask(measured.port, measured.read(path))
    shown = json.loads(body)
    assert status == 200 and len(shown) == 20, body[:200]
    assert all(one["media_attachments"] for one in shown)
    return await measured.median_ms(path, READS)


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
    async with running(partial(fill, statuses=STATUSES)) as measured:
        home = min([await read_ms(measured, HOME) for _ in range(ROUNDS)])
        public = min([await read_ms(measured, PUBLIC) for _ in range(ROUNDS)])
        rate = max([await per_s(measured) for _ in range(ROUNDS)])
        posted = await post_ms(measured)
    async with running(partial(fill, statuses=MANY_STATUSES)) as measured:
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
