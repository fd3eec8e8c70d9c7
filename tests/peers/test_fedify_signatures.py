"""Signatures and proofs between Easel and Fedify, and six bad requests that both refuse."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from fedi.clock import FakeClock
from tests import rig
from tests.federation import peer
from tests.federation.peer import Internet, Person
from tests.rig import Instance

from .author import Author
from .fedify_peer import FedifyPeer, Received

Document = dict[str, Any]


@pytest.fixture
async def alice(instance: Instance) -> Author:
    return await Author.create(instance, "alice")


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_easel_believes_what_fedify_signs(
    alice: Author, fedify: FedifyPeer, scheme: str
) -> None:
    """Without a second knock by which it could be believed instead."""
    follow = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "Follow",
        "id": f"{fedify.origin}/activities/{scheme}",
        "actor": fedify.actor,
        "object": alice.uri,
    }
    assert await fedify.post(follow, f"{alice.instance.url}/inbox", scheme) == 202
    await alice.settle()
    assert await alice.followers() == [fedify.actor]
    assert await fedify.post(
        {**follow, "actor": alice.uri}, f"{alice.instance.url}/inbox", scheme
    ) in (401, 403)


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_fedify_believes_what_easel_signs(
    alice: Author, fedify: FedifyPeer, scheme: str
) -> None:
    await fedify.follow(alice.uri)
    await alice.settle()
    await fedify.require_scheme(scheme)
    for text in ("one", "two"):
        await alice.post(text)
        create = await fedify.expect("Create", lambda create, text=text: text in str(create.raw))
        assert create.signature == scheme
    assert (await fedify.state())["refused"] == []


async def test_fedify_believes_what_easel_proves(alice: Author, fedify: FedifyPeer) -> None:
    await fedify.follow(alice.uri)
    await alice.settle()
    uri = await alice.post("I said this", visibility="private")
    await alice.edit(uri, "I said that")
    await alice.delete(uri)
    for kind in ("Create", "Update", "Delete"):
        sent = (await fedify.expect(kind)).raw
        assert await fedify.verifies(sent), kind
        assert not await fedify.verifies({**sent, "cc": [fedify.actor]}), kind


async def _posted(fedify: FedifyPeer, cavage: FedifyPeer, content: str) -> Received:
    """A post on one server as another one has it."""
    await cavage.follow(fedify.actor)
    await fedify.create(content)
    return await cavage.expect("Create", lambda create: content in str(create.raw))


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_easel_believes_what_fedify_proves_whoever_brings_it(
    alice: Author, fedify: FedifyPeer, cavage: FedifyPeer, scheme: str
) -> None:
    create = await _posted(fedify, cavage, "<p>pass it on</p>")
    await alice.follow(fedify.handle)
    await alice.settle()
    inbox = f"{alice.instance.url}/inbox"
    for bent in ({**create.raw, "id": f"{create.id}x"}, {**create.raw, "actor": cavage.actor}):
        assert await cavage.post(bent, inbox, scheme) in (401, 403)
    assert await cavage.post(create.raw, inbox, scheme) == 202
    await alice.settle()
    assert [seen.content for seen in await alice.home()] == ["<p>pass it on</p>"]
    asked = [visit["path"] for visit in (await fedify.state())["visits"]]
    assert not [path for path in asked if path.startswith("/activities/")]


async def test_easel_looks_up_what_does_not_prove_itself(
    alice: Author, fedify: FedifyPeer, cavage: FedifyPeer
) -> None:
    create = await _posted(fedify, cavage, "<p>pass it on</p>")
    await alice.follow(fedify.handle)
    bare = {name: value for name, value in create.raw.items() if name != "proof"}
    bare["object"] = {**create.raw["object"], "content": "<p>not what she said</p>"}
    assert await cavage.post(bare, f"{alice.instance.url}/inbox", "cavage") == 202
    await alice.settle()
    [seen] = await alice.home()
    assert (seen.uri, seen.content) == (create.object_id, "<p>pass it on</p>")
    invented = {**bare, "id": f"{fedify.origin}/activities/invented"}
    assert await cavage.post(invented, f"{alice.instance.url}/inbox", "cavage") == 401


# ---- six bad requests ---------------------------------------------------------------------------


async def _send(person: Person, url: str, activity: Document, bad: str | None) -> int:
    """POST an activity with one thing wrong; the status of the answer."""
    body = json.dumps(activity).encode()
    now = person.internet.clock.now()
    headers = person.signature("POST", url, body, date=now - timedelta(days=2 * (bad == "old")))
    if bad == "unsigned":
        headers = {}
    elif bad == "tampered":
        body = body.replace(b"Follow", b"Block", 1)
    elif bad == "undigested":
        covered = ("(request-target)", "host", "date")
        headers = person.signature("POST", url, body, covered=covered)
    elif bad == "hmac":
        # keyed by what everybody knows, as httpsig's verifier would believe
        lines = [f"(request-target): post {url.split(headers['host'])[1]}"]
        lines += [f"{name}: {headers[name]}" for name in ("host", "date", "digest")]
        forged = hmac.digest(
            peer.public_pem(person.key).encode(), "\n".join(lines).encode(), "sha256"
        )
        headers["signature"] = (
            f'keyId="{person.key_id}",algorithm="hmac-sha256",'
            f'headers="(request-target) host date digest",'
            f'signature="{base64.b64encode(forged).decode()}"'
        )
    async with rig.open_browser() as browser:
        return (await peer.post(browser, url, body, headers))[0]


@pytest.mark.parametrize(
    "bad", [None, "unsigned", "tampered", "undigested", "old", "hmac", "not the owner"]
)
@pytest.mark.parametrize("side", ["easel", "fedify"])
async def test_six_bad_requests_are_refused_by_each_side(
    alice: Author, fedify: FedifyPeer, internet: Internet, side: str, bad: str | None
) -> None:
    bob, mallory = internet.person("bob"), internet.person("mallory", "evil")
    inbox, target = {
        "easel": (f"{alice.instance.url}/inbox", alice.uri),
        "fedify": (f"{fedify.origin}/inbox", fedify.actor),
    }[side]
    signer = mallory if bad == "not the owner" else bob
    status = await _send(signer, inbox, bob.activity("Follow", target, to=[target]), bad)
    await alice.settle()
    followers = await alice.followers() if side == "easel" else (await fedify.state())["followers"]
    if bad is None:
        assert (status, followers) == (202, [bob.uri])
    else:
        assert (status, followers) == (401, [])
