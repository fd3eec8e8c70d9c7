"""What goes out: to whom, in which shape, and how often it is tried."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import update
from sqlmodel import select

from fedi.database.tables import Account, Job, MediaAttachment, OutgoingActivity
from fedi.federation import remote
from fedi.social import accounts, blocks, favourites, follows, reblogs, remote_accounts, statuses
from fedi.social.outbound import tell
from fedi.social.statuses import Draft
from tests import rig
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Internet, Person
from tests.rig import Instance


async def befriend(instance: Instance, alice: Account, *people: Person) -> None:
    """Everybody follows alice, and what that made is forgotten."""
    for person in people:
        await person.does(instance, person.activity("Follow", alice.uri))
        person.internet.posted.clear()


async def gone_through(instance: Instance) -> None:
    await instance.run_jobs()
    assert [job for job in await seeing.jobs(instance) if job.state != "dead"] == []


async def test_a_post_goes_once_to_each_server_that_has_a_shared_inbox(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    shared = {"endpoints": {"sharedInbox": f"http://{internet.host('big')}/inbox"}}
    many = [internet.person(f"p{n}", "big", **shared) for n in range(5)]
    alone = [internet.person(f"q{n}", "small") for n in range(2)]
    await befriend(instance, alice, *many, *alone)
    uri = await seeing.publish(instance, alice, f"hello @{many[0].handle}")
    await gone_through(instance)
    inboxes = sorted(url for url, _, _ in internet.posted)
    assert inboxes == sorted([f"http://{internet.host('big')}/inbox", *(p.inbox for p in alone)])
    bodies = {json.dumps(body) for body in internet.got()}
    assert len(bodies) == 1
    [body] = map(json.loads, bodies)
    assert (body["type"], body["id"], body["actor"]) == ("Create", f"{uri}/activity", alice.uri)
    note = body["object"]
    assert note["id"] == uri
    assert note["attributedTo"] == alice.uri
    assert note["to"] == body["to"] == [PUBLIC]
    assert set(note["cc"]) == {alice.followers_uri, many[0].uri}
    assert "bto" not in note and "bcc" not in note
    [mention] = [tag for tag in note["tag"] if tag["type"] == "Mention"]
    assert mention == {"type": "Mention", "href": many[0].uri, "name": f"@{many[0].handle}"}
    assert note["source"] == {"content": f"hello @{many[0].handle}", "mediaType": "text/plain"}
    for name in ("replies", "likes", "shares"):
        collection = note[name]
        shown = collection if isinstance(collection, str) else collection["id"]
        assert shown == f"{uri}/{name}"


async def test_what_goes_out_is_signed_by_its_author(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    await befriend(instance, alice, bob)
    await seeing.publish(instance, alice)
    await gone_through(instance)
    [(url, _, headers)] = internet.posted
    given = dict(
        part.split("=", 1) for part in headers["Signature"].replace('"', "").split(",") if part
    )
    assert given["keyId"] == alice.public_key_id == f"{alice.uri}#main-key"
    assert given["algorithm"] == "rsa-sha256"
    covered = given["headers"].split()
    assert {"(request-target)", "host", "date", "digest"} <= set(covered)
    lower = {name.lower(): value for name, value in headers.items()}
    lower["(request-target)"] = f"post {url.split(bob.host)[1]}"
    message = "\n".join(f"{name}: {lower[name]}" for name in covered).encode()
    key: Any = load_pem_public_key(alice.public_key_pem.encode())
    signature = headers["Signature"].split('signature="')[1].split('"')[0]
    key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), SHA256())
    assert lower["content-type"] == "application/activity+json"
    hashed = base64.b64encode(hashlib.sha256(internet.raw[-1]).digest()).decode()
    assert lower["digest"] == f"SHA-256={hashed}"


async def test_a_picture_goes_out_in_the_shape_that_all_show(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    await befriend(instance, alice, bob)
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    async with instance.easel.database.write() as tx:
        for n, shares in enumerate((True, False)):
            medium = MediaAttachment(
                id=tx.new_id(), account_id=alice.id, file=f"{n}.png", media_type="image/png",
                width=640, height=480, size=1234, blurhash="LEHV6nWB2yk8pyo0adR*.7kCMdnj",
                focus_x=0.5 if shares else None, focus_y=-0.5 if shares else None,
                description="A fox", digest="zQmXYZ",
                digital_source_type=source, ai_system="tiny/model", ai_system_version="1",
                ai_prompt="a fox", share_recipe=shares, created_at=tx.now,
            )  # fmt: skip
            tx.add(medium)
            await tx.flush()
            await statuses.publish(tx, alice, Draft(text="look", media_ids=[medium.id]))
    await gone_through(instance)
    notes = [body["object"] for body in internet.got(bob.inbox)]
    by_url = {note["attachment"][0]["url"]: note for note in notes}
    for n, shares in enumerate((True, False)):
        note = by_url[f"{instance.url}/media/{n}.png"]
        [picture] = note["attachment"]
        expected = {
            "type": "Image", "mediaType": "image/png", "url": f"{instance.url}/media/{n}.png",
            "name": "A fox", "summary": "A fox", "width": 640, "height": 480,
            "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
            "focalPoint": [0.5, -0.5] if shares else [0.0, 0.0],
            "digestMultibase": "zQmXYZ", "size": 1234, "digitalSourceType": source,
            "AISystemUsed": "tiny/model", "AISystemVersionUsed": "1",
        }  # fmt: skip
        if shares:
            expected["AIPromptInformation"] = "a fox"
        assert picture == expected
        assert {tag["name"] for tag in note["tag"]} == {"#AIgenerated"}
        assert note["generator"]["name"] == "tiny/model"
        assert note["published"].endswith("Z")


async def test_a_post_goes_only_to_whom_it_is_for(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await befriend(instance, alice, bob)
    await seeing.publish(instance, alice, "followers", visibility="private")
    await gone_through(instance)
    assert internet.got(carol.inbox) == []
    [body] = internet.got(bob.inbox)
    assert (body["to"], body.get("cc", [])) == ([alice.followers_uri], [])
    internet.posted.clear()
    await carol.does(instance, carol.activity("Follow", alice.uri))
    await carol.does(instance, carol.activity("Undo", carol.activity("Follow", alice.uri)))
    internet.posted.clear()
    await seeing.publish(instance, alice, f"@{carol.handle} psst", visibility="direct")
    await gone_through(instance)
    assert internet.got(bob.inbox) == []
    [body] = internet.got(carol.inbox)
    assert (body["to"], body.get("cc", [])) == ([carol.uri], [])


async def test_an_edit_and_a_delete_go_to_all_who_may_have_it(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await befriend(instance, alice, bob)
    uri = await seeing.publish(instance, alice)
    await gone_through(instance)
    await carol.does(instance, carol.activity("Announce", uri, to=[PUBLIC]))
    instance.clock.advance(timedelta(minutes=1))
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, uri)
        assert status is not None
        await statuses.edit(tx, alice, status, Draft(text="better"))
    await gone_through(instance)
    for person in (bob, carol):
        update = internet.got(person.inbox)[-1]
        assert update["type"] == "Update"
        assert update["object"]["content"] == "<p>better</p>"
        assert update["object"]["updated"] > update["object"]["published"]
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, uri)
        assert status is not None
        await statuses.delete(tx, status)
    await gone_through(instance)
    for person in (bob, carol):
        deletion = internet.got(person.inbox)[-1]
        assert deletion["type"] == "Delete"
        assert deletion["object"]["type"] == "Tombstone"
        assert deletion["object"]["id"] == uri
        assert deletion["to"] == [PUBLIC]


async def test_a_deletion_is_addressed_to_whom_the_post_was(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await befriend(instance, alice, bob)
    await carol.does(instance, carol.activity("Follow", alice.uri))
    await carol.does(instance, carol.activity("Undo", carol.activity("Follow", alice.uri)))
    for visibility, to, cc in (
        ("unlisted", [alice.followers_uri], [PUBLIC, carol.uri]),
        ("private", [alice.followers_uri], [carol.uri]),
        ("direct", [carol.uri], []),
    ):
        internet.posted.clear()
        uri = await seeing.publish(instance, alice, f"@{carol.handle} hm", visibility=visibility)
        async with instance.easel.database.write() as tx:
            status = await statuses.load_by_uri(tx, alice, uri)
            assert status is not None
            await statuses.delete(tx, status)
        await gone_through(instance)
        deletion = internet.got(carol.inbox)[-1]
        assert (deletion["type"], deletion["to"], deletion.get("cc", [])) == ("Delete", to, cc)
        assert bool(internet.got(bob.inbox)) is (visibility != "direct")


async def test_a_boost_goes_to_followers_and_to_the_author_and_is_undone(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await befriend(instance, alice, bob)
    note = carol.note(cc=[alice.uri])
    await carol.does(instance, carol.create(note))
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, note["id"])
        assert status is not None
        await reblogs.add(tx, alice, status)
    await gone_through(instance)
    boosts = [internet.got(person.inbox)[-1] for person in (bob, carol)]
    assert boosts[0] == boosts[1]
    assert (boosts[0]["type"], boosts[0]["object"]) == ("Announce", note["id"])
    assert boosts[0]["to"] == [PUBLIC]
    assert set(boosts[0]["cc"]) == {alice.followers_uri, carol.uri}
    async with instance.easel.database.write() as tx:
        await reblogs.remove(tx, alice, status)
    await gone_through(instance)
    for person in (bob, carol):
        undo = internet.got(person.inbox)[-1]
        assert (undo["type"], undo["object"]["id"]) == ("Undo", boosts[0]["id"])
        assert undo["object"]["object"] == note["id"]


async def test_a_changed_profile_goes_to_followers_and_a_deleted_one_to_all(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await befriend(instance, alice, bob)
    await seeing.follow(instance, alice, carol.handle)
    await gone_through(instance)
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        account = await accounts.find_local(tx, "alice")
        assert account is not None
        account.display_name = "Alice the Great"
        await accounts.update_profile(tx, account)
    await gone_through(instance)
    [update] = internet.got()
    assert (update["type"], update["object"]["name"]) == ("Update", "Alice the Great")
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        account = await accounts.find_local(tx, "alice")
        assert account is not None
        await accounts.delete_account(tx, account)
    await gone_through(instance)
    assert sorted(url for url, _, _ in internet.posted) == sorted([bob.inbox, carol.inbox])
    for deletion in internet.got():
        assert (deletion["type"], deletion["object"]) == ("Delete", alice.uri)


# ---- what is tried again ------------------------------------------------------------------------


@pytest.fixture
async def bob(instance: Instance, internet: Internet, alice: Account) -> Person:
    bob = internet.person("bob")
    await befriend(instance, alice, bob)
    return bob


@pytest.mark.parametrize("refusal", [400, 403, 404, 405, 410, 413, 422, 501])
async def test_what_is_refused_for_good_is_not_sent_again(
    instance: Instance, internet: Internet, alice: Account, bob: Person, refusal: int
) -> None:
    knocks = 2 if refusal == 400 else 1  # the second one is signed by RFC 9421
    internet.answer(bob.inbox, *[refusal] * knocks)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    [dead] = await seeing.jobs(instance)
    assert (dead.kind, dead.state) == ("deliver", "dead")
    assert str(refusal) in dead.error and bob.inbox in dead.error
    instance.clock.advance(timedelta(days=3))
    await instance.run_jobs()
    assert len(internet.got(bob.inbox)) == knocks


@pytest.mark.parametrize("refusal", [301, 401, 408, 429, 500, 502, 503])
async def test_what_may_pass_is_sent_again(
    instance: Instance, internet: Internet, alice: Account, bob: Person, refusal: int
) -> None:
    internet.answer(bob.inbox, refusal, refusal)
    await seeing.publish(instance, alice)
    for minutes in (0, 2, 5):
        instance.clock.advance(timedelta(minutes=minutes))
        await instance.run_jobs()
    assert len(internet.got(bob.inbox)) == 3
    assert await seeing.jobs(instance) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_an_inbox_that_sends_us_elsewhere_is_not_asked_for_days(
    instance: Instance, internet: Internet, alice: Account, bob: Person, status: int
) -> None:
    elsewhere = f"http://{internet.host('elsewhere')}/inbox"
    internet.answer(bob.inbox, *[status] * 50, Location=elsewhere)
    await seeing.publish(instance, alice)
    start = instance.clock.now()
    await instance.run_jobs()
    while (waiting := [job for job in await seeing.jobs(instance) if job.state == "ready"]) != []:
        instance.clock.advance(waiting[0].run_at - instance.clock.now())
        await instance.run_jobs()
    assert timedelta(minutes=10) < instance.clock.now() - start < timedelta(hours=3)
    assert 3 <= len(internet.got(bob.inbox)) <= 10
    assert internet.got(elsewhere) == []
    [dead] = await seeing.jobs(instance)
    assert dead.state == "dead"
    assert str(status) in dead.error and elsewhere in dead.error


async def test_an_inbox_that_has_moved_within_its_server_is_followed(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    moved = f"{bob.origin}/moved/inbox"
    internet.answer(bob.inbox, 308, Location="/moved/inbox")
    uri = await seeing.publish(instance, alice)
    await gone_through(instance)
    [create] = internet.got(moved)
    assert create["object"]["id"] == uri
    assert await seeing.jobs(instance) == []


@pytest.mark.parametrize("how", ["edited", "deleted"])
async def test_who_comes_late_in_a_first_fan_out_gets_what_holds_now(
    instance: Instance, internet: Internet, alice: Account, bob: Person, how: str
) -> None:
    """One server has the post already; at the other nothing could be tried yet."""
    carol = internet.person("carol", "third")
    await befriend(instance, alice, carol)
    internet.answer(carol.inbox, 503, **{"Retry-After": "40"})
    await seeing.publish(instance, alice, "first")
    await instance.run_jobs()
    uri = await seeing.publish(instance, alice, "tyop")
    await instance.run_jobs()
    assert "tyop" in internet.got(bob.inbox)[-1]["object"]["content"]
    instance.clock.advance(timedelta(seconds=5))
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, uri)
        assert status is not None
        if how == "edited":
            await statuses.edit(tx, alice, status, Draft(text="mended"))
        else:
            await statuses.delete(tx, status)
    await instance.run_jobs()
    assert len(internet.got(carol.inbox)) == 1
    instance.clock.advance(timedelta(seconds=40))
    await instance.run_jobs()
    heard = {
        body["type"]: body["object"].get("content")
        for body in internet.got(carol.inbox)
        if body["object"]["id"] == uri
    }
    new = "<p>mended</p>"
    wanted = {"Create": new, "Update": new} if how == "edited" else {"Delete": None}
    assert heard == wanted


async def test_a_server_may_say_when_to_come_again(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    internet.answer(bob.inbox, 429, **{"Retry-After": "7200"})
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    instance.clock.advance(timedelta(minutes=119))
    await instance.run_jobs()
    assert len(internet.got(bob.inbox)) == 1
    instance.clock.advance(timedelta(minutes=2))
    await instance.run_jobs()
    assert len(internet.got(bob.inbox)) == 2


@pytest.mark.parametrize("asked", [None, "1", "0", "soon"])
async def test_a_delivery_is_tried_for_five_days_whatever_the_server_asks_for(
    instance: Instance, internet: Internet, alice: Account, bob: Person, asked: str | None
) -> None:
    headers = {} if asked is None else {"Retry-After": asked}
    internet.answer(bob.inbox, *[503] * 50, **headers)
    await seeing.publish(instance, alice)
    start = instance.clock.now()
    await instance.run_jobs()
    while (waiting := [job for job in await seeing.jobs(instance) if job.state == "ready"]) != []:
        instance.clock.advance(waiting[0].run_at - instance.clock.now())
        await instance.run_jobs()
    assert instance.clock.now() - start >= timedelta(days=5)
    tries = len(internet.got(bob.inbox))
    assert 10 <= tries <= 30
    [dead] = await seeing.jobs(instance)
    assert dead.state == "dead"


async def test_a_server_that_is_away_gets_it_when_it_is_back(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    async with instance.easel.database.write() as tx:
        account = await accounts.by_uri(tx, bob.uri)
        assert account is not None
        with rig.free_socket() as closed:
            account.inbox_uri = f"http://127.0.0.1:{closed.getsockname()[1]}/inbox"
        tx.add(account)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    [waiting] = await seeing.jobs(instance)
    assert waiting.state == "ready" and waiting.error


async def test_who_is_gone_with_their_inbox_is_forgotten(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    carol = internet.person("carol")
    await befriend(instance, alice, carol)
    for person in (bob, carol):
        internet.answer(person.inbox, 410)
    internet.fail(bob.uri, 410)  # carol's inbox is gone, carol is not
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    assert await seeing.followers(instance, alice) == [carol.uri]
    assert (await seeing.known(instance, bob.uri)).deleted_at is not None


async def test_a_fan_out_is_asked_for_in_one_go_and_its_body_kept_once(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    async with instance.easel.database.write() as tx:
        for n in range(120):
            host = internet.host(f"h{n % 20}")
            uri = f"http://{host}/users/f{n}"
            follower = await remote_accounts.save_remote(
                tx,
                remote_accounts.RemoteAccount(
                    uri=uri, username=f"f{n}", domain=host, inbox_uri=f"{uri}/inbox"
                ),
            )
            await follows.receive(tx, follower, alice, f"{uri}/follow")
    await instance.run_jobs()
    internet.posted.clear()
    await seeing.publish(instance, alice)
    await gone_through(instance)
    assert len({url for url, _, _ in internet.posted}) == len(internet.posted) == 120
    async with instance.easel.database.read() as session:
        creates = [
            outgoing
            for outgoing in (await session.exec(select(OutgoingActivity))).all()
            if b'"Create"' in outgoing.body
        ]
    assert len(creates) == 1


async def test_bodies_are_dropped_when_nothing_of_them_is_tried_any_more(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    await seeing.publish(instance, alice)
    await gone_through(instance)
    instance.clock.advance(timedelta(days=60))
    await seeing.publish(instance, alice)
    await gone_through(instance)
    async with instance.easel.database.read() as session:
        assert len((await session.exec(select(OutgoingActivity))).all()) == 1


async def test_an_instance_that_does_not_federate_sends_and_takes_nothing(
    new_database: rig.NewDatabase, tmp_path: Any, internet: Internet
) -> None:
    async with rig.serve_instance(
        tmp_path, new_database(), clock=internet.clock, federation={"enabled": False}
    ) as closed:
        async with closed.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        bob = internet.person("bob")
        assert await bob.send(closed, bob.activity("Follow", alice.uri)) == 403
        await seeing.publish(closed, alice)
        await closed.run_jobs()
        assert not internet.asked and not internet.posted


async def test_who_follows_no_more_hears_no_edit_of_what_is_for_followers(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await befriend(instance, alice, bob, carol)
    uri = await seeing.publish(instance, alice, "for friends", visibility="private")
    await gone_through(instance)
    await bob.does(instance, bob.activity("Like", uri))
    inner = {"type": "Follow", "actor": bob.uri, "object": alice.uri}
    await bob.does(instance, bob.activity("Undo", inner))
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, uri)
        assert status is not None
        await statuses.edit(tx, alice, status, Draft(text="a secret"))
    await gone_through(instance)
    assert [body["type"] for body in internet.got(carol.inbox)] == ["Update"]
    assert internet.got(bob.inbox) == []
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, uri)
        assert status is not None
        await statuses.delete(tx, status)
    await gone_through(instance)
    assert [body["type"] for body in internet.got(bob.inbox)] == ["Delete"]


@pytest.mark.parametrize("deed", ["follow", "like", "block"])
async def test_what_was_taken_back_before_it_was_told_is_not_told(
    instance: Instance, internet: Internet, alice: Account, deed: str
) -> None:
    bob = internet.person("bob")
    await seeing.befriend(instance, alice, bob)
    note = bob.note()
    await bob.does(instance, bob.create(note))
    carol = await remote.resolve(instance.easel, internet.person("carol").handle)
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, note["id"])
        assert status is not None
        match deed:
            case "follow":
                await follows.request(tx, alice, carol)
            case "like":
                await favourites.add(tx, alice, status)
            case _:
                await blocks.add(tx, alice, carol)
        # It could not be told at once, and is to be tried again later.
        await tx.execute(update(Job).values(run_at=tx.now + timedelta(minutes=1)))
    async with instance.easel.database.write() as tx:
        match deed:
            case "follow":
                await follows.remove(tx, alice, carol)
            case "like":
                await favourites.remove(tx, alice, status)
            case _:
                await blocks.remove(tx, alice, carol)
    await instance.run_jobs()
    instance.clock.advance(timedelta(minutes=2))
    await gone_through(instance)
    assert [body["type"] for body in internet.got()] == ["Undo"]


async def test_an_accept_that_was_held_up_does_not_come_after_its_reject(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    await befriend(instance, alice, bob)
    async with instance.easel.database.write() as tx:
        [(follow, follower)] = await follows.followers(tx, alice)
        people = {"account_id": follower.id, "target_account_id": alice.id}
        await tell(tx, "accept_follow", **people, uri=follow.uri)
        await tx.execute(update(Job).values(run_at=tx.now + timedelta(minutes=1)))
        await follows.reject(tx, follow)
    await instance.run_jobs()
    instance.clock.advance(timedelta(minutes=2))
    await gone_through(instance)
    assert [body["type"] for body in internet.got(bob.inbox)] == ["Reject"]


async def test_a_reject_overtakes_the_accept_that_did_not_get_through(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    internet.answer(bob.inbox, 500)
    await bob.does(instance, bob.activity("Follow", alice.uri))
    assert [body["type"] for body in internet.got(bob.inbox)] == ["Accept"]
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        [(follow, _)] = await follows.followers(tx, alice)
        await follows.reject(tx, follow)
    await instance.run_jobs()
    instance.clock.advance(timedelta(minutes=5))
    await gone_through(instance)
    assert [body["type"] for body in internet.got(bob.inbox)] == ["Reject"]
