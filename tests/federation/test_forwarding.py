"""Passing on what others did (ActivityPub 7.1.2), and believing what is passed on to us."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from fedi.database.tables import Account
from fedi.federation import hearsay
from fedi.social import blocks
from tests.federation import seeing
from tests.federation.peer import AS2, PUBLIC, Internet, Person
from tests.rig import Instance

Document = dict[str, Any]


@pytest.fixture
async def bob(instance: Instance, internet: Internet, alice: Account) -> Person:
    """Somebody elsewhere who follows alice; so does a neighbour, by the same shared inbox."""
    shared = {"endpoints": {"sharedInbox": f"http://{internet.host('peer')}/inbox"}}
    bob, neighbour = internet.person("bob", **shared), internet.person("neighbour", **shared)
    for person in (bob, neighbour):
        await person.does(instance, person.activity("Follow", alice.uri))
    return bob


@pytest.fixture
async def carol(instance: Instance, internet: Internet, alice: Account) -> Person:
    """Somebody on a third server, who follows alice, too."""
    carol = internet.person("carol", "third")
    await carol.does(instance, carol.activity("Follow", alice.uri))
    internet.posted.clear()
    return carol


def to_followers(alice: Account, carol: Person, **changes: Any) -> Document:
    return carol.note(to=[PUBLIC], cc=[alice.uri, alice.followers_uri], **changes)


def shared_inbox(person: Person) -> str:
    return f"{person.origin}/inbox"


# ---- from here ----------------------------------------------------------------------------------


async def test_an_answer_is_passed_on_to_followers_as_it_came(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    await instance.run_jobs()
    internet.posted.clear()
    activity = carol.create(to_followers(alice, carol, inReplyTo=uri, odd={"kept": "  as it is"}))
    body = json.dumps(activity, indent=3).encode()
    for _ in range(2):  # the second time it is not the first
        status, _answer = await carol.post(instance, body)
        assert status == 202
        await instance.run_jobs()
    [(inbox, _, headers)] = internet.posted
    assert inbox == shared_inbox(bob)
    assert internet.raw[-1] == body
    assert alice.public_key_id in headers["Signature"]
    internet.posted.clear()
    # what follows is about an answer to hers, and about an answer to that
    note = activity["object"]
    await carol.does(instance, carol.activity("Update", {**note, "content": "<p>second</p>"},
                                              cc=[alice.followers_uri]))  # fmt: skip
    deeper = to_followers(alice, carol, inReplyTo=note["id"])
    await carol.does(instance, carol.create(deeper))
    await carol.does(instance, carol.activity("Like", uri, cc=[alice.followers_uri]))
    await carol.does(instance, carol.activity("Delete", note["id"], cc=[alice.followers_uri]))
    types = [activity["type"] for activity in internet.got(shared_inbox(bob))]
    assert types == ["Update", "Create", "Like", "Delete"]
    assert internet.got(carol.inbox) == []


@pytest.mark.parametrize("named", ["inbox", "sharedInbox"])
async def test_what_was_passed_on_to_us_goes_back_to_nobody_who_has_it(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person, named: str
) -> None:
    """Not to who brought it, nor to its author, wherever either has their inbox."""
    uri = await seeing.publish(instance, alice)
    elsewhere = {"endpoints": {"sharedInbox": f"http://{internet.host('mail')}/inbox"}}
    if named == "inbox":
        elsewhere = {"inbox": f"http://{internet.host('mail')}/carol"}
    internet.show(carol.uri, carol.document(**elsewhere))
    await carol.does(instance, carol.activity("Update", carol.uri))
    dave = internet.person("dave", "fourth")
    await dave.does(instance, dave.activity("Follow", alice.uri))
    internet.posted.clear()
    create = carol.create(to_followers(alice, carol, inReplyTo=uri))
    internet.show(create["id"], create)
    assert await bob.send(instance, create) == 202  # he has it from her, and brings it
    await instance.run_jobs()
    assert [inbox for inbox, *_ in internet.posted] == [dave.inbox]


async def test_who_does_not_believe_what_is_passed_on_is_left_in_peace(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    await instance.run_jobs()
    for refusal in ((400, 400), (401, 401), (403,)):  # to either kind of signature
        internet.answer(shared_inbox(bob), *refusal)
        await carol.does(instance, carol.create(to_followers(alice, carol, inReplyTo=uri)))
        assert await seeing.jobs(instance) == []
    internet.answer(shared_inbox(bob), 503)
    await carol.does(instance, carol.create(to_followers(alice, carol, inReplyTo=uri)))
    [job] = await seeing.jobs(instance)
    assert job.payload["inbox"] == shared_inbox(bob)


async def test_nothing_else_is_passed_on(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    async with instance.easel.database.write() as tx:
        from fedi.social import accounts

        dave = await accounts.create_local(tx, "dave")
    uri = await seeing.publish(instance, alice)
    foreign = bob.note(cc=[alice.uri], tag={"type": "Mention", "href": alice.uri})
    await bob.does(instance, bob.create(foreign))
    await instance.run_jobs()
    internet.posted.clear()
    for note in (
        carol.note(inReplyTo=uri, cc=[alice.uri]),  # not addressed to her followers
        to_followers(alice, carol),  # about nothing
        to_followers(alice, carol, tag={"type": "Mention", "href": alice.uri}),  # about herself
        to_followers(alice, carol, inReplyTo=foreign["id"]),  # about another's
        to_followers(alice, carol, inReplyTo=f"{alice.uri}/statuses/1"),  # about what is not there
        carol.note(inReplyTo=uri, cc=[alice.uri, dave.followers_uri]),  # to another's followers
        carol.note(inReplyTo=uri, cc=[alice.uri, f"{alice.uri}/following"]),
        carol.note(inReplyTo=uri, cc=[alice.uri, bob.followers]),
    ):
        await carol.does(instance, carol.create(note))
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, alice, await seeing.known(instance, carol.uri))
    await instance.run_jobs()
    internet.posted.clear()
    await carol.does(instance, carol.create(to_followers(alice, carol, inReplyTo=uri)))
    assert internet.posted == []


async def test_a_deep_activity_costs_little(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    await instance.run_jobs()
    internet.posted.clear()
    deep: Any = {"id": uri}
    for n in range(12):
        deep = {"id": f"{carol.uri}/deep/{n}", "type": "Note", "inReplyTo": [deep] * 2}
    note = to_followers(alice, carol, target=deep, tag=[[uri], {"object": None}, 7])
    await carol.does(instance, carol.activity("Like", uri, cc=[alice.uri]))
    await carol.does(instance, carol.create(note))
    assert internet.posted == []


# ---- to here ------------------------------------------------------------------------------------


@pytest.fixture
async def host(instance: Instance, internet: Internet, alice: Account, bob: Person) -> Person:
    """Bob, whom alice follows, and who passes on what is addressed to his followers."""
    asked = await seeing.follow(instance, alice, bob.handle)
    await instance.run_jobs()
    await bob.does(instance, bob.activity("Accept", asked))
    return bob


async def passed_on(instance: Instance, by: Person, activity: Document) -> int:
    """Send what somebody else did; the answer, and what comes of it."""
    status = await by.send(instance, activity)
    instance.clock.advance(hearsay.CONFIRM_AFTER)
    await instance.run_jobs()
    return status


async def test_what_is_passed_on_is_read_from_its_own_server(
    instance: Instance, internet: Internet, alice: Account, host: Person, carol: Person
) -> None:
    note = carol.note("<p>true</p>", cc=[host.followers])
    internet.show(note["id"], {"@context": AS2, **note})
    forged = carol.create({**note, "content": "<p>forged</p>"})
    invented = carol.create(carol.note("<p>invented</p>", cc=[host.followers]))
    for activity in (forged, invented):
        assert await passed_on(instance, host, activity) == 202
    post = await seeing.seen(instance, None, note["id"])
    assert post is not None and post.status.content == "<p>true</p>"
    assert await seeing.status(instance, invented["object"]["id"]) is None
    assert await seeing.home(instance, alice) == []
    # a real one that comes later is not taken for the forged one
    real = {**invented["object"], "inReplyTo": await seeing.publish(instance, alice)}
    await carol.does(instance, {**invented, "object": real})
    assert await seeing.status(instance, real["id"]) is not None

    instance.clock.advance(timedelta(minutes=1))
    updated = instance.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    edited = {**note, "content": "<p>edited</p>", "updated": updated}
    internet.show(note["id"], {"@context": AS2, **edited})
    forged = carol.activity("Update", {**edited, "content": "<p>forged</p>"}, cc=[host.followers])
    assert await passed_on(instance, host, forged) == 202
    post = await seeing.seen(instance, None, note["id"])
    assert post is not None and post.status.content == "<p>edited</p>"


@pytest.mark.parametrize("status", [200, 404, 410, 403, 500])
@pytest.mark.parametrize("visibility", ["public", "private"])
async def test_a_delete_that_is_passed_on_is_confirmed(
    instance: Instance, internet: Internet, alice: Account, host: Person, carol: Person,
    status: int, visibility: str,
) -> None:  # fmt: skip
    asked = await seeing.follow(instance, alice, carol.handle)
    await instance.run_jobs()
    await carol.does(instance, carol.activity("Accept", asked))
    to = [PUBLIC] if visibility == "public" else [carol.followers]
    note = carol.note(to=to, cc=[])
    await carol.does(instance, carol.create(note))
    if status == 200:
        internet.show(note["id"], {"@context": AS2, **note})
    else:
        internet.fail(note["id"], status)
    deletion = carol.activity("Delete", note["id"], cc=[host.followers])
    assert await passed_on(instance, host, deletion) == 202
    gone = status == 410 or (status == 404 and visibility == "public")
    found = await seeing.status(instance, note["id"])
    assert found is not None and (found.deleted_at is not None) is gone


async def test_not_everybody_may_pass_on(
    instance: Instance, internet: Internet, alice: Account, host: Person, carol: Person
) -> None:
    mallory = internet.person("mallory", "evil")
    await mallory.does(instance, mallory.activity("Follow", alice.uri))
    note = carol.note(cc=[host.followers, mallory.followers])
    internet.show(note["id"], {"@context": AS2, **note})
    internet.asked.clear()
    assert await passed_on(instance, mallory, carol.create(note)) == 401  # nobody follows her
    await seeing.follow(instance, alice, mallory.handle)  # nor is one who only asked a follower
    assert await passed_on(instance, mallory, carol.create(note)) == 401
    for activity in (
        carol.create(carol.note(cc=[carol.followers])),  # not to his followers
        carol.activity("Like", note["id"], cc=[host.followers]),  # nobody could confirm it
        carol.activity("Follow", alice.uri, cc=[host.followers]),
        carol.activity("Undo", carol.activity("Follow", alice.uri), cc=[host.followers]),
        carol.activity("Delete", alice.uri, cc=[host.followers]),  # not even hers to say
        {**carol.create(note), "actor": alice.uri},
        {**carol.create(note), "actor": mallory.uri},  # of a post that is not theirs
    ):
        assert await passed_on(instance, host, activity) == 401
    assert internet.asked[note["id"]] == 0
    assert await seeing.status(instance, note["id"]) is None
    assert await seeing.jobs(instance) == []
