"""What came in, as its owner's apps read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import InboxActivity
from fedi.federation import remote
from fedi.social import blocks, extensions, favourites, follows, statuses
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done
from tests.api.client.reading import AS, members, post, read
from tests.federation import seeing
from tests.federation.peer import Internet, Person

PAGE = 20
AS2 = "https://www.w3.org/ns/activitystreams"
SONG = "https://else.example/song"


@pytest.fixture
async def carol(instance: rig.Instance, internet: Internet, alice: App) -> Person:
    """Somebody elsewhere whom alice follows."""
    carol = internet.person("carol")
    await seeing.befriend(instance, alice.account, carol)
    return carol


async def comes(instance: rig.Instance, person: Person, activity: dict[str, Any]) -> None:
    """Somebody does something, a second after what was before."""
    instance.clock.advance(timedelta(seconds=1))
    await person.does(instance, activity)


async def follow(instance: rig.Instance, follower: App, followed: App) -> None:
    instance.clock.advance(timedelta(seconds=1))
    async with instance.easel.database.write() as tx:
        await follows.request(tx, follower.account, followed.account)


def told(activity: dict[str, Any]) -> tuple[str, str, Any]:
    object_ = activity["object"]
    return (
        activity["type"],
        activity["actor"],
        object_["id"] if isinstance(object_, dict) else object_,
    )


async def test_an_inbox_has_what_others_did_each_once_and_the_newest_first(
    instance: rig.Instance, alice: App, bob: App, carol: Person, internet: Internet
) -> None:
    inbox = alice.account.inbox_uri
    assert await members(alice, inbox) == []
    mine = await post(alice)
    dave = internet.person("dave", "other")
    note = carol.note(
        "<p>at home</p>",
        summary="of the sea",
        attachment=[{"type": "Document", "mediaType": "image/png", "name": "a wave",
                     "url": f"{carol.origin}/wave.png", "width": 40, "height": 30}],
        tag=[{"type": "Hashtag", "name": "#sea"}],
    )  # fmt: skip
    asked = carol.note("<p>@alice yes?</p>", to=[alice.account.uri], cc=[PUBLIC, carol.followers],
                       tag=[{"type": "Mention", "href": alice.account.uri}])  # fmt: skip
    private = dave.note("<p>for you</p>", to=[alice.account.uri], cc=[],
                        tag=[{"type": "Mention", "href": alice.account.uri}])  # fmt: skip
    boost = carol.activity("Announce", mine, to=[PUBLIC], cc=[carol.followers])
    like = dave.activity("Like", mine)
    smile = carol.activity("EmojiReact", mine, content="🦉")
    ask = dave.activity("Follow", alice.account.uri)
    creates = [carol.create(note), carol.create(asked), dave.create(private)]
    for person, activity in (
        (carol, creates[0]),
        (carol, creates[1]),  # at home, and in a notification
        (dave, creates[2]),
        (carol, boost),  # likewise
        (dave, like),
        (carol, smile),
        (dave, ask),
    ):
        await comes(instance, person, activity)
    await follow(instance, bob, alice)
    answer = await post(bob, "mine, too", to=[PUBLIC, alice.account.uri], inReplyTo=mine)

    found = await members(alice, inbox)
    assert [told(activity) for activity in found] == [
        ("Create", bob.account.uri, answer),
        ("Follow", bob.account.uri, alice.account.uri),
        ("Follow", dave.uri, alice.account.uri),
        ("Like", carol.uri, mine),
        ("Like", dave.uri, mine),
        ("Announce", carol.uri, mine),
        ("Create", dave.uri, private["id"]),
        ("Create", carol.uri, asked["id"]),
        ("Create", carol.uri, note["id"]),
    ]
    assert [activity.get("id") for activity in found[2:6]] == [
        ask["id"], smile["id"], like["id"], boost["id"],
    ]  # fmt: skip
    assert found[3]["content"] == "🦉"
    assert found[0]["id"] == f"{answer}/activity"
    *_, of_dave, _, of_carol = found
    assert [activity["id"] for activity in found[:5:-1]] == [made["id"] for made in creates]
    assert of_dave["to"] == [alice.account.uri] and not of_dave.get("cc")
    shown = of_carol["object"]
    assert shown["attributedTo"] == carol.uri and shown["content"] == "<p>at home</p>"
    assert shown["summary"] == "of the sea" and shown["to"] == [PUBLIC]
    assert shown["cc"] == [carol.followers]
    [picture] = shown["attachment"]
    assert picture["url"] == f"{carol.origin}/wave.png" and picture["name"] == "a wave"
    assert [tag["name"] for tag in shown["tag"]] == ["#sea"]
    for name in ("source", "replies", "likes", "interactionPolicy"):
        assert name not in shown


async def test_a_create_that_never_came_has_no_id_in_it(
    instance: rig.Instance, alice: App, carol: Person
) -> None:
    note = carol.note("<p>early</p>")
    await comes(instance, carol, carol.activity("Update", note))  # its Create is lost
    [shown] = await members(alice, alice.account.inbox_uri)
    assert told(shown) == ("Create", carol.uri, note["id"]) and "id" not in shown
    late = carol.note("<p>late</p>")
    carol.internet.show(late["id"], {"@context": AS2, **late})
    await remote.status(instance.easel, late["id"])  # somebody looked it up before it came
    create = carol.create(late)
    await comes(instance, carol, create)
    found = {told(one)[2]: one.get("id") for one in await members(alice, alice.account.inbox_uri)}
    assert found == {note["id"]: None, late["id"]: create["id"]}


async def test_what_means_nothing_here_is_in_the_inbox_of_those_whom_it_is_for(
    instance: rig.Instance, alice: App, bob: App, carol: Person, internet: Internet
) -> None:
    """Activities and objects of any type, each with its own words, until it is taken back."""
    dave = internet.person("dave", "other")
    terms = {"ex": "https://ex.example/ns#", "loudness": "ex:loudness"}
    forged = {"type": "Note", "id": f"{dave.origin}/1", "content": "forged"}
    mine = {"to": [alice.account.uri]}
    sneeze = carol.activity(
        "Sneeze", forged, **mine, loudness=3, content="<p onclick=x>a</p>", bto=[dave.uri]
    ) | {"@context": [AS2, terms]}
    listen = carol.activity("Listen", f"{dave.origin}/song", to=[PUBLIC], cc=[carol.followers])
    arrive = dave.activity("Arrive", None, to=[bob.account.uri], bcc=[alice.account.uri])
    chess = {"type": "ChessGame", "id": carol.new_id("games"), "attributedTo": carol.uri,
             "moves": ["e4"], **mine}  # fmt: skip
    game = carol.create(chess)
    carol.internet.show(listen["id"], listen)
    for person, activity in ((carol, sneeze), (dave, listen), (carol, game)):
        await comes(instance, person, activity)  # the second is passed on, and asked for
    await comes(instance, dave, arrive)
    found = await members(alice, alice.account.inbox_uri)
    assert [one["id"] for one in found] == [one["id"] for one in (arrive, game, listen, sneeze)]
    assert "bcc" not in found[0]
    shown = found[3]
    assert (shown["loudness"], shown["@context"]) == (3, [AS2, terms])
    assert (shown["object"], shown["content"]) == (forged["id"], "<p>a</p>")
    assert "bto" not in shown and found[1]["object"] == chess
    assert [one["id"] for one in await members(bob, bob.account.inbox_uri)] == [arrive["id"]]

    await comes(instance, carol, carol.activity("Update", {**chess, "moves": ["e4", "e5"]}))
    changed = (await members(alice, alice.account.inbox_uri))[1]
    assert (changed["id"], changed["object"]["moves"]) == (game["id"], ["e4", "e5"])
    neighbour = internet.person("carla")  # of the same server
    await comes(instance, neighbour, neighbour.activity("Undo", sneeze["id"]))
    assert len(await members(alice, alice.account.inbox_uri)) == 4
    await comes(instance, carol, carol.activity("Undo", {**sneeze, "object": forged["id"]}))
    await comes(instance, carol, carol.activity("Delete", chess["id"]))
    left = [one["id"] for one in await members(alice, alice.account.inbox_uri)]
    assert left == [arrive["id"], listen["id"]]
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, alice.account, await seeing.known(instance, dave.uri))
    assert [one["id"] for one in await members(alice, alice.account.inbox_uri)] == [listen["id"]]
    instance.clock.advance(timedelta(days=31))
    async with instance.easel.database.write() as tx:
        assert await extensions.is_old(tx)
        assert await extensions.drop_old(tx) == 2
    assert await members(alice, alice.account.inbox_uri) == []


async def test_what_people_saw_is_in_it_and_what_servers_count_is_not(
    instance: rig.Instance, alice: App, bob: App, carol: Person, internet: Internet
) -> None:
    server = internet.person("peertube", "films", type="Application")
    await seeing.befriend(instance, alice.account, server)
    await follow(instance, bob, alice)
    film = f"{server.origin}/film"
    for person in (carol, server):
        seen = person.activity("View", film, to=[PUBLIC], cc=[person.followers])
        await comes(instance, person, seen)
    named = carol.activity("View", film, to=[bob.account.uri])
    await comes(instance, carol, named)
    mine = await done(alice, {"type": "View", "object": film, "to": [PUBLIC]})
    assert [told(one) for one in await members(alice, alice.account.inbox_uri)] == [
        ("View", carol.uri, film),
        ("Follow", bob.account.uri, alice.account.uri),
    ]
    found = await members(bob, bob.account.inbox_uri)
    assert [one["id"] for one in found] == [mine["id"], named["id"]]


async def test_what_somebody_puts_into_their_collections_is_in_the_inbox_of_their_followers(
    instance: rig.Instance, alice: App, bob: App, carol: Person, internet: Internet
) -> None:
    """Into whichever of their own, pinned posts among them; Mastodon names neither the activity nor
    whom it is for."""
    dave = internet.person("dave", "other")
    featured, shelf = f"{carol.uri}/featured", f"{carol.uri}/shelf"
    internet.show(carol.uri, carol.document(featured=featured))
    await comes(instance, carol, carol.activity("Update", carol.document(featured=featured)))
    note = carol.note()
    await comes(instance, carol, carol.create(note))
    book = {"type": "Edition", "id": f"{carol.origin}/books/1", "title": "Foxes"}
    public = {"to": [PUBLIC], "cc": [carol.followers]}
    for activity in (
        carol.activity("Add", book, target=shelf, **public),
        carol.activity("Add", note["id"], target=featured, id=None),
        carol.activity("Remove", book["id"], target=shelf, **public),
        carol.activity("Add", book["id"], target=shelf, to=[bob.account.uri]),
    ):
        await comes(instance, carol, activity)
    foreign = carol.activity("Add", book["id"], target=f"{dave.uri}/shelf", **public)
    assert await carol.send(instance, foreign) == 403
    found = await members(alice, alice.account.inbox_uri)
    assert [(one["type"], one.get("target")) for one in found] == [
        ("Remove", shelf), ("Add", featured), ("Add", shelf), ("Create", None),
    ]  # fmt: skip
    assert found[1]["object"] == note["id"] and found[2]["object"] == book
    [only] = await members(bob, bob.account.inbox_uri)
    assert told(only) == ("Add", carol.uri, book["id"])


async def test_only_the_latest_is_kept_of_what_means_nothing_here(
    instance: rig.Instance, alice: App, bob: App, carol: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each actor, and for each of ours."""
    monkeypatch.setattr(extensions, "MAX_PER_ACTOR", 2)
    monkeypatch.setattr(extensions, "MAX_PER_RECIPIENT", 3)
    carla, cleo = carol.internet.person("carla"), carol.internet.person("cleo")
    sent = []
    for person, names in (
        (carol, (alice,)), (carol, (alice, bob)), (carol, (alice,)), (carla, (alice, bob)),
        (carla, (alice,)), (cleo, (alice,)),
    ):  # fmt: skip
        to = [one.account.uri for one in names]
        sent.append(person.activity("Sneeze", f"{person.origin}/song", to=to))
        await comes(instance, person, sent[-1])

    async def inbox(of: App) -> list[int]:
        ids = [activity["id"] for activity in sent]
        return [ids.index(one["id"]) for one in await members(of, of.account.inbox_uri)]

    # The first is one too many of carol; the next two are too many for alice, and one of them is
    # still there for bob.
    assert await inbox(alice) == [5, 4, 3]
    assert await inbox(bob) == [3, 1]
    async with instance.easel.database.read() as session:
        assert len((await session.exec(select(InboxActivity.id))).all()) == 4
    # Of what came before there was a bound, each that comes takes some along.
    monkeypatch.setattr(extensions, "MAX_PER_RECIPIENT", 1)
    monkeypatch.setattr(extensions, "BATCH", 2)
    for left in ([6, 5], [7]):
        sent.append(cleo.activity("Sneeze", f"{cleo.origin}/song", to=[alice.account.uri]))
        await comes(instance, cleo, sent[-1])
        assert await inbox(alice) == left


async def test_what_one_of_ours_does_comes_to_another(
    instance: rig.Instance, alice: App, bob: App
) -> None:
    await follow(instance, bob, alice)
    offer = await done(alice, {"type": "Offer", "object": SONG, "to": [bob.account.uri]})
    place = await done(alice, {"type": "Place", "name": "Pier", "to": [PUBLIC]})
    await done(alice, {"type": "Listen", "object": SONG})  # for nobody
    found = await members(bob, bob.account.inbox_uri)
    assert [one["id"] for one in found] == [place["id"], offer["id"]]
    assert found[0]["object"]["name"] == "Pier"
    change = {"id": place["object"]["id"], "name": "Mole"}
    await done(alice, {"type": "Update", "object": change})
    assert (await members(bob, bob.account.inbox_uri))[0]["object"]["name"] == "Mole"
    await done(alice, {"type": "Undo", "object": offer["id"]})
    await done(alice, {"type": "Delete", "object": place["object"]["id"]})
    assert await members(bob, bob.account.inbox_uri) == []


async def test_what_was_taken_back_or_is_by_who_was_blocked_is_in_it_no_more(
    instance: rig.Instance, alice: App, bob: App, carol: Person, internet: Internet
) -> None:
    inbox = alice.account.inbox_uri
    mine = await post(alice)
    dave = internet.person("dave", "other")
    note, other = carol.note(), carol.note()
    like = dave.activity("Like", mine)
    for person, activity in (
        (carol, carol.create(note)),
        (carol, carol.create(other)),
        (dave, like),
        (dave, dave.activity("Follow", alice.account.uri)),
    ):
        await comes(instance, person, activity)
    await comes(instance, carol, carol.activity("Delete", other["id"]))
    await comes(instance, dave, dave.activity("Undo", like))
    assert [told(one)[0] for one in await members(alice, inbox)] == ["Follow", "Create"]
    async with instance.easel.database.write() as tx:
        for person in (carol, dave):
            await blocks.add(tx, alice.account, await seeing.known(instance, person.uri))
    assert await members(alice, inbox) == []


async def test_an_inbox_is_walked_both_ways_while_it_grows(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    inbox = alice.account.inbox_uri
    mine = await post(alice)
    await follow(instance, alice, bob)
    old = [await post(bob, f"old {n}") for n in range(2 * PAGE)]
    async with instance.easel.database.write() as tx:
        liked = await statuses.load_by_uri(tx, bob.account, mine)
        assert liked is not None
        old.append((await favourites.add(tx, bob.account, liked)).uri)

    def shown(page: dict[str, Any]) -> list[str]:
        return [
            one["object"]["id"] if one["type"] == "Create" else one["id"]
            for one in page["orderedItems"]
        ]

    page = await read(alice, f"{inbox}?page=true")
    assert "prev" not in page
    seen, new = shown(page), []
    while "next" in page:
        new.append(await post(bob, f"new {len(new)}"))
        before = page
        page = await read(alice, page["next"])
        assert shown(await read(alice, page["prev"])) == shown(before)
        seen += shown(page)
    assert seen == old[::-1]
    page = await read(alice, (await read(alice, inbox))["last"])
    backwards = shown(page)
    while "prev" in page:
        page = await read(alice, page["prev"])
        backwards = shown(page) + backwards
    assert backwards == [*old, *new][::-1]
    bad = await alice.get(f"{inbox}?page=true&max_id=x", headers=AS)
    assert bad.status == 400 and bad.error


OWN = ("inbox", "pendingFollowers", "pendingFollowing", "blocked")


@pytest.mark.parametrize("name", OWN)
async def test_what_is_the_owners_alone_is_shown_to_nobody_else(
    instance: rig.Instance,
    browser: aiohttp.ClientSession,
    alice: App,
    bob: App,
    carol: Person,
    name: str,
) -> None:
    url = f"{alice.account.uri}/{name}"
    nobody = App(instance, browser, alice.account, None)
    for ask in (url, f"{url}?page=true"):
        refused = await nobody.get(ask, headers=AS)
        assert refused.status == 401 and "Bearer" in refused.headers["WWW-Authenticate"]
        assert refused.error
        assert (await carol.get(ask))[0] == 401  # a signature is no token
        for other, status in (
            (bob, 403),
            (await App.of(instance, browser, "alice", "write"), 403),
            (await App.of(instance, browser, "alice", "read:lists"), 403),
        ):
            refused = await other.get(ask, headers=AS)
            assert refused.status == status and refused.error
        reader = await App.of(instance, browser, "alice", "read")
        answer = await reader.get(ask, headers=AS)
        assert answer.status == 200 and answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.body["id"] in {ask, f"{url}?page=true"}
    unknown = await alice.get(f"{instance.url}/users/nobody/{name}", headers=AS)
    assert unknown.status == 403


async def test_who_asks_too_often_is_put_off(
    new_database: rig.NewDatabase, tmp_path: Any, clock: Any, browser: aiohttp.ClientSession
) -> None:
    async with rig.serve_instance(
        tmp_path, new_database(), clock=clock, server={"api_requests": 10}
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        for _ in range(10):
            assert (await alice.get(alice.account.inbox_uri, headers=AS)).status == 200
        refused = await alice.get(alice.account.inbox_uri, headers=AS)
        assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0
