"""Messages on pages: written, read, answered, put away, and seen by nobody else."""

from __future__ import annotations

from urllib.parse import quote

from sqlmodel import col, select

from fedi.database.tables import Account, Conversation, Painting, Status
from fedi.social import correspondence
from fedi.social.paging import Page
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS

NEW = "/messages/new"


async def of(instance: Instance, account: Account) -> list[Conversation]:
    async with instance.easel.database.read() as session:
        return await correspondence.of_account(session, account, Page(40))


async def test_people_write_to_each_other_and_see_what_is_new(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    handle = f"@bob@{instance.domain}"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert (await visitor.get("/@bob")).page.one("a", href=f"{NEW}?to={quote(handle)}")
        seen = await visitor.get(f"{NEW}?to={quote(handle)}")
        assert filled(form_of(seen, NEW))["who"] == handle
        seen = await send(visitor, seen, NEW, words="Are you there?")
        [mine] = await of(instance, alice)
        assert (seen.status, seen.location) == (303, f"/messages/{mine.id}")
        shown = (await visitor.get(seen.location)).page
        assert "Are you there?" in shown.one("article", _class="post").text
        assert not (await visitor.get("/messages")).page.all("i", _class="here")
    [theirs] = await of(instance, bob)
    page = f"/messages/{theirs.id}"
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        way = (await visitor.get("/home")).page.one("a", href="/messages")
        assert "1 unread" in way.text
        listed = (await visitor.get("/messages")).page.one("ul", _class="talks")
        assert "alice" in listed.text and "New" in listed.text and "Are you there?" in listed.text
        seen = await visitor.get(page)
        seen_now = (await visitor.get("/messages")).page
        assert not seen_now.all("i", _class="here")
        [way] = [one for one in seen_now.all("a") if one["href"] == "/messages"][:1]
        assert "unread" not in way.text
        assert (await send(visitor, seen, page, words="Yes", warning="Short")).location == page
        posts = (await visitor.get(page)).page.all("article", _class="post")
        assert ["there?" in posts[0].text, "Yes" in posts[1].text] == [True, True]
        # The next message of it brings back what was put away.
        assert (
            await send(visitor, await visitor.get(page), f"{page}/away")
        ).location == "/messages"
        assert await of(instance, bob) == []
        assert (await visitor.get(page)).status == 404
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        again = f"/messages/{mine.id}"
        assert (await send(visitor, await visitor.get(again), again, words="Good")).status == 303
    assert len(await of(instance, bob)) == 1 and len(await of(instance, alice)) == 1


async def test_a_conversation_is_read_and_answered_by_its_people_alone(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await join(instance, "carol")
    both = await hanging.publish(instance, bob, text="@alice @carol for both", visibility="direct")
    await hanging.publish(
        instance, bob, text="@alice aside", visibility="direct", in_reply_to_id=both.id
    )
    rows = {len(row.participants): row for row in await of(instance, alice)}
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        paths = {number: f"/messages/{row.id}" for number, row in rows.items()}
        assert "aside" not in (await visitor.get(paths[2])).page.one("main").text
        alone = (await visitor.get(paths[1])).page.one("main").text
        assert "aside" in alone and "for both" not in alone
        await send(visitor, await visitor.get(paths[1]), paths[1], words="only you")
    async with at(instance) as visitor:
        await visitor.sign_in("carol")
        body = (await visitor.get("/messages")).body
        assert "for both" in body and "only you" not in body and "aside" not in body
        key = (await visitor.get("/messages")).page.all("input", name="form_key")[0]["value"]
        for path in paths.values():
            assert (await visitor.get(path)).status == 404
            for action in (path, f"{path}/away"):
                seen = await visitor.post(action, {"form_key": key, "words": "x"})
                assert seen.status == 404
    async with at(instance) as nobody:
        for path in ("/messages", NEW, *paths.values()):
            assert (await nobody.get(path)).location.startswith("/sign-in?next=")


async def test_who_is_elsewhere_is_named_once(instance: Instance) -> None:
    alice = await join(instance)
    sam = await hanging.stranger(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await send(
            visitor, await visitor.get(NEW), NEW, who=f"@{sam.acct}, {sam.acct}", words="hello"
        )
        assert seen.status == 303
        [row] = await of(instance, alice)
        post = (await visitor.get(seen.location)).page.one("article", _class="post").text
        assert row.participants == [sam.id] and post.count("@ sam") == 1
        page = f"/messages/{row.id}"
        words = f"hi @{sam.acct}"
        await send(visitor, await visitor.get(page), page, words=words)
        async with instance.easel.database.read() as session:
            [*_, last] = await correspondence.thread(session, alice, row, 10)
        assert last.source == words and last.in_reply_to_id is not None


async def test_what_cannot_be_sent_is_said_and_what_was_typed_stays(instance: Instance) -> None:
    alice = await join(instance)
    await join(instance, "bob")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(NEW)
        for to, words in (
            (" , ", "hello"),
            ("@nobody", "hello"),
            *((hostile.replace("@", ""), "hello") for hostile in STRINGS[:6]),
            ("@bob", " "),
            ("@bob", "x" * 6000),
        ):
            refused = await send(visitor, seen, NEW, who=to, words=words, warning=STRINGS[1])
            assert refused.status == 422, to
            assert refused.page.one("p", role="alert").text
            standing = filled(form_of(refused, NEW))
            assert (standing["who"], standing["words"]) == (to, words)
            assert standing["warning"] == STRINGS[1]
        assert (await visitor.post(NEW, {"who": "@bob", "words": "x"})).status == 403
        assert await of(instance, alice) == []
        for hostile in STRINGS[:-1]:
            assert (await send(visitor, seen, NEW, who="@bob", words=hostile)).status == 303
        for row in await of(instance, alice):
            shown = (await visitor.get(f"/messages/{row.id}")).page.one("main")
            assert not shown.all("script") and not shown.all("iframe") and not shown.all("img")
        page = f"/messages/{row.id}"
        refused = await send(visitor, await visitor.get(page), page, words=" ", warning="W")
        assert refused.status == 422 and filled(form_of(refused, page))["warning"] == "W"


async def test_pictures_go_with_words_and_stay_chosen_if_those_are_refused(
    instance: Instance,
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        chosen = {"picture-1": hanging.png(), "picture-2": hanging.png(colour="red")}
        said = {"alt-1": "A sea.", "alt-2": "A fire.", "covered": "1"}
        seen = await visitor.get(NEW)
        refused = await send(visitor, seen, NEW, {"picture-1": b"no picture"}, who="@bob")
        assert refused.status == 422 and not filled(form_of(refused, NEW)).get("had-1")
        refused = await send(visitor, seen, NEW, chosen, who="@nobody", words="x", **said)
        assert refused.status == 422 and filled(form_of(refused, NEW))["had-1"]
        refused = await send(visitor, refused, NEW, who="@bob", words="x" * 6000)
        standing = filled(form_of(refused, NEW))
        assert refused.status == 422 and standing["had-1"] and standing["alt-2"] == "A fire."
        assert len(form_of(refused, NEW).all("img")) == 2
        stranger = str(await hanging.paint(instance, bob))
        for had in (stranger, "1", "x" * 30):  # what is not one's own goes nowhere
            sent = await send(
                visitor, refused, NEW, who="@bob", words="", **{"had-1": had, "drop-2": "1"}
            )
            assert sent.status == 422, had
        changed = {"alt-1": "A calm sea.", "drop-2": "1"}
        sent = await send(visitor, refused, NEW, who="@bob", words="", **changed)
        assert sent.status == 303, sent.page.text
        answer = {"words": "And this", "alt-1": "Two."}
        page = sent.location
        sent = await send(
            visitor, await visitor.get(page), page, {"picture-1": hanging.png()}, **answer
        )
        assert sent.status == 303
        seen = await visitor.get("/compose")
        sent = await send(
            visitor, seen, "/compose", chosen, words="", audience="public", **(said | {"alt-1": ""})
        )
        assert sent.status == 303
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        [row] = await of(instance, bob)
        shown = (await visitor.get(f"/messages/{row.id}")).page.one("main")
        alts = [one["alt"] for one in shown.all("img") if one.attributes.get("alt")]
        assert alts == ["A calm sea.", "Two."]
    async with instance.easel.database.read() as session:
        rows = (await session.exec(select(Status).order_by(col(Status.id)))).all()
    assert [(one.visibility, one.sensitive) for one in rows] == [
        ("direct", True), ("direct", False), ("public", True)
    ]  # fmt: skip
    assert rows[2].account_id == alice.id


async def test_words_that_ask_for_a_picture_are_painted_before_they_are_sent(
    instance: Instance,
) -> None:
    alice = await join(instance)
    await join(instance, "bob")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(NEW)
        assert "/imagine" in form_of(seen, NEW).text
        asked = "/imagine a lighthouse in fog\nFor you"
        seen = await send(visitor, seen, NEW, who="@bob", words=asked)
        assert (seen.status, seen.location) == (303, "/messages")
    async with instance.easel.database.read() as session:
        [painting] = (await session.exec(select(Painting))).all()
    assert painting.account_id == alice.id and painting.draft is not None
    assert painting.recipe["prompt"] == "a lighthouse in fog"
    assert painting.draft["visibility"] == "direct" and "For you" in painting.draft["text"]
