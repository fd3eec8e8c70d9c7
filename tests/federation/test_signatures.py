"""Who signs how and with which keys: what was found out about a server is kept, every key of
every actor counts, and no request counts twice."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import delete

from activitypub.signatures.keys import load_public, multikey
from fedi.clock import FakeClock
from fedi.database.tables import Account, AccountKey, ReceivedActivity
from fedi.federation import keys
from fedi.social import accounts
from tests import rig
from tests.federation import seeing
from tests.federation.peer import AS2, Internet, Person, key_number, post, public_pem
from tests.rig import Instance


def take_rfc9421_only(internet: Internet, inbox: str) -> None:
    """Answer 401 to the next POST that is signed otherwise, 202 to the next that is not."""

    def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=202 if "Signature-Input" in request.headers else 401)

    internet.answers[inbox] = [answer] * 20


def signatures(internet: Internet, inbox: str) -> list[str]:
    return [
        "rfc9421" if "Signature-Input" in headers else "cavage"
        for url, _, headers in internet.posted
        if url == inbox
    ]


async def friend(instance: Instance, internet: Internet, alice: Account, name: str) -> Person:
    person = internet.person(name, name)
    await person.does(instance, person.activity("Follow", alice.uri))
    return person


async def test_what_a_server_wants_is_found_out_once_and_survives_a_restart(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, internet: Internet
) -> None:
    url = new_database()
    port = 0
    async with rig.serve_instance(tmp_path, url, clock=clock) as instance:
        port = instance.easel.settings.server.port
        async with instance.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        bob = await friend(instance, internet, alice, "bob")
        carol = await friend(instance, internet, alice, "carol")
        internet.posted.clear()
        take_rfc9421_only(internet, bob.inbox)
        for text in ("one", "two"):
            await seeing.publish(instance, alice, text)
            await instance.run_jobs()
        assert signatures(internet, bob.inbox) == ["cavage", "rfc9421", "rfc9421"]
        assert signatures(internet, carol.inbox) == ["cavage", "cavage"]
        assert await seeing.jobs(instance) == []
    internet.posted.clear()
    sock = rig.socket_on(port)
    async with rig.serve_instance(tmp_path, url, clock=clock, sock=sock) as instance:
        await seeing.publish(instance, alice, "three")
        await instance.run_jobs()
        assert signatures(internet, bob.inbox) == ["rfc9421"]
        assert signatures(internet, carol.inbox) == ["cavage"]
        # it thinks again
        internet.posted.clear()
        internet.answer(bob.inbox, 401, 202)
        internet.answers[bob.inbox] = internet.answers[bob.inbox][-2:]
        for text in ("four", "five"):
            await seeing.publish(instance, alice, text)
            await instance.run_jobs()
        assert signatures(internet, bob.inbox) == ["rfc9421", "cavage", "cavage"]


# ---- keys ---------------------------------------------------------------------------------------


async def test_every_key_that_an_actor_lists_is_theirs_and_is_kept(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    second, multi = key_number(50), key_number(51)
    listed = {
        "publicKey": [
            bob.document()["publicKey"],
            {"id": f"{bob.uri}#second", "owner": bob.uri, "publicKeyPem": public_pem(second)},
            {"id": f"{bob.uri}#broken", "owner": bob.uri, "publicKeyPem": "no key"},
        ],
        "assertionMethod": [
            {
                "id": f"{bob.uri}#multi",
                "type": "Multikey",
                "controller": bob.uri,
                "publicKeyMultibase": multikey(load_public(public_pem(multi))),
            },
            f"{bob.uri}#elsewhere",
        ],
    }
    internet.show(bob.uri, bob.document(**listed))
    await bob.does(instance, bob.activity("Follow", alice.uri))
    asked = internet.asked[bob.uri]
    keys.of(instance.easel).forget_owner(bob.uri)  # as after a restart
    for key, fragment in ((bob.key, "main-key"), (second, "second"), (multi, "multi")):
        bob.key = key
        follow = bob.activity("Follow", alice.uri)
        assert await bob.send(instance, follow, key_id=f"{bob.uri}#{fragment}") == 202, fragment
    assert internet.asked[bob.uri] == asked
    for fragment in ("broken", "elsewhere", "main-key"):
        follow = bob.activity("Follow", alice.uri)
        assert await bob.send(instance, follow, key_id=f"{bob.uri}#{fragment}") == 401, fragment


async def test_a_key_that_is_no_longer_listed_is_forgotten(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    key_id = f"{bob.uri}#second"
    second = {"id": key_id, "owner": bob.uri, "publicKeyPem": public_pem(key_number(50))}
    internet.show(bob.uri, bob.document(publicKey=[bob.document()["publicKey"], second]))
    await bob.does(instance, bob.activity("Follow", alice.uri))
    internet.show(bob.uri, bob.document())
    await bob.does(instance, bob.activity("Update", bob.document()))
    bob.key = key_number(50)
    assert await bob.send(instance, bob.activity("Follow", alice.uri), key_id=key_id) == 401


async def test_a_key_under_a_path_of_its_own_as_gotosocial_has_it(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    key_id = f"{bob.uri}/main-key"
    key = {"id": key_id, "owner": bob.uri, "publicKeyPem": public_pem(bob.key)}
    internet.show(bob.uri, bob.document(publicKey=key))
    stub = {"@context": AS2, "id": bob.uri, "type": "Person", "preferredUsername": "bob"}
    internet.show(key_id, {**stub, "publicKey": key})  # a stub: no inbox
    for _ in range(2):
        follow = bob.activity("Follow", alice.uri)
        await bob.does(instance, follow, key_id=key_id)
    assert await seeing.followers(instance, alice) == [bob.uri]
    assert internet.asked[key_id] == 1


@pytest.mark.parametrize("owner", ["owner", "controller"])
async def test_a_key_that_is_a_document_of_its_own(
    instance: Instance, internet: Internet, alice: Account, owner: str
) -> None:
    bob = internet.person("bob")
    key_id = f"{bob.origin}/keys/7"
    key = {"id": key_id, owner: bob.uri, "publicKeyPem": public_pem(bob.key)}
    internet.show(bob.uri, bob.document(publicKey=key))
    internet.show(key_id, {"@context": "https://w3id.org/security/v1", "type": "Key", **key})
    await bob.does(instance, bob.activity("Follow", alice.uri), key_id=key_id)
    assert await seeing.followers(instance, alice) == [bob.uri]
    assert internet.asked[key_id] == 1


async def test_everybody_here_publishes_an_ed25519_key_beside_the_rsa_key(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    for uri in (alice.uri, f"{instance.url}/actor"):
        status, document = await bob.get(uri)
        assert status == 200
        assert document["publicKey"]["publicKeyPem"].startswith("-----BEGIN PUBLIC KEY-----")
        [key] = document["assertionMethod"]
        assert (key["type"], key["controller"]) == ("Multikey", uri)
        assert key["id"] == f"{uri}#ed25519-key"
        assert key["publicKeyMultibase"].startswith("z6Mk")
        assert "private" not in str(document).lower()


async def test_who_was_here_before_gets_such_a_key_when_it_is_asked_for(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    async with instance.easel.database.write() as tx:
        await tx.execute(delete(AccountKey))
    found = [(await bob.get(alice.uri))[1]["assertionMethod"] for _ in range(2)]
    assert found[0] == found[1]
    await bob.does(instance, bob.activity("Follow", alice.uri))
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    accept, create = internet.got(bob.inbox)
    assert "proof" not in accept  # between two: nobody passes it on
    assert create["proof"]["verificationMethod"] == found[0][0]["id"]


# ---- what is sent again -------------------------------------------------------------------------


async def test_a_replayed_request_is_answered_and_does_nothing(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    url = f"{instance.url}/inbox"
    follow = bob.activity("Follow", alice.uri)
    body = json.dumps(follow).encode()
    headers = bob.signature("POST", url, body)
    async with rig.open_browser() as browser:
        assert (await post(browser, url, body, headers))[0] == 202
        await instance.run_jobs()
        await bob.does(instance, bob.activity("Undo", follow))
        # even where what came is no longer known
        async with instance.easel.database.write() as tx:
            await tx.execute(delete(ReceivedActivity))
        assert (await post(browser, url, body, headers))[0] == 202
        await instance.run_jobs()
        assert await seeing.followers(instance, alice) == []
        # a request that was refused was not taken in: the same one may come once more
        instance.clock.advance(timedelta(hours=3))
        assert (await post(browser, url, body, headers))[0] == 401


async def test_a_request_to_another_inbox_is_another_request(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    follow = bob.activity("Follow", alice.uri)
    body = json.dumps(follow).encode()
    headers = bob.signature("POST", f"{instance.url}/inbox", body)
    async with rig.open_browser() as browser:
        url = f"{instance.url}/users/alice/inbox"
        assert (await post(browser, url, body, headers))[0] == 401
