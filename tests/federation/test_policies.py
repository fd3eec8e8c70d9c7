"""Interaction policies (GoToSocial): what ours may do with the posts of others, and when."""

from __future__ import annotations

from typing import Any

import pytest

from fedi.database.tables import Account, Status
from fedi.social import accounts, favourites, reblogs, statuses
from fedi.social.errors import NotAllowed
from fedi.social.statuses import Draft
from tests.federation import seeing
from tests.federation.peer import ASK, OPEN, PUBLIC, SHUT, Document, Internet, Person
from tests.rig import Instance


@pytest.fixture
async def carol(instance: Instance, internet: Internet, alice: Account) -> Person:
    """Somebody elsewhere who follows alice."""
    carol = internet.person("carol", "third")
    await carol.does(instance, carol.activity("Follow", alice.uri))
    internet.posted.clear()
    return carol


async def posted(instance: Instance, bob: Person, **changes: Any) -> Status:
    note = bob.note(**changes)
    await bob.does(instance, bob.create(note))
    status = await seeing.status(instance, note["id"])
    assert status is not None
    return status


async def answer(instance: Instance, alice: Account, status: Status) -> str:
    return await seeing.publish(instance, alice, in_reply_to_id=status.id)


async def do(instance: Instance, deed: str, alice: Account, status: Status) -> str:
    """The id of the answer, like or boost."""
    if deed == "canReply":
        return await answer(instance, alice, status)
    async with instance.easel.database.write() as tx:
        if deed == "canLike":
            return (await favourites.add(tx, alice, status)).uri
        return (await reblogs.add(tx, alice, status)).uri


def types(documents: list[Document]) -> list[str]:
    return [document["type"] for document in documents]


@pytest.mark.parametrize("deed", ["canReply", "canLike", "canAnnounce"])
async def test_what_nobody_may_do_is_refused_in_words(
    instance: Instance, internet: Internet, alice: Account, bob: Person, deed: str
) -> None:
    status = await posted(instance, bob, interactionPolicy={deed: SHUT})
    with pytest.raises(NotAllowed, match="The author of that post does not want"):
        await do(instance, deed, alice, status)
    await instance.run_jobs()
    assert internet.posted == []


@pytest.mark.parametrize("deed", ["canReply", "canLike", "canAnnounce"])
@pytest.mark.parametrize("policy", ["open", "none", "followers", "me", "old names"])
async def test_what_ours_may_do_at_once_goes_to_everybody(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    carol: Person,
    deed: str,
    policy: str,
) -> None:
    rules: dict[str, Any] = {
        "open": {deed: OPEN},
        "none": None,
        "followers": {deed: {"automaticApproval": [bob.followers]}},
        "me": {deed: {"automaticApproval": alice.uri}},
        "old names": {deed: {"always": [PUBLIC], "approvalRequired": []}},
    }
    status = await posted(instance, bob, interactionPolicy=rules[policy])
    await do(instance, deed, alice, status)
    await instance.run_jobs()
    assert len(internet.got(bob.inbox)) == 1
    assert len(internet.got(carol.inbox)) == (0 if deed == "canLike" else 1)


async def test_an_answer_waits_for_its_author_and_then_goes_to_everybody(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    status = await posted(instance, bob, interactionPolicy={"canReply": ASK})
    uri = await answer(instance, alice, status)
    await instance.run_jobs()
    assert types(internet.got(bob.inbox)) == ["Create"]
    assert internet.got(carol.inbox) == []
    assert await seeing.seen(instance, None, uri) is None
    assert await seeing.seen(instance, alice, uri) is not None
    assert (await carol.get(uri))[0] == 404
    assert (await bob.get(uri))[0] == 200
    stamp = f"{bob.uri}/approvals/1"
    for liar in (carol, internet.person("neighbour")):
        await liar.does(instance, liar.activity("Accept", uri, result=f"{liar.uri}/approvals/1"))
    await bob.does(instance, bob.activity("Accept", uri, result=f"{carol.uri}/approvals/1"))
    assert internet.got(carol.inbox) == []
    await bob.does(instance, bob.activity("Accept", uri, result=stamp))
    [create] = internet.got(carol.inbox)
    assert create["object"]["approvedBy"] == stamp
    assert await seeing.seen(instance, None, uri) is not None
    await bob.does(instance, bob.activity("Accept", uri, result=stamp))
    assert types(internet.got(carol.inbox)) == ["Create"]


async def test_a_boost_waits_for_its_author_and_then_goes_to_everybody(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    status = await posted(instance, bob, interactionPolicy={"canAnnounce": ASK})
    uri = await do(instance, "canAnnounce", alice, status)
    await instance.run_jobs()
    assert types(internet.got(bob.inbox)) == ["Announce"]
    assert internet.got(carol.inbox) == []
    assert await seeing.seen(instance, None, uri) is None
    accept = bob.activity("Accept", {"id": uri, "type": "Announce", "actor": alice.uri})
    await bob.does(instance, accept)
    [announce] = internet.got(carol.inbox)
    assert announce["approvedBy"] == accept["id"]  # as GoToSocial 0.17 has it


async def test_a_like_goes_to_the_author_who_may_refuse_it(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    status = await posted(instance, bob, interactionPolicy={"canLike": ASK})
    uri = await do(instance, "canLike", alice, status)
    await instance.run_jobs()
    assert types(internet.got(bob.inbox)) == ["Like"]
    for person, left in ((carol, 1), (bob, 0)):
        await person.does(instance, person.activity("Reject", uri))
        now = await seeing.status(instance, status.uri)
        assert now is not None and now.favourites_count == left


@pytest.mark.parametrize("waits", [True, False])
async def test_what_is_refused_only_its_author_still_sees(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    carol: Person,
    waits: bool,
) -> None:
    policy = {"canReply": ASK} if waits else None
    status = await posted(instance, bob, interactionPolicy=policy)
    uri = await answer(instance, alice, status)
    await instance.run_jobs()
    await carol.does(instance, carol.activity("Reject", uri))
    assert (await seeing.seen(instance, None, uri) is None) is waits
    await bob.does(instance, bob.activity("Reject", uri))
    assert await seeing.seen(instance, None, uri) is None
    assert await seeing.seen(instance, alice, uri) is not None
    assert types(internet.got(carol.inbox)) == ([] if waits else ["Create", "Delete"])
    await bob.does(instance, bob.activity("Accept", uri))
    assert await seeing.seen(instance, None, uri) is None


async def test_a_boost_that_is_refused_is_gone(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    status = await posted(instance, bob, interactionPolicy={"canAnnounce": ASK})
    uri = await do(instance, "canAnnounce", alice, status)
    await instance.run_jobs()
    await bob.does(instance, bob.activity("Reject", uri))
    assert await seeing.seen(instance, alice, uri) is None


async def test_who_is_named_may_always_answer(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    tag = [{"type": "Mention", "href": alice.uri}]
    status = await posted(
        instance, bob, interactionPolicy={"canReply": SHUT}, tag=tag, cc=[bob.followers, alice.uri]
    )
    await answer(instance, alice, status)
    await instance.run_jobs()
    assert types(internet.got(carol.inbox)) == ["Create"]


async def test_a_policy_changes_with_its_post(
    instance: Instance, alice: Account, bob: Person
) -> None:
    note = bob.note(interactionPolicy={"canReply": SHUT})
    await bob.does(instance, bob.create(note))
    await bob.does(instance, bob.activity("Update", {**note, "interactionPolicy": None}))
    status = await seeing.status(instance, note["id"])
    assert status is not None and status.edited_at is None
    await answer(instance, alice, status)


async def test_an_answer_that_waits_is_not_changed_or_shown_behind_its_authors_back(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    async with instance.easel.database.write() as tx:
        dave = await accounts.create_local(tx, "dave")
    status = await posted(instance, bob, interactionPolicy={"canReply": ASK})
    uri = await answer(instance, alice, status)
    async with instance.easel.database.write() as tx:
        mine = await statuses.load_by_uri(tx, alice, uri)
        assert mine is not None
        await statuses.edit(tx, alice, mine, Draft(text="changed"))
        assert await statuses.load_by_uri(tx, dave, uri) is None
    await instance.run_jobs()
    assert types(internet.got(bob.inbox)) == ["Create", "Update"]
    assert internet.got(carol.inbox) == []


async def test_what_was_refused_stays_with_its_author_whatever_becomes_of_it(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    status = await posted(instance, bob, interactionPolicy={"canReply": ASK})
    uri = await answer(instance, alice, status)
    await instance.run_jobs()
    await bob.does(instance, bob.activity("Reject", uri))
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        mine = await statuses.load_by_uri(tx, alice, uri)
        assert mine is not None
        await statuses.edit(tx, alice, mine, Draft(text="changed"))
    await instance.run_jobs()
    assert internet.posted == []


async def test_an_answer_that_waits_and_is_taken_back_was_never_there_for_others(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    status = await posted(instance, bob, interactionPolicy={"canReply": ASK})
    uri = await answer(instance, alice, status)
    await instance.run_jobs()
    async with instance.easel.database.write() as tx:
        mine = await statuses.load_by_uri(tx, alice, uri)
        assert mine is not None
        await statuses.delete(tx, mine)
    await instance.run_jobs()
    assert types(internet.got(bob.inbox)) == ["Create", "Delete"]
    assert internet.got(carol.inbox) == []
