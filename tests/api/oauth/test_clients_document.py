"""docs/clients.md: every example is done in its turn, and answered as it says."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from fedi.federation import client_ids, discovery
from fedi.social import accounts, applications, chronicle
from tests.api.oauth.person import Person, at, join, pkce
from tests.federation.peer import Internet
from tests.rig import Instance
from tests.studio import hostile_files

DOCUMENT = Path(__file__).parents[3] / "docs" / "clients.md"
TEXT = DOCUMENT.read_text()
EXAMPLES = re.findall(
    r"^```(json|form|http|upload|events) (.+)\n([\s\S]*?)^```", TEXT, re.MULTILINE
)
# What is answered anew each time, and used by the examples after it.
NAMES = (
    "CLIENT_ID", "CHALLENGE", "VERIFIER", "STATE", "CODE", "REFRESH_TOKEN", "TOKEN", "PICTURE",
    "NUMBER",
)  # fmt: skip
# The numbers that stand at the end of an address.
NUMBERED = re.compile(r"(.*/)(PICTURE|NUMBER)")
WAIT_S = 20  # for the next event


class Walk:
    """A client on its way through the page."""

    def __init__(
        self, instance: Instance, browser: aiohttp.ClientSession, internet: Internet
    ) -> None:
        self.instance = instance
        self.browser = browser
        self.internet = internet
        verifier, challenge = pkce()
        self.known = {"VERIFIER": verifier, "CHALLENGE": challenge["code_challenge"], "STATE": "s"}
        self.status = 0
        self.headers: Any = {}
        self.body: Any = None
        self.promised = ""

    def here(self, words: str) -> str:
        """An example with the addresses and secrets of this run."""
        words = words.replace("https://easel.example", self.instance.url)
        words = words.replace("easel.example", self.instance.domain)
        words = words.replace("https://app.example", f"http://{self.internet.host('app')}")
        words = words.replace(
            "https%3A%2F%2Fapp.example",
            f"http://{self.internet.host('app')}".replace(":", "%3A").replace("/", "%2F"),
        )
        for name in NAMES:
            if name in self.known:
                words = re.sub(rf"\b{name}\b", self.known[name], words)
        return words

    async def ask(self, kind: str, method: str, path: str, written: str) -> None:
        headers = {}
        if "TOKEN" in self.known:
            headers["Authorization"] = f"Bearer {self.known['TOKEN']}"
        if kind == "form":
            if path.startswith("/oauth/"):
                headers = {}
            data: Any = dict(line.split("=", 1) for line in written.splitlines())
        elif kind == "upload":
            data = aiohttp.FormData()
            for line in written.splitlines():
                name, _, value = line.partition("=")
                if value.startswith("@"):
                    filename, _, media_type = value[1:].partition(";type=")
                    picture = hostile_files.png(96, 64)
                    data.add_field(name, picture, filename=filename, content_type=media_type)
                else:
                    data.add_field(name, value)
        elif method == "GET":
            headers |= dict(line.split(": ", 1) for line in written.splitlines())
            data = None
        else:
            headers["Content-Type"] = "application/json"
            data = written.encode()
        url = self.instance.url + path
        async with self.browser.request(method, url, data=data, headers=headers) as answer:
            self.status, self.headers = answer.status, answer.headers
            if kind == "events":
                self.body = answer
                await self.listen(self.promised)
            else:
                self.body = await answer.json(content_type=None)

    async def listen(self, written: str) -> None:
        """Until everything is told that the page shows."""
        left = [json.loads(said) for said in self.here(written).split("data: ")[1:]]
        async with asyncio.timeout(WAIT_S):
            while left:
                line = (await self.body.content.readline()).decode()
                if line.startswith("data: "):
                    event = json.loads(line.removeprefix("data: "))
                    left = [one for one in left if not _is(one, event, self.known)]

    async def agree(self, visitor: Person, path: str) -> None:
        seen = await visitor.submit(await visitor.get(path), "/oauth/authorize", decision="allow")
        self.status, self.headers, self.body = seen.status, seen.headers, None

    def compare(self, kind: str, status: int, written: str) -> None:
        assert self.status == status, self.body
        if kind == "http":
            told = self.headers["Location"]
            self.known["CODE"] = parse_qs(urlsplit(told).query)["code"][0]
            assert f"Location: {told}" == self.here(written).strip()
            return
        if kind == "events":  # they were heard as they came
            return
        held = json.loads(self.here(written))
        matches(held, self.body, self.known)


def _is(held: Any, found: Any, known: dict[str, str]) -> bool:
    try:
        matches(held, found, known)
    except AssertionError:
        return False
    return True


def matches(held: Any, found: Any, known: dict[str, str]) -> None:
    """Whether all that the page shows is in the answer; secrets are learnt."""
    if isinstance(held, dict):
        for name, value in held.items():
            assert name in found, (name, found)
            matches(value, found[name], known)
    elif isinstance(held, list) and held and isinstance(held[0], dict):
        for value in held:
            assert any(value.items() <= entry.items() for entry in found), (value, found)
    elif held in NAMES:
        known[held] = found
    elif isinstance(held, str) and (numbered := NUMBERED.fullmatch(held)):
        assert found.startswith(numbered[1]), found
        known[numbered[2]] = found.removeprefix(numbered[1])
    elif isinstance(held, int) and not isinstance(held, bool) and held > 1000:
        assert isinstance(found, int)  # a moment
    elif isinstance(held, str) and "/statuses/ID" in held:
        assert re.fullmatch(re.escape(held).replace("ID", r"\d+"), found)
    else:
        assert held == found


async def test_every_example_is_answered_as_it_says(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet
) -> None:
    await join(instance)
    async with instance.easel.database.write() as tx:
        await accounts.create_local(tx, "bob")
    walk = Walk(instance, browser, internet)
    described = []
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for n, (kind, said, written) in enumerate(EXAMPLES):
            if kind == "events" and not said.isdigit():
                walk.promised = EXAMPLES[n + 1][2]
            if said.isdigit():
                walk.compare(kind, int(said), written)
            elif said.startswith("https://"):
                described.append(walk.here(said))
                internet.show(
                    described[-1], json.loads(walk.here(written)), type_="application/json"
                )
            elif kind == "http":
                await walk.agree(visitor, walk.here(said.split()[1]))
            else:
                method, path = walk.here(said).split()
                await walk.ask(kind, method, path, walk.here(written))
        authorize = next(said for kind, said, _ in EXAMPLES if kind == "http")
        for client_id in described:  # the other two ways to be known
            walk.known["CLIENT_ID"] = client_id
            seen = await visitor.get(walk.here(authorize.split()[1]))
            assert seen.status == 200 and "Darkroom" in seen.page.one("h1").text
    assert len(described) == 2 and len(EXAMPLES) == TEXT.count("```") // 2
    assert walk.status == 400


def test_the_numbers_and_names_are_the_codes() -> None:
    assert f"up to {client_ids.MAX_DOCUMENT // 1024} kB" in TEXT
    assert client_ids.FRESH.total_seconds() == 3600 and "kept for an\nhour" in TEXT
    assert f"after {applications.UNUSED_DAYS} days" in TEXT
    assert f"up to {chronicle.REMEMBERED.days} days" in TEXT
    for name in discovery.INTENTS:
        assert f"`{name}`" in TEXT
