"""Collections that an app makes: filled, read page by page by who may see what is in them, renamed,
and taken away."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from fedi.federation.documents.paging import PAGE
from fedi.social import collections
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, nobody, note, posted, read, wire
from tests.api.client.reading import members
from tests.federation.peer import Person

SONG = "https://else.example/song"
MANAGING = "https://swicg.github.io/activitypub-api/scopes#managecollections"


async def made(app: App, **more: Any) -> str:
    """The id of a fresh collection."""
    whole = {"type": "OrderedCollection", "name": "Boats", "to": [PUBLIC], **more}
    return str((await done(app, whole))["object"]["id"])


async def change(app: App, kind: str, uri: str, object_: Any) -> dict[str, Any]:
    return await done(app, {"type": kind, "object": object_, "target": uri})


async def test_a_collection_is_made_filled_and_read_by_who_may_see_what_is_in_it(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    mine = [await posted(alice, content=f"n {number}") for number in range(3)]
    private = (await done(alice, note("hush", to=[alice.account.followers_uri])))["object"]["id"]
    theirs = await posted(bob)
    await heard(alice, carol)
    uri = await made(alice, orderedItems=[theirs, {"id": mine[0], "type": "Note"}], totalItems=99)
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["object"]["id"], sent["object"]["name"]) == ("Create", uri, "Boats")
    whole = (await read(nobody(alice), uri)).body
    assert (whole["type"], whole["attributedTo"]) == ("OrderedCollection", alice.account.uri)
    assert (whole["name"], whole["totalItems"], whole["id"]) == ("Boats", 2, uri)
    assert await members(alice, uri) == [theirs, mine[0]]

    added = await change(alice, "Add", uri, private)
    [sent] = await heard(alice, carol)
    assert wire(sent) == wire(added)
    assert (added["target"], added["object"], added["to"]) == (uri, private, [PUBLIC])
    again = await change(alice, "Add", uri, private)  # it is in there, and nobody is told again
    assert await heard(alice, carol) == [] and again["object"] == private
    await change(alice, "Add", uri, [SONG, mine[1]])
    await change(alice, "Add", uri, carol.uri)
    everything = [carol.uri, SONG, mine[1], private, theirs, mine[0]]
    assert await members(alice, uri) == everything
    for other in (bob, nobody(alice)):
        assert await members(other, uri) == [one for one in everything if one != private]
    assert (await carol.get(uri))[1]["totalItems"] == len(everything)  # who follows sees it
    assert (await read(nobody(alice), uri)).headers["Cache-Control"].startswith("public")
    assert "private" in (await read(bob, uri)).headers["Cache-Control"]

    removed = await change(alice, "Remove", uri, [SONG, carol.uri])
    assert removed["object"] == [SONG, carol.uri]
    await done(alice, {"type": "Delete", "object": mine[1]})
    assert await members(alice, uri) == [private, theirs, mine[0]]
    refused = await alice.submit({"type": "Remove", "object": SONG, "target": uri})
    assert refused.status == 404

    update = {"id": uri, "name": "Ships", "summary": "of the <b>sea</b>", "totalItems": 7}
    await done(alice, {"type": "Update", "object": update})
    whole = (await read(nobody(alice), uri)).body
    assert (whole["name"], whole["summary"]) == ("Ships", "of the <b>sea</b>")
    assert whole["totalItems"] == 2 and whole["updated"]
    refused = await alice.submit({"type": "Update", "object": {"id": uri, "orderedItems": [SONG]}})
    assert refused.status == 422 and "Add and Remove" in refused.body["detail"]

    await done(alice, {"type": "Delete", "object": uri})
    gone = await read(nobody(alice), uri)
    assert (gone.status, gone.body["formerType"]) == (410, "OrderedCollection")
    assert (await alice.submit({"type": "Add", "object": SONG, "target": uri})).status == 422


async def test_a_collection_is_read_page_by_page(alice: App) -> None:
    items = [f"{SONG}/{number}" for number in range(PAGE + 5)]
    uri = await made(alice, type="Collection", items=items)
    whole = (await read(nobody(alice), uri)).body
    assert whole["type"] == "Collection" and whole["totalItems"] == len(items)
    first = (await read(nobody(alice), whole["first"])).body
    second = (await read(nobody(alice), first["next"])).body
    assert first["items"] + second["items"] == items
    assert (await read(nobody(alice), second["prev"])).body["items"] == first["items"]


async def test_nobody_else_sees_or_changes_a_collection(
    alice: App, bob: App, carol: Person
) -> None:
    uri = await made(alice, to=[alice.account.followers_uri])
    assert (await read(bob, uri)).status == 404
    assert (await carol.get(uri))[0] == 200
    public = await made(alice)
    for kind in ("Add", "Remove"):
        refused = await bob.submit({"type": kind, "object": SONG, "target": public})
        assert refused.status == 422 and "that you made" in refused.body["detail"]
    for activity in (
        {"type": "Update", "object": {"id": public, "name": "Mine"}},
        {"type": "Delete", "object": public},
    ):
        assert (await bob.submit(activity)).status == 403
    secret = (await done(bob, note("psst", to=[])))["object"]["id"]
    for object_, status in (
        (secret, 404),
        (f"{bob.account.uri}/statuses/1", 404),
        ("urn:x:1", 400),
        ({"type": "Note", "content": "no id"}, 400),
    ):
        refused = await alice.submit({"type": "Add", "object": object_, "target": public})
        assert refused.status == status and refused.body["detail"], object_
        kept = await alice.submit({"type": "Collection", "items": [object_], "to": [PUBLIC]})
        assert kept.status == status
    assert await members(alice, public) == []


async def test_what_is_for_those_in_a_collection_comes_to_them(
    alice: App, bob: App, carol: Person
) -> None:
    uri = await made(alice, to=[], orderedItems=[bob.account.uri])
    await change(alice, "Add", uri, carol.uri)
    post = (await done(alice, note("for my crew", to=[uri])))["object"]["id"]
    [sent] = await heard(alice, carol)
    assert sent["object"]["id"] == post
    assert (await read(bob, post)).status == 200
    assert (await read(nobody(alice), post)).status == 404


async def test_collections_have_limits(alice: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "MAX_ITEMS", 3)
    monkeypatch.setattr(collections, "MAX_COLLECTIONS", 2)
    uri = await made(alice, orderedItems=[f"{SONG}/1", f"{SONG}/2"])
    full = await alice.submit({"type": "Add", "object": [f"{SONG}/3", f"{SONG}/4"], "target": uri})
    assert full.status == 422 and "at most 3 members" in full.body["detail"]
    many = {"type": "Collection", "items": [f"{SONG}/{n}" for n in range(4)], "to": [PUBLIC]}
    assert (await alice.submit(many)).status == 422
    other = await made(alice)
    refused = await alice.submit({"type": "Collection", "name": "Third", "to": [PUBLIC]})
    assert refused.status == 422 and "at most 2 collections" in refused.body["detail"]
    await done(alice, {"type": "Delete", "object": other})
    await made(alice)


async def test_the_scope_for_collections_makes_them_and_no_posts(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App
) -> None:
    app = await App.of(instance, browser, "alice", MANAGING)
    uri = await made(app)
    await change(app, "Add", uri, SONG)
    await done(app, {"type": "Update", "object": {"id": uri, "name": "Ships"}})
    await done(app, {"type": "Delete", "object": uri})
    mine, place = await posted(alice), {"type": "Place", "name": "Pier"}
    lighthouse = (await done(alice, place))["object"]["id"]
    for activity in (
        note(), place,
        *({"type": "Delete", "object": one} for one in (mine, lighthouse)),
        *({"type": "Update", "object": {"id": one, "name": "x"}} for one in (mine, lighthouse)),
    ):  # fmt: skip
        assert (await app.submit(activity)).status == 403, activity
