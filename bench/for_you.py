"""What a page of «For you» takes: the first, for which all is weighed, among 100,000 pictures.

One server process on one core, the load in this process on the other. The pictures are of the last
30 days, by 2,000 people of 100 servers, each with three of 1,000 hashtags and six words of a shared
prompt. Alice follows 200 of the people, and has liked, boosted and kept 500 pictures.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop

from bench import load, server
from bench.measure import ROUNDS, Figure
from bench.timelines import LONG_AGO, WARM, Measured, insert
from fedi import ids
from fedi.clock import Clock
from fedi.database import Database
from fedi.database.migrations import migrate
from fedi.settings import DatabaseSettings, InstanceSettings
from fedi.social import accounts, credentials
from fedi.social.for_you import choices, formula
from fedi.social.for_you.features import Kind
from fedi.social.homes import HOME_LENGTH

PICTURES = 100_000
PEOPLE, HOSTS, FOLLOWS = 2000, 100, 200
TAGS, TAGS_OF_EACH, TERMS, TERMS_OF_EACH = 1000, 3, 3000, 6
LIKES, BOOSTS, KEPT = 400, 50, 50
READS = 100
PATH = "/api/easel/v1/timelines/for_you?limit=20"


async def prepare(folder: Path, url: str, pictures: int) -> str:
    """A database as described above; alice's token."""
    settings = DatabaseSettings.model_validate({"url": f"sqlite:///{folder / 'easel.db'}"})
    await migrate(settings.url)
    database = Database(settings, InstanceSettings.model_validate({"url": url}))
    async with database.write() as tx:
        alice = await accounts.create_local(tx, "alice")
        token = await credentials.issue_token(tx, alice, "bench")
        await choices.switch_on(tx, alice, choices.USUAL)
    await database.close()
    connection = sqlite3.connect(folder / "easel.db")
    fill(connection, alice.id, pictures)
    connection.close()
    return token


def fill(connection: sqlite3.Connection, reader: int, pictures: int) -> None:
    """People, what they posted, what it is about, and what a reader did with it."""
    chance = random.Random(1)
    now = Clock().now()
    newest = ids.floor(now)
    step = (newest - ids.floor(now - formula.WINDOW + timedelta(hours=1))) // pictures
    first = newest - pictures * step
    people = range(first - PEOPLE, first)
    written = now.strftime("%Y-%m-%d %H:%M:%S.000000")

    def person(number: int) -> dict[str, Any]:
        name, host = f"p{number % PEOPLE}", f"h{number % HOSTS}.example"
        uri = f"https://{host}/users/{name}"
        return {
            "id": number, "username": name, "domain": host, "handle": f"{name}@{host}",
            "uri": uri, "url": f"https://{host}/@{name}", "inbox_uri": f"{uri}/inbox",
            "display_name": f"Person {name}", "note": "<p>Painter of foxes</p>",
            "avatar": f"https://{host}/avatars/{name}.png", "actor_type": "Person",
            "followers_uri": f"{uri}/followers", "created_at": LONG_AGO, "updated_at": LONG_AGO,
            "discoverable": 1,
        }  # fmt: skip

    def status(number: int) -> dict[str, Any]:
        author = people[number % PEOPLE]
        uri = f"https://h{author % HOSTS}.example/posts/{number}"
        return {
            "id": first + number * step, "uri": uri, "url": uri, "account_id": author, "local": 0,
            "visibility": "public", "created_at": LONG_AGO, "object_type": "Note",
            "ai": "generated",
            "content": "<p>" + "a fox asleep in tall grass " * 6 + "</p>", "audience": "{}",
        }  # fmt: skip

    def picture(number: int) -> dict[str, Any]:
        author = people[number % PEOPLE]
        return {
            "id": first + number * step + 1, "account_id": author,
            "status_id": first + number * step, "type": "image", "media_type": "image/png",
            "remote_url": f"https://h{author % HOSTS}.example/media/{number}.png",
            "width": 1024, "height": 768, "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
            "description": "A fox asleep in tall grass", "created_at": LONG_AGO,
        }  # fmt: skip

    def drawn(many: int, count: int) -> set[int]:
        """Some of many, of which the first are used much more often than the last."""
        return {int(many * chance.random() ** 3) for _ in range(count)}

    tags = [drawn(TAGS, TAGS_OF_EACH) for _ in range(pictures)]
    terms = [drawn(TERMS, TERMS_OF_EACH) for _ in range(pictures)]

    def features() -> Iterator[dict[str, Any]]:
        for number in range(pictures):
            about = [(Kind.ANY, 0), (Kind.AUTHOR, people[number % PEOPLE])]
            about += [(Kind.TAG, 1 + tag) for tag in tags[number]]
            about += [(Kind.TERM, 1 + term) for term in terms[number]]
            for kind, value in about:
                yield {"kind": int(kind), "value": value, "status_id": first + number * step}

    def liked() -> list[int]:
        """Pictures with some hashtags: a reader likes some things, not everything."""
        fond = set(range(5, TAGS, 50))
        return [number for number in range(pictures) if tags[number] & fond]

    followed = people[:: PEOPLE // FOLLOWS]
    chosen = chance.sample(liked(), LIKES + BOOSTS + KEPT)
    likes, boosts = chosen[:LIKES], chosen[LIKES : LIKES + BOOSTS]
    kept = chosen[LIKES + BOOSTS :]
    others = [(chance.randrange(PEOPLE), number) for number in range(pictures)]

    insert(connection, "account", map(person, people))
    insert(connection, "follow", (
        {"id": one, "account_id": reader, "target_account_id": one, "state": "accepted",
         "reblogs": 1, "uri": f"https://here.example/f/{one}", "created_at": LONG_AGO}
        for one in followed
    ))  # fmt: skip
    insert(connection, "tag", (
        {"id": 1 + tag, "name": f"tag{tag}", "display_name": f"Tag{tag}"} for tag in range(TAGS)
    ))  # fmt: skip
    insert(connection, "picture_term", (
        {"number": 1 + term, "words": f"word {term}"} for term in range(TERMS)
    ))  # fmt: skip
    insert(connection, "status", map(status, range(pictures)))
    insert(connection, "media_attachment", map(picture, range(pictures)))
    insert(connection, "status_tag", (
        {"status_id": first + number * step, "tag_id": 1 + tag}
        for number in range(pictures) for tag in tags[number]
    ))  # fmt: skip
    insert(connection, "picture_feature", features())
    insert(connection, "favourite", (
        {"id": place, "account_id": reader, "status_id": first + number * step,
         "uri": f"https://here.example/l/{place}", "created_at": written}
        for place, number in enumerate(likes, 1)
    ))  # fmt: skip
    insert(connection, "favourite", (
        {"id": 10_000 + number, "account_id": people[who], "status_id": first + number * step,
         "uri": f"https://h.example/l/{number}", "created_at": written}
        for who, number in others
    ))  # fmt: skip
    insert(connection, "bookmark", (
        {"id": place, "account_id": reader, "status_id": first + number * step,
         "created_at": written}
        for place, number in enumerate(kept, 1)
    ))  # fmt: skip
    insert(connection, "status", (
        {"id": newest + place, "uri": f"https://here.example/b/{place}", "account_id": reader,
         "local": 1, "visibility": "public", "reblog_of_id": first + number * step,
         "created_at": written, "object_type": "Note", "audience": "{}"}
        for place, number in enumerate(boosts)
    ))  # fmt: skip
    at_home = [number for number in range(pictures) if people[number % PEOPLE] in set(followed)]
    insert(connection, "home_entry", (
        {"account_id": reader, "status_id": first + number * step}
        for number in at_home[-HOME_LENGTH:]
    ))  # fmt: skip
    for log in ("picture_change", "trend_change", "search_change"):
        connection.execute(f"DELETE FROM {log}")
    connection.commit()


async def read_ms(measured: Measured) -> float:
    """The median time that opening the feed takes, one request after another."""
    request = measured.read(PATH)
    status, body = await load.ask(measured.port, request)
    shown = json.loads(body)
    assert status == 200 and len(shown) == 20, body[:200]
    kinds = {one["reason"]["kind"] for one in shown}
    assert "tag" in kinds and "new" in kinds, kinds
    times = await load.times(measured.port, itertools.repeat(request, WARM + READS))
    return statistics.median(times[WARM:]) * 1000


async def _measure(pictures: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), server.free_port()
        url = f"http://easel.localhost:{port}"
        token = await prepare(folder, url, pictures)
        with server.process(folder, port, url, EASEL_SERVER__API_REQUESTS="1000000") as process:
            await asyncio.to_thread(server.answer, process, port)
            measured = Measured(url, port, token)
            return min([await read_ms(measured) for _ in range(ROUNDS)])


def measure() -> list[Figure]:
    """`foryou_ms`: opening the feed, 20 pictures among 100,000 (SQLite), over HTTP; the median."""
    value = uvloop.run(_measure(PICTURES))
    what = f"a first page of 20 for one reader, among {PICTURES:,} pictures, p50"
    return [Figure("foryou_ms", value, 30.0, False, what)]


if __name__ == "__main__":
    for figure in measure():
        print(f"{figure.key:20} {figure.value:.3g}")
