"""Relays of both styles: subscribed to, heard, and given what is public here."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from fedi.cli import app, context
from fedi.database.tables import Account, Relay
from fedi.federation import subscriptions
from fedi.social import accounts, timelines
from fedi.social.errors import NotFound
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Document, Internet, Person
from tests.rig import Instance


@pytest.fixture
def relay(internet: Internet) -> Person:
    return internet.person("relay", "relay", type="Application")


async def subscribed(instance: Instance, relay: Person, address: str) -> Document:
    """We asked, and were taken; the Follow that was sent."""
    await subscriptions.add(instance.easel, address)
    await instance.run_jobs()
    [follow] = relay.internet.got(relay.inbox)
    inner = {name: follow[name] for name in ("id", "type", "actor", "object")}
    await relay.does(instance, relay.activity("Accept", inner), inbox="/actor/inbox")
    relay.internet.posted.clear()
    return follow


async def state(instance: Instance) -> list[str]:
    async with instance.easel.database.read() as session:
        return [row.state for row in (await session.exec(select(Relay))).all()]


async def public(instance: Instance) -> list[str]:
    async with instance.easel.database.read() as session:
        return [status.uri for status in await timelines.public(session, None, timelines.Page())]


def posted(internet: Internet, author: Person, **changes: Any) -> Document:
    note = author.note("<p>from afar</p>", **changes)
    internet.show(note["id"], note)
    return note


async def test_a_mastodon_relay_is_asked_for_everything_public(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    follow = await subscribed(instance, relay, relay.inbox)
    assert (follow["type"], follow["object"]) == ("Follow", PUBLIC)
    assert follow["actor"] == f"{instance.url}/actor"
    assert await state(instance) == ["accepted"]
    uri = await seeing.publish(instance, alice, "for everybody")
    for visibility in ("unlisted", "private", "direct"):
        await seeing.publish(instance, alice, "not for relays", visibility=visibility)
    await instance.run_jobs()
    [create] = internet.got(relay.inbox)
    assert (create["type"], create["object"]["id"]) == ("Create", uri)


async def test_a_litepub_relay_follows_back_and_hears_announces(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    follow = await subscribed(instance, relay, relay.uri)
    assert (follow["type"], follow["object"]) == ("Follow", relay.uri)
    await relay.does(instance, relay.activity("Follow", f"{instance.url}/actor"))
    [accept] = internet.got(relay.inbox)
    assert (accept["type"], accept["object"]["type"]) == ("Accept", "Follow")
    internet.posted.clear()
    uri = await seeing.publish(instance, alice, "for everybody")
    await seeing.publish(instance, alice, "not for relays", visibility="unlisted")
    await instance.run_jobs()
    [announce] = internet.got(relay.inbox)
    assert (announce["type"], announce["object"]) == ("Announce", uri)
    assert announce["actor"] == f"{instance.url}/actor"
    assert relay.uri in announce["to"] and "published" in announce


@pytest.mark.parametrize("style", ["announce", "forward"])
async def test_what_a_relay_passes_on_is_fetched_and_shown_in_nobodys_home(
    instance: Instance, internet: Internet, alice: Account, relay: Person, style: str
) -> None:
    await subscribed(instance, relay, relay.inbox)
    bob = internet.person("bob", "far")
    note = posted(internet, bob)
    said = {**note, "content": "<p>what the relay made of it</p>"}
    passed = relay.activity("Announce", note["id"]) if style == "announce" else bob.create(said)
    assert await relay.send(instance, passed) == 202
    await instance.run_jobs()
    seen = await seeing.seen(instance, None, note["id"])
    assert seen is not None and "from afar" in seen.status.content
    assert note["id"] in await public(instance)
    assert await seeing.home(instance, alice) == []


async def test_an_edit_and_an_end_come_by_a_relay(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    await subscribed(instance, relay, relay.inbox)
    bob = internet.person("bob", "far")
    note = posted(internet, bob)
    await relay.does(instance, bob.create(note))
    instance.clock.advance(timedelta(minutes=1))
    edited = {**note, "content": "<p>edited</p>", "updated": "2999-01-01T00:00:00Z"}
    lie = bob.activity("Update", {**note, "content": "<p>a lie</p>"})
    internet.show(note["id"], edited)
    await relay.does(instance, lie)
    seen = await seeing.seen(instance, None, note["id"])
    assert seen is not None and "edited" in seen.status.content
    await relay.does(instance, bob.activity("Delete", note["id"]))  # a lie: it is still there
    assert note["id"] in await public(instance)
    internet.fail(note["id"], 410)
    await relay.does(instance, bob.activity("Delete", note["id"]))
    assert await public(instance) == []


async def test_a_relay_cannot_tell_that_what_it_cannot_see_is_gone(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    """To us a post for followers may be 404, and there all the same."""
    await subscribed(instance, relay, relay.inbox)
    bob = internet.person("bob", "far")
    await seeing.befriend(instance, alice, bob)
    note = bob.note(to=[bob.followers], cc=[])
    await bob.does(instance, bob.create(note))
    internet.fail(note["id"], 404)
    await relay.does(instance, relay.activity("Announce", note["id"]))
    assert await seeing.home(instance, alice) == [note["id"]]


async def test_by_a_relay_no_post_becomes_another(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    await subscribed(instance, relay, relay.inbox)
    bob = internet.person("bob", "far")
    note = posted(internet, bob)
    await relay.does(instance, relay.activity("Announce", note["id"]))
    other = bob.note("<p>another</p>")
    internet.show(other["id"], other)
    internet.redirect(note["id"], other["id"])
    await relay.does(instance, bob.activity("Update", note["id"]))
    internet.show(note["id"], {**note, "type": "Article", "content": "<p>another</p>"})
    await relay.does(instance, bob.activity("Update", note["id"]))
    seen = await seeing.seen(instance, None, note["id"])
    assert seen is not None and "another" not in seen.status.content


async def test_an_answer_that_waits_for_leave_goes_to_no_relay(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    await subscribed(instance, relay, relay.inbox)
    bob = internet.person("bob", "far")
    await seeing.befriend(instance, alice, bob)
    ask = {"canReply": {"automaticApproval": [], "manualApproval": [PUBLIC]}}
    note = bob.note(interactionPolicy=ask)
    await bob.does(instance, bob.create(note))
    asked = await seeing.status(instance, note["id"])
    assert asked is not None
    uri = await seeing.publish(instance, alice, in_reply_to_id=asked.id)
    await instance.run_jobs()
    assert internet.got(relay.inbox) == []
    await bob.does(instance, bob.activity("Accept", uri, result=f"{bob.uri}/approvals/1"))
    [create] = internet.got(relay.inbox)
    assert create["object"]["id"] == uri


async def test_nobody_else_may_speak_for_others(
    instance: Instance, internet: Internet, alice: Account, relay: Person
) -> None:
    await subscriptions.add(instance.easel, relay.inbox)
    await instance.run_jobs()
    [follow] = internet.got(relay.inbox)
    bob, mallory = internet.person("bob", "far"), internet.person("mallory", "evil")
    note = posted(internet, bob)
    await mallory.does(instance, mallory.activity("Accept", follow["id"]))  # not the relay
    assert await state(instance) == ["pending"]
    for stranger in (relay, mallory):  # the relay has not taken us
        assert await stranger.send(instance, bob.create(note)) == 401
        await stranger.does(instance, stranger.activity("Announce", note["id"]))
    assert await public(instance) == []
    await relay.does(instance, relay.activity("Reject", follow["id"]))
    assert await state(instance) == ["rejected"]
    await mallory.does(instance, mallory.activity("Follow", f"{instance.url}/actor"))
    assert internet.got(mallory.inbox) == []


async def test_leaving_a_relay_is_told_and_ends_it(
    instance: Instance,
    internet: Internet,
    alice: Account,
    relay: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(context, "settings", lambda: instance.easel.settings)
    monkeypatch.setenv("COLUMNS", "200")

    async def easel(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["relay", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    assert "mastodon" in await easel("add", relay.inbox)
    assert "pending" in await easel("list")
    instance.clock.advance(timedelta(minutes=5))
    await instance.run_jobs()
    [follow] = internet.got(relay.inbox)
    await relay.does(instance, relay.activity("Accept", follow["id"]))
    assert "accepted" in await easel("list")
    internet.posted.clear()
    await easel("remove", relay.inbox)
    instance.clock.advance(timedelta(minutes=5))
    await instance.run_jobs()
    [undo] = internet.got(relay.inbox)
    assert (undo["type"], undo["object"]["id"]) == ("Undo", follow["id"])
    bob = internet.person("bob", "far")
    assert await relay.send(instance, bob.create(posted(internet, bob))) == 401
    async with instance.easel.database.write() as tx:
        with pytest.raises(NotFound):
            await subscriptions.remove(tx, relay.inbox)
        assert await accounts.instance_actor(tx) is not None
