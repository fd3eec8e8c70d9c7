"""Follow requests, endorsements, familiar followers and hidden domains."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.database.tables import Account
from fedi.social import notifications
from tests import rig
from tests.api.apps import Answer, App
from tests.api.mastodon.apps import form, held, ids, post
from tests.federation import peer, seeing
from tests.federation.peer import Internet

REQUESTS, DOMAINS = "/api/v1/follow_requests", "/api/v1/domain_blocks"
ACCOUNTS = "/api/v1/accounts"


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def tie(app: App, verb: str, other: App | Account) -> Answer:
    target = other.account if isinstance(other, App) else other
    return await app.post(f"{ACCOUNTS}/{target.id}/{verb}", {})


async def relation(app: App, other: Account) -> entities.Relationship:
    answer = await app.get(f"{ACCOUNTS}/relationships?id[]={other.id}")
    [found] = held(answer, list[entities.Relationship])
    return found  # type: ignore[no-any-return]


async def test_who_asks_is_let_in_or_not(
    alice: App, bob: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    await alice.ask("PATCH", f"{ACCOUNTS}/update_credentials", {"locked": True})
    carol, dave = [await App.of(instance, browser, name) for name in ("carol", "dave")]
    for asking in (bob, carol, dave):
        assert held(await tie(asking, "follow", alice), entities.Relationship).requested
    waiting = await alice.get(f"{REQUESTS}?limit=2")
    assert ids(waiting) == [str(dave.account.id), str(carol.account.id)]
    older = waiting.headers["Link"].partition(">")[0].removeprefix("<")
    assert ids(await alice.get(older)) == [str(bob.account.id)]
    own = held(await alice.get(f"{ACCOUNTS}/verify_credentials"), entities.CredentialAccount)
    assert own.source.follow_requests_count == 3

    yes = await alice.post(f"{REQUESTS}/{bob.account.id}/authorize", {})
    assert held(yes, entities.Relationship).followed_by
    no = held(await alice.post(f"{REQUESTS}/{carol.account.id}/reject", {}), entities.Relationship)
    assert not no.followed_by and not no.requested_by
    assert ids(await alice.get(REQUESTS)) == [str(dave.account.id)]
    for gone in (bob.account.id, carol.account.id, 7):
        assert (await alice.post(f"{REQUESTS}/{gone}/authorize", {})).status == 404
    reader = await App.of(instance, browser, "alice", "read")
    assert (await reader.post(f"{REQUESTS}/{dave.account.id}/authorize", {})).status == 403


async def test_who_asks_from_elsewhere_hears_the_answer(
    alice: App, instance: rig.Instance, internet: Internet
) -> None:
    await alice.ask("PATCH", f"{ACCOUNTS}/update_credentials", {"locked": True})
    people = [internet.person(name) for name in ("erin", "frank")]
    for person in people:
        await person.does(instance, person.activity("Follow", alice.account.uri))
    frank, erin = ids(await alice.get(REQUESTS))
    await alice.post(f"{REQUESTS}/{erin}/authorize", {})
    await alice.post(f"{REQUESTS}/{frank}/reject", {})
    await instance.run_jobs()
    answers = [internet.got(person.inbox)[-1]["type"] for person in people]
    assert answers == ["Accept", "Reject"]


async def test_whom_somebody_shows_on_their_profile(alice: App, bob: App) -> None:
    assert (await tie(alice, "endorse", bob)).status == 422  # whom they do not follow
    await tie(alice, "follow", bob)
    for verb in ("endorse", "pin"):
        assert held(await tie(alice, verb, bob), entities.Relationship).endorsed
    for listing in ("/api/v1/endorsements", f"{ACCOUNTS}/{alice.account.id}/endorsements"):
        answer = await alice.get(listing)
        assert [one.acct for one in held(answer, list[entities.Account])] == ["bob"]
    assert (await relation(alice, bob.account)).endorsed
    assert not (await relation(bob, alice.account)).endorsed
    for verb in ("unendorse", "unpin"):
        assert not held(await tie(alice, verb, bob), entities.Relationship).endorsed
    assert (await alice.get("/api/v1/endorsements")).body == []
    assert (await alice.get(f"{ACCOUNTS}/7/endorsements")).status == 404


async def test_whom_one_knows_among_the_followers_of_another(
    alice: App, bob: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    carol, dave = [await App.of(instance, browser, name) for name in ("carol", "dave")]
    for known in (bob, carol):
        await tie(alice, "follow", known)
        await tie(known, "follow", dave)
    await carol.ask("PATCH", f"{ACCOUNTS}/update_credentials", {"hide_collections": True})
    asked = f"{ACCOUNTS}/familiar_followers?id[]={dave.account.id}&id[]={bob.account.id}&id[]=7"
    found = held(await alice.get(asked), list[entities.FamiliarFollowers])
    assert [(one.id, [other.acct for other in one.accounts]) for one in found] == [
        (str(dave.account.id), ["bob"]),
        (str(bob.account.id), []),
    ]
    assert (await alice.get(f"{ACCOUNTS}/familiar_followers")).body == []
    await dave.ask("PATCH", f"{ACCOUNTS}/update_credentials", {"hide_collections": True})
    found = held(await alice.get(asked), list[entities.FamiliarFollowers])
    assert [one.accounts for one in found] == [[], []]  # nor who follows those who hide it


async def test_nothing_of_a_hidden_domain_is_seen_or_heard(
    alice: App, bob: App, instance: rig.Instance, internet: Internet
) -> None:
    mallory, friend = internet.person("mallory", "evil"), internet.person("friend", "good")
    for person in (mallory, friend):
        await seeing.befriend(instance, alice.account, person)
        await seeing.befriend(instance, bob.account, person)
        await person.does(instance, person.activity("Follow", alice.account.uri))
    notes = {}
    for person in (mallory, friend):
        notes[person] = person.note(content=f"<p>@alice of {person.name}</p>")
        await person.does(instance, person.create(notes[person]))
    evil = await seeing.known(instance, mallory.uri)
    mine = await post(alice, "mine")

    assert await notified(alice) == ["friend", "mallory"]
    host = mallory.handle.rpartition("@")[2]
    assert (await form(alice, "POST", DOMAINS, ("domain", host.upper()))).body == {}
    assert (await alice.post(DOMAINS, {"domain": host})).status == 200  # twice is once
    await instance.run_jobs()
    assert held(await alice.get(DOMAINS), list[str]) == [host]
    seen = await relation(alice, evil)
    assert seen.domain_blocking and not seen.following and not seen.followed_by
    assert {"Undo", "Reject"} <= {one["type"] for one in internet.got(mallory.inbox)}
    assert await notified(alice) == ["alice", "friend"]  # of herself: that ties were cut

    def words(answer: Answer) -> list[str]:
        return [one["content"] for one in answer.body]

    for timeline in ("home", "public"):
        found = words(await alice.get(f"/api/v1/timelines/{timeline}"))
        assert not any("mallory" in one for one in found) and any("friend" in one for one in found)
    assert any("mallory" in one for one in words(await bob.get("/api/v1/timelines/public")))

    # A boost of theirs by somebody who is followed, and what they do to a post, are not seen.
    await tie(alice, "follow", bob)
    theirs = await seeing.status(instance, notes[mallory]["id"])
    assert theirs is not None
    assert (await bob.post(f"/api/v1/statuses/{theirs.id}/reblog", {})).status == 200
    await mallory.does(instance, mallory.activity("Like", mine.uri))
    await friend.does(instance, friend.activity("Like", mine.uri))
    home = await alice.get("/api/v1/timelines/home")
    assert not any(one["reblog"] for one in home.body)
    assert await notified(alice) == ["alice", "friend", "friend"]

    assert (await alice.ask("DELETE", f"{DOMAINS}?domain={host}")).body == {}
    assert (await alice.get(DOMAINS)).body == []
    assert any(one["reblog"] for one in (await alice.get("/api/v1/timelines/home")).body)
    assert not (await relation(alice, evil)).domain_blocking


async def notified(app: App) -> list[str]:
    """By whom somebody was told something."""
    async with app.instance.easel.database.read() as session:
        found = await notifications.newest(session, app.account)
        people = [await session.get_one(Account, one.from_account_id) for one in found]
    return sorted(person.username for person in people)


async def test_what_is_no_domain_is_not_hidden(alice: App, instance: rig.Instance) -> None:
    for domain in ("", "a b", instance.domain, "https://"):
        assert (await alice.post(DOMAINS, {"domain": domain})).status == 422, domain
    assert (await alice.post(DOMAINS, {})).status == 422
    assert (await alice.ask("DELETE", f"{DOMAINS}?domain=never.example")).body == {}
