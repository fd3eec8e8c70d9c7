"""Other servers for the measurements: people who sign, and inboxes that take everything.

All names under `.localhost` lead to one loopback socket, so that there are as many hosts as a
measurement needs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httptools
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from activitypub.signatures import Signer
from activitypub.signatures.keys import generate, load_private
from bench import load

AS2 = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{AS2}#Public"
GIGABYTE = 1 << 30
PIECE = b" " * (1 << 18)
KEYS = 8  # making one takes long; nobody here has a secret


@cache
def key(number: int) -> tuple[RSAPrivateKey, str]:
    private, public = generate()
    return load_private(private), public


@dataclass(frozen=True)
class Person:
    """Somebody on another server."""

    host: str
    name: str
    number: int

    @property
    def uri(self) -> str:
        return f"http://{self.host}/users/{self.name}"

    def document(self) -> dict[str, Any]:
        return {
            "@context": [AS2, "https://w3id.org/security/v1"],
            "id": self.uri,
            "type": "Person",
            "preferredUsername": self.name,
            "inbox": f"{self.uri}/inbox",
            "outbox": f"{self.uri}/outbox",
            "followers": f"{self.uri}/followers",
            "publicKey": {
                "id": f"{self.uri}#main-key",
                "owner": self.uri,
                "publicKeyPem": key(self.number % KEYS)[1],
            },
        }

    def signed(self, inbox: str, activity: dict[str, Any]) -> bytes:
        """A POST of an activity, ready to be sent."""
        body = json.dumps({"@context": AS2, "actor": self.uri, **activity}).encode()
        signer = Signer(f"{self.uri}#main-key", key(self.number % KEYS)[0])
        headers = signer.sign("POST", inbox, body, datetime.now(UTC))
        parts = urlsplit(inbox)
        headers.pop("Host")
        return load.request("POST", parts.path, parts.netloc, headers, body)

    def create(self, inbox: str, number: int) -> bytes:
        """A Create of a public note with a picture, ready to be sent."""
        uri = f"{self.uri}/notes/{number}"
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        addressed = {"to": [PUBLIC], "cc": [f"{self.uri}/followers"]}
        note = {
            "id": uri,
            "type": "Note",
            "attributedTo": self.uri,
            "content": f"<p>Number {number}: a fox asleep in tall grass, morning light</p>",
            "published": stamp,
            "url": f"http://{self.host}/@{self.name}/{number}",
            "tag": [
                {"type": "Hashtag", "name": "#AIart", "href": f"http://{self.host}/tags/aiart"}
            ],
            "attachment": [
                {
                    "type": "Document",
                    "mediaType": "image/png",
                    "url": f"http://{self.host}/media/{number}.png",
                    "name": "A fox asleep in tall grass",
                    "width": 1024,
                    "height": 1024,
                    "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
                }
            ],
            **addressed,
        }
        activity = {"id": f"{uri}/activity", "type": "Create", "published": stamp, "object": note}
        return self.signed(inbox, {**activity, **addressed})


class Answers(asyncio.Protocol):
    """One connection of the other servers: actors and WebFinger are answered, POSTs are counted."""

    def __init__(self, peers: Peers) -> None:
        self.peers = peers
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.url = self.body = b""
        self.host = ""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"host":
            self.host = value.decode()

    def on_message_complete(self) -> None:
        if not self.peers.calm and self._be_hostile():
            return
        if self.parser.get_method() == b"POST":
            self.peers.took(self.host, self.body)
            self.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            return
        body, type_ = self.peers.page(self.host, self.url.decode())
        status = b"200 OK" if body else b"404 Not Found"
        self.transport.write(
            b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (status, type_.encode(), len(body), body)
        )

    def _be_hostile(self) -> bool:
        """Answer as a hostile server does, by the name of the host; False on an honest one."""
        if self.host.startswith("hangs"):
            return True
        if self.host.startswith("broken"):
            self.transport.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        elif self.host.startswith("circle"):
            self.transport.write(
                b"HTTP/1.1 302 Found\r\nLocation: %s?%d\r\nContent-Length: 0\r\n\r\n"
                % (self.url.partition(b"?")[0], id(self))
            )
        elif self.host.startswith("endless"):
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n"
                b"Content-Length: %d\r\n\r\n" % GIGABYTE
            )
            self._pour(GIGABYTE)
        else:
            return False
        return True

    def _pour(self, left: int) -> None:
        """So many bytes, as fast as they are taken."""
        if left <= 0 or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() == 0:
            self.transport.write(PIECE)
            left -= len(PIECE)
        asyncio.get_running_loop().call_later(0.01, self._pour, left)


class Peers:
    """All other servers; those whose names say so are hostile, unless it is `calm`."""

    def __init__(self) -> None:
        self.port = 0
        self.calm = False
        self.on_post: Callable[[str, bytes], None] = lambda host, body: None
        self.posts = 0
        self._wanted = 0
        self._reached = asyncio.Event()

    def people(self, count: int, hosts: int, *, prefix: str = "h") -> list[Person]:
        """So many people on so many hosts."""
        return [
            Person(f"{prefix}{number % hosts}.localhost:{self.port}", f"user{number}", number)
            for number in range(count)
        ]

    def page(self, host: str, url: str) -> tuple[bytes, str]:
        parts = urlsplit(url)
        if parts.path == "/.well-known/webfinger":
            acct = parse_qs(parts.query)["resource"][0]
            name = acct.removeprefix("acct:").partition("@")[0]
            link = {"rel": "self", "type": "application/activity+json"}
            jrd = {"subject": acct, "links": [{**link, "href": f"http://{host}/users/{name}"}]}
            return json.dumps(jrd).encode(), "application/jrd+json"
        name = parts.path.removeprefix("/users/")
        if "/" in name or not name.startswith("user"):
            return b"", "text/plain"
        person = Person(host, name, int(name.removeprefix("user")))
        return json.dumps(person.document()).encode(), "application/activity+json"

    def took(self, host: str, body: bytes) -> None:
        self.on_post(host, body)
        self.posts += 1
        if self.posts >= self._wanted:
            self._reached.set()

    def expect(self, posts: int) -> None:
        """Count from nothing; `all_came` waits for so many."""
        self.posts, self._wanted = 0, posts
        self._reached.clear()

    async def all_came(self) -> None:
        await self._reached.wait()


@asynccontextmanager
async def opened() -> AsyncIterator[Peers]:
    """The other servers, listening on loopback."""
    peers = Peers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answers(peers), "127.0.0.1", 0, backlog=1024)
    peers.port = server.sockets[0].getsockname()[1]
    try:
        yield peers
    finally:
        server.close()
