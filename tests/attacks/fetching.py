"""Attacks 43 to 54: leading us to where we should not go, and keeping us busy."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from typing import Any

import pytest
from aiohttp import web

from fedi.federation import newcomers, remote
from fedi.federation.incoming import AT_ONCE
from fedi.federation.threads import MAX_PARENTS
from fedi.social.errors import SocialError
from tests import rig
from tests.attacks import forgery
from tests.attacks.forgery import Forgery
from tests.attacks.speaking import ANY
from tests.attacks.world import REFUSED, TAKEN, World, attack
from tests.federation import seeing
from tests.federation.peer import ACTIVITY_JSON, AS2, PUBLIC, Document, Person

GIVE_UP_S = 100
MOST_FETCHES = 100  # that one activity may lead to; ours leads to far fewer

# What not even an instance on a closed network goes to; the canary listens there.
NOWHERE = ("0.0.0.0", "[::]", "0", "[::ffff:0.0.0.0]")


async def _actor_gone(world: World, person: Person) -> None:
    assert await world.says(person, person.activity("Delete", person.uri)) in TAKEN


@attack("45-redirect", "to-nowhere", "to-a-file", "to-ftp", "too-many", "to-itself",
        "without-target", "to-garbage", "to-userinfo")  # fmt: skip
async def redirect(world: World, how: str) -> None:
    mallory = world.stranger()
    targets = {
        "to-nowhere": [world.canary.url(host) for host in NOWHERE],
        "to-a-file": ["file:///etc/passwd"],
        "to-ftp": [world.canary.url("127.0.0.1", scheme="ftp")],
        "too-many": [f"{mallory.origin}/hop/{mallory.name}/1"],
        "to-itself": [mallory.uri],
        "without-target": [""],
        "to-garbage": ["http://[", "http://\udcff/", "//", "http:///x", "\\\\x\\y"],
        "to-userinfo": [f"http://{mallory.host}@0.0.0.0:{world.canary.port}/"],
    }[how]
    for n in range(1, 10):
        following = f"{mallory.origin}/hop/{mallory.name}/{n + 1}"
        world.internet.redirect(f"{mallory.origin}/hop/{mallory.name}/{n}", following)
    for target in targets:
        world.internet.pages[mallory.uri] = lambda _, to=target: web.Response(
            status=302, headers={"Location": to} if to else {}
        )
        status = await world.says(mallory, mallory.activity("Follow", world.alice.uri))
        assert status in REFUSED | {503}
    assert world.internet.asked[f"{mallory.origin}/hop/{mallory.name}/5"] == 0


@attack("45-redirect-of-a-signed-post", changes=True)
async def redirect_of_a_post(world: World) -> None:
    """What is posted to an inbox goes there or nowhere."""
    mallory = world.stranger()
    assert await world.says(mallory, mallory.activity("Follow", world.alice.uri)) in TAKEN
    world.internet.answer(mallory.inbox, 307, 308, 301, 302, Location=world.canary.url())
    for _ in range(4):
        await seeing.publish(world.instance, world.alice, "gone again", visibility="private")
    await world.instance.run_jobs()
    assert len(world.internet.got(mallory.inbox)) == 5  # the Accept, and each post once
    await _actor_gone(world, mallory)


@attack("46-proxies-of-the-environment")
async def proxies(world: World) -> None:
    with pytest.MonkeyPatch.context() as environment:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            environment.setenv(name, world.canary.url("127.0.0.1"))
        mallory = world.stranger()
        assert await world.says(mallory, mallory.activity("Like", world.bobs_post["id"])) in TAKEN


@attack("47-answer", "gzip-bomb", "gzip-bomb-in-pieces", "deflate", "brotli", "too-large",
        "too-large-in-pieces", "endless", "too-slow", "too-short", "too-long", "broken-gzip",
        "two-codings", "bad-chunks", "many-headers", "no-http", "status-999",
        "informational")  # fmt: skip
async def answer(world: World, how: str) -> None:
    mallory = world.stranger()
    body = json.dumps(mallory.document()).encode()
    large = json.dumps(mallory.document(summary="x" * (2**20 + 1))).encode()
    bomb = gzip.compress(b'{"x":"' + b"\0" * 20 * 2**20, compresslevel=9)
    raw = {
        "gzip-bomb": (bomb, {"Content-Encoding": "gzip"}),
        "gzip-bomb-in-pieces": (bomb, {"Content-Encoding": "gzip"}),
        "deflate": (bomb, {"Content-Encoding": "deflate"}),
        "brotli": (bomb, {"Content-Encoding": "br"}),
        "broken-gzip": (gzip.compress(body)[:-9], {"Content-Encoding": "gzip"}),
        "two-codings": (gzip.compress(gzip.compress(body)), {"Content-Encoding": "gzip, gzip"}),
        "too-large": (large, {}),
        "too-large-in-pieces": (large, {}),
        "many-headers": (body, {f"X-{n}": "x" * 200 for n in range(500)}),
    }
    if how in raw:
        content, headers = raw[how]
        pieces = how.endswith("pieces")
        world.internet.pages[mallory.uri] = lambda _: (
            _Pieces([content[n : n + 4096] for n in range(0, len(content), 4096)], headers)
            if pieces
            else web.Response(body=content, headers={"Content-Type": ACTIVITY_JSON, **headers})
        )
    else:
        world.internet.pages[mallory.uri] = lambda _: _Wire(_WIRE[how](body), how == "endless")
    status = await world.says(mallory, mallory.activity("Follow", world.alice.uri))
    assert status in REFUSED | {503}
    assert await seeing.account(world.instance, mallory.uri) is None


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n"
_WIRE: dict[str, Any] = {
    "endless": lambda body: _HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    "too-slow": lambda body: _HEAD + b"Content-Length: 1000\r\n\r\n{",
    "too-short": lambda body: _HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + 10) + body,
    "too-long": lambda body: _HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) - 10) + body,
    "bad-chunks": lambda body: _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
    "no-http": lambda body: b"SSH-2.0-OpenSSH_9.2\r\n\r\n" + body,
    "status-999": lambda body: b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
    "informational": lambda body: b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50,
}


class _Pieces(web.StreamResponse):
    """A body that comes in chunks."""

    def __init__(self, pieces: list[bytes], headers: dict[str, str]) -> None:
        super().__init__(headers={"Content-Type": ACTIVITY_JSON, **headers})
        self._pieces = pieces

    async def prepare(self, request: Any) -> Any:
        writer = await super().prepare(request)
        for piece in self._pieces:
            await self.write(piece)
        return writer


class _Wire(web.StreamResponse):
    """Bytes that no HTTP server would send, and then nothing, or always more of the same."""

    def __init__(self, wire: bytes, endless: bool) -> None:
        super().__init__()
        self._wire, self._endless = wire, endless

    async def prepare(self, request: Any) -> Any:
        transport = request.transport
        transport.write(self._wire)
        if self._endless:
            for _ in range(1000):
                transport.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        if b" 1000" not in self._wire:
            transport.close()
        else:
            await _closed(request)
        raise ConnectionResetError


async def _closed(request: Any) -> None:
    """Wait until who asked has hung up."""
    await request.content.read()
    await request.wait_for_disconnection()


def _deep(levels: int, opening: bytes, closing: bytes) -> bytes:
    return b'{"type":"Like","object":' + opening * levels + b"1" + closing * levels + b"}"


BODIES: dict[str, bytes] = {
    "array-deep": _deep(100_000, b"[", b"]"),
    "object-deep": _deep(10_000, b'{"a":', b"}"),
    "unclosed": b"[" * 500_000,
    "huge-int": b'{"type":"Like","x":' + b"9" * 10_000 + b"}",
    "huge-float": b'{"type":"Like","x":1e999}',
    "nan": b'{"type":"Like","x":NaN}',
    "infinity": b'{"type":"Like","x":-Infinity}',
    "surrogate": b'{"type":"Like","x":"\\ud800"}',
    "key-twice": b'{"type":"Like","type":"Block"}',
    "key-twice-escaped": b'{"type":"Like","\\u0074ype":"Block"}',
    "bom": b'\xef\xbb\xbf{"type":"Like"}',
    "utf-16": '{"type":"Like"}'.encode("utf-16"),
    "utf-32": '{"type":"Like"}'.encode("utf-32"),
    "latin-1": '{"type":"Like","x":"é"}'.encode("latin-1"),
    "overlong": b'{"type":"Like","x":"\xc0\x80"}',
    "nul": b'{"type":"Like","x":"\\u0000"}',
    "raw-nul": b'{"type":"Like","x":"\x00"}',
    "comment": b'{"type":"Like"/**/}',
    "trailing": b'{"type":"Like"} {}',
    "many-values": b'{"type":"Like","to":[' + b"1," * 200_000 + b"1]}",
    "many-keys": b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}",
    "empty": b"",
    "null": b"null",
    "array": b'[{"type":"Like"}]',
    "string": b'"Like"',
    "no-type": b"{}",
    "graph": b'{"type":"Like","@graph":[]}',
    "included": b'{"type":"Like","object":{"@included":[]}}',
    "reverse": b'{"type":"Like","@reverse":{}}',
}


@attack("48-body", *BODIES)
async def body(world: World, how: str) -> None:
    assert await world.send(Forgery(world.bob, BODIES[how])) == 400


@attack("48-body-too-large", "announced", "in-pieces", "announced-small")
async def body_too_large(world: World, how: str) -> None:
    large = json.dumps(world.bob.activity("Like", world.post, x="x" * 2**21)).encode()
    forged = Forgery(world.bob, large)
    headers = forged.build(world.instance.domain)
    sent = large
    if how == "in-pieces":
        headers.append(("transfer-encoding", "chunked"))
        sent = b"".join(b"400\r\n" + large[n : n + 1024].ljust(1024) + b"\r\n"
                        for n in range(0, len(large), 1024)) + b"0\r\n\r\n"  # fmt: skip
    elif how == "announced-small":
        headers.append(("content-length", "100"))
    status, _ = await forgery.request(world.instance.url, "POST", "/inbox", headers, sent)
    assert status in ({400, 401, 0} if how == "announced-small" else {413, 0})


@attack("48-many", "to", "tag", "attachment", "cc-objects", "attributedTo", "context", "name-map")
async def many(world: World, name: str) -> None:
    """As many as a document may hold; taken as far as they are of use."""
    note = world.bob.note("many", to=[world.alice.uri], cc=[])
    people = [f"{world.bob.origin}/users/{n}" for n in range(10_000)]
    note |= {
        "to": {"to": [*people, world.alice.uri]},
        "tag": {"tag": [{"type": "Mention", "href": uri} for uri in people]},
        "attachment": {"attachment": [{"type": "Image", "url": uri} for uri in people]},
        "cc-objects": {"cc": [{"id": uri} for uri in people]},
        "attributedTo": {"attributedTo": [world.bob.uri, *people]},
        "context": {"@context": [world.canary.url("127.0.0.1", f"/{n}") for n in range(1000)]},
        "name-map": {"contentMap": {f"x{n}": "y" for n in range(10_000)}},
    }[name]
    create = {**world.bob.create(note), "to": [], "cc": []}
    assert await world.says(world.bob, create) in ANY
    await world.says(world.bob, world.bob.activity("Delete", note["id"]))


@attack("48-long", "id", "note-id", "in-reply-to", "url", "based-on", "actor", "name", "tag",
        "followers", "parent")  # fmt: skip
async def long(world: World, where: str) -> None:
    """As long as anything may be, and nothing that a database could press together."""
    letters = random.Random(where)
    signs = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(1950))
    mallory = world.stranger()
    url = f"{mallory.origin}/{signs}"
    note = mallory.note("<p>long</p>", to=[world.alice.uri], cc=[])
    changes: dict[str, Document] = {
        "actor": {"url": url, "outbox": url},
        "name": {"preferredUsername": signs},
        "followers": {"followers": url},
    }
    if where in changes:
        world.internet.show(mallory.uri, mallory.document(**changes[where]))
        world.internet.handles[f"{signs}@{mallory.host}"] = mallory.uri
    note |= {
        "note-id": {"id": url},
        "in-reply-to": {"inReplyTo": url},
        "parent": {"inReplyTo": f"{world.carol.origin}/{signs[:600]}"},
        "url": {"url": url},
        "based-on": {"isBasedOn": url},
        "tag": {"tag": [{"type": "Hashtag", "name": f"#{signs}"}]},
    }.get(where, {})
    create = mallory.create(note, **({"id": url} if where == "id" else {}))
    assert await world.says(mallory, create) in ANY
    like = mallory.activity("Like", world.bobs_post["id"], id=url)
    assert await world.says(mallory, like) in ANY
    await world.says(mallory, mallory.activity("Delete", url))
    await world.says(mallory, mallory.activity("Delete", mallory.uri))


@attack("48-addresses-that-are-none", "url", "inbox", "icon", "outbox", "image", "featured")
async def no_addresses(world: World, where: str) -> None:
    """They begin like addresses, and no library can take them apart."""
    for odd in ("http://[", "http://[::1", "https://a:b:c/", "http://a]b/", "http://x:99999999/"):
        picture = {"type": "Image", "url": odd}
        value = picture if where in {"icon", "image"} else odd
        mallory = world.stranger(**{where: value})
        assert await world.says(mallory, mallory.activity("Follow", world.alice.uri)) in ANY
        if await seeing.account(world.instance, mallory.uri) is not None:
            await _actor_gone(world, mallory)


@attack("49-context", "remote", "remote-in-the-object", "circle", "import", "base")
async def context(world: World, how: str) -> None:
    """Nothing that stands in a @context is ever asked for."""
    canary = world.canary.url("127.0.0.1", "/context")
    contexts: Any = {
        "remote": canary,
        "remote-in-the-object": canary,
        "circle": [AS2, {"@context": [{"@context": canary}]}],
        "import": {"@import": canary},
        "base": {"@base": canary, "@vocab": canary, "actor": {"@id": "as:object"}},
    }[how]
    note = world.bob.note("context", to=[world.alice.uri], cc=[])
    if how == "remote-in-the-object":
        note["@context"] = contexts
    create = world.bob.create(note) | {"@context": contexts}
    assert await world.says(world.bob, create) in ANY
    await world.says(world.bob, world.bob.activity("Delete", note["id"]))


@attack("50-thread", "endless-chain", "answers-itself", "circle", "endless-replies",
        "replies-in-a-circle", "huge-count", "wide")  # fmt: skip
async def thread(world: World, how: str) -> None:
    mallory = world.stranger()
    base = f"{mallory.origin}/thread/{mallory.name}"

    def page(n: int) -> Document:
        above = {"answers-itself": n, "circle": (n + 1) % 3}.get(how, n + 1)
        note = mallory.note(
            f"{n}", id=f"{base}/{n}", inReplyTo=f"{base}/{above}",
            to=[PUBLIC, world.bob.uri if how == "wide" else world.alice.uri],
        )  # fmt: skip
        if how in {"endless-replies", "replies-in-a-circle", "huge-count", "wide"}:
            del note["inReplyTo"]
            note["replies"] = {
                "type": "Collection", "id": f"{base}/r", "totalItems": 2**62,
                "first": f"{base}/r/1",
            }  # fmt: skip
        return note

    def serve(request: web.Request) -> web.StreamResponse:
        number = int(request.path.rsplit("/", 1)[1])
        document = page(number)
        if "/r/" in request.path:
            following = 1 if how == "replies-in-a-circle" else number + 1
            document = {
                "type": "CollectionPage", "id": f"{base}/r/{number}", "partOf": f"{base}/r",
                "next": f"{base}/r/{following}", "totalItems": 2**62,
                "items": [f"{base}/{number * 1000 + n}" for n in range(200)],
            }  # fmt: skip
        return web.Response(body=json.dumps(document), content_type=ACTIVITY_JSON)

    world.internet.prefixes[f"{base}/"] = serve
    before = world.internet.asked.total()
    first = page(0)
    first["to"] = [PUBLIC, world.alice.uri]
    if how != "wide":
        first["tag"] = []
    assert await world.says(mallory, mallory.create(first)) in TAKEN
    asked = world.internet.asked.total() - before
    assert asked <= MOST_FETCHES
    if how == "endless-chain":
        assert asked <= MAX_PARENTS + 5
    await _actor_gone(world, mallory)


@attack("51-addressed-to", "thousands", "endless-collection", "as-Public", "Public",
        "public-in-bto", "public-in-audience", "followers-of-another")  # fmt: skip
async def addressed(world: World, how: str) -> None:
    mallory = world.stranger()
    collection = f"{mallory.uri}/everybody"
    world.internet.show(collection, {
        "id": collection, "type": "Collection", "totalItems": 10**6,
        "first": f"{collection}?page=1",
    })  # fmt: skip
    to: Any = {
        "thousands": [world.alice.uri, *(f"{mallory.uri}/{n}" for n in range(5_000))],
        "endless-collection": [world.alice.uri, collection],
        "as-Public": [world.alice.uri, "as:Public"],
        "Public": [world.alice.uri, "Public"],
        "public-in-bto": [world.alice.uri],
        "public-in-audience": [world.alice.uri],
        "followers-of-another": [world.alice.uri, world.alice.followers_uri],
    }[how]
    note = mallory.note("addressed", to=to, cc=[])
    if how == "public-in-bto":
        note["bto"] = [PUBLIC]
    if how == "public-in-audience":
        note["audience"] = PUBLIC
    before = world.internet.asked.total()
    assert await world.says(mallory, mallory.create(note)) in TAKEN
    assert world.internet.asked.total() - before <= 5  # mallory and their handle
    public = how in {"as-Public", "Public", "public-in-audience"}
    shown = await seeing.seen(world.instance, None, note["id"])
    assert (shown is not None) is public
    await _actor_gone(world, mallory)


@attack("52-inbox-that", "hangs", "sends-back-to-loopback", "answers-without-end", "is-nowhere",
        "is-no-address", "is-ours", "answers-garbage", changes=True)  # fmt: skip
async def inbox(world: World, how: str) -> None:
    mallory = world.stranger()
    inboxes = {
        "is-nowhere": world.canary.url("0.0.0.0"),
        "is-no-address": "http://[::1",
        "is-ours": f"{world.instance.url}/inbox",
    }
    where = inboxes.get(how, mallory.inbox)
    world.internet.show(
        mallory.uri, mallory.document(inbox=where, endpoints={"sharedInbox": where})
    )
    answers: dict[str, Any] = {
        "hangs": world.hang,
        "sends-back-to-loopback": lambda _: web.Response(
            status=301, headers={"Location": world.canary.url()}
        ),
        "answers-without-end": lambda _: _Pieces([b"x" * 2**16] * 1000, {}),
        "answers-garbage": lambda _: _Wire(_WIRE["no-http"](b""), False),
    }
    if how in answers:
        world.internet.answers[mallory.inbox] = [answers[how]] * 3
    assert await world.says(mallory, mallory.activity("Follow", world.alice.uri)) in TAKEN
    await seeing.publish(world.instance, world.alice, "to whom?", visibility="private")
    await world.instance.run_jobs()
    world.release()
    world.internet.answers.pop(mallory.inbox, None)
    await _actor_gone(world, mallory)


@attack("52-activities-that-hang-hold-up-nobody", changes=True)
async def activities_hang(world: World) -> None:
    """Twice as much as is done at once, from one who makes us wait for each; dave need not."""
    mallory, dave = world.stranger(), world.stranger("honest")
    base = f"{mallory.origin}/hanging/{mallory.name}/"
    world.internet.prefixes[base] = world.hang
    for n in range(2 * AT_ONCE):
        assert await mallory.send(world.instance, mallory.activity("Create", f"{base}{n}")) == 202
    like = dave.activity("Like", world.post)
    assert await dave.send(world.instance, like) in TAKEN
    doing = asyncio.create_task(world.instance.run_jobs())

    async def liked() -> bool:
        return dave.uri in await seeing.uris(world.instance)

    await rig.until(liked, seconds=GIVE_UP_S)
    asked = sum(count for url, count in world.internet.asked.items() if url.startswith(base))
    assert asked < AT_ONCE // 2
    world.internet.prefixes[base] = lambda _: web.Response(status=404)
    world.release()
    await doing


@attack("53-many-new-hosts", changes=True)
async def many_hosts(world: World) -> None:
    """A crowd of hosts that nobody heard of before, below one domain: some are heard, the others
    are told to come again, and not even asked for their keys. Nobody else has to wait."""
    a_minute = world.instance.easel.settings.federation.new_hosts_per_minute
    share = a_minute * newcomers.BURST // newcomers.SHARE
    crowd = [world.stranger(f"a{n}.wild" if n % 2 else f"x.b{n}.wild") for n in range(share + 10)]
    for n, mallory in enumerate(crowd):
        like = mallory.activity("Like", world.bobs_post["id"])
        status = await world.says(mallory, like)
        assert status == (202 if n < share else 503)
        asked = [url for url in world.internet.asked if mallory.host in url]
        assert bool(asked) is (n < share)
    for honest in (world.stranger("new.fine"), crowd[0], world.bob):
        follow = honest.activity("Follow", world.alice.uri)
        assert await world.says(honest, follow) in TAKEN
        assert honest.uri in await seeing.followers(world.instance, world.alice)


@attack("43-names", "webfinger-of-nowhere", "webfinger-of-a-literal", "address-of-nowhere")
async def names(world: World, how: str) -> None:
    """What a person here may type, on a closed network: link-local and unspecified stay shut."""
    for host in NOWHERE:
        name = f"x@{host}:{world.canary.port}"
        if how == "address-of-nowhere":
            name = world.canary.url(host, "/users/x")
        elif how == "webfinger-of-a-literal":
            name = f"x@169.254.169.254:{world.canary.port}"
        with pytest.raises(SocialError):
            await remote.resolve(world.instance.easel, name)
