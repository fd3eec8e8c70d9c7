"""Posts of every type: what they are on the wire, on our pages, and in the Mastodon apps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from fedi.database.tables import MediaAttachment
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, nobody, note, outbox, posted, read, upload
from tests.federation.peer import Person
from tests.federation.seeing import status as stored


async def shown(app: App, uri: str) -> dict[str, Any]:
    """A post as Mastodon's apps get it."""
    found = await stored(app.instance, uri)
    assert found is not None
    return dict((await app.get(f"/api/v1/statuses/{found.id}")).body)


EVENT = {
    "startTime": "2026-12-24T18:00:00.000Z",
    "endTime": "2026-12-24T20:00:00.000Z",
    "duration": "PT2H",
    "location": {"type": "Place", "name": "The lighthouse", "latitude": 53.1, "longitude": 8.2},
}


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("Article", {}),
        ("Page", {}),
        ("Event", EVENT),
        ("Video", {}),
        ("Audio", {"duration": "PT3M"}),
    ],
)
async def test_a_post_keeps_its_type_and_its_title(
    alice: App, carol: Person, kind: str, details: dict[str, Any]
) -> None:
    object_ = {
        "type": kind, "name": "On <light>", "content": "<p>Words #art</p>",
        "summary": "What it is about", "to": [PUBLIC], **details,
    }  # fmt: skip
    create = await done(alice, object_)
    told = {"type": kind, "name": "On <light>", "summary": "What it is about", **details}
    [sent] = await heard(alice, carol)
    uri = create["object"]["id"]
    for document in (create["object"], sent["object"], (await read(nobody(alice), uri)).body):
        assert {name: document[name] for name in told} == told
        assert document["content"] == "<p>Words #art</p>"
        assert document["sensitive"] is False
    status = await shown(alice, uri)
    assert status["content"] == "<p><strong>On &lt;light&gt;</strong></p><p>Words #art</p>"
    assert status["spoiler_text"] == ""
    async with alice.browser.get(create["object"]["url"]) as page:
        assert "On &lt;light&gt;" in await page.text()

    change = {"id": uri, "name": "On dark", "summary": None}
    update = await done(alice, {"type": "Update", "object": change})
    assert (update["object"]["name"], update["object"]["type"]) == ("On dark", kind)
    assert "summary" not in update["object"]
    assert {name: update["object"][name] for name in details} == details
    assert (await shown(alice, uri))["content"] == (
        "<p><strong>On dark</strong></p><p>Words #art</p>"
    )
    # An edit by an app that knows no titles leaves them.
    found = await stored(alice.instance, uri)
    assert found is not None
    await alice.ask("PUT", f"/api/v1/statuses/{found.id}", {"status": "Other words"})
    seen = (await read(nobody(alice), uri)).body
    assert (seen["type"], seen["name"], seen["content"]) == (kind, "On dark", "<p>Other words</p>")

    await done(alice, {"type": "Delete", "object": uri})
    gone = await read(nobody(alice), uri)
    assert (gone.status, gone.body["type"], gone.body["formerType"]) == (410, "Tombstone", kind)


async def test_a_film_elsewhere_is_linked_to(alice: App) -> None:
    film = "https://film.example/boat.mp4"
    for url in (film, [{"type": "Link", "href": film, "mediaType": "video/mp4"}]):
        create = await done(alice, {"type": "Video", "name": "Boat", "url": url, "to": [PUBLIC]})
        page, file = create["object"]["url"]
        assert (page["mediaType"], file["href"]) == ("text/html", film)
        assert page["href"].startswith(f"{alice.instance.url}/@alice/")
        assert create["object"]["content"] == ""
        status = await shown(alice, create["object"]["id"])
        assert f'href="{film}"' in status["content"]


@pytest.mark.parametrize("kind", ["Image", "Document"])
async def test_a_bare_image_is_a_note_with_that_picture(
    alice: App, carol: Person, kind: str
) -> None:
    url = await upload(alice)
    asked = {"type": kind, "name": "A red square", "content": "<p>Look</p>", "to": [PUBLIC],
             "focalPoint": [0.5, -0.5]}  # fmt: skip
    create = await done(alice, {**asked, "url": [{"type": "Link", "href": url}]})
    [sent] = await heard(alice, carol)
    for document in (create["object"], sent["object"]):
        assert (document["type"], document["content"]) == ("Note", "<p>Look</p>")
        assert "name" not in document and "summary" not in document
        [picture] = document["attachment"]
        assert (picture["url"], picture["name"]) == (url, "A red square")
        assert picture["focalPoint"] == [0.5, -0.5]
        assert "digitalSourceType" not in picture


async def test_a_picture_is_named_by_its_id(alice: App, bob: App) -> None:
    """As the object that its upload was: `uploadMedia` answers with that."""
    url = await upload(alice)
    async with alice.instance.easel.database.read() as session:
        row = (await session.exec(select(MediaAttachment))).one()
    uri = f"{alice.account.uri}/uploads/{row.id}"
    for app, named in (
        (bob, uri),
        (bob, uri.replace("alice", "bob")),
        (alice, f"{uri}0"),
        (alice, f"{alice.account.uri}/uploads/x"),
    ):
        refused = await app.submit(note(attachment={"type": "Image", "id": named}))
        assert refused.status == 422 and refused.error
    create = await done(alice, note(attachment={"type": "Image", "id": uri}))
    assert [one["url"] for one in create["object"]["attachment"]] == [url]


async def test_an_image_without_an_address_is_painted(alice: App) -> None:
    wish = {"type": "Image", "AIPromptInformation": "a lighthouse", "name": "alt", "to": [PUBLIC]}
    for asked in (
        wish,
        {"type": "Create", "object": wish},
        {**wish, "AIPromptInformation": None, "recipe": {"prompt": "a lighthouse", "seed": 3}},
    ):
        answer = await alice.submit(asked)
        assert answer.status == 201, answer.body
        assert 'rel="monitor"' in answer.headers["Link"]
        [promised] = answer.body["object"]["attachment"]
        assert "url" not in promised and promised["name"] == "alt"
        address = answer.headers["Link"].partition(">")[0].removeprefix("<")
        recipe = (await alice.get(address)).body["recipe"]
        assert recipe["prompt"] == "a lighthouse"
    assert recipe["seed"] == 3


async def test_what_waits_for_its_picture_can_be_deleted(alice: App) -> None:
    answer = await alice.submit({"type": "Note", "content": "/imagine a boat", "to": [PUBLIC]})
    uri = answer.body["object"]["id"]
    assert (await read(alice, uri)).status == 200
    await done(alice, {"type": "Delete", "object": uri})
    assert (await read(alice, uri)).status == 404
    address = answer.headers["Link"].partition(">")[0].removeprefix("<")
    assert (await alice.get(address)).body["state"] == "cancelled"


async def test_a_question_is_a_poll(alice: App, bob: App) -> None:
    ends = alice.instance.clock.now() + timedelta(hours=2)
    options = [{"type": "Note", "name": "Oil"}, {"type": "Note", "name": "Water"}]
    for name, multiple in (("oneOf", False), ("anyOf", True)):
        asked = {"type": "Question", name: options, "endTime": ends.isoformat(), "to": [PUBLIC]}
        create = await done(alice, {**asked, "content": "Which?"})
        question = create["object"]
        assert [option["name"] for option in question[name]] == ["Oil", "Water"]
        assert question["endTime"] == f"{ends.replace(tzinfo=None).isoformat('T', 'milliseconds')}Z"
        poll = (await shown(alice, question["id"]))["poll"]
        assert (poll["multiple"], len(poll["options"])) == (multiple, 2)
    vote = {"type": "Note", "name": "Water", "inReplyTo": question["id"]}
    voted = await done(bob, {**vote, "to": [alice.account.uri]})
    assert (voted["type"], voted["object"]["name"]) == ("Create", "Water")
    # It is in the voter's outbox, for them alone: who asks learns how many chose what.
    assert voted["id"] in [item["id"] for item in await outbox(bob)]
    assert (await read(bob, voted["object"]["id"])).body["name"] == "Water"
    for uri in (voted["id"], voted["object"]["id"]):
        assert (await read(alice, uri)).status == 404
    assert (await bob.submit({"type": "Delete", "object": voted["object"]["id"]})).status == 422
    counted = (await read(nobody(alice), question["id"])).body["anyOf"]
    assert [option["replies"]["totalItems"] for option in counted] == [0, 1]
    wrong = await bob.submit({**vote, "name": "Chalk"})
    assert wrong.status == 422 and "option" in wrong.error
    # Some ask by the name; without an end there is a usual one.
    create = await done(alice, {"type": "Question", "name": "Which?", "oneOf": options})
    assert "Which?" in create["object"]["content"] and create["object"]["endTime"]
    change = {"id": create["object"]["id"], "oneOf": [*options, {"name": "Chalk"}]}
    update = await done(alice, {"type": "Update", "object": change})
    assert [option["name"] for option in update["object"]["oneOf"]] == ["Oil", "Water", "Chalk"]
    assert update["object"]["content"] == create["object"]["content"]


async def test_what_was_read_can_be_sent_back(alice: App, bob: App) -> None:
    """Apps change one thing, and send all of the object."""
    options = [{"type": "Note", "name": "Oil"}, {"type": "Note", "name": "Water"}]
    asked: list[dict[str, Any]] = [
        note("<p>See <b>this</b> #art</p>", summary="boats", attachment=[
            {"type": "Image", "url": await upload(alice), "name": "A red square"}]),
        note("", source={"content": "**bold** #art", "mediaType": "text/markdown"}),
        {"type": "Article", "name": "Title", "content": "<p>Words</p>", "summary": "x"},
        {"type": "Event", "name": "Title", "content": "<p>Words</p>", **EVENT},
        {"type": "Video", "name": "Film", "url": "https://film.example/1.mp4", "sensitive": True,
         "summary": "boats"},
        {"type": "Question", "content": "<p>Which?</p>", "oneOf": options},
    ]  # fmt: skip
    for object_ in asked:
        create = await done(alice, {**object_, "to": [PUBLIC]})
        uri = create["object"]["id"]
        if object_["type"] == "Question":
            await done(bob, {"type": "Note", "name": "Water", "inReplyTo": uri})
            alice.instance.clock.advance(timedelta(hours=23, minutes=59))
        before = (await read(alice, uri)).body
        update = await done(alice, {"type": "Update", "object": before})
        after = (await read(alice, uri)).body
        assert after.pop("updated")
        assert after == before
        assert {
            k: v for k, v in update["object"].items() if k != "updated"
        }.items() <= before.items()
        for words in ("<p>Other <b>words</b></p>", "<p>And <i>others</i></p>"):
            change = {**(await read(alice, uri)).body, "content": words}
            change.pop("contentMap", None)
            await done(alice, {"type": "Update", "object": change})
            assert words in (await read(alice, uri)).body["content"]
    alice.instance.clock.advance(timedelta(days=1))  # the poll is over
    over = (await read(alice, uri)).body
    await done(alice, {"type": "Update", "object": {**over, "summary": "over"}})
    assert (await read(alice, uri)).body["oneOf"] == over["oneOf"]
    assert over["oneOf"][1]["replies"]["totalItems"] == 1
    reopened = {"id": uri, "endTime": "2000-01-01T00:00:00Z"}
    assert (await alice.submit({"type": "Update", "object": reopened})).status == 422


async def test_a_vote_goes_to_who_asks_elsewhere(alice: App, carol: Person) -> None:
    options = [{"type": "Note", "name": "Oil"}, {"type": "Note", "name": "Water"}]
    asking = carol.note("Which?", type="Question", oneOf=options, endTime="2030-01-01T00:00:00Z")
    as2 = "https://www.w3.org/ns/activitystreams"
    carol.internet.show(asking["id"], {"@context": as2, **asking})
    voted = await done(alice, {"type": "Note", "name": "Oil", "inReplyTo": asking["id"]})
    [sent] = await heard(alice, carol)
    assert (sent["id"], sent["object"]) == (voted["id"], voted["object"])
    assert (await carol.get(voted["id"]))[1]["object"] == voted["object"]


async def test_pictures_of_a_post_are_changed(alice: App) -> None:
    one, two = await upload(alice, "red"), await upload(alice, "blue")
    uri = await posted(alice, attachment=[{"type": "Image", "url": one, "name": "Red"}])
    for attachments, left in (
        ([{"type": "Image", "url": one, "name": "Redder"}], [(one, "Redder")]),
        ([{"type": "Image", "url": two}, {"type": "Image", "url": one}],
         [(two, "A square."), (one, "Redder")]),
        ({"type": "Image", "url": two}, [(two, "A square.")]),
        (None, []),
    ):  # fmt: skip
        await done(alice, {"type": "Update", "object": {"id": uri, "attachment": attachments}})
        seen = (await read(nobody(alice), uri)).body
        assert [(one["url"], one["name"]) for one in seen["attachment"]] == left
        assert seen["content"] == "<p>Hello</p>"
    elsewhere = {"id": uri, "attachment": {"type": "Image", "url": "https://else.example/x.png"}}
    refused = await alice.submit({"type": "Update", "object": elsewhere})
    assert refused.status == 422 and "on this server" in refused.error


async def test_a_post_quotes_another(alice: App, bob: App, carol: Person) -> None:
    uri = await posted(bob)
    create = await done(alice, note("<p>See</p>", quote=uri))
    assert create["object"]["quote"] == uri and create["object"]["quoteAuthorization"]
    # FEP-044f's own way round: the request brings the post.
    asked = {"type": "QuoteRequest", "object": uri, "instrument": note("<p>Here</p>")}
    request = await done(alice, asked)
    assert (request["type"], request["object"]) == ("QuoteRequest", uri)
    quoting = await read(nobody(alice), request["instrument"])
    assert (quoting.body["content"], quoting.body["quote"]) == ("<p>Here</p>", uri)

    theirs = carol.note()
    as2 = "https://www.w3.org/ns/activitystreams"
    carol.internet.show(theirs["id"], {"@context": as2, **theirs})
    create = await done(alice, note("<p>See</p>", quote=theirs["id"]))
    sent = [body for body in await heard(alice, carol) if body["type"] == "QuoteRequest"]
    assert [body["instrument"] for body in sent] == [create["object"]["id"]]
    again = {"type": "QuoteRequest", "object": theirs["id"], "instrument": create["object"]["id"]}
    assert (await done(alice, again))["id"] == sent[0]["id"]
    assert [body["type"] for body in await heard(alice, carol)] == ["QuoteRequest"]
    other = {**again, "instrument": await posted(alice)}
    assert (await alice.submit(other)).status == 422
