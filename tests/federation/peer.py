"""Another server, small and real: it listens on loopback, has keys of its own, and can lie.

One socket answers for every host under `.localhost`, so that a test has as many servers as it
needs. Requests are signed here without the library under test.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from fedi.clock import FakeClock
from tests import rig
from tests.rig import Instance

AS2 = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{AS2}#Public"
ACTIVITY_JSON = "application/activity+json"
JRD_JSON = "application/jrd+json"

# What GoToSocial writes below `interactionPolicy.canReply` and its like.
OPEN: dict[str, Any] = {"automaticApproval": [PUBLIC], "manualApproval": []}
ASK: dict[str, Any] = {"automaticApproval": [], "manualApproval": [PUBLIC]}
SHUT: dict[str, Any] = {"automaticApproval": [], "manualApproval": []}

Document = dict[str, Any]
Page = Callable[[web.Request], web.StreamResponse]


@cache
def key_number(n: int) -> rsa.RSAPrivateKey:
    """Keys are slow to make, and nobody here has a secret: tests share them."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


class Internet:
    """All servers that are not ours."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.port = 0
        self.pages: dict[str, Page] = {}
        self.prefixes: dict[str, Page] = {}  # for all addresses that begin so
        self.answers: dict[str, list[Page]] = {}  # to POSTs, by address, in turn; then 202
        self.handles: dict[str, str] = {}  # `user@host` to the actor's id
        self.fingers: dict[str, Page] = {}  # `user@host` to another answer of WebFinger
        self.asked: Counter[str] = Counter()  # GETs, by address
        self.signed: Counter[str] = Counter()  # GETs that had a signature, by address
        self.posted: list[tuple[str, Document, dict[str, str]]] = []
        self.raw: list[bytes] = []  # the bodies of what was posted
        self.hold: tuple[str, asyncio.Event] | None = None  # hosts that let GETs wait, and until
        self._people = 0

    def host(self, name: str) -> str:
        return f"{name}.localhost:{self.port}"

    def person(self, name: str, server: str = "peer", **changes: Any) -> Person:
        """Somebody with an actor document that is served and found by WebFinger."""
        self._people += 1
        person = Person(self, name, server, key_number(self._people % 8))
        self.show(person.uri, person.document(**changes))
        self.handles[f"{name}@{self.host(server)}"] = person.uri
        return person

    def show(
        self, url: str, document: Document, *, status: int = 200, type_: str = ACTIVITY_JSON
    ) -> None:
        """Serve a document at an address."""
        body = json.dumps(document).encode()
        self.pages[url] = lambda _: web.Response(
            status=status, body=body, headers={"Content-Type": type_}
        )

    def fail(self, url: str, status: int) -> None:
        self.pages[url] = lambda _: web.Response(status=status)

    def redirect(self, url: str, target: str) -> None:
        self.pages[url] = lambda _: web.Response(status=302, headers={"Location": target})

    def answer(self, inbox: str, *statuses: int, **headers: str) -> None:
        """Answer the next POSTs to an inbox with these."""
        for status in statuses:
            self.answers.setdefault(inbox, []).append(_bare(status, headers))

    def got(self, inbox: str | None = None) -> list[Document]:
        """What was posted to an inbox (to all of them, without one), in order."""
        return [body for url, body, _ in self.posted if inbox in {None, url}]

    async def respond(self, request: web.Request) -> web.StreamResponse:
        url = f"http://{request.host}{request.path_qs}"
        if request.method == "POST":
            self.raw.append(await request.read())
            self.posted.append((url, json.loads(self.raw[-1]), dict(request.headers)))
            waiting = self.answers.get(url)
            return waiting.pop(0)(request) if waiting else web.Response(status=202)
        self.asked[url] += 1
        if self.hold is not None and request.host.startswith(self.hold[0]):
            await self.hold[1].wait()
        if "Signature" in request.headers:
            self.signed[url] += 1
        if request.path == "/.well-known/webfinger":
            return self._finger(request)
        page = self.pages.get(url)
        if page is None:
            page = next((at for start, at in self.prefixes.items() if url.startswith(start)), None)
        return page(request) if page is not None else web.Response(status=404)

    def _finger(self, request: web.Request) -> web.StreamResponse:
        acct = request.query["resource"].removeprefix("acct:")
        if acct in self.fingers:
            return self.fingers[acct](request)
        uri = self.handles.get(acct)
        if uri is None or not acct.endswith(f"@{request.host}"):
            return web.Response(status=404)
        link = {"rel": "self", "type": ACTIVITY_JSON, "href": uri}
        return web.json_response(
            {"subject": f"acct:{acct}", "links": [link]}, content_type=JRD_JSON
        )


def _bare(status: int, headers: dict[str, str]) -> Page:
    return lambda _: web.Response(status=status, headers=headers)


@asynccontextmanager
async def opened(clock: FakeClock) -> AsyncIterator[Internet]:
    internet = Internet(clock)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", internet.respond)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    sock = rig.free_socket()
    internet.port = sock.getsockname()[1]
    await web.SockSite(runner, sock).start()
    try:
        yield internet
    finally:
        await runner.cleanup()


class Person:
    """Somebody on another server, who signs what they send."""

    def __init__(self, internet: Internet, name: str, server: str, key: rsa.RSAPrivateKey) -> None:
        self.internet = internet
        self.name = name
        self.host = internet.host(server)
        self.origin = f"http://{self.host}"
        self.uri = f"{self.origin}/users/{name}"
        self.inbox = f"{self.uri}/inbox"
        self.followers = f"{self.uri}/followers"
        self.key = key
        self.key_id = f"{self.uri}#main-key"
        self._count = 0

    @property
    def handle(self) -> str:
        return f"{self.name}@{self.host}"

    def document(self, **changes: Any) -> Document:
        document = {
            "@context": [AS2, "https://w3id.org/security/v1"],
            "id": self.uri,
            "type": "Person",
            "preferredUsername": self.name,
            "name": self.name.title(),
            "inbox": self.inbox,
            "outbox": f"{self.uri}/outbox",
            "followers": self.followers,
            "url": f"{self.origin}/@{self.name}",
            "publicKey": {
                "id": self.key_id,
                "owner": self.uri,
                "publicKeyPem": public_pem(self.key),
            },
            **changes,
        }
        return {name: value for name, value in document.items() if value is not None}

    def new_id(self, kind: str = "activities") -> str:
        self._count += 1
        return f"{self.uri}/{kind}/{self._count}"

    def note(self, content: str = "<p>hello</p>", **changes: Any) -> Document:
        """A post of theirs, public unless told otherwise."""
        document = {
            "id": self.new_id("notes"),
            "type": "Note",
            "attributedTo": self.uri,
            "content": content,
            "published": stamp(self.internet.clock.now()),
            "to": [PUBLIC],
            "cc": [self.followers],
            **changes,
        }
        return {name: value for name, value in document.items() if value is not None}

    def activity(self, type_: str, object_: Any, **changes: Any) -> Document:
        document = {
            "@context": AS2,
            "id": self.new_id(),
            "type": type_,
            "actor": self.uri,
            "object": object_,
            **changes,
        }
        return {name: value for name, value in document.items() if value is not None}

    def create(self, note: Document, **changes: Any) -> Document:
        return self.activity(
            "Create", note, to=note.get("to", []), cc=note.get("cc", []), **changes
        )

    def signature(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        key_id: str | None = None,
        date: datetime | None = None,
        covered: tuple[str, ...] | None = None,
        extra: dict[str, str] | None = None,
    ) -> dict[str, str]:
        """The headers of a request that this person signs (draft-cavage-12)."""
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {
            "host": parts.netloc,
            "date": (date or self.internet.clock.now()).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            **(extra or {}),
        }
        if body is not None:
            hashed = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers["digest"] = f"SHA-256={hashed}"
        names = covered or ("(request-target)", *headers)
        lines = [
            f"{name}: {method.lower()} {target}"
            if name == "(request-target)"
            else f"{name}: {headers[name]}"
            for name in names
        ]
        made = self.key.sign("\n".join(lines).encode(), padding.PKCS1v15(), SHA256())
        headers["signature"] = (
            f'keyId="{key_id or self.key_id}",algorithm="rsa-sha256",'
            f'headers="{" ".join(names)}",signature="{base64.b64encode(made).decode()}"'
        )
        return headers

    async def send(
        self,
        instance: Instance,
        activity: Document,
        *,
        inbox: str = "/inbox",
        key_id: str | None = None,
    ) -> int:
        """Post an activity to an inbox; the status of the answer."""
        status, _ = await self.post(instance, json.dumps(activity).encode(), inbox, key_id=key_id)
        return status

    async def post(
        self,
        instance: Instance,
        body: bytes,
        inbox: str = "/inbox",
        *,
        sent: bytes | None = None,
        type_: str = ACTIVITY_JSON,
        age: timedelta = timedelta(),
        key_id: str | None = None,
    ) -> tuple[int, str]:
        """Post any bytes; `sent` are others than those that are signed. Status and answer."""
        url = f"{instance.url}{inbox}"
        date = self.internet.clock.now() - age
        headers = self.signature("POST", url, body, key_id=key_id, date=date)
        async with rig.open_browser() as browser:
            return await post(browser, url, body if sent is None else sent, headers, type_)

    async def does(self, instance: Instance, activity: Document, **how: Any) -> None:
        """Post an activity that is taken in, and let it take effect."""
        status = await self.send(instance, activity, **how)
        assert status == 202, status
        await instance.run_jobs()

    async def get(self, url: str, accept: str = ACTIVITY_JSON) -> tuple[int, Document]:
        """GET with this person's signature; status and document."""
        headers = {**self.signature("GET", url), "Accept": accept}
        async with (
            rig.open_browser() as browser,
            browser.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


async def post(
    browser: aiohttp.ClientSession,
    url: str,
    body: bytes,
    headers: dict[str, str],
    type_: str = ACTIVITY_JSON,
) -> tuple[int, str]:
    headers = {**headers, "Content-Type": type_}
    async with browser.post(url, data=io.BytesIO(body), headers=headers) as answer:
        return answer.status, await answer.text()


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
