"""What a client of ActivityPub sends and is answered, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.api.oauth.person import Person, at, join
from tests.rig import Instance
from tests.studio import hostile_files

LD_JSON = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
ACTIVITY_JSON = "application/activity+json"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
CORS = "Access-Control-Allow-Origin"


@dataclass
class Heard:
    """An answer."""

    status: int
    headers: Any
    json: Any


@dataclass
class Wire:
    """Requests of a client.

    Attributes:
        origin: of the page that the client is, if it is one: then a browser asks before it sends
            what is not simple, and shows it what its origin may read.
    """

    browser: aiohttp.ClientSession
    origin: str = ""

    async def send(self, method: str, url: str, **options: Any) -> Heard:
        if self.origin:
            await self._ask_before(method, url, options.get("headers") or {})
            options["headers"] = {**(options.get("headers") or {}), "Origin": self.origin}
        async with self.browser.request(method, url, allow_redirects=False, **options) as answer:
            if self.origin:
                assert answer.headers[CORS] == "*", url
                assert "Access-Control-Allow-Credentials" not in answer.headers
            kind = answer.headers.get("Content-Type", "")
            return Heard(
                answer.status, answer.headers, await answer.json() if "json" in kind else None
            )

    async def _ask_before(self, method: str, url: str, headers: dict[str, str]) -> None:
        names = ", ".join(name.lower() for name in headers if name.lower() != "accept")
        asked = {"Origin": self.origin, "Access-Control-Request-Method": method}
        if names:
            asked["Access-Control-Request-Headers"] = names
        async with self.browser.options(url, headers=asked) as answer:
            assert answer.status in {200, 204} and answer.headers[CORS] == "*", url
            assert method in answer.headers["Access-Control-Allow-Methods"]
            assert answer.headers.get("Access-Control-Allow-Headers", "") == names


def picture() -> bytes:
    """What a client uploads."""
    return hostile_files.png(96, 64)


async def allow(instance: Instance, address: str) -> dict[str, str]:
    """Alice signs in on the pages and agrees; what the client is told by the way back."""
    await join(instance)
    async with at(instance) as visitor:
        return await agreed(visitor, address)


async def agreed(visitor: Person, address: str) -> dict[str, str]:
    await visitor.sign_in("alice")
    seen = await visitor.get(address)
    assert seen.status == 200, seen.body
    return (await visitor.submit(seen, "/oauth/authorize", decision="allow")).told()
