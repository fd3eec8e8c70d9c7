"""The W3C's tests of what an inbox does with what comes, each under its name in the implementation
report."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from activitypub.objects import values
from fedi.federation.forwarding import MAX_DEPTH
from tests import rig
from tests.api.apps import App
from tests.api.client.posting import done, heard, posted, read
from tests.api.client.reading import members
from tests.api.client.w3c.conftest import Stage
from tests.federation import seeing
from tests.federation.peer import AS2, PUBLIC, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def dave(stage: Stage, instance: rig.Instance, alice: App) -> Person:
    """Somebody elsewhere whom alice follows; what he posts is pinned where his actor says."""
    dave = stage.stranger("dave", "third")
    stage.internet.show(dave.uri, dave.document(featured=f"{dave.uri}/featured"))
    await seeing.befriend(instance, alice.account, dave)
    return dave


async def content(instance: rig.Instance, uri: str) -> str:
    """What a post says here; nothing, if it is not here."""
    found = await seeing.status(instance, uri)
    return "" if found is None or found.deleted_at is not None else found.content


async def passed_on(instance: rig.Instance, sender: Person, activity: Any, to: Person) -> bool:
    """Whether what somebody sends is passed on to another."""
    to.internet.posted.clear()
    await sender.does(instance, activity)
    return [body["id"] for body in to.internet.got(to.inbox)] == [activity["id"]]


# ---- MUST ---------------------------------------------------------------------------------------


async def test_inbox_accept_deduplicate(instance: rig.Instance, alice: App, dave: Person) -> None:
    create = dave.create(dave.note())
    for inbox in ("/inbox", f"/users/{alice.account.username}/inbox", "/inbox"):
        await dave.does(instance, create, inbox=inbox)
    came = await members(alice, alice.account.inbox_uri)
    assert [entry["object"]["id"] for entry in came] == [create["object"]["id"]]
    assert await seeing.home(instance, alice.account) == [create["object"]["id"]]


async def test_inbox_accept_special_forward(
    instance: rig.Instance, alice: App, carol: Person, dave: Person
) -> None:
    uri = await posted(alice)
    await instance.run_jobs()
    followers = alice.account.followers_uri
    answer = dave.note(inReplyTo=uri, cc=[followers])
    create = dave.create(answer)
    assert await passed_on(instance, dave, create, carol)  # all three conditions hold
    assert not await passed_on(instance, dave, create, carol)  # not for the first time
    elsewhere = dave.note(inReplyTo=f"{dave.uri}/notes/0", cc=[followers])
    assert not await passed_on(instance, dave, dave.create(elsewhere), carol)  # of nothing of ours
    unaddressed = dave.create(dave.note(inReplyTo=uri, cc=[]))
    assert not await passed_on(instance, dave, unaddressed, carol)  # for nobody's followers


async def test_inbox_accept_update_is_authorized(
    stage: Stage, instance: rig.Instance, dave: Person
) -> None:
    note = dave.note("<p>mine</p>")
    await dave.does(instance, dave.create(note))
    for liar in (stage.stranger("eve", "evil"), stage.stranger("eve", "third")):
        forged = {**note, "content": "<p>forged</p>"}
        await liar.send(instance, liar.activity("Update", forged))
        await liar.send(instance, liar.activity("Update", {**forged, "attributedTo": liar.uri}))
        await instance.run_jobs()
    assert await content(instance, note["id"]) == "<p>mine</p>"


async def test_inbox_accept_reject_does_not_add_actor_to_users_following(
    stage: Stage, instance: rig.Instance, alice: App
) -> None:
    erin = stage.stranger("erin")
    follow = await done(alice, {"type": "Follow", "object": erin.uri})
    await instance.run_jobs()
    await erin.does(instance, erin.activity("Reject", follow["id"]))
    assert await seeing.following(instance, alice.account) == []
    assert await members(alice, alice.account.following_uri) == []
    assert await members(alice, f"{alice.account.uri}/pendingFollowing") == []


# ---- SHOULD -------------------------------------------------------------------------------------


async def test_inbox_accept_special_forward_recurses(
    instance: rig.Instance, alice: App, carol: Person, dave: Person
) -> None:
    uri = await posted(alice)
    await instance.run_jobs()
    for name in ("object", "inReplyTo", "target", "tag"):
        about = {"id": dave.new_id("things"), "type": "Relationship", name: [{"id": uri}]}
        activity = dave.create(dave.note(**{name: about}, cc=[alice.account.followers_uri]))
        assert await passed_on(instance, dave, activity, carol), name


async def test_inbox_accept_special_forward_limits_recursion(
    instance: rig.Instance, alice: App, carol: Person, dave: Person
) -> None:
    uri = await posted(alice)
    await instance.run_jobs()
    for depth in range(1, MAX_DEPTH + 2):  # an activity names its object, which is one
        about: dict[str, Any] = {"id": uri}
        for _ in range(depth - 1):
            about = {"id": dave.new_id("deep"), "type": "Relationship", "target": about}
        activity = dave.create(dave.note(target=about, cc=[alice.account.followers_uri]))
        assert await passed_on(instance, dave, activity, carol) == (depth < MAX_DEPTH)


async def test_inbox_accept_update_completely_replace(instance: rig.Instance, dave: Person) -> None:
    note = dave.note("<p>one</p>", summary="spiders", tag=[{"type": "Hashtag", "name": "#sea"}])
    await dave.does(instance, dave.create(note))
    now = {**note, "content": "<p>two</p>", "updated": note["published"]}
    for name in ("summary", "tag"):
        del now[name]
    await dave.does(instance, dave.activity("Update", now))
    found = await seeing.seen(instance, None, note["id"])
    assert found is not None
    assert (found.status.content, found.status.spoiler_text) == ("<p>two</p>", "")
    assert found.tags == []


async def test_inbox_accept_delete(
    instance: rig.Instance, stage: Stage, alice: App, dave: Person
) -> None:
    note = dave.note()
    await dave.does(instance, dave.create(note))
    eve = stage.stranger("eve", "evil")
    await eve.send(instance, eve.activity("Delete", note["id"]))
    await instance.run_jobs()
    assert await content(instance, note["id"]) == "<p>hello</p>"
    await dave.does(instance, dave.activity("Delete", note["id"]))
    assert await content(instance, note["id"]) == ""
    assert await seeing.home(instance, alice.account) == []
    assert await members(alice, alice.account.inbox_uri) == []


async def test_inbox_accept_dont_blindly_trust(
    stage: Stage, instance: rig.Instance, alice: App, dave: Person
) -> None:
    """What somebody embeds of another's is read where it is, and believed of nobody else."""
    eve = stage.stranger("eve", "evil")
    await seeing.befriend(instance, alice.account, eve)
    true = {**dave.note("<p>as it is</p>"), "@context": AS2}
    stage.internet.show(true["id"], true)
    await eve.does(instance, eve.activity("Announce", {**true, "content": "<p>forged</p>"}))
    assert await content(instance, true["id"]) == "<p>as it is</p>"
    forged = dave.note("<p>he never said so</p>")
    for type_ in ("Announce", "Create"):
        await eve.send(instance, eve.activity(type_, forged, to=[PUBLIC]))
        await instance.run_jobs()
        assert await content(instance, forged["id"]) == ""


async def test_inbox_accept_follow_add_actor_to_users_followers(
    stage: Stage, instance: rig.Instance, alice: App
) -> None:
    erin = stage.stranger("erin")
    await erin.does(instance, erin.activity("Follow", alice.account.uri))
    assert await members(alice, alice.account.followers_uri) == [erin.uri]


async def test_inbox_accept_follow_generate_accept_or_reject(
    stage: Stage, instance: rig.Instance, alice: App
) -> None:
    erin, eve = stage.stranger("erin"), stage.stranger("eve")
    await done(alice, {"type": "Block", "object": eve.uri})
    await heard(alice, eve)
    for person, answer in ((erin, "Accept"), (eve, "Reject")):
        follow = person.activity("Follow", alice.account.uri)
        await person.does(instance, follow)
        [sent] = await heard(alice, person)
        assert (sent["type"], sent["actor"]) == (answer, alice.account.uri)
        assert values.uri(sent["object"]) == follow["id"]


async def test_inbox_accept_accept_add_actor_to_users_following(
    stage: Stage, instance: rig.Instance, alice: App
) -> None:
    erin = stage.stranger("erin")
    follow = await done(alice, {"type": "Follow", "object": erin.uri})
    await instance.run_jobs()
    assert await members(alice, alice.account.following_uri) == []
    await erin.does(instance, erin.activity("Accept", follow["id"]))
    assert await members(alice, alice.account.following_uri) == [erin.uri]


async def pins(app: App, person: Person) -> list[Any]:
    """What somebody elsewhere pinned, as the Mastodon apps of ours see it."""
    account = await seeing.known(app.instance, person.uri)
    answer = await app.get(f"/api/v1/accounts/{account.id}/statuses?pinned=true")
    assert answer.status == 200
    return [status["uri"] for status in answer.body]


async def test_inbox_accept_add_to_collection(
    stage: Stage, instance: rig.Instance, alice: App, dave: Person
) -> None:
    note = dave.note()
    stage.internet.show(note["id"], {"@context": AS2, **note})
    eve = stage.stranger("eve", "evil")
    await eve.send(instance, eve.activity("Add", note["id"], target=f"{dave.uri}/featured"))
    await dave.send(instance, dave.activity("Add", note["id"], target=f"{eve.uri}/featured"))
    await instance.run_jobs()
    assert await pins(alice, dave) == []
    await dave.does(instance, dave.activity("Add", note["id"], target=f"{dave.uri}/featured"))
    assert await pins(alice, dave) == [note["id"]]


async def test_inbox_accept_remove_from_collection(
    stage: Stage, instance: rig.Instance, alice: App, dave: Person
) -> None:
    note, target = dave.note(), f"{dave.uri}/featured"
    stage.internet.show(note["id"], {"@context": AS2, **note})
    await dave.does(instance, dave.activity("Add", note["id"], target=target))
    eve = stage.stranger("eve", "evil")
    await eve.send(instance, eve.activity("Remove", note["id"], target=target))
    await instance.run_jobs()
    assert await pins(alice, dave) == [note["id"]]
    await dave.does(instance, dave.activity("Remove", note["id"], target=target))
    assert await pins(alice, dave) == []


async def test_inbox_accept_like_indicate_like_performed(
    instance: rig.Instance, alice: App, dave: Person
) -> None:
    uri = await posted(alice)
    for _ in range(2):
        await dave.does(instance, dave.activity("Like", uri))
    assert (await read(alice, f"{uri}/likes")).body["totalItems"] == 1
    assert "favourite" in await seeing.notices(instance, alice.account)


async def test_inbox_accept_announce_add_to_shares_collection(
    instance: rig.Instance, alice: App, dave: Person
) -> None:
    uri = await posted(alice)
    for _ in range(2):
        announce = dave.activity("Announce", uri, to=[PUBLIC], cc=[dave.followers])
        await dave.does(instance, announce)
    assert (await read(alice, f"{uri}/shares")).body["totalItems"] == 1
    assert "reblog" in await seeing.notices(instance, alice.account)


# ---- MAY, and not normative ---------------------------------------------------------------------


async def test_inbox_accept_delete_tombstone(
    instance: rig.Instance, alice: App, dave: Person
) -> None:
    note = dave.note()
    await dave.does(instance, dave.create(note))
    gone = {"type": "Tombstone", "id": note["id"], "formerType": "Note"}
    await dave.does(instance, dave.activity("Delete", gone))
    await dave.does(instance, dave.create(note))  # its id stays dead
    found = await seeing.status(instance, note["id"])
    assert found is not None and found.deleted_at is not None and found.content == ""
    assert await members(alice, alice.account.inbox_uri) == []


async def test_inbox_accept_create(instance: rig.Instance, alice: App, dave: Person) -> None:
    note = dave.note("<p>new</p>")
    await dave.does(instance, dave.create(note))
    assert await seeing.home(instance, alice.account) == [note["id"]]
    [came] = await members(alice, alice.account.inbox_uri)
    assert (came["type"], came["object"]["content"]) == ("Create", "<p>new</p>")


async def test_inbox_accept_undo(
    stage: Stage, instance: rig.Instance, alice: App, dave: Person
) -> None:
    uri, eve = await posted(alice), stage.stranger("eve", "evil")
    follow = dave.activity("Follow", alice.account.uri)
    like, boost = dave.activity("Like", uri), dave.activity("Announce", uri, to=[PUBLIC])
    for activity in (follow, like, boost):
        await dave.does(instance, activity)

    async def standing() -> tuple[Any, ...]:
        likes = (await read(alice, f"{uri}/likes")).body["totalItems"]
        shares = (await read(alice, f"{uri}/shares")).body["totalItems"]
        return await seeing.followers(instance, alice.account), likes, shares

    for activity in (follow, like, boost):
        await eve.send(instance, eve.activity("Undo", activity))
    await instance.run_jobs()
    assert await standing() == ([dave.uri], 1, 1)
    for activity in (follow, like, boost):
        await dave.does(instance, dave.activity("Undo", activity))
    assert await standing() == ([], 0, 0)
