"""Signed as the other server wants it: draft-cavage first, RFC 9421 where that is not believed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from activitypub.client import Client, FetchError
from activitypub.context import ACTIVITY_JSON
from activitypub.json import encode
from activitypub.network import AddressPolicy
from activitypub.signatures import Key, Request, Scheme, Schemes, Signer, Verified, keys, verify
from tests.activitypub.conftest import AGENT, NOW, Peer

BODY = b'{"type":"Like"}'


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    return keys.generate()


@pytest.fixture(scope="module")
def signer(pair: tuple[str, str]) -> Signer:
    return Signer("https://a.example/actor#main-key", pair[0])


class Learned:
    """What was found out, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Scheme]] = []

    async def __call__(self, host: str, scheme: Scheme) -> None:
        self.told.append((host, scheme))


@pytest.fixture
def learned() -> Learned:
    return Learned()


@pytest.fixture
async def client(learned: Learned) -> AsyncIterator[Client]:
    schemes = Schemes({}, learned)
    policy = AddressPolicy(allow_private=True)
    async with Client(policy, AGENT, now=lambda: NOW, schemes=schemes) as client:
        yield client


def kinds(peer: Peer) -> list[str]:
    """How each request that came was signed."""
    found = []
    for request in peer.requests:
        names = {name.lower() for name, _ in request.headers}
        known = {"signature-input": "rfc9421", "signature": "cavage"}
        found.append(next((kind for name, kind in known.items() if name in names), "unsigned"))
    return found


def picky(
    peer: Peer, path: str, likes: str | None, status: int, body: bytes = b"", well: int = 202
) -> str:
    """An address that takes one kind of signature only, and answers the other with `status`."""

    async def answer(request: web.Request) -> web.Response:
        if likes is not None and kinds(peer)[-1] == likes:
            return web.Response(status=well, body=body, headers={"Content-Type": ACTIVITY_JSON})
        return web.Response(status=status)

    peer.answers[path] = answer
    return peer.url(path)


async def believed(peer: Peer, request: Request, pair: tuple[str, str]) -> bool:
    async def find(key_id: str, *, fresh: bool = False) -> Key:
        return Key(id=key_id, owner="https://a.example/actor", public=keys.load_public(pair[1]))

    host = f"peer.localhost:{peer.port}"
    return isinstance(await verify(request, find, NOW, [host], scheme="http"), Verified)


@pytest.mark.parametrize("status", [400, 401])
async def test_a_post_is_sent_again_by_the_other_scheme_and_that_is_remembered(
    client: Client, peer: Peer, signer: Signer, pair: tuple[str, str], learned: Learned, status: int
) -> None:
    url = picky(peer, "/inbox", "rfc9421", status)
    assert (await client.post(f"{url}?x=%20", BODY, signer)).status == 202
    assert kinds(peer) == ["cavage", "rfc9421"]
    assert [await believed(peer, request, pair) for request in peer.requests] == [True, True]
    assert {request.body for request in peer.requests} == {BODY}
    assert (await client.post(url, BODY, signer)).status == 202
    assert kinds(peer)[2:] == ["rfc9421"]
    assert learned.told == [(f"peer.localhost:{peer.port}", Scheme.RFC9421)]


async def test_each_host_is_remembered_for_itself(
    client: Client, peer: Peer, signer: Signer
) -> None:
    picky(peer, "/inbox", "rfc9421", 401)
    for _ in range(2):
        await client.post(peer.url("/inbox", "x.localhost"), BODY, signer)
        await client.post(peer.url("/inbox", "y.localhost"), BODY, signer)
    assert kinds(peer) == ["cavage", "rfc9421"] * 2 + ["rfc9421"] * 2


async def test_a_server_that_changes_its_mind_is_followed(
    client: Client, peer: Peer, signer: Signer, learned: Learned
) -> None:
    url = picky(peer, "/inbox", "rfc9421", 401)
    await client.post(url, BODY, signer)
    picky(peer, "/inbox", "cavage", 401)
    for _ in range(2):
        assert (await client.post(url, BODY, signer)).ok
    assert kinds(peer)[2:] == ["rfc9421", "cavage", "cavage"]
    assert [scheme for _, scheme in learned.told] == [Scheme.RFC9421, Scheme.CAVAGE]


@pytest.mark.parametrize("status", [202, 302, 403, 404, 410, 415, 429, 500, 503])
async def test_nothing_else_is_sent_again(
    client: Client, peer: Peer, signer: Signer, learned: Learned, status: int
) -> None:
    url = picky(peer, "/inbox", None, status)
    assert (await client.post(url, BODY, signer)).status == status
    if status not in (202, 302):
        with pytest.raises(FetchError):
            await client.get_document(url, signer)
        assert kinds(peer) == ["cavage", "cavage"]
    assert learned.told == []


async def test_who_believes_neither_is_asked_twice_and_nothing_is_learned(
    client: Client, peer: Peer, signer: Signer, learned: Learned
) -> None:
    url = picky(peer, "/inbox", None, 401)
    answer = await client.post(url, BODY, signer)
    assert (answer.status, kinds(peer)) == (401, ["cavage", "rfc9421"])
    with pytest.raises(FetchError) as caught:
        await client.get_document(url, signer)
    assert (caught.value.status, len(peer.requests)) == (401, 4)
    assert learned.told == []


async def test_the_first_refusal_is_the_answer_where_both_are_refused(
    client: Client, peer: Peer, signer: Signer
) -> None:
    # a 400 to what it cannot read does not make its 401 final
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=401 if kinds(peer)[-1] == "cavage" else 400)

    peer.answers["/inbox"] = answer
    first = await client.post(peer.url("/inbox"), BODY, signer)
    assert (first.status, first.permanent) == (401, False)
    with pytest.raises(FetchError) as caught:
        await client.get_document(peer.url("/inbox"), signer)
    assert (caught.value.status, caught.value.permanent) == (401, False)


@pytest.mark.parametrize("second", [410, 503])
async def test_what_the_second_knock_brings_is_the_answer(
    client: Client, peer: Peer, signer: Signer, learned: Learned, second: int
) -> None:
    url = picky(peer, "/inbox", "rfc9421", 401, well=second)
    assert (await client.post(url, BODY, signer)).status == second
    with pytest.raises(FetchError) as caught:
        await client.get_document(url, signer)
    assert caught.value.status == second
    assert learned.told == []


@pytest.mark.parametrize("status", [400, 401])
async def test_a_document_is_asked_for_again_too(
    client: Client, peer: Peer, signer: Signer, pair: tuple[str, str], learned: Learned, status: int
) -> None:
    body = encode({"id": peer.url("/1"), "type": "Note"})
    url = picky(peer, "/1", "rfc9421", status, body, 200)
    for _ in range(2):
        assert (await client.get_document(url, signer)).url == url
    assert kinds(peer) == ["cavage", "rfc9421", "rfc9421"]
    assert all([await believed(peer, request, pair) for request in peer.requests])
    assert [scheme for _, scheme in learned.told] == [Scheme.RFC9421]


async def test_who_does_not_sign_is_not_heard_twice(client: Client, peer: Peer) -> None:
    url = picky(peer, "/1", None, 401)
    with pytest.raises(FetchError):
        await client.get_document(url)
    assert kinds(peer) == ["unsigned"]


async def test_a_query_may_have_to_be_left_out_of_the_signature(
    client: Client, peer: Peer, signer: Signer, pair: tuple[str, str], learned: Learned
) -> None:
    # GoToSocial 0.20 asks for it in its documentation; verified here as who never looks at a query
    async def answer(request: web.Request) -> web.Response:
        seen = peer.requests[-1]
        path = Request(method=seen.method, target=seen.target.split("?")[0], headers=seen.headers)
        if kinds(peer)[-1] == "cavage" and await believed(peer, path, pair):
            body = encode({"id": peer.url("/outbox?page=1")})
            return web.Response(body=body, headers={"Content-Type": ACTIVITY_JSON})
        return web.Response(status=401)

    peer.answers["/outbox"] = answer
    await client.get_document(peer.url("/outbox?page=1"), signer)
    assert kinds(peer) == ["cavage", "cavage"]
    assert {request.target for request in peer.requests} == {"/outbox?page=1"}
    assert learned.told == []


async def test_the_query_is_left_out_after_a_401_only(
    client: Client, peer: Peer, signer: Signer
) -> None:
    for status, count in ((400, 2), (401, 3)):
        peer.requests.clear()
        picky(peer, "/outbox", None, status)
        with pytest.raises(FetchError):
            await client.get_document(peer.url("/outbox?page=1"), signer)
        assert len(peer.requests) == count


async def test_every_redirect_is_signed_as_its_own_host_wants_it(
    client: Client, peer: Peer, signer: Signer
) -> None:
    final = peer.url("/1", "y.localhost")
    picky(peer, "/1", "rfc9421", 401, encode({"id": final}), 200)
    peer.redirect("/0", final)
    assert (await client.get_document(peer.url("/0", "x.localhost"), signer)).url == final
    assert kinds(peer) == ["cavage", "cavage", "rfc9421"]
