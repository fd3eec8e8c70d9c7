"""The gate: what is answered to those who post to an inbox, and what is kept of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from fedi.database.tables import Account
from fedi.social import accounts
from tests import rig
from tests.federation import peer, seeing
from tests.federation.peer import PUBLIC, Internet, key_number
from tests.rig import Instance


async def test_an_activity_is_written_down_before_it_is_answered(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    assert await bob.send(instance, bob.activity("Follow", alice.uri)) == 202
    [job] = await seeing.jobs(instance)
    assert job.kind == "incoming"
    assert await seeing.followers(instance, alice) == []
    await instance.run_jobs()
    assert await seeing.followers(instance, alice) == [bob.uri]


async def test_an_unsigned_activity_is_refused_with_a_reason(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    body = json.dumps(bob.activity("Follow", alice.uri)).encode()
    async with rig.open_browser() as browser:
        status, answer = await peer.post(browser, f"{instance.url}/inbox", body, {})
    assert status == 401
    assert "signed" in json.loads(answer)["error"]
    assert await seeing.jobs(instance) == []
    assert not internet.asked


async def test_what_was_changed_on_the_way_or_is_old_is_refused(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    body = json.dumps(bob.activity("Follow", alice.uri)).encode()
    changed = body.replace(b"Follow", b"follow")
    assert (await bob.post(instance, body, sent=changed))[0] == 401
    assert (await bob.post(instance, body, age=timedelta(days=2)))[0] == 401
    assert (await bob.post(instance, body, age=timedelta(days=-2)))[0] == 401
    assert await seeing.jobs(instance) == []


async def test_nobody_speaks_for_somebody_else(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, mallory = internet.person("bob"), internet.person("mallory", "evil")
    neighbour = internet.person("neighbour")
    for liar in (mallory, neighbour):
        forged = liar.activity("Follow", alice.uri, actor=bob.uri, id=bob.new_id())
        assert await liar.send(instance, forged) == 401
        # bob's key is named, but it is not his
        assert await liar.send(instance, forged, key_id=bob.key_id) == 401
    assert await seeing.jobs(instance) == []


async def test_a_key_that_its_owner_does_not_list_is_nobodys(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, mallory = internet.person("bob"), internet.person("mallory", "evil")
    key_id = f"{mallory.origin}/key"
    internet.show(
        key_id,
        {
            "@context": "https://w3id.org/security/v1",
            "id": key_id,
            "owner": bob.uri,
            "publicKeyPem": peer.public_pem(mallory.key),
        },
    )
    forged = mallory.activity("Follow", alice.uri, actor=bob.uri, id=bob.new_id())
    assert await mallory.send(instance, forged, key_id=key_id) == 401


async def test_an_actor_cannot_take_the_name_of_anothers_key(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, mallory = internet.person("bob"), internet.person("mallory", "evil")
    squatted = {
        "id": bob.key_id,
        "owner": mallory.uri,
        "publicKeyPem": peer.public_pem(mallory.key),
    }
    own = mallory.document()["publicKey"]
    internet.show(mallory.uri, mallory.document(publicKey=[squatted, own]))
    await mallory.does(instance, mallory.activity("Follow", alice.uri))
    assert (
        await mallory.send(instance, mallory.activity("Follow", alice.uri), key_id=bob.key_id)
        == 401
    )
    asked = internet.asked[bob.uri]
    await bob.does(instance, bob.activity("Follow", alice.uri))
    # not the squatter's key first, and bob's only after that one did not fit
    assert internet.asked[bob.uri] == asked
    known = await seeing.account(instance, mallory.uri)
    assert known is not None and known.public_key_id == mallory.key_id


@pytest.mark.parametrize(
    "key_id",
    ["{instance}/users/alice#main-key", "{instance}/actor#main-key", "file:///etc/passwd",
     "ftp://peer.localhost/k", "acct:bob@peer.localhost", "data:,x"],
)  # fmt: skip
async def test_key_ids_that_nobody_else_can_have_are_refused_without_asking(
    instance: Instance, internet: Internet, alice: Account, key_id: str
) -> None:
    bob = internet.person("bob")
    named = key_id.format(instance=instance.url)
    assert await bob.send(instance, bob.activity("Follow", alice.uri), key_id=named) == 401
    assert not internet.asked


@pytest.mark.parametrize(("answer", "status"), [(404, 401), (410, 401), (500, 503)])
async def test_a_key_that_cannot_be_had_is_told_so(
    instance: Instance, internet: Internet, alice: Account, answer: int, status: int
) -> None:
    bob = internet.person("bob")
    internet.fail(bob.uri, answer)
    assert await bob.send(instance, bob.activity("Follow", alice.uri)) == status


@pytest.mark.parametrize(
    "type_",
    ["text/html", "application/json", "text/plain", "image/png", "application/ld+json",
     'application/ld+json; profile="https://example.org"'],
)  # fmt: skip
async def test_an_actor_that_is_served_as_something_else_is_no_actor(
    instance: Instance, internet: Internet, alice: Account, type_: str
) -> None:
    bob = internet.person("bob")
    internet.show(bob.uri, bob.document(), type_=type_)
    assert await bob.send(instance, bob.activity("Follow", alice.uri)) == 401


async def test_an_actor_under_anothers_address_is_read_at_its_own(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, mallory = internet.person("bob"), internet.person("mallory", "evil")
    forged = {
        **bob.document(),
        "publicKey": {
            **bob.document()["publicKey"],
            "id": mallory.key_id,
            "publicKeyPem": peer.public_pem(mallory.key),
        },
    }
    internet.show(mallory.uri, forged)
    follow = mallory.activity("Follow", alice.uri, actor=bob.uri, id=bob.new_id())
    assert await mallory.send(instance, follow) == 401
    internet.redirect(mallory.uri, bob.uri)
    assert await mallory.send(instance, follow) == 401
    assert await seeing.account(instance, mallory.uri) is None


async def test_a_new_key_is_fetched_once(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    bob.key = key_number(100)
    internet.show(bob.uri, bob.document())
    before = internet.asked[bob.uri]
    await bob.does(instance, bob.activity("Undo", bob.activity("Follow", alice.uri)))
    assert internet.asked[bob.uri] == before + 1
    assert await seeing.followers(instance, alice) == []
    bob.key = key_number(101)  # not published
    for _ in range(5):
        assert await bob.send(instance, bob.activity("Follow", alice.uri)) == 401
    assert internet.asked[bob.uri] == before + 1


async def test_the_same_activity_is_done_once(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    follow = bob.activity("Follow", alice.uri)
    await bob.does(instance, follow)
    await bob.does(instance, bob.activity("Undo", follow))
    await bob.does(instance, follow)
    assert await seeing.followers(instance, alice) == []


async def test_nobody_can_use_up_anothers_activity_id(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, neighbour = internet.person("bob"), internet.person("neighbour")
    mallory = internet.person("mallory", "evil")
    follow = bob.activity("Follow", alice.uri)
    assert await mallory.send(instance, {**follow, "actor": mallory.uri}) == 403
    await neighbour.send(instance, {**follow, "actor": neighbour.uri})
    await instance.run_jobs()
    await bob.does(instance, follow)
    assert bob.uri in await seeing.followers(instance, alice)


async def test_the_delete_of_somebody_unknown_is_taken_without_asking(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    internet.fail(bob.uri, 410)
    gone = bob.activity("Delete", bob.uri, to=[PUBLIC])
    assert await bob.send(instance, gone) == 202
    assert await bob.send(instance, bob.activity("Delete", {"id": bob.uri})) == 202
    assert await seeing.jobs(instance) == []
    assert not internet.asked


async def test_too_large_is_413(instance: Instance, internet: Internet, alice: Account) -> None:
    bob = internet.person("bob")
    large = bob.activity("Follow", alice.uri, summary="x" * 1024 * 1024)
    assert await bob.send(instance, large) == 413

    async def endless() -> Any:
        for _ in range(2000):
            yield b" " * 1024

    async with rig.open_browser() as browser:
        headers = {"Content-Type": peer.ACTIVITY_JSON}
        async with browser.post(f"{instance.url}/inbox", data=endless(), headers=headers) as got:
            assert got.status == 413


@pytest.mark.parametrize(
    "type_", ["application/json", "text/plain", "application/ld+json", "multipart/form-data", ""]
)
async def test_other_content_types_are_415(
    instance: Instance, internet: Internet, alice: Account, type_: str
) -> None:
    bob = internet.person("bob")
    body = json.dumps(bob.activity("Follow", alice.uri)).encode()
    assert (await bob.post(instance, body, type_=type_))[0] == 415


async def test_both_content_types_are_taken(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    for type_ in (
        "application/activity+json; charset=utf-8",
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
    ):
        body = json.dumps(bob.activity("Follow", alice.uri)).encode()
        assert (await bob.post(instance, body, type_=type_))[0] == 202


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b'"x"', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}",
        b'{"type": "Follow", "x": NaN}', b'{"type": "Follow", "x": ' + b"9" * 5000 + b"}",
        b"[" * 100_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"type": "Follow", "type": "Delete"}', b'{"type": "Foll\\u0000ow"}',
        b'{"type": "Follow", "name": "\\ud800"}', b'{"@graph": [], "type": "Follow"}',
        b'{"type": []}', b'{"type": 1}', b'{"object": {}}',
    ],
)  # fmt: skip
async def test_malformed_bodies_are_400(
    instance: Instance, internet: Internet, alice: Account, body: bytes
) -> None:
    bob = internet.person("bob")
    status, answer = await bob.post(instance, body)
    assert status == 400
    assert json.loads(answer)["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None}, {"id": 7}, {"id": "urn:x"}, {"id": "http://other.example/1"},
        {"actor": None}, {"actor": []}, {"actor": {"type": "Person"}}, {"object": None},
        {"object": []}, {"object": {}}, {"object": 7},
    ],
)  # fmt: skip
async def test_activities_that_are_no_activities_are_refused(
    instance: Instance, internet: Internet, alice: Account, changes: dict[str, Any]
) -> None:
    bob = internet.person("bob")
    activity = {**bob.activity("Follow", alice.uri), **changes}
    activity = {name: value for name, value in activity.items() if value is not None}
    assert await bob.send(instance, activity) in {202, 400, 401, 403}
    await instance.run_jobs()
    assert await seeing.jobs(instance) == []
    assert await seeing.followers(instance, alice) == []


async def test_types_that_we_do_not_know_do_nothing(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    for type_ in ("Arrive", "EmojiReact", "Nonsense"):
        await bob.does(instance, bob.activity(type_, alice.uri))
    assert await seeing.jobs(instance) == []


async def test_odd_but_signed_activities_leave_no_failed_job(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    """Whatever the object is, a handler does something or nothing: it never breaks."""
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    objects: list[Any] = [
        alice.uri, "urn:x", f"{bob.origin}/nothing", f"{instance.url}/nothing",
        [alice.uri, bob.uri],
        {"id": bob.uri}, {"type": "Note"}, {"type": "Follow"}, {"type": ["Note", 7]},
        {"type": "Note", "id": f"{bob.uri}/n/1"},
        {"type": "Note", "id": f"{bob.uri}/n/2", "attributedTo": bob.uri, "to": 7, "tag": {},
         "attachment": [None, 7, {"type": "Image", "url": [[]], "width": "x"}], "content": [],
         "published": "yesterday", "contentMap": 7, "inReplyTo": [None], "summary": {}},
        {"type": "Follow", "actor": bob.uri, "object": {"id": [alice.uri]}},
        {"type": "Person", "id": bob.uri, "inbox": 7},
        {"type": "Note", "id": f"{bob.uri}/n/3", "attributedTo": bob.uri, "to": PUBLIC,
         "published": "9999-12-31T23:59:59+14:00", "updated": "0001-01-01T00:00:00-14:00"},
    ]  # fmt: skip
    types = ("Follow", "Accept", "Reject", "Undo", "Create", "Update", "Delete", "Announce", "Like",
             "Block")  # fmt: skip
    for type_ in types:
        for object_ in objects:
            if type_ == "Delete" and object_ in (bob.uri, {"id": bob.uri}):
                continue
            assert await bob.send(instance, bob.activity(type_, object_)) in {202, 400, 403}
    await instance.run_jobs()
    left = [(job.kind, job.payload, job.error) for job in await seeing.jobs(instance)]
    assert left == []


async def test_a_personal_inbox_is_its_owners(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    follow = bob.activity("Follow", alice.uri)
    assert await bob.send(instance, follow, inbox="/users/nobody/inbox") == 404
    assert await bob.send(instance, follow, inbox="/users/%00/inbox") == 404
    await bob.does(instance, follow, inbox="/users/alice/inbox")
    assert await seeing.followers(instance, alice) == [bob.uri]
    async with instance.easel.database.write() as tx:
        account = await accounts.by_id(tx, alice.id)
        assert account is not None
        await accounts.delete_account(tx, account)
    assert await bob.send(instance, follow, inbox="/users/alice/inbox") == 410


async def test_the_inbox_is_for_posting(instance: Instance) -> None:
    async with (
        rig.open_browser() as browser,
        browser.get(f"{instance.url}/inbox", headers={"Accept": peer.ACTIVITY_JSON}) as answer,
    ):
        assert answer.status == 405
