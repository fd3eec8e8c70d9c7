"""What comes by way of others: believed by its proof or looked up at its origin, or refused."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from activitypub import multibase
from fedi.database.tables import Account
from tests.federation import seeing
from tests.federation.peer import Internet, Person, stamp
from tests.rig import Instance

Document = dict[str, Any]
SECRET = Ed25519PrivateKey.generate()


def multikey(person: Person, key: Ed25519PrivateKey = SECRET) -> Document:
    public = b"\xed\x01" + key.public_key().public_bytes_raw()
    return {
        "id": f"{person.uri}#ed25519-key",
        "type": "Multikey",
        "controller": person.uri,
        "publicKeyMultibase": multibase.encode(public),
    }


def prover(internet: Internet, name: str, server: str = "peer") -> Person:
    """Somebody who lists an Ed25519 key beside the RSA key."""
    person = internet.person(name, server)
    internet.show(person.uri, person.document(assertionMethod=[multikey(person)]))
    return person


def proven(
    person: Person, document: Document, *, key: Ed25519PrivateKey = SECRET, **changes: Any
) -> Document:
    """The document with a proof, made without the library under test."""
    options = {
        "@context": document["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": f"{person.uri}#ed25519-key",
        "proofPurpose": "assertionMethod",
        "created": stamp(person.internet.clock.now()),
        **changes,
    }
    hashed = b"".join(hashlib.sha256(rfc8785.dumps(part)).digest() for part in (options, document))
    return {**document, "proof": {**options, "proofValue": multibase.encode(key.sign(hashed))}}


@pytest.fixture
def bob(internet: Internet) -> Person:
    """Who says something."""
    return prover(internet, "bob")


@pytest.fixture
def postman(internet: Internet) -> Person:
    """Who brings it."""
    return internet.person("postman", "elsewhere")


async def test_what_proves_itself_may_come_from_anybody(
    instance: Instance, alice: Account, bob: Person, postman: Person
) -> None:
    follow = proven(bob, bob.activity("Follow", alice.uri))
    await postman.does(instance, follow)
    assert await seeing.followers(instance, alice) == [bob.uri]
    assert not bob.internet.asked[follow["id"]]


async def test_it_is_done_once_whoever_brings_it(
    instance: Instance, alice: Account, bob: Person, postman: Person
) -> None:
    follow = proven(bob, bob.activity("Follow", alice.uri))
    await bob.does(instance, follow)
    await bob.does(instance, bob.activity("Undo", follow))
    await postman.does(instance, follow)
    assert await seeing.followers(instance, alice) == []


async def test_a_proof_that_lies_is_the_end_of_it(
    instance: Instance, internet: Internet, alice: Account, bob: Person, postman: Person
) -> None:
    mallory = prover(internet, "mallory", "evil")
    neighbour = prover(internet, "neighbour")
    other = Ed25519PrivateKey.generate()
    follow = bob.activity("Follow", alice.uri)
    good = proven(bob, follow)
    lies = [
        {**good, "object": f"{alice.uri}x"},
        {**follow, "proof": proven(bob, bob.activity("Follow", alice.uri))["proof"]},
        {**good, "@context": [follow["@context"], {"actor": "https://evil.example/ns#a"}]},
        proven(bob, follow, key=other),
        proven(neighbour, follow),
        proven(mallory, follow),
        proven(bob, follow, verificationMethod=bob.key_id),
        {**good, "proof": [good["proof"], good["proof"]]},
        {**good, "proof": {**good["proof"], "proofValue": "zzz"}},
        {**good, "padding": "x" * 200_000},
    ]
    internet.show(follow["id"], follow)  # it is not looked up to save a liar
    for lie in lies:
        assert await postman.send(instance, lie) in {400, 401, 413}, lie
    assert await seeing.jobs(instance) == []
    assert not internet.asked[follow["id"]]
    graph = proven(bob, {**follow, "@graph": []})
    assert await postman.send(instance, graph) == 400


async def test_a_proof_does_not_hold_for_ever(
    instance: Instance, alice: Account, bob: Person, postman: Person
) -> None:
    old = stamp(instance.clock.now() - timedelta(days=20))
    follow = proven(bob, bob.activity("Follow", alice.uri), created=old)
    assert await postman.send(instance, follow) == 401
    await bob.does(instance, follow)  # under his own signature it needs none
    assert await seeing.followers(instance, alice) == [bob.uri]


async def test_an_id_of_another_host_is_refused_in_spite_of_a_proof(
    instance: Instance, alice: Account, bob: Person, postman: Person
) -> None:
    follow = bob.activity("Follow", alice.uri, id=f"{postman.uri}/activities/1")
    assert await postman.send(instance, proven(bob, follow)) == 403


async def test_a_new_key_is_found_once(
    instance: Instance, internet: Internet, alice: Account, bob: Person, postman: Person
) -> None:
    await postman.does(instance, proven(bob, bob.activity("Follow", alice.uri)))
    fresh = Ed25519PrivateKey.generate()
    internet.show(bob.uri, bob.document(assertionMethod=[multikey(bob, fresh)]))
    undo = bob.activity("Undo", bob.activity("Follow", alice.uri))
    asked = internet.asked[bob.uri]
    await postman.does(instance, proven(bob, undo, key=fresh))
    assert internet.asked[bob.uri] == asked + 1
    assert await seeing.followers(instance, alice) == []


async def test_what_has_no_proof_is_looked_up_at_its_origin(
    instance: Instance, internet: Internet, alice: Account, bob: Person, postman: Person
) -> None:
    follow = await seeing.follow(instance, alice, bob.uri)
    await bob.does(instance, bob.activity("Accept", follow))
    note = bob.note("<p>what he said</p>")
    create = bob.create(note)
    internet.show(create["id"], create)
    claimed = {**create, "object": {**note, "content": "<p>what he did not say</p>"}}
    await postman.does(instance, claimed)
    seen = await seeing.status(instance, note["id"])
    assert seen is not None and seen.content == "<p>what he said</p>"


@pytest.mark.parametrize("served", [404, 410, 500, "other", "another", "nothing"])
async def test_what_its_origin_does_not_say_is_refused(
    instance: Instance, internet: Internet, alice: Account, bob: Person, postman: Person,
    served: int | str,
) -> None:  # fmt: skip
    follow = bob.activity("Follow", alice.uri)
    carol = internet.person("carol")
    if isinstance(served, int):
        internet.fail(follow["id"], served)
    elif served == "other":
        internet.show(follow["id"], {**follow, "actor": carol.uri})
    elif served == "another":
        internet.show(follow["id"], {**follow, "type": "Block"})
    else:
        internet.show(follow["id"], {"id": follow["id"]})
    assert await postman.send(instance, follow) == (503 if served == 500 else 401)
    assert await seeing.jobs(instance) == []


async def test_nobody_brings_us_what_somebody_of_ours_said(
    instance: Instance, internet: Internet, alice: Account, bob: Person, postman: Person
) -> None:
    await bob.does(instance, bob.activity("Follow", alice.uri))
    uri = await seeing.publish(instance, alice, "mine")
    await instance.run_jobs()
    [create] = [body for body in internet.got(bob.inbox) if body["type"] == "Create"]
    assert create["object"]["id"] == uri and create["proof"]
    for said in (create, {name: create[name] for name in create if name != "proof"}):
        assert await postman.send(instance, said) == 401
    assert await seeing.jobs(instance) == []


async def test_nobody_is_asked_about_what_their_host_cannot_have_said(
    instance: Instance, internet: Internet, alice: Account, bob: Person, postman: Person
) -> None:
    forged = bob.activity("Follow", alice.uri, id=f"http://{internet.host('third')}/1")
    assert await postman.send(instance, forged) == 401
    local = postman.activity("Follow", bob.uri, id=f"{alice.uri}#follow", actor=alice.uri)
    assert await postman.send(instance, local) == 401
    assert not internet.asked[forged["id"]]
