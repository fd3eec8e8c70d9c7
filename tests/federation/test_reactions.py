"""Boosts and likes from elsewhere, and what is boosted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fedi.database.tables import Account
from tests.federation import seeing
from tests.federation.peer import AS2, PUBLIC, Internet, Person, stamp
from tests.rig import Instance


@pytest.fixture
def carol(internet: Internet) -> Person:
    """Somebody on a third server."""
    return internet.person("carol", "third")


def shown(internet: Internet, document: dict[str, Any]) -> dict[str, Any]:
    internet.show(document["id"], {"@context": AS2, **document})
    return document


async def test_a_boost_for_followers_is_for_followers(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = shown(internet, carol.note())
    boost = bob.activity("Announce", note["id"], to=[bob.followers])
    await bob.does(instance, boost)
    assert await seeing.home(instance, alice) == [boost["id"]]
    assert await seeing.seen(instance, None, boost["id"]) is None
    assert await seeing.seen(instance, None, note["id"]) is not None


async def test_a_boost_of_ours_is_counted_told_and_taken_back(
    instance: Instance, alice: Account, bob: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    boost = bob.activity("Announce", uri, to=[PUBLIC], cc=[bob.followers])
    for _ in range(2):
        await bob.does(instance, boost)
    await bob.does(instance, {**boost, "id": bob.new_id()})
    mine = await seeing.status(instance, uri)
    assert mine is not None and mine.reblogs_count == 1
    assert await seeing.notices(instance, alice) == ["reblog"]
    await bob.does(instance, bob.activity("Undo", boost))
    mine = await seeing.status(instance, uri)
    assert mine is not None and mine.reblogs_count == 0
    assert await seeing.notices(instance, alice) == []


async def test_what_is_boosted_is_read_at_its_author_and_not_believed_of_the_booster(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = shown(internet, carol.note("<p>what carol said</p>"))
    forged = {**note, "content": "<p>what she did not say</p>"}
    boost = bob.activity("Announce", forged, to=[PUBLIC], cc=[bob.followers])
    await bob.does(instance, boost)
    assert await seeing.home(instance, alice) == [boost["id"]]
    post = await seeing.seen(instance, alice, boost["id"])
    assert post is not None and post.reblog is not None
    assert post.reblog.status.content == "<p>what carol said</p>"
    assert post.reblog.account.uri == carol.uri
    assert internet.signed[note["id"]] == 1


@pytest.mark.parametrize(
    "lie",
    ["other author", "other server", "create of another", "create by a stranger", "html",
     "plain json", "other id", "no post"],
)  # fmt: skip
async def test_what_its_own_server_does_not_say_is_not_boosted(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person, lie: str
) -> None:
    """bob's server speaks for bob, and for nobody else."""
    victim = carol.note("<p>forged</p>")
    at = f"{bob.origin}/lie"
    own = {**bob.note("<p>forged</p>"), "id": at}
    type_ = "application/activity+json"
    document: dict[str, Any] = own
    match lie:
        case "other author":
            document = {**own, "attributedTo": carol.uri}
        case "other server" | "other id":
            document = victim
        case "create of another":
            document = {"id": at, "type": "Create", "actor": carol.uri, "object": victim}
        case "create by a stranger":
            document = {"id": at, "type": "Create", "actor": bob.uri, "object": victim}
        case "html":
            type_ = "text/html"
        case "plain json":
            type_ = "application/json"
        case "no post":
            document = {**own, "type": "Person", "inbox": bob.inbox, "preferredUsername": "bob"}
    internet.show(at, {"@context": AS2, **document}, type_=type_)
    boost = bob.activity("Announce", at, to=[PUBLIC])
    await bob.does(instance, boost)
    assert await seeing.status(instance, boost["id"]) is None
    assert await seeing.status(instance, at) is None
    assert await seeing.status(instance, victim["id"]) is None
    assert await seeing.jobs(instance) == []


async def test_a_boost_by_somebody_whom_nobody_follows_is_not_fetched(
    instance: Instance, internet: Internet, alice: Account, carol: Person
) -> None:
    note = shown(internet, carol.note())
    mallory = internet.person("mallory", "evil")
    await mallory.does(instance, mallory.activity("Announce", note["id"], to=[PUBLIC]))
    assert internet.asked[note["id"]] == 0
    assert await seeing.status(instance, note["id"]) is None


async def test_what_ours_may_not_be_boosted_is_not(
    instance: Instance, alice: Account, bob: Person
) -> None:
    await bob.does(instance, bob.activity("Follow", alice.uri))
    private = await seeing.publish(instance, alice, visibility="private")
    direct = await seeing.publish(instance, alice, visibility="direct")
    for uri in (private, direct, f"{alice.uri}/statuses/1"):
        await bob.does(instance, bob.activity("Announce", uri, to=[PUBLIC]))
        await bob.does(instance, bob.activity("Like", uri))
    for uri in (private, direct):
        mine = await seeing.status(instance, uri)
        assert mine is not None and mine.reblogs_count == 0
    assert "reblog" not in await seeing.notices(instance, alice)
    mine = await seeing.status(instance, direct)
    assert mine is not None and mine.favourites_count == 0


async def test_a_boost_from_the_future_is_of_now(
    instance: Instance, alice: Account, bob: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    later = stamp(instance.clock.now() + timedelta(days=400))
    boost = bob.activity("Announce", uri, to=[PUBLIC], published=later)
    await bob.does(instance, boost)
    stored = await seeing.status(instance, boost["id"])
    assert stored is not None and stored.created_at <= instance.clock.now()


async def test_a_post_that_was_only_looked_up_is_put_before_followers_when_it_is_sent(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    old = shown(internet, bob.note("<p>old</p>", published=stamp(
        instance.clock.now() - timedelta(days=3)), cc=[alice.uri],
        tag={"type": "Mention", "href": alice.uri}))  # fmt: skip
    boost = bob.activity("Announce", old["id"], to=[PUBLIC])
    await bob.does(instance, boost)
    assert await seeing.home(instance, alice) == [boost["id"]]
    assert await seeing.notices(instance, alice) == []
    await bob.does(instance, bob.create(old))
    assert old["id"] in await seeing.home(instance, alice)
    assert await seeing.notices(instance, alice) == ["mention"]


@pytest.mark.parametrize("form", ["embedded", "id", "without id"])
async def test_a_like_is_counted_told_and_taken_back(
    instance: Instance, alice: Account, bob: Person, form: str
) -> None:
    uri = await seeing.publish(instance, alice)
    like = bob.activity("Like", uri)
    await bob.does(instance, like)
    await bob.does(instance, bob.activity("Like", uri))
    mine = await seeing.status(instance, uri)
    assert mine is not None and mine.favourites_count == 1
    assert await seeing.notices(instance, alice) == ["favourite"]
    undone: dict[str, Any] = {
        "embedded": like,
        "id": like["id"],
        "without id": {"type": "Like", "actor": bob.uri, "object": uri},
    }
    await bob.does(instance, bob.activity("Undo", undone[form]))
    mine = await seeing.status(instance, uri)
    assert mine is not None and mine.favourites_count == 0


async def test_nobody_takes_back_anothers_like_or_boost(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    like, boost = bob.activity("Like", uri), bob.activity("Announce", uri, to=[PUBLIC])
    for activity in (like, boost):
        await bob.does(instance, activity)
    for liar in (internet.person("neighbour"), internet.person("mallory", "evil")):
        for activity in (like, boost):
            await liar.send(instance, liar.activity("Undo", activity["id"]))
            await liar.send(instance, liar.activity("Undo", activity))
            await liar.send(instance, liar.activity("Undo", {**activity, "actor": liar.uri}))
            await liar.send(instance, liar.activity("Delete", boost["id"]))
    await instance.run_jobs()
    mine = await seeing.status(instance, uri)
    assert mine is not None
    assert (mine.favourites_count, mine.reblogs_count) == (1, 1)


async def test_liking_what_is_not_there_is_nothing(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = shown(internet, carol.note())
    await bob.does(instance, bob.activity("Like", note["id"]))
    await bob.does(instance, bob.activity("Like", alice.uri))
    assert internet.asked[note["id"]] == 0
    assert await seeing.jobs(instance) == []
