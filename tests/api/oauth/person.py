"""Somebody at a browser, and an app that asks them: over HTTP, by the forms that the pages hold."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import aiohttp
import yarl

from fedi.database.tables import Account, Application
from fedi.social import accounts, applications
from tests import rig
from tests.web.reading import Element, parse

PASSWORD = "correct horse battery"
CALLBACK = "https://app.example/callback"
OOB = "urn:ietf:wg:oauth:2.0:oob"
HTML = {"Accept": "text/html"}


@dataclass
class Seen:
    """What a browser was answered."""

    status: int
    headers: Any
    body: str

    @property
    def page(self) -> Element:
        return parse(self.body)

    @property
    def location(self) -> str:
        return str(self.headers["Location"])

    def told(self) -> dict[str, str]:
        """The parameters of the address that it was sent on to."""
        return {name: held[0] for name, held in parse_qs(urlsplit(self.location).query).items()}


@dataclass
class Person:
    """A browser with cookies of its own; it follows no redirect by itself."""

    instance: rig.Instance
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> Seen:
        url = yarl.URL(urljoin(self.instance.url, path), encoded=True)
        async with self.session.get(
            url, headers={**HTML, **headers}, allow_redirects=False
        ) as answer:
            return Seen(answer.status, answer.headers, await answer.text())

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> Seen:
        async with self.session.post(
            urljoin(self.instance.url, path),
            data=fields,
            headers={**HTML, **headers},
            allow_redirects=False,
        ) as answer:
            return Seen(answer.status, answer.headers, await answer.text())

    async def follow(self, seen: Seen) -> Seen:
        """Go where one is sent on, as long as that is here."""
        while (
            seen.status in {302, 303, 307}
            and urlsplit(urljoin(self.instance.url, seen.location)).netloc
            == urlsplit(self.instance.url).netloc
        ):
            seen = await self.get(seen.location)
        return seen

    async def submit(self, seen: Seen, action: str, **typed: str) -> Seen:
        """Send the form of a page that leads to `action`."""
        form = next(form for form in seen.page.all("form") if form["action"] == action)
        fields = {
            entry["name"]: entry.attributes.get("value", "")
            for entry in form.all("input")
            if "name" in entry.attributes
        }
        return await self.post(action, fields | typed)

    async def sign_in(self, name: str, password: str = PASSWORD, path: str = "/sign-in") -> Seen:
        seen = await self.get(path)
        return await self.submit(seen, "/sign-in", name=name, password=password)

    def cookie(self, name: str = "easel") -> str:
        found = self.session.cookie_jar.filter_cookies(yarl.URL(self.instance.url)).get(name)
        return found.value if found else ""


@asynccontextmanager
async def at(instance: rig.Instance) -> AsyncIterator[Person]:
    """Somebody at a browser of their own."""
    async with rig.open_browser() as session:
        yield Person(instance, session)


async def join(instance: rig.Instance, name: str = "alice", **more: Any) -> Account:
    async with instance.easel.database.write() as tx:
        return await accounts.create_local(tx, name, password=PASSWORD, **more)


def pkce() -> tuple[str, dict[str, str]]:
    """A verifier, and the parameters that go with its challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return verifier, {"code_challenge": challenge, "code_challenge_method": "S256"}


@dataclass
class Client:
    """An app."""

    instance: rig.Instance
    browser: aiohttp.ClientSession
    client_id: str = ""
    client_secret: str | None = None
    registered: dict[str, Any] = field(default_factory=dict)

    @classmethod
    async def register(
        cls, instance: rig.Instance, browser: aiohttp.ClientSession, **told: Any
    ) -> Client:
        values = {
            "client_name": "An app",
            "redirect_uris": f"{CALLBACK}\n{OOB}\nicecubesapp://",
            "scopes": "read write follow push",
        } | told
        client = cls(instance, browser)
        status, made = await client.ask("/api/v1/apps", values)
        assert status == 200, made
        client.client_id, client.client_secret = made["client_id"], made["client_secret"]
        client.registered = made
        return client

    @classmethod
    async def public(cls, instance: rig.Instance, browser: aiohttp.ClientSession) -> Client:
        """An app that can keep no secret."""
        async with instance.easel.database.write() as tx:
            made = await applications.register(
                tx, "A page", [CALLBACK], scopes="read write", confidential=False
            )
        return cls(instance, browser, made.application.client_id)

    async def ask(
        self, path: str, values: Any, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        url = self.instance.url + path
        async with self.browser.post(url, data=values, headers=headers) as answer:
            return answer.status, await answer.json()

    def authorize(self, **more: str) -> str:
        """The address where people are asked."""
        values = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "read write",
        } | more
        return f"/oauth/authorize?{urlencode({n: v for n, v in values.items() if v})}"

    async def token(self, code: str, **more: str) -> tuple[int, Any]:
        values = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": CALLBACK,
        }
        if self.client_secret is not None:
            values["client_secret"] = self.client_secret
        return await self.ask("/oauth/token", values | more)

    async def get(self, path: str, token: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.browser.get(self.instance.url + path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def row(self) -> Application:
        async with self.instance.easel.database.read() as session:
            found = await applications.find(session, self.client_id)
        assert found is not None
        return found


async def agree(person: Person, client: Client, **more: str) -> str:
    """Let an app in; the code that it gets."""
    seen = await person.get(client.authorize(**more))
    assert seen.status == 200, seen.body
    seen = await person.submit(seen, "/oauth/authorize", decision="allow")
    if more.get("redirect_uri") == OOB:
        return seen.page.one("code", id="code").text
    return seen.told()["code"]


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)
