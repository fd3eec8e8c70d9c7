"""Every route there is: who may ask, and what no request may do to it (attacks 62, 69, 78)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from starlette.routing import Route
from yarl import URL

from fedi.api import mastodon
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import nobody, post

ROUTES = [
    (method, route.path)
    for route in mastodon.routes
    if isinstance(route, Route)
    for method in sorted(route.methods or ())
    if method != "HEAD"
]

# What Mastodon tells to everybody.
OPEN = {
    "GET /api/v1/instance",
    "GET /api/v1/instance/peers",
    "GET /api/v1/instance/activity",
    "GET /api/v1/instance/domain_blocks",
    "GET /api/v1/instance/rules",
    "GET /api/v1/instance/translation_languages",
    "GET /api/v1/instance/extended_description",
    "GET /api/v1/instance/privacy_policy",
    "GET /api/v1/instance/terms_of_service",
    "GET /api/v1/instance/terms_of_service/{date}",
    "GET /api/oembed",
    "GET /api/v2/instance",
    "GET /api/v1/custom_emojis",
    "GET /api/v1/accounts",
    "GET /api/v1/accounts/lookup",
    "GET /api/v1/accounts/{id}",
    "GET /api/v1/accounts/{id}/statuses",
    "GET /api/v1/accounts/{id}/followers",
    "GET /api/v1/accounts/{id}/following",
    "GET /api/v1/accounts/{id}/endorsements",
    "GET /api/v1/statuses",
    "GET /api/v1/statuses/{id}",
    "GET /api/v1/statuses/{id}/context",
    "GET /api/v1/statuses/{id}/favourited_by",
    "GET /api/v1/statuses/{id}/reblogged_by",
    "GET /api/v1/statuses/{id}/history",
    "GET /api/v1/statuses/{id}/quotes",
    "GET /api/v1/polls/{id}",
    "GET /api/v2/search",
    "GET /api/v1/directory",
    "GET /api/v1/trends",
    "GET /api/v1/trends/tags",
    "GET /api/v1/trends/statuses",
    "GET /api/v1/trends/links",
    "GET /api/v1/timelines/link",
    "GET /api/v1/tags/{name}",
    "GET /api/v1/accounts/{id}/featured_tags",
    "GET /api/v1/streaming/health",
    "GET /api/v1/timelines/public",
    "GET /api/v1/timelines/tag/{name}",
}


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


def filled(path: str, part: str) -> str:
    return re.sub(r"\{[^}]+\}", part, path)


def test_no_two_routes_are_one() -> None:
    assert len(ROUTES) == len(set(ROUTES))
    assert {f"{method} {path}" for method, path in ROUTES} >= OPEN


@pytest.mark.long
async def test_who_has_no_token_or_one_for_something_else_gets_what_is_for_all(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    anybody = nobody(instance, browser, alice)
    pusher = await App.of(instance, browser, "alice", "push")
    reader = await App.of(instance, browser, "alice", "read")
    wrong = App(instance, browser, alice.account, "wrong")
    for method, path in ROUTES:
        instance.clock.advance(timedelta(seconds=30))  # or it were too many requests
        name = f"{method} {path}"
        asked = filled(path, "7")
        body = None if method == "GET" else {}
        without = await anybody.ask(method, asked, body)
        assert (without.status == 401) is (name not in OPEN), name
        # A token that is not good is refused even where none is needed, unless none is looked at.
        looks = (await wrong.ask(method, asked, body)).status == 401
        assert looks or name in OPEN, name
        if looks:
            other = reader if "/push/" in path else pusher
            refused = await other.ask(method, asked, body)
            assert refused.status == 403 and refused.error, name


HOSTILE: list[tuple[str, bytes]] = [
    ("application/x-www-form-urlencoded", b"id[]=" + b"9" * 4000 + b"&limit=x&status=%00"),
    ("application/x-www-form-urlencoded", b"&".join(b"id[]=%d" % n for n in range(1200))),
    ("application/x-www-form-urlencoded", b"status[a][b]=1&media_ids=x&home=1&file=x&focus=,"),
    ("application/json", b'{"status": {"a": [1]}, "id": {"0": null}, "media_ids": [[1]]}'),
    ("application/json", b'{"status": "\\ud800", "comment": "\\u0000"}'),
    ("application/json", b"[" * 50_000),
    ("application/json", b'{"duration": 9223372036854775808, "in_reply_to_id": 1e300}'),
    ("application/json", b'{"duration": -5, "notifications": "perhaps", "languages": "en"}'),
    ("application/json", b'{"duration": 9223372036854775807, "comment": 7, "reblogs": null}'),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--"),
    ("multipart/form-data", b""),
    ("text/plain", b"\xff\xfe"),
]
QUERIES = (
    "max_id=" + "9" * 30,
    "max_id=9223372036854775807&min_id=0&since_id=-1&limit=-3",
    "id[]=%00&acct=%00&tagged=%00&any[]=%00",
    "acct=" + "@" * 300 + "&id=%ff%fe&timeline[]=a&timeline[x]=b",
    "only_media=perhaps",
    "any[]=" + "x" * 500 + "&id[][][]=1&[]=&=&a[=1",
)
PARTS = ("%00", "9" * 25, "-1", "9223372036854775807", "a%2Fb", "%F0%9F%8E%A8", "x" * 3000)


async def test_no_request_breaks_a_route(alice: App) -> None:
    made = await post(alice, "Look!")
    headers = {"Authorization": f"Bearer {alice.token}"}

    async def ask(method: str, path: str, **options: Any) -> None:
        url = URL(alice.instance.url + path, encoded=True)
        told = headers | options.pop("headers", {})
        async with alice.browser.request(method, url, headers=told, **options) as answer:
            assert answer.status < 500, (method, path, options)

    for method, path in ROUTES:
        for part in PARTS if "{" in path else ():
            await ask(method, filled(path, part))
        whole = filled(path, made.id)
        if method == "GET":
            for query in QUERIES:
                await ask(method, f"{whole}?{query}")
        else:
            for media_type, content in HOSTILE:
                await ask(method, whole, data=content, headers={"Content-Type": media_type})
