"""Rows of a database that is measured, as they would have come in: people elsewhere, whom a reader
follows, and their posts with a picture each."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from typing import Any

LONG_AGO = "2026-01-01 00:00:00.000000"


def person(number: int, place: int, host: int, **more: Any) -> dict[str, Any]:
    """Somebody elsewhere.

    Args:
        number: their id.
        place, host: of their name and of their server's.
        more: columns that say something else.
    """
    name, domain = f"p{place}", f"h{host}.example"
    uri = f"https://{domain}/users/{name}"
    return {
        "id": number, "username": name, "domain": domain, "handle": f"{name}@{domain}",
        "uri": uri, "url": f"https://{domain}/@{name}", "inbox_uri": f"{uri}/inbox",
        "display_name": f"Person {name}", "note": "<p>Painter of foxes</p>",
        "avatar": f"https://{domain}/avatars/{name}.png", "actor_type": "Person",
        "followers_uri": f"{uri}/followers", "created_at": LONG_AGO, "updated_at": LONG_AGO,
        **more,
    }  # fmt: skip


def follow(reader: int, number: int) -> dict[str, Any]:
    """That a reader follows somebody."""
    return {
        "id": number, "account_id": reader, "target_account_id": number, "state": "accepted",
        "reblogs": 1, "uri": f"https://here.example/follows/{number}", "created_at": LONG_AGO,
    }  # fmt: skip


def status(number: int, author: int, host: int, place: int, **more: Any) -> dict[str, Any]:
    """A post.

    Args:
        number: its id.
        author, host: of whom, and of their server.
        place: among all posts.
        more: columns that say something else.
    """
    uri = f"https://h{host}.example/posts/{place}"
    return {
        "id": number, "uri": uri, "url": uri, "account_id": author, "local": 0,
        "visibility": "public", "created_at": LONG_AGO, "object_type": "Note",
        "content": "<p>" + "a fox asleep in tall grass " * 6 + "</p>", "audience": "{}",
        **more,
    }  # fmt: skip


def picture(number: int, author: int, host: int, place: int) -> dict[str, Any]:
    """The picture of the post with this id."""
    return {
        "id": number + 1, "account_id": author, "status_id": number, "type": "image",
        "media_type": "image/png", "remote_url": f"https://h{host}.example/media/{place}.png",
        "width": 1024, "height": 768, "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
        "description": "A fox asleep in tall grass", "created_at": LONG_AGO,
    }  # fmt: skip


def insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
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
