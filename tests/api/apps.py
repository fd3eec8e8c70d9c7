"""An app of an account, as tests use it: over HTTP, with a bearer token."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from fedi.database.tables import Account
from fedi.social import accounts, credentials
from tests import rig

LD_JSON = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def error(self) -> str:
        """The sentence of a refusal, which every refusal must have."""
        assert isinstance(self.body, dict), self.body
        sentence = self.body["error"]
        if self.headers["Content-Type"] == "application/problem+json":  # RFC 9457
            assert self.body["status"] == self.status and self.body["detail"] == sentence
            assert self.body["type"] and self.body["title"]
        else:
            assert set(self.body) == {"error"}, self.body
        assert isinstance(sentence, str) and sentence
        return sentence


@dataclass
class App:
    """Somebody's app."""

    instance: rig.Instance
    browser: aiohttp.ClientSession
    account: Account
    token: str | None

    @classmethod
    async def of(
        cls,
        instance: rig.Instance,
        browser: aiohttp.ClientSession,
        name: str,
        scopes: str = "read write follow",
    ) -> App:
        async with instance.easel.database.write() as tx:
            account = await accounts.find_local(tx, name) or await accounts.create_local(tx, name)
            token = await credentials.issue_token(tx, account, "test", scopes)
        return cls(instance, browser, account, token)

    async def ask(self, method: str, path: str, content: Any = None, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        if content is not None and not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers.setdefault("Content-Type", "application/json")
        url = path if path.startswith("http") else self.instance.url + path
        async with self.browser.request(
            method,
            url,
            data=None if content is None else io.BytesIO(content),
            headers=headers,
            **options,
        ) as answer:
            body = await answer.read()
            kind = answer.headers.get("Content-Type", "")
            return Answer(
                answer.status, dict(answer.headers), json.loads(body) if "json" in kind else body
            )

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, content: Any = None, **options: Any) -> Answer:
        return await self.ask("POST", path, content, **options)

    async def submit(self, content: Any, *, outbox: str = "", kind: str = LD_JSON) -> Answer:
        """POST to the account's outbox."""
        return await self.post(
            outbox or self.account.outbox_uri, content, headers={"Content-Type": kind}
        )


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """The (kind, data) of a stream of server-sent events."""
    kind, data = "", ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = line.removeprefix("data: ")
        elif not line and data:
            yield kind, json.loads(data)
            kind, data = "", ""
