"""What apps do to people by the outbox: themselves, those who ask, those who move or misbehave."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from fedi.database.tables import Account, Report
from fedi.social import accounts, follows
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, nobody, posted, read, upload
from tests.federation import seeing
from tests.federation.peer import Internet, Person


async def actor(app: App) -> dict[str, Any]:
    return dict((await read(nobody(app), app.account.uri)).body)


async def update(app: App, **changes: Any) -> dict[str, Any]:
    return await done(app, {"type": "Update", "object": {"id": app.account.uri, **changes}})


async def test_an_app_changes_what_an_account_says_of_itself(alice: App, carol: Person) -> None:
    before = await actor(alice)
    line = {"type": "PropertyValue", "name": "Home", "value": "<p>https://alice.example</p>"}
    made = await update(
        alice,
        name="Alice L.",
        summary="<p>I paint #boats</p><p>and https://sea.example</p>",
        attachment=[line],
        manuallyApprovesFollowers=True,
        discoverable=True,
        indexable=False,
    )
    after = await actor(alice)
    [sent] = await heard(alice, carol)
    assert (sent["id"], sent["to"]) == (made["id"], [PUBLIC])
    for document in (made["object"], after, sent["object"]):
        assert document["name"] == "Alice L."
        assert "I paint" in document["summary"] and "sea.example" in document["summary"]
        [shown] = document["attachment"]
        assert shown["name"] == "Home" and 'href="https://alice.example"' in shown["value"]
        assert document["manuallyApprovesFollowers"] is document["discoverable"] is True
        assert document["indexable"] is False
    # What is not said stays, and null takes away.
    await update(alice, summary=None, attachment=None, manuallyApprovesFollowers=None)
    left = await actor(alice)
    assert (left["name"], left["discoverable"]) == ("Alice L.", True)
    assert not left.get("summary") and not left.get("attachment")
    assert left["manuallyApprovesFollowers"] is False
    same = ("id", "inbox", "outbox", "publicKey", "followers", "preferredUsername", "endpoints")
    assert {name: left[name] for name in same} == {name: before[name] for name in same}
    wrong = {"id": alice.account.uri, "discoverable": "perhaps"}
    assert (await alice.submit({"type": "Update", "object": wrong})).status == 400


async def test_an_app_gives_an_account_its_pictures(alice: App, bob: App) -> None:
    mine, bobs = await upload(alice), await upload(bob)
    for name in ("icon", "image"):
        await update(alice, **{name: {"type": "Image", "url": mine, "name": "My face"}})
        face = (await actor(alice))[name]
        assert face["name"] == "My face" and face["url"] != mine
        async with alice.browser.get(face["url"]) as file:
            assert file.status == 200
        await update(alice, **{name: {**face, "name": "My nose"}})  # as an app has read it
        assert (await actor(alice))[name] == {**face, "name": "My nose", "summary": "My nose"}
        for url, status in ((bobs, 422), ("https://else.example/x.png", 422), (7, 400)):
            change = {"id": alice.account.uri, name: {"type": "Image", "url": url}}
            refused = await alice.submit({"type": "Update", "object": change})
            assert refused.status == status, url
        await update(alice, **{name: None})
        assert name not in await actor(alice)


async def test_who_asks_to_follow_is_answered(
    instance: rig.Instance, alice: App, bob: App, internet: Internet
) -> None:
    await update(alice, manuallyApprovesFollowers=True)
    carol, dora = internet.person("carol"), internet.person("dora")
    asked = {person: person.activity("Follow", alice.account.uri) for person in (carol, dora)}
    for person, follow in asked.items():
        await person.does(instance, follow)
    internet.posted.clear()
    accept = await done(alice, {"type": "Accept", "object": asked[carol]["id"]})
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["id"], sent["object"]["id"]) == (
        "Accept", accept["id"], asked[carol]["id"],
    )  # fmt: skip
    embedded = {"type": "Follow", "actor": dora.uri, "object": alice.account.uri}
    reject = await done(alice, {"type": "Reject", "object": embedded})
    [sent] = await heard(alice, dora)
    assert (sent["type"], sent["id"]) == ("Reject", reject["id"])
    assert await seeing.followers(instance, alice.account) == [carol.uri]
    # One of here, too; and who follows can be removed.
    await done(bob, {"type": "Follow", "object": alice.account.uri})
    by_bob = {"type": "Follow", "actor": bob.account.uri, "object": alice.account.uri}
    await done(alice, {"type": "Accept", "object": by_bob})
    assert set(await seeing.followers(instance, alice.account)) == {bob.account.uri, carol.uri}
    await done(alice, {"type": "Reject", "object": asked[carol]["id"]})
    assert await seeing.followers(instance, alice.account) == [bob.account.uri]
    [sent] = await heard(alice, carol)
    assert sent["type"] == "Reject"
    # Nobody answers for another.
    await done(bob, {"type": "Follow", "object": carol.uri})
    async with instance.easel.database.read() as session:
        them = await seeing.known(instance, carol.uri)
        theirs = await follows.find(session, bob.account.id, them.id)
    assert theirs is not None
    for type_ in ("Accept", "Reject"):
        for named in (theirs.uri, asked[dora]["id"], {**embedded, "object": bob.account.uri}):
            assert (await alice.submit({"type": type_, "object": named})).status == 404


@pytest.mark.parametrize("addressed", [True, False])
async def test_a_flag_is_a_report_that_names_nobody(
    instance: rig.Instance, alice: App, carol: Person, addressed: bool
) -> None:
    theirs = carol.note("<p>spam</p>")
    await seeing.befriend(instance, alice.account, carol)
    await carol.does(instance, carol.create(theirs))
    flag = {"type": "Flag", "object": [carol.uri, theirs["id"]], "content": "Spam."}
    made = await done(alice, {**flag, "to": [carol.uri] if addressed else []})
    async with instance.easel.database.read() as session:
        [report] = (await session.exec(select(Report))).all()
    assert (report.account_id, report.comment) == (alice.account.id, "Spam.")
    assert len(report.status_ids) == 1
    got = await heard(alice, carol)
    assert [body["type"] for body in got] == (["Flag"] if addressed else [])
    assert alice.account.uri not in str(got) and made["id"] not in str(got)
    assert (await read(nobody(alice), made["id"])).status == 404
    status, _ = await carol.get(made["id"])
    assert status == 404
    assert (await alice.submit({**flag, "object": [alice.account.uri]})).status == 422


async def test_a_flag_needs_no_words_and_is_about_as_many_as_it_names(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    dave = carol.internet.person("dave", "other")
    await seeing.befriend(instance, alice.account, carol)
    theirs, bobs = carol.note("<p>spam</p>"), await posted(bob)
    await carol.does(instance, carol.create(theirs))
    await dave.does(instance, dave.activity("Follow", alice.account.uri))
    await heard(alice, carol)
    made = await done(
        alice, {"type": "Flag", "object": [theirs["id"], bobs, dave.uri], "to": [carol.uri]}
    )
    assert made["object"] == [carol.uri, bob.account.uri, dave.uri, theirs["id"], bobs]
    assert "content" not in made
    async with instance.easel.database.read() as session:
        kept = (await session.exec(select(Report).order_by(col(Report.id)))).all()
        about = [await session.get_one(Account, row.target_account_id) for row in kept]
    assert [who.uri for who in about] == [carol.uri, bob.account.uri, dave.uri]
    assert [(row.comment, row.category, len(row.status_ids)) for row in kept] == [
        ("", "other", 1), ("", "other", 1), ("", "other", 0),
    ]  # fmt: skip
    assert [row.forwarded for row in kept] == [True, False, False]
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["object"]) == ("Flag", [carol.uri, theirs["id"]])
    alone = await done(alice, {"type": "Flag", "object": bob.account.uri})
    assert alone["object"] == bob.account.uri


async def test_an_account_moves(instance: rig.Instance, alice: App, carol: Person) -> None:
    new = carol.internet.person("alice", "new", alsoKnownAs=[alice.account.uri])
    stranger = carol.internet.person("stranger", "new")
    move = {"type": "Move", "object": alice.account.uri, "target": new.uri}
    refused = await alice.submit({**move, "target": stranger.uri})
    assert refused.status == 422 and "does not name" in refused.error
    assert (await alice.submit({**move, "object": carol.uri})).status == 403
    made = await done(alice, move)
    sent = [body for body in await heard(alice, carol) if body["type"] == "Move"]
    assert [(body["id"], body["target"]) for body in sent] == [(made["id"], new.uri)]
    assert (await actor(alice))["movedTo"] == new.uri


async def test_posts_of_others_are_boosted(alice: App, bob: App, carol: Person) -> None:
    uri = await posted(bob)
    boost = await done(alice, {"type": "Announce", "object": uri})
    assert boost["to"] == [PUBLIC]
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["id"], sent["object"]) == ("Announce", boost["id"], uri)
    assert (await done(alice, {"type": "Announce", "object": uri}))["id"] == boost["id"]
    await done(alice, {"type": "Undo", "object": {"type": "Announce", "object": uri}})
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["object"]["id"]) == ("Undo", boost["id"])
    followers = {"to": [alice.account.followers_uri]}
    boost = await done(alice, {"type": "Announce", "object": uri, **followers})
    assert PUBLIC not in str(boost)
    secret = await posted(bob, to=[])
    assert (await alice.submit({"type": "Announce", "object": secret})).status == 404


async def test_an_app_needs_the_scope_of_what_it_does(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    uri = await posted(alice)
    doing = {
        "write:statuses": [{"type": "Note", "content": "x"}, {"type": "Delete", "object": uri}],
        "write:follows": [{"type": "Follow", "object": carol.uri}],
        "write:favourites": [{"type": "Like", "object": uri}, {"type": "Dislike", "object": uri}],
        "write:blocks": [{"type": "Block", "object": carol.uri}],
        "write:accounts": [{"type": "Update", "object": {"id": bob.account.uri, "name": "B"}}],
        "write:reports": [{"type": "Flag", "object": carol.uri, "content": "x"}],
    }
    for scope in (*doing, "read"):
        app = await App.of(instance, bob.browser, "bob", scope)
        for needed, activities in doing.items():
            for activity in activities:
                answer = await app.submit(activity)
                if scope != needed:
                    assert answer.status == 403, (scope, activity)
                    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]
                elif activity["type"] != "Delete":  # that is alice's
                    assert answer.status == 201, (activity, answer.body)


async def test_the_profiles_scope_for_collections_pins_and_no_more(
    instance: rig.Instance, alice: App
) -> None:
    uri = await posted(alice)
    scope = "https://swicg.github.io/activitypub-api/scopes#managecollections"
    app = await App.of(instance, alice.browser, "alice", scope)
    for kind in ("Add", "Remove"):
        pinned = {"type": kind, "object": uri, "target": alice.account.featured_uri}
        assert (await app.submit(pinned)).status == 201
    renamed = {"type": "Update", "object": {"id": alice.account.uri, "name": "B"}}
    assert (await app.submit(renamed)).status == 403


async def test_too_much_is_refused_for_a_while(instance: rig.Instance, alice: App) -> None:
    from fedi.api.mastodon import throttle

    counts = throttle.of(instance.easel)
    while counts.hit(throttle.FOLLOWS, str(alice.account.id)).allowed:
        pass
    answer = await alice.submit({"type": "Follow", "object": "https://else.example/bob"})
    assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0
    instance.clock.advance(timedelta(days=1))
    answer = await alice.submit({"type": "Follow", "object": alice.account.uri})
    assert answer.status == 422


async def test_what_an_account_did_goes_with_it(instance: rig.Instance, alice: App) -> None:
    made = await done(alice, {"type": "Listen", "object": "https://else.example/1", "to": [PUBLIC]})
    assert (await read(nobody(alice), made["id"])).status == 200
    async with instance.easel.database.write() as tx:
        await accounts.delete_account(tx, await tx.get_one(Account, alice.account.id))
    assert (await read(nobody(alice), made["id"])).status == 410
