"""POST to an outbox: the rules of ActivityPub 6, and pictures asked for in a post.

The names in brackets are those of the W3C's implementation report.
"""

from __future__ import annotations

import asyncio
import io
from typing import Any

import aiohttp
from PIL import Image
from sqlmodel import col, select

from fedi.database.tables import Account, MediaAttachment, Painting, ReceivedActivity, Status
from fedi.federation import recipients
from fedi.social import posts, statuses
from fedi.social.statuses import Draft
from fedi.studio import media
from tests import rig
from tests.api.apps import LD_JSON, PUBLIC, Answer, App
from tests.studio.asking import look, reaches
from tests.studio.easel_painter import connected


def note(app: App, content: str = "<p>Hello</p>", **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "Note",
        "content": content,
        "to": [PUBLIC],
        "cc": [app.account.followers_uri],
        **more,
    }


def location(answer: Answer) -> str:
    assert answer.status == 201, answer.body
    return answer.headers["Location"]


async def posted(app: App, answer: Answer) -> posts.Post:
    """What became of an accepted post, as its author sees it."""
    uri = location(answer).removesuffix("/activity")
    async with app.instance.easel.database.read() as session:
        status = await statuses.load_by_uri(session, app.account, uri)
        assert status is not None
        [post] = await posts.assemble(session, [status], app.account)
        return post


async def count(app: App) -> int:
    async with app.instance.easel.database.read() as session:
        return len((await session.exec(select(Status))).all())


async def test_a_bare_note_is_posted(alice: App) -> None:
    """[outbox:accepts-non-activity-objects, responds-201-created, location-header, create]"""
    answer = await alice.submit(note(alice, "<p>Hello <b>you</b></p><script>x</script>"))
    create = answer.body
    assert create["id"] == location(answer)
    assert (create["type"], create["actor"]) == ("Create", alice.account.uri)
    object_ = create["object"]
    assert object_["attributedTo"] == alice.account.uri
    assert object_["content"] == "<p>Hello <b>you</b></p>"
    assert object_["to"] == create["to"] == [PUBLIC]
    assert object_["cc"] == create["cc"] == [alice.account.followers_uri]
    post = await posted(alice, answer)
    assert post.status.uri == object_["id"]
    assert post.status.visibility == "public"

    # Everybody can read it under its id, and it stands in the outbox.
    seen = await alice.get(object_["id"], headers={"Accept": LD_JSON})
    assert (seen.status, seen.body["id"], seen.body["content"]) == (
        200, object_["id"], object_["content"],
    )  # fmt: skip
    page = await alice.get(f"{alice.account.outbox_uri}?page=true", headers={"Accept": LD_JSON})
    assert [item["id"] for item in page.body["orderedItems"]] == [create["id"]]


async def test_a_create_is_posted_and_its_audience_is_that_of_its_note(alice: App) -> None:
    """[outbox:accepts-activities, create:merges-audience-properties]"""
    followers = alice.account.followers_uri
    for outer, inner, visibility, to, cc in (
        ({"to": [PUBLIC]}, {"cc": [followers]}, "public", [PUBLIC], [followers]),
        ({"cc": [followers]}, {"to": [PUBLIC]}, "public", [PUBLIC], [followers]),
        ({"to": [followers]}, {"cc": [PUBLIC]}, "unlisted", [followers], [PUBLIC]),
        ({"cc": [PUBLIC]}, {"to": [followers]}, "unlisted", [followers], [PUBLIC]),
        ({"bto": [followers]}, {}, "private", [followers], []),
    ):
        note = {"type": "Note", "content": "x", **inner}
        answer = await alice.submit({"type": "Create", **outer, "object": note})
        assert (await posted(alice, answer)).status.visibility == visibility
        for document in (answer.body, answer.body["object"]):
            assert document.get("to", []) == to
            assert document.get("cc", []) == cc


async def test_every_audience_is_understood(alice: App) -> None:
    followers = alice.account.followers_uri
    for audience, visibility in (
        ({"to": PUBLIC}, "public"),
        ({"to": "as:Public"}, "public"),
        ({"to": ["Public"], "cc": []}, "public"),
        ({"to": [followers], "cc": [PUBLIC]}, "unlisted"),
        ({"to": [followers], "audience": [PUBLIC]}, "unlisted"),
        ({"to": [followers]}, "private"),
        ({"cc": [followers]}, "private"),
        ({"bto": [followers]}, "private"),
        ({"to": []}, "direct"),
        ({}, "direct"),
    ):
        answer = await alice.submit({"type": "Note", "content": "x", **audience})
        assert (await posted(alice, answer)).status.visibility == visibility, audience


async def test_what_is_the_servers_to_say_is_not_taken_from_an_app(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    """[outbox:ignores-id, create:actor-to-attributed-to]"""
    bob = await App.of(instance, browser, "bob")
    lies: dict[str, Any] = {
        "id": f"{bob.account.uri}/statuses/1",
        "attributedTo": bob.account.uri,
        "actor": bob.account.uri,
        "published": "2099-01-01T00:00:00Z",
        "updated": "2099-01-01T00:00:00Z",
        "url": "https://evil.example/",
        "publicKey": {"id": "x", "owner": bob.account.uri, "publicKeyPem": "x"},
        "inbox": "https://evil.example/inbox",
        "likes": {"totalItems": 1000},
        "replies": {"totalItems": 1000},
    }
    for document in (
        note(alice, **lies),
        {"type": "Create", **lies, "object": note(alice, **lies)},
    ):
        answer = await alice.submit(document)
        post = await posted(alice, answer)
        assert post.account.id == alice.account.id
        assert post.status.created_at == instance.clock.now()
        assert post.status.uri.startswith(f"{alice.account.uri}/statuses/")
        sent = answer.body["object"]
        assert sent["attributedTo"] == answer.body["actor"] == alice.account.uri
        assert sent["published"][:4] == str(instance.clock.now().year)
        assert sent["url"].startswith(f"{alice.instance.url}/@alice/")
        assert "publicKey" not in sent and "inbox" not in sent
    outbox = await alice.get(bob.account.outbox_uri, headers={"Accept": LD_JSON})
    assert outbox.body["totalItems"] == 0


async def test_who_is_addressed_blindly_gets_it_and_nobody_is_told(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    """[outbox:removes-bto-and-bcc]"""
    bob = await App.of(instance, browser, "bob")
    carol = await App.of(instance, browser, "carol")
    dora = await App.of(instance, browser, "dora")
    answer = await alice.submit(
        {
            "type": "Note",
            "content": "for you",
            "to": [carol.account.uri],
            "bto": [bob.account.uri],
            "bcc": [carol.account.uri],
        }
    )
    post = await posted(alice, answer)
    assert post.status.visibility == "direct"
    assert answer.body["to"] == answer.body["object"]["to"] == [carol.account.uri]
    assert bob.account.uri not in str(answer.body)
    assert "bto" not in str(answer.body) and "bcc" not in str(answer.body)
    async with instance.easel.database.read() as session:
        for app, sees in ((bob, True), (carol, True), (dora, False)):
            found = await statuses.load_by_uri(session, app.account, post.status.uri)
            assert (found is not None) == sees


async def test_a_blind_recipient_elsewhere_gets_it(
    two_instances: tuple[rig.Instance, rig.Instance], browser: aiohttp.ClientSession
) -> None:
    a, b = two_instances
    alice, bob = await App.of(a, browser, "alice"), await App.of(b, browser, "bob")
    # Bob's server is asked who he is: alice's has never heard of him.
    answer = await alice.submit({"type": "Note", "content": "psst", "bto": [bob.account.uri]})
    assert bob.account.uri not in str(answer.body)
    status = (await posted(alice, answer)).status
    async with a.easel.database.write() as tx:
        assert await recipients.of_status(tx, status) == [bob.account.inbox_uri]
    await a.run_jobs()
    async with b.easel.database.read() as session:
        assert len((await session.exec(select(ReceivedActivity))).all()) == 1


async def test_words_as_their_author_typed_them(alice: App) -> None:
    plain = await alice.submit(note(alice, "1 < 2 & #art", mediaType="text/plain"))
    assert "1 &lt; 2 &amp; " in plain.body["object"]["content"]
    assert [tag["name"] for tag in plain.body["object"]["tag"]] == ["#art"]
    marked = await alice.submit(
        note(alice, "", source={"content": "**bold**", "mediaType": "text/markdown"})
    )
    assert "<strong>bold</strong>" in marked.body["object"]["content"]
    for answer, source in (
        (plain, {"content": "1 < 2 & #art", "mediaType": "text/plain"}),
        (marked, {"content": "**bold**", "mediaType": "text/markdown"}),
        (await alice.submit(note(alice, "<p>made</p>")), {"content": "made"}),
    ):
        said = answer.body["object"]["source"]
        assert said == {"mediaType": "text/plain"} | source
    mapped = {"type": "Note", "contentMap": {"de": "<p>Hallo</p>"}, "to": PUBLIC}
    german = (await posted(alice, await alice.submit(mapped))).status
    assert (german.language, german.content) == ("de", "<p>Hallo</p>")
    warned = await alice.submit(note(alice, "x", summary="spiders"))
    status = (await posted(alice, warned)).status
    assert (status.spoiler_text, status.sensitive) == ("spiders", True)


async def test_an_answer_goes_to_what_its_author_can_see(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    open_ = await posted(bob, await bob.submit(note(bob, "public")))
    secret = await posted(bob, await bob.submit({"type": "Note", "content": "secret"}))
    answer = await alice.submit(note(alice, "yes", inReplyTo=open_.status.uri))
    assert (await posted(alice, answer)).status.in_reply_to_id == open_.status.id
    hidden = await alice.submit(note(alice, "yes", inReplyTo=secret.status.uri))
    missing = await alice.submit(note(alice, "yes", inReplyTo=f"{secret.status.uri}0"))
    assert hidden.status == missing.status == 404
    assert hidden.error == missing.error


async def test_an_answer_to_a_post_that_is_not_known_yet(
    two_instances: tuple[rig.Instance, rig.Instance], browser: aiohttp.ClientSession
) -> None:
    a, b = two_instances
    alice, bob = await App.of(a, browser, "alice"), await App.of(b, browser, "bob")
    asked = await posted(bob, await bob.submit(note(bob, "anybody?")))
    answer = await alice.submit(note(alice, "me", inReplyTo=asked.status.uri))
    assert (await posted(alice, answer)).status.in_reply_to_uri == asked.status.uri


async def test_only_its_owner_posts_to_an_outbox(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    reader = await App.of(instance, browser, "alice", "read")
    nobody = App(instance, browser, alice.account, None)
    liar = App(instance, browser, alice.account, "x" * 43)
    for app, outbox, status in (
        (nobody, alice, 401),
        (liar, alice, 401),
        (reader, alice, 403),
        (bob, alice, 403),
        (alice, bob, 403),
    ):
        answer = await app.submit(note(alice), outbox=outbox.account.outbox_uri)
        assert answer.status == status and answer.error
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    unknown = await alice.submit(note(alice), outbox=f"{instance.url}/users/nobody/outbox")
    assert unknown.status == 403
    assert await count(alice) == 0


def wishing(count: int = 1, /, **picture: Any) -> dict[str, Any]:
    return {"type": "Note", "attachment": [{"type": "Image", **picture}] * count}


NONSENSE: list[tuple[Any, int, str]] = [
    ({"type": "Create"}, 400, "object"),
    ({"type": "Create", "object": None}, 400, "object"),
    ({"type": "Create", "object": "https://else.example/note"}, 400, "embedded"),
    ({"type": "Create", "object": ["https://else.example/note"]}, 400, "embedded"),
    ({"type": "Create", "object": {"content": "no type"}}, 400, "type"),
    ({"type": "Create", "object": {"type": 7}}, 400, "type"),
    ({"type": "Add", "object": "https://else.example/1"}, 400, "target"),
    ({"type": "Remove", "object": "https://else.example/1"}, 400, "target"),
    ({"type": "Like"}, 400, "object"),
    ({"type": "Undo"}, 400, "object"),
    ({"type": []}, 400, "type"),
    ({"content": "no type"}, 400, "type"),
    ([{"type": "Note", "content": "x"}], 400, "object"),
    ({"type": "Like", "object": "https://else.example/1"}, 404, "no such post"),
    ({"type": "Announce", "object": "https://else.example/1"}, 404, "no such post"),
    ({"type": "Dislike", "object": "https://else.example/1"}, 404, "no such post"),
    ({"type": "Follow", "object": "https://else.example/1"}, 404, "cannot be found"),
    ({"type": "Block", "object": "https://else.example/1"}, 404, "cannot be found"),
    ({"type": "Flag", "object": "https://else.example/1", "content": "x"}, 404, "cannot be found"),
    ({"type": "Accept", "object": "https://else.example/1"}, 404, "nobody asks"),
    ({"type": "Reject", "object": "https://else.example/1"}, 404, "nobody asks"),
    ({"type": "Undo", "object": "https://else.example/1"}, 404, "nothing of yours"),
    ({"type": "Undo", "object": {"type": "Like"}}, 404, "nothing of yours"),
    ({"type": "Update", "object": {"type": "Note"}}, 422, "by its id"),
    ({"type": "Update", "object": "https://else.example/1"}, 400, "embedded"),
    ({"type": "Update", "object": {"id": "https://else.example/1"}}, 404, "no such thing"),
    ({"type": "Delete", "object": "https://else.example/1"}, 404, "no such thing"),
    ({"type": "Delete", "object": {}}, 400, "object"),
    ({"type": "Move", "object": "https://else.example/1"}, 400, "target"),
    ({"type": "Move", "object": "x", "target": "https://else.example/1"}, 403, "yourself"),
    ({"type": "QuoteRequest", "object": "https://else.example/1"}, 404, "no such post"),
    ({"type": "Article", "to": PUBLIC}, 422, "words"),
    ({"type": "Article", "name": "x" * 600, "to": PUBLIC}, 422, "500"),
    ({"type": "Create", "object": {"type": "Question"}}, 422, "oneOf"),
    ({"type": "Create", "object": {"type": "Question", "content": "x", "oneOf": [{"name": "1"}]}},
     422, "option"),
    ({"type": "Person"}, 400, "by posting them"),
    ({"type": "Note", "to": PUBLIC}, 422, "words"),
    ({"type": "Image", "to": PUBLIC}, 422, "AIPromptInformation"),
    ({"type": "Image", "url": "https://e.example/x.png"}, 422, "on this server"),
    ({"type": "Note", "content": "x" * 6000, "to": PUBLIC}, 422, "5000"),
    ({"type": "Note", "content": "x", "summary": "y" * 600}, 422, "500"),
    ({"type": "Note", "content": "x", "attachment": 7}, 400, "object"),
    ({"type": "Note", "content": "x", "attachment": "https://else.example/x.png"}, 422,
     "on this server"),
    (wishing(url="https://e.example/x"), 422, "on this server"),
    (wishing(url={"href": "x"}), 400, "url"),
    (wishing(), 422, "AIPromptInformation"),
    (wishing(AIPromptInformation=7), 422, "prompt"),
    (wishing(AIPromptInformation="x", seed=-1), 422, "seed"),
    (wishing(AIPromptInformation="x", name=7), 400, "name"),
    (wishing(2, AIPromptInformation="x"), 422, "one picture"),
    (wishing(AIPromptInformation="x") | {"shareRecipe": "no"}, 400, "shareRecipe"),
    ({"type": "Note", "content": "/imagine   "}, 422, "prompt"),
    ({"type": "Note", "content": "/imagine a cat --zoom 2"}, 422, "no option --zoom"),
    ({"type": "Note", "content": "<p>/imagine a cat —steps 61</p>"}, 422, "60 steps"),
    ({"type": "Note", "content": "/imagine a cat --model a/b"}, 422, "Nobody here paints with a/b"),
    ({"type": "Note", "content": "x", "to": [f"https://e.example/{n}" for n in range(60)]}, 422,
     "50"),
    (b"{", 400, "JSON"),
    (b"\xff\xfe{}", 400, "JSON"),
    (b'{"type": "Note", "type": "Note"}', 400, "twice"),
    (b'{"type": "Note", "content": "a\\u0000b"}', 400, "NUL"),
    (b" " * (1024 * 1024 + 1), 413, "large"),
]  # fmt: skip


async def test_nonsense_is_refused_in_a_sentence(alice: App) -> None:
    for content, status, says in NONSENSE:
        answer = await alice.submit(content)
        assert answer.status == status, (str(content)[:100], answer.body)
        assert says.lower() in answer.error.lower(), (says, answer.error)
    assert await count(alice) == 0


async def test_every_spelling_of_the_media_type_is_taken_and_no_other(alice: App) -> None:
    for kind in (
        LD_JSON,
        "application/ld+json",
        "application/activity+json",
        "application/activity+json; charset=utf-8",
        "Application/JSON",
    ):
        assert (await alice.submit(note(alice), kind=kind)).status == 201, kind
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"):
        answer = await alice.submit(note(alice), kind=kind)
        assert answer.status == 415 and "ld+json" in answer.error, kind


async def test_a_picture_is_asked_for_in_a_note(alice: App) -> None:
    wish = {
        "type": "Image",
        "AIPromptInformation": "a lighthouse\nNegative prompt: people",
        "name": "A lighthouse in a storm.",
        "seed": 7, "width": 512, "height": 256, "steps": 4, "guidance": 1.5,
    }  # fmt: skip
    answer = await alice.submit(note(alice, "<p>Look!</p>", attachment=[wish]))
    create = location(answer)
    uri = create.removesuffix("/activity")
    assert (answer.body["id"], answer.body["object"]["id"]) == (create, uri)
    [promised] = answer.body["object"]["attachment"]
    assert promised["name"] == "A lighthouse in a storm." and "url" not in promised
    link = answer.headers["Link"]
    monitor, _, relation = link.partition(";")
    assert relation.strip() == 'rel="monitor"'
    watched = await alice.get(monitor.strip("<>"))
    assert watched.body["recipe"] == {
        "prompt": "a lighthouse", "negative_prompt": "people", "seed": 7,
        "width": 512, "height": 256, "steps": 4, "guidance": 1.5,
    }  # fmt: skip
    assert watched.body["status"]["uri"] == uri
    assert await count(alice) == 0  # there is no post before there is a picture

    painting = await look(alice.instance.easel, int(watched.body["id"]))
    async with (
        connected(alice.instance) as card,
        reaches(alice.instance.easel, painting, "done"),
    ):
        await card.finish(await card.given())
    seen = await alice.get(uri, headers={"Accept": LD_JSON})
    assert seen.status == 200
    [picture] = seen.body["attachment"]
    assert picture["name"] == picture["summary"] == "A lighthouse in a storm."
    assert picture["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert picture["AISystemUsed"] == "Flat colours"
    assert picture["AIPromptInformation"] == wish["AIPromptInformation"]
    async with alice.browser.get(picture["url"]) as file:
        content = await file.read()
        assert file.headers["Content-Type"] == picture["mediaType"] == "image/png"
    assert picture["size"] == len(content)
    assert Image.open(io.BytesIO(content)).size == (picture["width"], picture["height"])
    assert "Look!" in seen.body["content"]


async def test_a_picture_is_asked_for_in_words(alice: App) -> None:
    for content, words in (
        ("/imagine a lighthouse", ""),
        ("<p>/imagine a lighthouse</p><p>Look <b>here</b></p>", "Look here"),
        ("<p>/Imagine a lighthouse<br>Look here</p>", "Look here"),
    ):
        answer = await alice.submit(note(alice, content))
        location(answer)
        async with alice.instance.easel.database.read() as session:
            painting = (
                await session.exec(select(Painting).order_by(col(Painting.id).desc()))
            ).first()
        assert painting is not None and painting.draft is not None
        assert painting.recipe["prompt"] == "a lighthouse"
        assert painting.draft.get("text", "") == words
        assert not painting.share_recipe
    for shared, content, says in (
        (True, "/imagine a lighthouse —share", None),
        (True, "/imagine a lighthouse", True),
        (False, "/imagine a lighthouse --share", False),
    ):
        said = {} if says is None else {"shareRecipe": says}
        asked = note(alice, "", source={"content": content, "mediaType": "text/plain"}, **said)
        location(await alice.submit(asked))
        newest = (await alice.get("/api/easel/v1/paintings?limit=1")).body[0]
        assert newest["share_recipe"] == shared
    answer = await alice.submit(note(alice, "<p>to /imagine a lighthouse is easy</p>"))
    assert "/imagine" in (await posted(alice, answer)).status.content


async def test_the_prompt_can_be_kept(alice: App) -> None:
    wish = {"type": "Image", "AIPromptInformation": "a secret"}
    answer = await alice.submit(note(alice, "Look!", attachment=wish, shareRecipe=False))
    assert "a secret" not in str(answer.body)
    async with connected(alice.instance) as card:
        given = await card.given()
        async with reaches(alice.instance.easel, int(given.painting), "done"):
            await card.finish(given)
    uri = location(answer).removesuffix("/activity")
    seen = await alice.get(uri, headers={"Accept": LD_JSON})
    assert "AIPromptInformation" not in str(seen.body["attachment"])
    assert "a secret" not in str(seen.body)


async def test_ones_own_pictures_are_attached_once(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    easel = instance.easel

    async def upload(owner: Account) -> str:
        out = io.BytesIO()
        Image.new("RGB", (32, 32), "red").save(out, "PNG")
        prepared = await media.prepare_upload(out.getvalue(), easel.settings.media)
        stored = await media.store(easel.storage, prepared)
        async with easel.database.write() as tx:
            media.add_upload(tx, owner, stored, description="A red square.")
        return media.address(easel.settings.instance, stored.file)

    mine, bobs = await upload(alice.account), await upload(bob.account)
    answer = await alice.submit(note(alice, attachment={"type": "Image", "url": mine}))
    [picture] = answer.body["object"]["attachment"]
    assert (picture["url"], picture["name"]) == (mine, "A red square.")
    assert "digitalSourceType" not in picture
    assert (await posted(alice, answer)).status.ai == "undeclared"
    for url in (mine, bobs, f"{instance.url}/media/../../etc/passwd", f"{instance.url}/media/"):
        refused = await alice.submit(note(alice, attachment={"type": "Image", "url": url}))
        assert refused.status == 422 and refused.error
    async with easel.database.read() as session:
        rows = (await session.exec(select(MediaAttachment))).all()
    assert sum(row.status_id is not None for row in rows) == 1


async def test_posts_at_once_are_all_there(alice: App) -> None:
    answers = await asyncio.gather(*(alice.submit(note(alice, f"n {n}")) for n in range(8)))
    assert len({location(answer) for answer in answers}) == 8
    assert await count(alice) == 8


async def test_a_removed_account_posts_nothing(alice: App) -> None:
    from fedi.social import accounts

    async with alice.instance.easel.database.write() as tx:
        account = await accounts.find_local(tx, "alice")
        assert account is not None
        await accounts.delete_account(tx, account)
    assert (await alice.submit(note(alice))).status == 401


async def test_a_draft_without_anything_is_not_kept_waiting(alice: App) -> None:
    """What could never be posted is refused before anybody paints for it."""
    wish = {"type": "Image", "AIPromptInformation": "x"}
    answer = await alice.submit(note(alice, "y" * 6000, attachment=wish))
    assert answer.status == 422 and "5000" in answer.error
    async with alice.instance.easel.database.read() as session:
        assert (await session.exec(select(Painting))).all() == []
    assert Draft().visibility == "public"
