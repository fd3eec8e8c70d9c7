"""Update, complete: of posts, of pictures, of posts that are still to come, of oneself; and what no
Update can change."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from fedi.database.tables import MediaAttachment
from fedi.social import emojis
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, nobody, posted, read, upload
from tests.federation.peer import Internet, Person
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected


async def update(app: App, uri: str, **changes: Any) -> dict[str, Any]:
    return await done(app, {"type": "Update", "object": {"id": uri, **changes}})


async def refused(app: App, uri: str, **changes: Any) -> str:
    """Why an Update is refused; as a problem."""
    answer = await app.submit({"type": "Update", "object": {"id": uri, **changes}})
    assert answer.status in {403, 422}, answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.body["status"] == answer.status
    return str(answer.body["detail"])


def tags(document: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((tag["type"], tag["name"]) for tag in document["tag"])


async def test_what_stands_in_the_words_is_found_anew(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    async with instance.easel.database.write() as tx:
        for code in ("owl", "cat"):
            await emojis.put(tx, code, f"ab/{code}.png", f"ab/{code}.png", "image/png")
    uri = await posted(alice, content="@bob :owl: #sea", mediaType="text/plain")
    await heard(alice, carol)
    before = (await read(nobody(alice), uri)).body
    handle = f"@bob@{instance.easel.settings.instance.domain}"
    assert tags(before) == [("Emoji", ":owl:"), ("Hashtag", "#sea"), ("Mention", handle)]
    await update(alice, uri, content=f"@{carol.handle} :cat: #land", mediaType="text/plain", tag=[])
    after = (await read(nobody(alice), uri)).body
    named = ("Mention", f"@{carol.handle}")
    assert tags(after) == [("Emoji", ":cat:"), ("Hashtag", "#land"), named]
    [sent] = await heard(alice, carol)
    assert tags(sent["object"]) == tags(after)
    await update(alice, uri, summary=":owl:")  # whose emoji count, too
    assert ("Emoji", ":owl:") in tags((await read(nobody(alice), uri)).body)
    await update(alice, uri, content="nothing")
    assert tags((await read(nobody(alice), uri)).body) == [("Emoji", ":owl:")]


async def test_an_upload_is_described_before_and_after_it_is_posted(
    alice: App, bob: App, carol: Person
) -> None:
    url = await upload(alice)
    uri = await posted(alice, attachment=[{"type": "Image", "url": url, "name": "Red"}])
    await heard(alice, carol)
    [shown] = (await read(alice, uri)).body["attachment"]
    fresh = await upload(alice, "blue")
    async with alice.instance.easel.database.read() as session:
        pictures = (
            await session.exec(select(MediaAttachment).order_by(col(MediaAttachment.id)))
        ).all()
    of_post, alone = (f"{alice.account.uri}/uploads/{one.id}" for one in pictures)
    made = await update(alice, alone, name="Blue, all over", focalPoint=[0.5, -0.5])
    assert (made["object"]["name"], made["object"]["focalPoint"]) == ("Blue, all over", [0.5, -0.5])
    assert (await read(alice, alone)).body["name"] == "Blue, all over"
    assert await heard(alice, carol) == [] and made["object"]["url"] == fresh

    await update(alice, of_post, name="Redder")
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["object"]["id"]) == ("Update", uri)
    [told] = sent["object"]["attachment"]
    assert (told["name"], told["url"]) == ("Redder", shown["url"])
    assert sent["object"]["content"] == "<p>Hello</p>" and sent["object"]["updated"]
    await update(alice, of_post, name=None)
    assert "name" not in (await read(alice, uri)).body["attachment"][0]
    assert (
        await bob.submit({"type": "Update", "object": {"id": of_post, "name": "x"}})
    ).status in {403, 404}
    missing = {"type": "Update", "object": {"id": f"{alice.account.uri}/uploads/1", "name": "x"}}
    assert (await alice.submit(missing)).status == 404


async def test_what_stays_is_refused_and_what_was_read_can_be_sent_back(
    alice: App, bob: App, carol: Person
) -> None:
    theirs = await posted(bob)
    answer = await posted(alice, inReplyTo=theirs, to=[PUBLIC, carol.uri])
    quoting = await posted(alice, quote=theirs)
    unseen = await posted(alice, bcc=[carol.uri])  # which its author reads, too
    for uri in (answer, quoting, unseen):
        whole = (await read(alice, uri)).body
        await done(alice, {"type": "Update", "object": {**whole, "content": "<p>again</p>"}})
        await update(alice, uri, to=[PUBLIC], cc=[alice.account.followers_uri])  # as some apps do
    for change, word in (
        ({"type": "Article"}, "type"),
        ({"inReplyTo": quoting}, "answers"),
        ({"inReplyTo": None}, "answers"),
        ({"quote": theirs}, "quotes"),
        ({"to": [alice.account.followers_uri], "cc": []}, "for stays"),
        ({"to": None, "cc": None}, "for stays"),
        ({"cc": ["https://else.example/dora"]}, "for stays"),
    ):
        assert word in await refused(alice, answer, content="<p>no</p>", **change), change
    assert (await read(alice, answer)).body["content"] == "<p>again</p>"
    assert "quotes" in await refused(alice, quoting, quote=None)
    assert "somebody else" in await refused(alice, theirs, content="mine")
    boost = (await done(alice, {"type": "Announce", "object": theirs}))["id"]
    assert "Undo" in await refused(alice, boost, content="mine")


async def test_a_post_that_waits_for_its_picture_is_changed_before_it_is_there(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    asked = {"type": "Note", "content": "/imagine a lighthouse --seed 7\nLook! @bob #sea",
             "mediaType": "text/plain", "to": [PUBLIC]}  # fmt: skip
    async with connected(instance) as card:
        uri = (await alice.submit(asked)).body["object"]["id"]
        given = await card.given()
        made = await update(
            alice, uri, content="Look closer! #land", mediaType="text/plain", summary="high",
            contentMap={"de": "Look closer! #land"},
            attachment=[{"type": "Image", "name": "A lighthouse in fog."}],
        )  # fmt: skip
        for document in (made["object"], (await read(alice, uri)).body):
            assert "Look closer!" in document["content"] and document["summary"] == "high"
            assert ("Hashtag", "#land") in tags(document) and "bob" not in str(tags(document))
            [picture] = document["attachment"]
            assert picture["name"] == "A lighthouse in fog." and "url" not in picture
        assert await heard(alice, carol) == []  # nobody else knows of it
        assert (await read(bob, uri)).status == 404
        whole = (await read(alice, uri)).body
        await done(alice, {"type": "Update", "object": {**whole, "summary": None}})
        for change in (
            {"attachment": None},
            {"attachment": [{"type": "Image", "AIPromptInformation": "a boat"}]},
            {"attachment": [{"type": "Image"}, {"type": "Image"}]},
            {"content": "/imagine a boat"},
        ):
            assert "painted" in await refused(alice, uri, **change), change
        assert "for stays" in await refused(alice, uri, to=[])
        theirs = await bob.submit({"type": "Update", "object": {"id": uri, "content": "x"}})
        assert theirs.status == 404
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
    [sent] = await heard(alice, carol)
    note_ = sent["object"]
    assert (sent["type"], note_["id"], note_.get("summary")) == ("Create", uri, None)
    assert "Look closer!" in note_["content"] and "bob" not in str(tags(note_))
    assert note_["attachment"][0]["name"] == "A lighthouse in fog."
    await update(alice, uri, content="<p>There it is.</p>")
    [sent] = await heard(alice, carol)
    assert (sent["type"], sent["object"]["content"][:19]) == ("Update", "<p>There it is.</p>")


async def test_an_account_says_who_else_it_is_and_what_it_is(
    alice: App, carol: Person, internet: Internet
) -> None:
    me = alice.account.uri
    old = internet.person("old", "other")
    made = await update(alice, me, alsoKnownAs=[old.uri], type="Service",
                        attributionDomains=["alice.example"])  # fmt: skip
    [sent] = await heard(alice, carol)
    for document in (made["object"], sent["object"], (await read(nobody(alice), me)).body):
        assert document["alsoKnownAs"] == [old.uri] and document["type"] == "Service"
        assert document["attributionDomains"] == ["alice.example"]
    whole = (await read(alice, me)).body
    await done(alice, {"type": "Update", "object": {**whole, "name": "A."}})  # as it was read
    await update(alice, me, alsoKnownAs=None, type="Person", attributionDomains=None)
    after = (await read(nobody(alice), me)).body
    assert (after["name"], after["type"]) == ("A.", "Person")
    assert not after.get("alsoKnownAs") and not after.get("attributionDomains")
    for change in (
        {"preferredUsername": "alicia"}, {"inbox": f"{old.uri}/inbox"}, {"movedTo": old.uri},
        {"publicKey": {"id": "x"}}, {"type": "Group"}, {"alsoKnownAs": [me]},
        {"alsoKnownAs": [f"https://else.example/{n}" for n in range(21)]},
    ):  # fmt: skip
        assert await refused(alice, me, name="Nobody", **change), change
    assert (await read(nobody(alice), me)).body == after


@pytest.mark.parametrize("object_", [{}, {"id": None, "content": "x"}, {"id": 7}])
async def test_an_update_says_of_what(alice: App, object_: dict[str, Any]) -> None:
    answer = await alice.submit({"type": "Update", "object": {"type": "Note", **object_}})
    assert answer.status == 422 and "id" in answer.body["detail"]
