"""An independent ActivityPub server, `@fedify/fedify` in a Node process, and a client for its
control API."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import aiohttp

FOLDER = Path(__file__).parent / "fedify"
OLDEST_NODE = 20  # Fedify 2.3.6 says 22, and was seen to work on 20.20
START_SECONDS = 60.0  # a cold start on a busy machine; one on an idle machine takes 1.5
EXPECT_SECONDS = 30.0  # how long a delivery may take to arrive before a test gives up
LONG_POLL_SECONDS = 10.0

AS = "https://www.w3.org/ns/activitystreams#"
TOOT = "http://joinmastodon.org/ns#"

Json = dict[str, Any]


class Unavailable(Exception):
    """Node, npm or the packages are missing; the message is the reason to show."""


class Refused(Exception):
    """The peer could not do what the test asked for. `answered` is the status with which another
    server refused the peer's delivery, where that is the reason."""

    def __init__(self, error: str, answered: int | None) -> None:
        super().__init__(error)
        self.answered = answered


@dataclass(frozen=True)
class Attachment:
    """A media attachment as the peer's vocabulary read it. `blurhash` and `focal_point`, which
    Fedify has no words for, are found by their Mastodon IRIs in the expanded JSON-LD."""

    type: str
    url: str | None
    name: str | None
    media_type: str | None
    width: int | None
    height: int | None
    blurhash: str | None
    focal_point: tuple[float, float] | None
    expanded: Json


@dataclass(frozen=True)
class Received:
    """One verified activity. `object` and `activity` are what Fedify's vocabulary understood
    (`toIds`, `content`, …), `expanded` is the JSON-LD in IRIs, `raw` the body as sent, and
    `undefined_terms` names the properties and types that the sender's @context does not define."""

    seq: int
    type: str
    id: str | None
    actor: str | None
    object_id: str | None
    object: Json | None
    activity: Json
    inbox: str  # the recipient's identifier, or "shared"
    signature: str  # "rfc9421" or "cavage"
    raw: Json
    expanded: list[Json]
    undefined_terms: list[str]

    @property
    def attachments(self) -> list[Attachment]:
        read = (self.object or {}).get("attachments", [])
        expanded = _first(self.expanded[0].get(AS + "object")).get(AS + "attachment", [])
        return [_attachment(item, iris) for item, iris in zip(read, expanded, strict=True)]


@dataclass(frozen=True)
class Parsed:
    """A document as Fedify's vocabulary and as a plain JSON-LD processor read it."""

    document: Json
    object: Json
    expanded: list[Json]
    undefined_terms: list[str]


@dataclass(frozen=True)
class Fetched:
    status: int
    headers: dict[str, str]  # names in lower case
    body: str


def _first(values: list[Json] | None) -> Json:
    return values[0] if values else {}


def _attachment(read: Json, iris: Json) -> Attachment:
    point = [item["@value"] for item in _first(iris.get(TOOT + "focalPoint")).get("@list", [])]
    return Attachment(
        type=read["type"],
        url=read.get("url"),
        name=read.get("name"),
        media_type=read.get("mediaType"),
        width=read.get("width"),
        height=read.get("height"),
        blurhash=_first(iris.get(TOOT + "blurhash")).get("@value"),
        focal_point=(point[0], point[1]) if len(point) == 2 else None,
        expanded=iris,
    )


def install() -> str:
    """Makes the Node packages ready, once per package-lock.json, whichever process comes first.

    Returns the path of `node`. Raises `Unavailable`.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("Node.js is not installed (node and npm are needed)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.strip().lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise Unavailable(f"Node.js {OLDEST_NODE} or newer is needed, not {version.stdout.strip()}")
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = FOLDER / "node_modules" / ".installed-from"
    with (FOLDER / ".install-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            done = subprocess.run(
                [npm, "ci", "--no-audit", "--no-fund"],
                cwd=FOLDER,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise Unavailable(f"npm ci failed: {done.stderr.strip()[-500:]}")
            stamp.write_text(wanted)
    return node


class FedifyProcess:
    """The running peer. `ready` is the line that it printed: origin, actor, handle, port, keyId."""

    def __init__(self, host: str = "fedify.localhost", first_knock: str = "rfc9421") -> None:
        node = install()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115, closed by stop()
        self._process = subprocess.Popen(
            [
                node,
                "server.mjs",
                "--host",
                host,
                "--first-knock",
                first_knock,
                "--until-stdin-closes",
            ],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )
        self.ready: dict[str, Any] = self._await_ready()

    def _await_ready(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        lines: queue.Queue[bytes] = queue.Queue()
        readline = self._process.stdout.readline
        threading.Thread(target=lambda: lines.put(readline()), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            line = b""
        if not line:
            self._process.kill()
            errors = self.errors()
            self.stop()
            raise RuntimeError(f"the Fedify peer did not start: {errors}")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def errors(self) -> str:
        """What it wrote to stderr so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()


class FedifyPeer:
    """carol on her server, as a test drives her. Use as an async context manager."""

    def __init__(self, process: FedifyProcess) -> None:
        self.process = process
        self.origin: str = process.ready["origin"]
        self.actor: str = process.ready["actor"]
        self.handle: str = process.ready["handle"]
        self.key_id: str = process.ready["keyId"]
        self.picture = f"{self.origin}/picture.png"
        self._control = f"http://127.0.0.1:{process.ready['port']}/_control"
        self._begin = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        await self.reset()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, self._control + path, data=data) as response:
            answer: dict[str, Any] = await response.json()
            if response.status != 200:
                raise Refused(answer["error"], answer["answered"])
            return answer

    async def _post(self, path: str, **body: object) -> dict[str, Any]:
        return await self._ask("POST", path, body)

    async def reset(self) -> None:
        """Forgets followers, notes, caches and all that was received; the keys stay."""
        self._begin = (await self._post("/reset"))["seq"]

    # what arrived

    async def received(self, after: int | None = None, wait: float = 0) -> list[Received]:
        """Verified activities after number `after` (all since the reset); waits up to `wait`
        seconds for the first."""
        after = self._begin if after is None else after
        answer = await self._ask("GET", f"/inbox?after={after}&wait={wait}")
        return [
            Received(
                seq=item["seq"],
                type=item["type"],
                id=item["id"],
                actor=item["actor"],
                object_id=item["objectId"],
                object=item["object"],
                activity=item["activity"],
                inbox=item["inbox"],
                signature=item["signature"],
                raw=item["raw"],
                expanded=item["expanded"],
                undefined_terms=item["undefinedTerms"],
            )
            for item in answer["received"]
        ]

    async def expect(
        self,
        kind: str,
        where: Callable[[Received], bool] = lambda _: True,
        *,
        after: int | None = None,
        seconds: float = EXPECT_SECONDS,
    ) -> Received:
        """The first verified activity of type `kind` that fits; waits for it, and fails with what
        came instead."""
        seen: list[Received] = []
        last = self._begin if after is None else after
        loop_end = seconds
        while True:
            fresh = await self.received(last, min(LONG_POLL_SECONDS, max(loop_end, 0)))
            for item in fresh:
                if item.type == kind and where(item):
                    return item
            seen += fresh
            last = max([last, *(item.seq for item in fresh)])
            loop_end -= LONG_POLL_SECONDS if not fresh else 0
            if not fresh and loop_end <= 0:
                came = [f"{item.type} {item.object_id}" for item in seen]
                refused = (await self.state())["refused"]
                raise AssertionError(f"no {kind} came; received {came}, refused {refused}")

    async def state(self) -> dict[str, Any]:
        """`followers`, `following`, `requested`, `notes`: lists of ids; `refused`: deliveries that
        did not verify, with the reason; `visits`: {"path", "keyId"} of each GET."""
        return await self._ask("GET", "/state")

    # what carol does; each returns the ids {"activity": …, "object": …} after the delivery was
    # answered, and raises Refused if that answer was not a success

    async def follow(self, target: str) -> dict[str, Any]:
        """Follows an actor by its id or by `user@host`."""
        return await self._post("/follow", **_whom(target))

    async def unfollow(self, target: str) -> dict[str, Any]:
        return await self._post("/unfollow", **_whom(target))

    async def create(
        self,
        content: str,
        *,
        to: list[str] | None = None,
        image: bool = False,
        alt: str | None = None,
        in_reply_to: str | None = None,
        visibility: str = "public",
        sensitive: bool = False,
        summary: str | None = None,
    ) -> dict[str, Any]:
        """Posts a note to the followers (unless `visibility` is "direct"), the actors in `to`,
        who are mentioned, and the author of `in_reply_to`."""
        return await self._post(
            "/create",
            content=content,
            to=to or [],
            image=image,
            alt=alt,
            inReplyTo=in_reply_to,
            visibility=visibility,
            sensitive=sensitive,
            summary=summary,
        )

    async def update(self, note: str, content: str) -> dict[str, Any]:
        return await self._post("/update", object=note, content=content)

    async def delete(self, note: str) -> dict[str, Any]:
        return await self._post("/delete", object=note)

    async def like(self, note: str) -> dict[str, Any]:
        return await self._post("/like", object=note)

    async def unlike(self, note: str) -> dict[str, Any]:
        return await self._post("/unlike", object=note)

    async def announce(self, note: str) -> dict[str, Any]:
        return await self._post("/announce", object=note)

    async def undo_announce(self, note: str) -> dict[str, Any]:
        return await self._post("/undo-announce", object=note)

    async def block(self, actor: str) -> dict[str, Any]:
        return await self._post("/block", actor=actor)

    async def unblock(self, actor: str) -> dict[str, Any]:
        return await self._post("/unblock", actor=actor)

    async def rename(self, name: str) -> dict[str, Any]:
        """Changes carol's display name, and tells her followers."""
        return await self._post("/rename", name=name)

    async def become_bot(self) -> None:
        """From now until the reset carol is a Service; nobody is told."""
        await self._post("/become-bot")

    async def leave(self) -> dict[str, Any]:
        """Deletes carol, for her followers and (with 410) for all who ask, until the reset."""
        return await self._post("/leave")

    async def send(self, document: Json, to: str) -> dict[str, Any]:
        """Delivers any activity, signed by carol, to the actor `to`, however wrong it is."""
        return await self._post("/send", document=document, to=to)

    # what carol's server can read

    async def lookup(self, target: str, *, signed: bool = True) -> dict[str, Any]:
        """What Fedify's `lookupObject` made of an id or `user@host`. Raises `Refused`."""
        answer = await self._post("/lookup", uri=target, signed=signed)
        return dict(answer["object"])

    async def traverse(self, collection: str) -> tuple[int | None, list[dict[str, Any]]]:
        """`totalItems` and every item of a collection, page by page."""
        answer = await self._post("/traverse", uri=collection)
        return answer["totalItems"], answer["items"]

    async def parse(self, document: Json) -> Parsed:
        """Any document through Fedify's vocabulary. Raises `Refused` if it does not parse,
        or names a context that Fedify does not carry."""
        answer = await self._post("/parse", document=document)
        return Parsed(document, answer["object"], answer["expanded"], answer["undefinedTerms"])

    async def read(self, uri: str, *, signed: bool = True) -> Parsed:
        """The document at `uri` as `parse` reads it. Raises `Refused`, with the status in its
        text if the server's answer was not a success."""
        answer = await self._post("/read", uri=uri, signed=signed)
        return Parsed(
            answer["document"], answer["object"], answer["expanded"], answer["undefinedTerms"]
        )

    async def fetch(self, url: str, accept: str = "*/*") -> Fetched:
        """A plain unsigned GET by Node, redirects not followed."""
        answer = await self._post("/fetch", url=url, accept=accept)
        return Fetched(answer["status"], answer["headers"], answer["body"])

    async def require_signatures(self) -> None:
        """From now until the reset carol's documents are shown to signed requests only, and the
        signer's key is fetched without a signature, as GoToSocial does."""
        await self._post("/require-signatures")

    async def require_scheme(self, scheme: str) -> None:
        """From now until the reset a POST that is signed otherwise than by `scheme` ("rfc9421" or
        "cavage") is answered 401."""
        await self._post("/require-scheme", scheme=scheme)

    async def post(self, document: Json, url: str, scheme: str) -> int:
        """POSTs a document as it stands, signed by carol by this one scheme; the status."""
        answer = await self._post("/post", document=document, url=url, scheme=scheme)
        return int(answer["status"])

    async def verifies(self, document: Json) -> bool:
        """Whether Fedify believes the integrity proof in an activity."""
        return bool((await self._post("/verifies", document=document))["verified"])

    async def webfinger(self, resource: str) -> dict[str, Any]:
        return dict((await self._post("/webfinger", resource=resource))["jrd"])

    async def nodeinfo(self, url: str) -> list[dict[str, Any]]:
        """Each NodeInfo 2.x of the server at `url`: {"rel", "href", "nodeinfo"}, parsed
        strictly."""
        return list((await self._post("/nodeinfo", url=url))["found"])


def _whom(target: str) -> dict[str, str]:
    return {"actor": target} if target.startswith("http") else {"handle": target}
