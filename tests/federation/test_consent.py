"""Answers of others to posts whose author wants to be asked first (GoToSocial)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fedi.database.tables import Account
from fedi.federation import remote
from fedi.social import accounts
from tests.federation import seeing
from tests.federation.peer import AS2, ASK, OPEN, PUBLIC, SHUT, Document, Internet, Person
from tests.rig import Instance


@pytest.fixture
async def carol(instance: Instance, internet: Internet, alice: Account) -> Person:
    """Somebody on a third server whom alice follows, too; she is answered."""
    carol = internet.person("carol", "third")
    await seeing.befriend(instance, alice, carol)
    return carol


async def posted(instance: Instance, carol: Person, policy: Any = ASK, **more: Any) -> Document:
    """A post of carol's with a rule for answers."""
    note = carol.note(interactionPolicy={"canReply": policy} if policy else None, **more)
    await carol.does(instance, carol.create(note))
    return note


def stamped(internet: Internet, carol: Person, note: Document, **lies: Any) -> str:
    """carol's server shows that she agrees to an answer; where."""
    stamp = {
        "id": carol.new_id("authorizations"),
        "type": "ReplyAuthorization",
        "attributedTo": carol.uri,
        "interactingObject": note["id"],
        "interactionTarget": note["inReplyTo"],
        **lies,
    }
    internet.show(stamp["id"], {"@context": AS2, **stamp})
    return str(stamp["id"])


async def shown(instance: Instance, alice: Account, uri: str) -> bool:
    """Whether an answer is there for everybody, in homes, and in the count of what it answers."""
    answer = await seeing.status(instance, uri)
    assert answer is not None and answer.in_reply_to_uri is not None
    parent = await seeing.status(instance, answer.in_reply_to_uri)
    assert parent is not None
    found = {
        await seeing.seen(instance, None, uri) is not None,
        await seeing.seen(instance, alice, uri) is not None,
        uri in await seeing.home(instance, alice),
        parent.replies_count == 1,
    }
    assert len(found) == 1
    return found.pop()


async def test_an_answer_without_leave_is_shown_to_nobody(
    instance: Instance, alice: Account, bob: Person, carol: Person
) -> None:
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    await bob.does(instance, bob.create(note))
    assert not await shown(instance, alice, note["id"])
    await bob.does(instance, bob.activity("Update", {**note, "content": "<p>changed</p>"}))
    await bob.does(instance, bob.create(note))
    assert not await shown(instance, alice, note["id"])
    await bob.does(instance, bob.activity("Delete", note["id"]))
    parent = await seeing.status(instance, note["inReplyTo"])
    assert parent is not None and parent.replies_count == 0


@pytest.mark.parametrize("policy", [None, OPEN, {"always": PUBLIC}, "bob"], ids=str)
async def test_what_everybody_may_answer_needs_no_leave(
    instance: Instance, alice: Account, bob: Person, carol: Person, policy: Any
) -> None:
    rule = {"automaticApproval": [bob.uri]} if policy == "bob" else policy
    note = bob.note(inReplyTo=(await posted(instance, carol, rule))["id"])
    await bob.does(instance, bob.create(note))
    assert await shown(instance, alice, note["id"])


async def test_authors_and_those_whom_they_name_need_no_leave(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    own = await posted(instance, carol, SHUT)
    note = carol.note(inReplyTo=own["id"])
    await carol.does(instance, carol.create(note))
    assert await shown(instance, alice, note["id"])
    dave = internet.person("dave", "fourth")  # not known here when he is named
    named = await posted(
        instance, carol, SHUT, cc=[dave.uri], tag=[{"type": "Mention", "href": dave.uri}]
    )
    note = dave.note(inReplyTo=named["id"], cc=[carol.uri, alice.uri])
    await dave.does(instance, dave.create(note))
    assert await seeing.seen(instance, None, note["id"]) is not None


@pytest.mark.parametrize("policy", [ASK, {"automaticApproval": ["followers"]}], ids=str)
@pytest.mark.parametrize("name", ["replyAuthorization", "approvedBy"])
async def test_a_good_stamp_is_leave_until_its_author_takes_it_back(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    carol: Person,
    policy: Any,
    name: str,
) -> None:
    if policy != ASK:
        policy = {"automaticApproval": [carol.followers]}  # bob may be one: who knows
    note = bob.note(inReplyTo=(await posted(instance, carol, policy))["id"])
    stamp = stamped(internet, carol, note)
    note[name] = stamp
    await bob.does(instance, bob.create(note))
    assert await shown(instance, alice, note["id"])
    await bob.does(instance, bob.create(note))
    assert internet.asked[stamp] == 1
    for liar in (bob, internet.person("neighbour", "third")):
        await liar.send(instance, liar.activity("Delete", stamp))
    await instance.run_jobs()
    assert await shown(instance, alice, note["id"])
    internet.fail(stamp, 410)
    await carol.does(instance, carol.activity("Delete", stamp))
    assert not await shown(instance, alice, note["id"])
    await bob.does(instance, bob.create(note))
    assert not await shown(instance, alice, note["id"])


async def test_the_old_names_of_a_stamp_count(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    accept = carol.activity("Accept", note["id"])  # as GoToSocial 0.17 has it
    internet.show(accept["id"], accept)
    await bob.does(instance, bob.create({**note, "approvedBy": accept["id"]}))
    assert await shown(instance, alice, note["id"])
    other = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    await bob.does(instance, bob.create({**other, "approvedBy": accept["id"]}))
    assert not await shown(instance, alice, other["id"])
    stamp = stamped(internet, carol, other, type="ReplyApproval")
    await bob.does(instance, bob.activity("Update", {**other, "approvedBy": stamp}))
    assert await shown(instance, alice, other["id"])


@pytest.mark.parametrize(
    "lie",
    [
        {"interactingObject": "http://third.localhost/other"},
        {"interactionTarget": "http://third.localhost/other"},
        {"attributedTo": "http://third.localhost/users/dave"},
        {"type": "QuoteAuthorization"},
        {"type": "Note"},
    ],
    ids=str,
)
async def test_a_stamp_for_something_else_is_no_leave(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    carol: Person,
    lie: dict[str, Any],
) -> None:
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    stamp = stamped(internet, carol, note, **lie)
    await bob.does(instance, bob.create({**note, "replyAuthorization": stamp}))
    assert internet.asked[stamp] == 1
    assert not await shown(instance, alice, note["id"])


async def test_a_stamp_from_another_server_is_not_even_read(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    stamp = stamped(internet, carol, note, id=f"{bob.uri}/authorizations/1")
    await bob.does(instance, bob.create({**note, "replyAuthorization": stamp}))
    assert internet.asked[stamp] == 0
    assert not await shown(instance, alice, note["id"])


async def test_a_server_that_fails_is_asked_again(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    stamp = stamped(internet, carol, note)
    page = internet.pages[stamp]
    internet.fail(stamp, 503)
    await bob.does(instance, bob.create({**note, "replyAuthorization": stamp}))
    assert not await shown(instance, alice, note["id"])
    internet.pages[stamp] = page
    internet.clock.advance(timedelta(minutes=3))
    await instance.run_jobs()
    assert await shown(instance, alice, note["id"])


@pytest.mark.parametrize("times", ["once", "again", "changed"])
async def test_leave_that_comes_later_counts(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    carol: Person,
    times: str,
) -> None:
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    if times != "once":
        await bob.does(instance, bob.create(note))
        assert not await shown(instance, alice, note["id"])
    note["replyAuthorization"] = stamped(internet, carol, note)
    sent = bob.activity("Update", note) if times == "changed" else bob.create(note)
    await bob.does(instance, sent)
    assert await shown(instance, alice, note["id"])


@pytest.mark.parametrize("leave", ["good", "none", "own", "open"])
async def test_an_answer_that_comes_before_its_post_waits_for_leave_as_well(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    carol: Person,
    leave: str,
) -> None:
    post = carol.note(interactionPolicy={"canReply": OPEN if leave == "open" else ASK})
    author = carol if leave == "own" else bob
    note = author.note(inReplyTo=post["id"])
    if leave == "good":
        note["replyAuthorization"] = stamped(internet, carol, note)
    await author.does(instance, author.create(note))
    await carol.does(instance, carol.create(post))
    assert await shown(instance, alice, note["id"]) is (leave != "none")


async def test_who_is_named_in_what_waits_sees_it_and_nobody_else(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    async with instance.easel.database.write() as tx:
        dave = await accounts.create_local(tx, "dave")
    tag = [{"type": "Mention", "href": dave.uri}]
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"], tag=tag)
    await bob.does(instance, bob.create(note))
    assert await seeing.seen(instance, dave, note["id"]) is not None
    assert await seeing.seen(instance, alice, note["id"]) is None
    await carol.does(instance, carol.activity("Reject", note["id"]))
    assert await seeing.seen(instance, dave, note["id"]) is None


async def test_the_author_says_yes_and_no_to_everybody(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    """GoToSocial tells its followers of what others sent without asking."""
    note = bob.note(inReplyTo=(await posted(instance, carol))["id"])
    await bob.does(instance, bob.create(note))
    neighbour = internet.person("neighbour", "third")
    for liar in (bob, neighbour):
        await liar.does(instance, liar.activity("Accept", note["id"], result=f"{liar.uri}/1"))
    assert not await shown(instance, alice, note["id"])
    result = f"{carol.uri}/authorizations/1"
    await carol.does(instance, carol.activity("Accept", note["id"], result=result))
    assert await shown(instance, alice, note["id"])
    await neighbour.does(instance, neighbour.activity("Reject", note["id"]))
    assert await shown(instance, alice, note["id"])
    await carol.does(instance, carol.activity("Reject", note["id"]))
    assert not await shown(instance, alice, note["id"])


async def test_what_is_held_was_never_counted(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    post = await posted(instance, carol)
    own = carol.note(inReplyTo=post["id"])
    await carol.does(instance, carol.create(own))
    await bob.does(instance, bob.create(bob.note(inReplyTo=post["id"])))
    parent = await seeing.status(instance, post["id"])
    assert parent is not None
    mine = await seeing.publish(instance, alice, in_reply_to_id=parent.id)
    await instance.run_jobs()

    async def counted() -> int:
        now = await seeing.status(instance, post["id"])
        assert now is not None
        return now.replies_count

    assert await counted() == 1
    internet.fail(bob.uri, 410)
    await bob.does(instance, bob.activity("Delete", bob.uri))
    assert await counted() == 1
    await carol.does(instance, carol.activity("Accept", mine, result=f"{carol.uri}/1"))
    assert await counted() == 2
    await carol.does(instance, carol.activity("Delete", f"{carol.uri}/1"))
    assert await counted() == 1
    assert await seeing.seen(instance, None, mine) is None


async def test_what_is_only_looked_up_needs_leave_as_well(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    """Such as what is read of a thread: the list of answers may be anybody's."""
    post = await posted(instance, carol)
    asked, unasked = bob.note(inReplyTo=post["id"]), bob.note(inReplyTo=post["id"])
    asked["replyAuthorization"] = stamped(internet, carol, asked)
    for note in (asked, unasked):
        internet.show(note["id"], {"@context": AS2, **note})
        await remote.status(instance.easel, note["id"])
    await instance.run_jobs()
    assert await seeing.seen(instance, None, asked["id"]) is not None
    assert await seeing.seen(instance, None, unasked["id"]) is None
    parent = await seeing.status(instance, post["id"])
    assert parent is not None and parent.replies_count == 1
