"""What a page of «For you» takes: the first, for which all is weighed, among 100,000 pictures.

One server process on one core, the load in this process on the other. The pictures are of the last
30 days, by 2,000 people of 100 servers, each with three of 1,000 hashtags, six words of a shared
prompt, and what a model saw in it: three concepts, and a sketch that is near to those of some 500
others. Alice follows 200 of the people, and has liked, boosted and kept 500 pictures.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import uvloop

from bench import load, rows
from bench.measure import ROUNDS, Figure
from bench.served import Measured, running
from fedi import ids
from fedi.clock import Clock
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.social.for_you import choices, formula
from fedi.social.for_you import features as about
from fedi.social.for_you.features import Kind
from fedi.social.homes import HOME_LENGTH
from generation.concepts import CONCEPTS
from generation.recognition import SKETCH_BITS, SKETCH_BYTES

PICTURES = 100_000
PEOPLE, HOSTS, FOLLOWS = 2000, 100, 200
TAGS, TAGS_OF_EACH, TERMS, TERMS_OF_EACH = 1000, 3, 3000, 6
LOOKS, LOOKS_OF_EACH, FLIPPED = 200, 3, 0.05  # of the bits of two that are near a tenth differs
LIKES, BOOSTS, KEPT = 400, 50, 50
READS = 100
PATH = "/api/easel/v1/timelines/for_you?limit=20"


def fill(connection: sqlite3.Connection, reader: int, pictures: int) -> None:
    """People, what they posted, what it is about, and what a reader did with it."""
    chance = random.Random(1)
    now = Clock().now()
    newest = ids.floor(now)
    step = (newest - ids.floor(now - formula.WINDOW + timedelta(hours=1))) // pictures
    first = newest - pictures * step
    people = range(first - PEOPLE, first)
    written = now.strftime("%Y-%m-%d %H:%M:%S.000000")

    def of(number: int) -> tuple[int, int, int, int]:
        """A post: its id, author and their server, and its place."""
        author = people[number % PEOPLE]
        return first + number * step, author, author % HOSTS, number

    def drawn(many: int, count: int) -> set[int]:
        """Some of many, of which the first are used much more often than the last."""
        return {int(many * chance.random() ** 3) for _ in range(count)}

    tags = [drawn(TAGS, TAGS_OF_EACH) for _ in range(pictures)]
    terms = [drawn(TERMS, TERMS_OF_EACH) for _ in range(pictures)]
    # What pictures look like: so many ways, each with its concepts.
    ways = [
        (chance.sample(CONCEPTS, LOOKS_OF_EACH), chance.getrandbits(SKETCH_BITS))
        for _ in range(LOOKS)
    ]
    seen = [chance.randrange(LOOKS) for _ in range(pictures)]

    def sketch(number: int) -> bytes:
        flipped = chance.sample(range(SKETCH_BITS), int(SKETCH_BITS * FLIPPED))
        bits = ways[seen[number]][1] ^ sum(1 << bit for bit in flipped)
        return bits.to_bytes(SKETCH_BYTES, "big")

    def features() -> Iterator[dict[str, Any]]:
        for number in range(pictures):
            found = [(Kind.ANY, 0), (Kind.AUTHOR, people[number % PEOPLE])]
            found += [(Kind.TAG, 1 + tag) for tag in tags[number]]
            found += [(Kind.TERM, 1 + term) for term in terms[number]]
            found += about.looks(one.words for one in ways[seen[number]][0])
            for kind, value in found:
                yield {"kind": int(kind), "value": value, "status_id": of(number)[0]}

    def liked() -> list[int]:
        """Pictures with some hashtags: a reader likes some things, not everything."""
        fond = set(range(5, TAGS, 50))
        return [number for number in range(pictures) if tags[number] & fond]

    followed = people[:: PEOPLE // FOLLOWS]
    chosen = chance.sample(liked(), LIKES + BOOSTS + KEPT)
    likes, boosts = chosen[:LIKES], chosen[LIKES : LIKES + BOOSTS]
    kept = chosen[LIKES + BOOSTS :]
    others = [(chance.randrange(PEOPLE), number) for number in range(pictures)]

    rows.insert(connection, "account", (
        rows.person(one, one % PEOPLE, one % HOSTS, discoverable=1) for one in people
    ))  # fmt: skip
    rows.insert(connection, "follow", (rows.follow(reader, one) for one in followed))
    rows.insert(connection, "tag", (
        {"id": 1 + tag, "name": f"tag{tag}", "display_name": f"Tag{tag}"} for tag in range(TAGS)
    ))  # fmt: skip
    rows.insert(connection, "picture_term", (
        {"number": 1 + term, "words": f"word {term}"} for term in range(TERMS)
    ))  # fmt: skip
    rows.insert(connection, "status", (
        rows.status(*of(number), ai="generated") for number in range(pictures)
    ))  # fmt: skip
    rows.insert(connection, "media_attachment", (
        rows.picture(*of(number)) for number in range(pictures)
    ))  # fmt: skip
    rows.insert(connection, "status_tag", (
        {"status_id": of(number)[0], "tag_id": 1 + tag}
        for number in range(pictures) for tag in tags[number]
    ))  # fmt: skip
    rows.insert(connection, "picture_feature", features())
    rows.insert(connection, "picture_look", (
        {"media_id": of(number)[0] + 1, "status_id": of(number)[0], "model": "Eye",
         "concepts": json.dumps([one.words for one in ways[seen[number]][0]]),
         "sketch": sketch(number)}
        for number in range(pictures)
    ))  # fmt: skip
    rows.insert(connection, "favourite", (
        {"id": place, "account_id": reader, "status_id": of(number)[0],
         "uri": f"https://here.example/l/{place}", "created_at": written}
        for place, number in enumerate(likes, 1)
    ))  # fmt: skip
    rows.insert(connection, "favourite", (
        {"id": 10_000 + number, "account_id": people[who], "status_id": of(number)[0],
         "uri": f"https://h.example/l/{number}", "created_at": written}
        for who, number in others
    ))  # fmt: skip
    rows.insert(connection, "bookmark", (
        {"id": place, "account_id": reader, "status_id": of(number)[0],
         "created_at": written}
        for place, number in enumerate(kept, 1)
    ))  # fmt: skip
    rows.insert(connection, "status", (
        {"id": newest + place, "uri": f"https://here.example/b/{place}", "account_id": reader,
         "local": 1, "visibility": "public", "reblog_of_id": of(number)[0],
         "created_at": written, "object_type": "Note", "audience": "{}"}
        for place, number in enumerate(boosts)
    ))  # fmt: skip
    at_home = [number for number in range(pictures) if people[number % PEOPLE] in followed]
    rows.insert(connection, "home_entry", (
        {"account_id": reader, "status_id": of(number)[0]}
        for number in at_home[-HOME_LENGTH:]
    ))  # fmt: skip
    for log in ("picture_change", "trend_change", "search_change"):
        connection.execute(f"DELETE FROM {log}")
    connection.commit()


async def read_ms(measured: Measured) -> float:
    """The median time that opening the feed takes, one request after another."""
    status, body = await load.ask(measured.port, measured.read(PATH))
    shown = json.loads(body)
    assert status == 200 and len(shown) == 20, body[:200]
    kinds = {one["reason"]["kind"] for one in shown}
    assert {"tag", "alike", "new"} <= kinds, kinds
    return await measured.median_ms(PATH, READS)


async def switch_on(tx: Transaction, alice: Account) -> None:
    """She wants the feed."""
    await choices.switch_on(tx, alice, choices.USUAL)


async def _measure(pictures: int) -> float:
    async with running(partial(fill, pictures=pictures), switch_on) as measured:
        return min([await read_ms(measured) for _ in range(ROUNDS)])


def measure() -> list[Figure]:
    """`foryou_ms`: opening the feed, 20 pictures among 100,000 (SQLite), over HTTP; the median."""
    value = uvloop.run(_measure(PICTURES))
    what = f"a first page of 20 for one reader, among {PICTURES:,} pictures, p50"
    return [Figure("foryou_ms", value, 30.0, False, what)]


if __name__ == "__main__":
    for figure in measure():
        print(f"{figure.key:20} {figure.value:.3g}")
