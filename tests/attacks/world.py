"""A running server with people who use it, somebody who means them harm, and a canary.

alice is ours. bob and carol are honest, on servers of their own: bob and alice follow each other,
he has answered, liked and boosted her post and written one of his own. Whatever an attacker sends,
what these people see must stay as it is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from fedi.clock import FakeClock
from fedi.database.tables import Account
from fedi.social import accounts
from tests import rig
from tests.attacks import canary as canaries
from tests.attacks import forgery
from tests.attacks.canary import Canary
from tests.attacks.forgery import Forgery
from tests.federation import peer, seeing
from tests.federation.peer import ACTIVITY_JSON, Document, Internet, Person, key_number
from tests.rig import Instance

REFUSED = frozenset({400, 401, 403, 415})
TAKEN = frozenset({202})

STRANGERS_KEYS = 20


class _Hanging(web.StreamResponse):
    """Says nothing at all."""

    def __init__(self, released: asyncio.Event) -> None:
        super().__init__()
        self._released = released

    async def prepare(self, request: Any) -> Any:
        await self._released.wait()
        raise ConnectionResetError


@dataclass
class World:
    """All that an attack may use. `post` is alice's public post, `secret` the one for followers."""

    instance: Instance
    internet: Internet
    canary: Canary
    alice: Account
    post: str = ""
    secret: str = ""
    _count: int = field(default=0, init=False)
    _released: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _bob: Person | None = field(default=None, init=False)
    _carol: Person | None = field(default=None, init=False)
    bobs_post: Document = field(default_factory=dict, init=False)
    bobs_answer: Document = field(default_factory=dict, init=False)
    bobs_like: Document = field(default_factory=dict, init=False)
    bobs_boost: Document = field(default_factory=dict, init=False)
    bobs_follow: Document = field(default_factory=dict, init=False)
    seen: dict[str, Any] | None = field(default=None, init=False)  # the state after the last case

    @property
    def bob(self) -> Person:
        assert self._bob is not None
        return self._bob

    @property
    def carol(self) -> Person:
        assert self._carol is not None
        return self._carol

    async def settle(self) -> None:
        """Let the honest people do what they do."""
        self._bob = bob = self.internet.person("bob")
        self._carol = self.internet.person("carol", "other")
        self.post = await seeing.publish(self.instance, self.alice, "alice in public")
        self.secret = await seeing.publish(
            self.instance, self.alice, "alice to followers", visibility="private"
        )
        self.bobs_follow = bob.activity("Follow", self.alice.uri)
        await bob.does(self.instance, self.bobs_follow)
        follow = await seeing.follow(self.instance, self.alice, bob.uri)
        await self.instance.run_jobs()
        await bob.does(self.instance, bob.activity("Accept", follow))
        self.bobs_post = bob.note("<p>bob's own words</p>")
        self.bobs_answer = bob.note("<p>bob's answer</p>", inReplyTo=self.post)
        self.bobs_like = bob.activity("Like", self.post)
        self.bobs_boost = bob.activity("Announce", self.post, to=[peer.PUBLIC])
        for note in (self.bobs_post, self.bobs_answer):
            self.internet.show(note["id"], {"@context": peer.AS2, **note})
            await bob.does(self.instance, bob.create(note))
        for activity in (self.bobs_like, self.bobs_boost):
            await bob.does(self.instance, activity)
        await self.carol.does(self.instance, self.carol.activity("Like", self.post))

    def stranger(self, server: str = "evil", **changes: Any) -> Person:
        """A new face, whom nobody here has heard of."""
        self._count += 1
        person = self.internet.person(f"mallory{self._count}", server)
        # nobody's key but an attacker's: the people of the tests share theirs otherwise
        person.key = key_number(STRANGERS_KEYS + self._count % 4)
        self.internet.show(person.uri, person.document(**changes))
        return person

    def neighbour(self) -> Person:
        """Somebody on bob's own server."""
        return self.stranger("peer")

    def hang(self, request: web.Request) -> web.StreamResponse:
        """A page that never comes: not before the end of the case."""
        return _Hanging(self._released)

    def release(self) -> None:
        """Let go of all who wait for such a page."""
        self._released.set()
        self._released = asyncio.Event()

    async def send(self, forged: Forgery) -> int:
        """Send a request, and do what comes of it; the status of the answer."""
        status, body = await forgery.request(
            self.instance.url,
            forged.method,
            forged.target,
            forged.build(self.instance.domain),
            forged.sent,
        )
        assert status < 500 or status == 503, (status, body)
        if status >= 400:
            assert forgery.error_of(body) or status in {400, 431}, body  # h11 says it its own way
        await self.instance.run_jobs()
        return status

    async def says(self, person: Person, activity: Document, **how: Any) -> int:
        """Post an activity, properly signed unless told otherwise."""
        return await self.send(Forgery(person, activity, **how))

    async def get(
        self, target: str, person: Person | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Read something of ours: as anybody, or as `person`."""
        url = target if target.startswith("http") else f"{self.instance.url}{target}"
        path = url.removeprefix(self.instance.url)
        signed = person.signature("GET", url) if person else {"host": self.instance.domain}
        asked = {"accept": ACTIVITY_JSON, **signed, **headers}
        return await forgery.request(self.instance.url, "GET", path, list(asked.items()), b"")

    async def state(self) -> dict[str, Any]:
        """What the honest people see, by what anybody can ask, and by what they are shown."""
        paths = [
            self.alice.uri, f"{self.alice.uri}/followers?page=true",
            f"{self.alice.uri}/outbox?page=true", f"{self.post}/likes", self.secret,
        ]  # fmt: skip
        seen: dict[str, Any] = {path: await self.get(path) for path in paths}
        page = self.post.removeprefix(self.instance.url).split("/")[-1]
        for path in ("/@alice", f"/@alice/{page}"):  # the second with the whole thread
            seen[path] = await self.get(path, accept="text/html")
        seen["secret"] = await self.get(self.secret, self.bob)
        seen["home"] = await seeing.home(self.instance, self.alice)
        seen["following"] = await seeing.following(self.instance, self.alice)
        seen["notices"] = await seeing.notices(self.instance, self.alice)
        for person in (self.bob, self.carol):
            known = await seeing.known(self.instance, person.uri)
            seen[person.uri] = (known.acct, known.display_name, known.inbox_uri, known.deleted_at)
            seen[person.key_id] = known.public_key_pem
        for note in (self.bobs_post, self.bobs_answer):
            status = await seeing.status(self.instance, note["id"])
            seen[note["id"]] = status and (status.content, status.visibility, status.deleted_at)
        return seen

    async def still_lives(self) -> None:
        """An honest post still comes in."""
        note = self.bob.note("<p>still here</p>", to=[self.alice.uri], cc=[])
        await self.bob.does(self.instance, self.bob.create(note))
        assert await seeing.seen(self.instance, self.alice, note["id"]) is not None
        await self.bob.does(self.instance, self.bob.activity("Delete", note["id"]))


@asynccontextmanager
async def running(folder: Path, database_url: str, **sections: Any) -> AsyncIterator[World]:
    """The world in which all attacks happen, one after another."""
    clock = FakeClock()
    async with (
        peer.opened(clock) as internet,
        canaries.caged() as canary,
        rig.serve_instance(folder, database_url, clock=clock, **sections) as instance,
    ):
        async with instance.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        world = World(instance, internet, canary, alice)
        await world.settle()
        await canary.wake()
        yield world


Attack = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One attack. `changes` marks what may change what is seen: honest people act in it, too."""

    run: Attack
    changes: bool = False


CASES: dict[str, Case] = {}


def attack(name: str, *variants: str, changes: bool = False) -> Callable[[Any], Any]:
    """Register an attack under its number in the list and a name; with `variants` once for each,
    which it gets as its second argument."""

    def register(function: Any) -> Any:
        if not variants:
            CASES[name] = Case(function, changes)
        for variant in variants:
            CASES[f"{name}-{variant}"] = Case(_bound(function, variant), changes)
        return function

    return register


def _bound(function: Any, variant: str) -> Attack:
    async def run(world: World) -> None:
        await function(world, variant)

    return run


def encode(document: Any) -> bytes:
    return json.dumps(document).encode()
