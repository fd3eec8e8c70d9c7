"""Groups (FEP-1b12): what a group passes on of its members, believed where it is confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from fedi.database.tables import Account
from tests.federation import seeing
from tests.federation.peer import AS2, PUBLIC, Document, Internet, Person
from tests.rig import Instance


@pytest.fixture
async def group(instance: Instance, internet: Internet, alice: Account) -> Person:
    """A community whom alice follows."""
    group = internet.person("pictures", "lemmy")
    internet.show(group.uri, group.document(type="Group"))
    await seeing.befriend(instance, alice, group)
    return group


@pytest.fixture
def dave(internet: Internet) -> Person:
    """A member, on a third server."""
    return internet.person("dave", "third")


def served(internet: Internet, document: Document) -> Document:
    internet.show(document["id"], {"@context": AS2, **document})
    return document


def passed_on(group: Person, inner: Any) -> Document:
    return group.activity("Announce", inner, to=[PUBLIC], cc=[group.followers])


def page(internet: Internet, dave: Person, group: Person, **changes: Any) -> Document:
    made = dave.note(
        "<p>look</p>",
        type="Page",
        name="A fox",
        to=[group.uri, PUBLIC],
        cc=[],
        audience=group.uri,
        **changes,
    )
    return served(internet, made)


async def announced(
    instance: Instance, internet: Internet, dave: Person, group: Person
) -> Document:
    """A post in the group, which has come."""
    made = page(internet, dave, group)
    await group.does(instance, passed_on(group, dave.create(made)))
    return made


async def test_a_post_in_a_group_is_read_at_its_author_and_boosted_by_the_group(
    instance: Instance, internet: Internet, alice: Account, dave: Person, group: Person
) -> None:
    made = page(internet, dave, group)
    create = dave.create({**made, "content": "<p>forged</p>"})
    announce = passed_on(group, create)
    await group.does(instance, announce)
    assert await seeing.home(instance, alice) == [announce["id"]]
    shown = await seeing.seen(instance, alice, made["id"])
    assert shown is not None
    assert shown.account.uri == dave.uri
    assert "look" in shown.status.content and "A fox" in shown.status.content
    # Lemmy 0.19 announces the Page itself too, for Mastodon.
    await group.does(instance, passed_on(group, made["id"]))
    assert await seeing.home(instance, alice) == [announce["id"]]


async def test_an_answer_in_a_group_is_in_its_thread_and_in_no_home(
    instance: Instance, internet: Internet, alice: Account, dave: Person, group: Person
) -> None:
    made = await announced(instance, internet, dave, group)
    before = await seeing.home(instance, alice)
    tag = [{"type": "Mention", "href": alice.uri, "name": f"@alice@{instance.domain}"}]
    reply = served(
        internet,
        dave.note(inReplyTo=made["id"], to=[PUBLIC], cc=[group.uri, alice.uri], tag=tag),
    )
    await group.does(instance, passed_on(group, dave.create(reply)))
    assert await seeing.home(instance, alice) == before
    shown = await seeing.seen(instance, None, reply["id"])
    assert shown is not None and shown.in_reply_to is not None
    assert await seeing.notices(instance, alice) == ["mention"]


async def test_edits_and_deletions_are_read_at_their_author(
    instance: Instance, internet: Internet, alice: Account, dave: Person, group: Person
) -> None:
    made = await announced(instance, internet, dave, group)
    lie = {**made, "content": "<p>forged</p>", "updated": "2030-01-01T00:00:00Z"}
    await group.does(instance, passed_on(group, dave.activity("Update", lie)))
    await group.does(instance, passed_on(group, dave.activity("Delete", made["id"])))
    shown = await seeing.seen(instance, alice, made["id"])
    assert shown is not None and "forged" not in shown.status.content
    served(internet, {**made, "content": "<p>changed</p>"})
    await group.does(instance, passed_on(group, dave.activity("Update", lie)))
    shown = await seeing.seen(instance, alice, made["id"])
    assert shown is not None and "changed" in shown.status.content
    internet.show(made["id"], {"@context": AS2, "id": made["id"], "type": "Tombstone"})
    await group.does(instance, passed_on(group, dave.activity("Delete", made["id"])))
    assert await seeing.seen(instance, alice, made["id"]) is None


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_any_more_is_deleted(
    instance: Instance,
    internet: Internet,
    alice: Account,
    dave: Person,
    group: Person,
    status: int,
) -> None:
    made = await announced(instance, internet, dave, group)
    internet.fail(made["id"], status)
    await group.does(instance, passed_on(group, dave.activity("Delete", made["id"])))
    assert await seeing.seen(instance, alice, made["id"]) is None


async def test_what_a_group_cannot_see_it_cannot_have_deleted(
    instance: Instance, internet: Internet, alice: Account, dave: Person, group: Person
) -> None:
    """To us a post for followers may be 404, and there all the same."""
    await seeing.befriend(instance, alice, dave)
    note = dave.note(to=[dave.followers], cc=[])
    await dave.does(instance, dave.create(note))
    internet.fail(note["id"], 404)
    await group.does(instance, passed_on(group, dave.activity("Delete", note["id"])))
    assert await seeing.home(instance, alice) == [note["id"]]


async def test_likes_count_if_the_server_of_who_likes_confirms_them(
    instance: Instance, internet: Internet, dave: Person, group: Person
) -> None:
    made = await announced(instance, internet, dave, group)
    fan = internet.person("fan", "fourth")

    async def likes() -> int:
        status = await seeing.status(instance, made["id"])
        assert status is not None
        return status.favourites_count

    forged = fan.activity("Like", made["id"])
    await group.does(instance, passed_on(group, forged))
    assert await likes() == 0
    served(internet, {**forged, "object": f"{dave.uri}/other"})
    await group.does(instance, passed_on(group, forged))
    served(internet, {**forged, "type": "Dislike"})
    await group.does(instance, passed_on(group, forged))
    served(internet, {**forged, "actor": dave.uri})
    await group.does(instance, passed_on(group, forged))
    assert await likes() == 0
    like = served(internet, fan.activity("Like", made["id"]))
    for _ in range(2):
        await group.does(instance, passed_on(group, like))
    assert await likes() == 1
    undo = fan.activity("Undo", like)
    await group.does(instance, passed_on(group, undo))
    assert await likes() == 1
    served(internet, undo)
    await group.does(instance, passed_on(group, undo))
    assert await likes() == 0


async def test_a_group_speaks_for_nobody_of_ours_and_for_nobody_it_is_not_followed_for(
    instance: Instance, internet: Internet, alice: Account, dave: Person, group: Person
) -> None:
    ours = await seeing.publish(instance, alice)
    like = {"id": f"{alice.uri}#likes/1", "type": "Like", "actor": alice.uri, "object": ours}
    delete = {"id": f"{alice.uri}#d", "type": "Delete", "actor": alice.uri, "object": ours}
    for inner in (like, delete):
        await group.does(instance, passed_on(group, inner))
    shown = await seeing.seen(instance, alice, ours)
    assert shown is not None and shown.status.favourites_count == 0
    stranger = internet.person("unfollowed", "lemmy")
    made = page(internet, dave, stranger)
    await stranger.does(instance, passed_on(stranger, dave.create(made)))
    assert await seeing.status(instance, made["id"]) is None
    nested = passed_on(group, passed_on(stranger, dave.create(made)))
    await group.does(instance, nested)
    for inner in (
        {"type": "Create"},
        {"type": "Like"},
        {"type": "Note"},
        {"type": "Block", "id": dave.new_id()},
    ):
        assert await group.send(instance, passed_on(group, inner)) in {202, 403}
    await instance.run_jobs()
    assert await seeing.jobs(instance) == []
    assert await seeing.status(instance, made["id"]) is None
