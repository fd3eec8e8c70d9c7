"""The guarded client against real servers on loopback (attacks.md 33 to 35, 43 to 47, 52)."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from activitypub.client import Client, FetchError
from activitypub.client.bodies import ANSWER_LIMIT
from activitypub.client.guarded import REDIRECTS_LIMIT
from activitypub.context import ACTIVITY_JSON, LD_JSON
from activitypub.json import encode
from activitypub.network import AddressPolicy
from activitypub.signatures import Key, Request, Signer, Verified, keys, verify
from tests.activitypub.conftest import AGENT, NOW, Peer


@pytest.fixture
async def guarded() -> AsyncIterator[Client]:
    """As in production: no private addresses."""
    async with Client(AddressPolicy(), AGENT, now=lambda: NOW) as client:
        yield client


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    return keys.generate()


@pytest.fixture(scope="module")
def signer(pair: tuple[str, str]) -> Signer:
    return Signer("https://a.example/actor#main-key", pair[0])


async def judge(request: Request, pair: tuple[str, str], *hosts: str) -> object:
    async def find(key_id: str, *, fresh: bool = False) -> Key:
        return Key(id=key_id, owner="https://a.example/actor", public=keys.load_public(pair[1]))

    return await verify(request, find, NOW, hosts)


async def failure(awaited: Awaitable[object]) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await awaited
    assert caught.value.reason.endswith(".")
    return caught.value


async def test_a_document_is_fetched(client: Client, peer: Peer) -> None:
    url = peer.serve_document("/1")
    fetched = await client.get_document(f"{url}#main-key")
    assert (fetched.document["id"], fetched.url) == (url, url)
    sent = dict(peer.requests[0].headers)
    assert sent["User-Agent"] == AGENT
    assert sent["Accept"] == f"{ACTIVITY_JSON}, {LD_JSON}"
    assert "Cookie" not in sent and "Signature" not in sent


async def test_a_signed_get_verifies(
    client: Client, peer: Peer, signer: Signer, pair: tuple[str, str]
) -> None:
    url = peer.serve("/users/%40a", b"x")
    await failure(client.get_document(f"{url}?b=%20c&d=ü", signer))
    (request,) = peer.requests
    assert request.target.startswith("/users/")
    assert isinstance(await judge(request, pair, f"peer.localhost:{peer.port}"), Verified)


async def test_an_escaped_path_goes_over_the_wire_as_it_is(client: Client, peer: Peer) -> None:
    url = peer.url("/users/%40a")
    peer.answers["/users/@a"] = peer.answers["/"] = Peer().handle
    peer.serve("/users/@a", encode({"id": url}))
    assert (await client.get_document(url)).url == url
    assert [request.target for request in peer.requests] == ["/users/%40a"]


@pytest.mark.parametrize("content_type", [ACTIVITY_JSON, LD_JSON])
async def test_content_types_that_are_believed(
    client: Client, peer: Peer, content_type: str
) -> None:
    await client.get_document(peer.serve_document("/1", content_type))


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "application/json", "application/ld+json", "text/plain", "image/png", ""],
)
async def test_35_an_uploaded_file_is_no_document(
    client: Client, peer: Peer, content_type: str
) -> None:
    error = await failure(client.get_document(peer.serve_document("/1", content_type)))
    assert error.permanent


async def test_33_a_document_is_fetched_again_at_its_id(client: Client, peer: Peer) -> None:
    id_ = peer.serve_document("/users/alice")
    peer.serve("/@alice", encode({"id": id_, "name": "forged"}))
    fetched = await client.get_document(peer.url("/@alice"))
    assert fetched.url == id_ and "name" not in fetched.document


async def test_33_a_document_whose_id_is_elsewhere_again(client: Client, peer: Peer) -> None:
    peer.serve("/1", encode({"id": peer.url("/2")}))
    peer.serve("/2", encode({"id": peer.url("/3")}))
    await failure(client.get_document(peer.url("/1")))
    assert len(peer.requests) == 2


@pytest.mark.parametrize("id_", [None, 7, "", "x", "acct:a@b", "http://u@peer.localhost/1"])
async def test_33_a_document_without_a_usable_id(client: Client, peer: Peer, id_: object) -> None:
    await failure(client.get_document(peer.serve("/1", encode({"id": id_}))))


async def test_34_a_redirect_to_another_host_does_not_lend_its_name(
    client: Client, peer: Peer
) -> None:
    # what peer redirects to does not become peer's word
    id_ = peer.redirect("/1", peer.url("/1b", "evil.localhost"))
    peer.serve("/1b", encode({"id": id_, "content": "forged"}))
    await failure(client.get_document(id_))


async def test_redirects_are_followed_and_signed_anew(
    client: Client, peer: Peer, signer: Signer, pair: tuple[str, str]
) -> None:
    final = peer.url("/3", "other.localhost")
    peer.redirect("/1", "/2", 301)
    peer.redirect("/2", final, 307)
    peer.serve("/3", encode({"id": final}))
    assert (await client.get_document(peer.url("/1"), signer)).url == final
    hosts = ["peer.localhost", "peer.localhost", "other.localhost"]
    for request, host in zip(peer.requests, hosts, strict=True):
        assert isinstance(await judge(request, pair, f"{host}:{peer.port}"), Verified)


async def test_45_at_most_three_redirects(client: Client, peer: Peer) -> None:
    loop = peer.redirect("/loop", "/loop")
    await failure(client.get_document(loop))
    assert len(peer.requests) == 4


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "", "ftp://a.example/", "http://u:p@peer.localhost/", "//["]
)
async def test_45_redirects_to_nowhere(client: Client, peer: Peer, location: str) -> None:
    await failure(client.get_document(peer.redirect("/1", location)))
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "0.0.0.0", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "localhost",
        "peer.localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::7f00:1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254", "10.0.0.1", "[fe80::1]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_43_addresses_that_are_never_connected_to(
    guarded: Client, peer: Peer, signer: Signer, scheme: str, host: str
) -> None:
    url = f"{scheme}://{host}:{peer.port}/1"
    peer.serve("/1", b"secret")
    for attempt in (
        guarded.get_document(url),
        guarded.get_json(url),
        guarded.get_bytes(url, 1000),
        guarded.post(url, b"{}", signer),
    ):
        assert (await failure(attempt)).permanent
    assert peer.requests == []


async def test_44_a_public_name_with_a_private_address(
    guarded: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (address, 0)) for address in ("127.0.0.1", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    error = await failure(guarded.get_document(f"https://public.example:{peer.port}/1"))
    assert error.permanent and asked == ["public.example"]
    assert isinstance(error.__cause__, aiohttp.ClientConnectorError)
    assert "has no address" in str(error.__cause__.os_error)
    assert peer.requests == []


async def test_52_names_that_nobody_answers_for_hold_nobody_up(
    client: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        if host.startswith("dead"):
            answered.wait(60)
        return [(2, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    dead = [
        asyncio.create_task(client.get_json(peer.url("/", host=f"dead-{n}.example")))
        for n in range(40)
    ]
    await asyncio.sleep(0)
    url = peer.url("/1", host="living.example")
    peer.serve("/1", encode({"id": url, "type": "Note"}))
    try:
        assert (await client.get_document(url)).url == url
    finally:
        answered.set()
        await asyncio.gather(*dead, return_exceptions=True)


async def test_45_a_redirect_into_the_private_network(client: Client, peer: Peer) -> None:
    for host in ("169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0"):
        error = await failure(
            client.get_document(peer.redirect("/1", f"http://{host}:{peer.port}/meta"))
        )
        assert error.permanent


async def test_only_https_in_the_open(guarded: Client) -> None:
    error = await failure(guarded.get_document("http://a.example/1"))
    assert error.permanent and "https" in error.reason


@pytest.mark.parametrize(
    "url",
    ["", "x", "file:///etc/passwd", "http://u@peer.localhost/", "http://peer.localhost:x/",
     "http://peer\\.localhost/", "http://[/", "http://peer.localhost/\r\nX: y", "http://a..b/"],
)  # fmt: skip
async def test_addresses_that_are_none(client: Client, signer: Signer, url: str) -> None:
    assert (await failure(client.get_document(url))).permanent
    assert (await failure(client.post(url, b"{}", signer))).permanent


async def test_46_environment_proxies_are_ignored(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = peer.serve_document("/1")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with Client(AddressPolicy(allow_private=True), AGENT, now=lambda: NOW) as client:
        await client.get_document(url)


async def test_47_an_answer_that_is_too_large(client: Client, peer: Peer) -> None:
    url = peer.serve("/1", b"{" + b" " * 1024 * 1024)
    assert (await failure(client.get_document(url))).permanent
    assert (await client.get_bytes(peer.serve("/2", b"x" * 100), 100)).body == b"x" * 100
    await failure(client.get_bytes(peer.serve("/2", b"x" * 101), 100))


async def test_47_an_answer_without_end(client: Client, peer: Peer) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": ACTIVITY_JSON})
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b" " * 65536)
        except ConnectionError:
            return answer

    peer.answers["/1"] = endless
    assert "too large" in (await failure(client.get_document(peer.url("/1")))).reason


async def test_47_a_bomb(client: Client, peer: Peer) -> None:
    bomb = gzip.compress(b" " * 4 * 1024 * 1024)
    url = peer.serve("/1", bomb, Content_Encoding="gzip")
    assert "too large" in (await failure(client.get_document(url))).reason
    assert dict(peer.requests[0].headers)["Accept-Encoding"] == "identity"


async def test_47_compression_that_nobody_asked_for(client: Client, peer: Peer) -> None:
    body = encode({"id": peer.url("/1")})
    url = peer.serve("/1", gzip.compress(body), Content_Encoding="gzip")
    assert (await client.get_document(url)).url == url
    await failure(client.get_document(peer.serve("/1", body, Content_Encoding="gzip")))
    await failure(client.get_document(peer.serve("/1", body, Content_Encoding="br")))
    cut = gzip.compress(body)[:-9]
    await failure(client.get_document(peer.serve("/1", cut, Content_Encoding="gzip")))


async def test_47_an_answer_that_never_comes(peer: Peer) -> None:
    asked = asyncio.Event()
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        asked.set()
        await released.wait()
        return web.Response()

    peer.answers["/1"] = hang
    policy = AddressPolicy(allow_private=True)
    async with Client(policy, AGENT, now=lambda: NOW, total_timeout=0.05) as client:
        error = await failure(client.get_document(peer.url("/1")))
    released.set()
    assert not error.permanent and error.status is None


async def test_a_server_that_is_not_there(client: Client, signer: Signer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://peer.localhost:{unused.getsockname()[1]}/"
        for attempt in (client.get_document(url), client.post(url, b"{}", signer)):
            error = await failure(attempt)
            assert not error.permanent and error.status is None


async def test_what_is_no_http(client: Client) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert not (await failure(client.get_json(f"http://peer.localhost:{port}/"))).permanent


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, False), (403, True), (404, True), (408, False), (410, True),
     (418, True), (429, False), (500, False), (501, True), (503, False), (304, True)],
)  # fmt: skip
async def test_statuses(client: Client, peer: Peer, status: int, permanent: bool) -> None:
    error = await failure(client.get_document(peer.status("/1", status)))
    assert (error.status, error.permanent) == (status, permanent)
    assert error.gone is (status == 410)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"id": NaN}', b'{"@graph": []}'])
async def test_documents_that_are_none(client: Client, peer: Peer, body: bytes) -> None:
    assert (await failure(client.get_document(peer.serve("/1", body)))).permanent


async def test_a_post_verifies_on_the_other_side(
    client: Client, peer: Peer, signer: Signer, pair: tuple[str, str]
) -> None:
    url = peer.status("/inbox", 202)
    answer = await client.post(f"{url}?x=1", b'{"type":"Like"}', signer)
    assert (answer.status, answer.ok, answer.body) == (202, True, b"a sentence")
    (request,) = peer.requests
    assert (request.target, request.body) == ("/inbox?x=1", b'{"type":"Like"}')
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))
    assert dict(request.headers)["Content-Type"] == ACTIVITY_JSON
    assert isinstance(await judge(request, pair, f"peer.localhost:{peer.port}"), Verified)


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_a_post_follows_no_passing_redirect(
    client: Client, peer: Peer, signer: Signer, status: int
) -> None:
    url = peer.redirect("/inbox", peer.url("/other"), status)
    answer = await client.post(url, b"{}", signer)
    assert (answer.status, answer.location) == (status, peer.url("/other"))
    assert answer.permanent and len(peer.requests) == 1


@pytest.mark.parametrize("status", [301, 308])
async def test_a_post_follows_a_lasting_redirect_within_its_origin(
    client: Client, peer: Peer, signer: Signer, pair: tuple[str, str], status: int
) -> None:
    peer.status("/other", 202)
    url = peer.redirect("/inbox", "/other", status)
    answer = await client.post(url, b'{"type":"Like"}', signer)
    assert answer.status == 202
    assert [request.target for request in peer.requests] == ["/inbox", "/other"]
    for request in peer.requests:  # each is signed for where it goes
        assert (request.method, request.body) == ("POST", b'{"type":"Like"}')
        assert isinstance(await judge(request, pair, f"peer.localhost:{peer.port}"), Verified)


@pytest.mark.parametrize("status", [301, 308])
async def test_a_post_goes_to_no_other_origin(
    client: Client, peer: Peer, signer: Signer, status: int
) -> None:
    for n, location in enumerate(
        (peer.url("/inbox", "evil.localhost"), "http://peer.localhost:1/inbox",
         f"https://peer.localhost:{peer.port}/inbox", "ftp://x/", "http://[", "")
    ):  # fmt: skip
        answer = await client.post(peer.redirect(f"/{n}", location, status), b"{}", signer)
        assert answer.status == status and answer.permanent
        assert len(peer.requests) == n + 1


async def test_a_post_goes_in_no_circle(client: Client, peer: Peer, signer: Signer) -> None:
    answer = await client.post(peer.redirect("/loop", "/loop", 308), b"{}", signer)
    assert answer.status == 308
    assert len(peer.requests) == REDIRECTS_LIMIT + 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 24 Nov 2026 12:02:00 GMT", 120.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("99999999", 7 * 86400.0),
        ("9" * 500, None),
        ("-1", None),
        ("soon", None),
        ("²", None),
    ],
)
async def test_retry_after(
    client: Client, peer: Peer, signer: Signer, header: str, seconds: float | None
) -> None:
    url = peer.status("/inbox", 429, Retry_After=header)
    answer = await client.post(url, b"{}", signer)
    assert (answer.retry_after, answer.permanent) == (seconds, False)
    assert (await failure(client.get_document(url))).retry_after == seconds


async def test_52_an_inbox_that_answers_at_length(
    client: Client, peer: Peer, signer: Signer
) -> None:
    peer.serve("/inbox", b"x" * 10_000_000)
    answer = await client.post(peer.url("/inbox"), b"{}", signer)
    assert answer.ok and len(answer.body) == ANSWER_LIMIT


async def test_connections_are_kept(client: Client, peer: Peer, signer: Signer) -> None:
    transports = set()

    async def note(request: web.Request) -> web.Response:
        transports.add(request.transport)
        return web.Response(status=202)

    peer.answers["/inbox"] = note
    for _ in range(3):
        await client.post(peer.url("/inbox"), b"{}", signer)
    assert len(transports) == 1


async def test_where_a_bare_name_is_tried(client: Client, guarded: Client) -> None:
    assert guarded.origins("a.localhost:1") == ["https://a.localhost:1"]
    assert client.origins("a.localhost:1") == ["http://a.localhost:1", "https://a.localhost:1"]
    assert client.origins("a.example") == ["https://a.example", "http://a.example"]
