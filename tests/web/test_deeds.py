"""What people do with posts and about each other by the buttons of the pages."""

from __future__ import annotations

import json

from sqlmodel import col, select

from fedi.database.tables import Account, Report, Status
from fedi.social import follows, relationships
from tests.api.oauth.person import Person, at, join
from tests.rig import Instance
from tests.web import hanging


async def row(instance: Instance, status: Status) -> Status:
    async with instance.easel.database.read() as session:
        return await session.get_one(Status, status.id)


async def press(visitor: Person, page: str, path: str, **headers: str) -> int:
    """Press a button of a page, as a browser without scripts does."""
    seen = await visitor.get(page)
    buttons = [
        button["formaction"] if "formaction" in button.attributes else form["action"]
        for form in seen.page.all("form")
        for button in form.all("button")
    ]
    assert path in buttons, (path, buttons)
    key = seen.page.all("input", name="form_key")[0]["value"]
    referer = {"Referer": f"{visitor.instance.url}{page}"}
    answer = await visitor.post(path, {"form_key": key}, **referer, **headers)
    if answer.status == 303:
        assert answer.location.partition("#")[0] in {page, "/home"}
    return answer.status


async def test_posts_are_liked_boosted_and_kept_and_all_that_is_taken_back(
    instance: Instance,
) -> None:
    bob = await join(instance, "bob")
    post = await hanging.hang(instance, bob, text="hello")
    await join(instance)
    page = f"/@bob/{post.id}"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for deed in ("like", "boost", "keep"):
            assert await press(visitor, page, f"/posts/{post.id}/{deed}") == 303
        found = await row(instance, post)
        assert (found.favourites_count, found.reblogs_count) == (1, 1)
        for deed in ("unlike", "unboost", "unkeep"):
            assert await press(visitor, page, f"/posts/{post.id}/{deed}") == 303
        found = await row(instance, post)
        assert (found.favourites_count, found.reblogs_count) == (0, 0)
        key = (await visitor.get(page)).page.all("input", name="form_key")[0]["value"]
        seen = await visitor.post(
            f"/posts/{post.id}/like", {"form_key": key}, Accept="application/json"
        )
        assert json.loads(seen.body)["like"] == {"done": True, "count": 1}
        for path in ("/posts/1/like", f"/posts/{post.id}/burn", f"/posts/{10**30}/like"):
            assert (await visitor.post(path, {"form_key": key})).status == 404, path
        assert (await visitor.post(f"/posts/{post.id}/unlike", {})).status == 403
        # Where one came from is a page of ours, or it is not believed.
        seen = await visitor.post(
            f"/posts/{post.id}/keep", {"form_key": key}, Referer="https://evil.example/x"
        )
        assert seen.location == f"/home#p-{post.id}"


async def test_what_one_may_not_see_one_can_do_nothing_with(instance: Instance) -> None:
    bob = await join(instance, "bob")
    post = await hanging.publish(instance, bob, text="private", visibility="private")
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        key = (await visitor.get("/home")).page.one("input", name="form_key")["value"]
        for deed in ("like", "boost", "keep", "pin", "hush", "delete"):
            seen = await visitor.post(f"/posts/{post.id}/{deed}", {"form_key": key})
            assert seen.status == 404, deed
        for path in (f"/posts/{post.id}/more", f"/compose?reply_to={post.id}",
                     f"/report?post={post.id}", f"/@bob/{post.id}"):  # fmt: skip
            assert (await visitor.get(path)).status == 404, path
        seen = await visitor.post(
            "/compose",
            {"form_key": key, "words": "x", "audience": "public", "reply_to": str(post.id)},
        )
        assert seen.status == 404


async def test_a_post_is_pinned_and_deleted_by_its_author_alone(instance: Instance) -> None:
    alice = await join(instance)
    await join(instance, "bob")
    post = await hanging.publish(instance, alice, text="on top")
    await hanging.publish(instance, alice, text="below")
    more = f"/posts/{post.id}/more"
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        key = (await visitor.get(more)).page.all("input", name="form_key")[0]["value"]
        assert (await visitor.post(f"/posts/{post.id}/delete", {"form_key": key})).status == 403
        assert (await visitor.post(f"/posts/{post.id}/pin", {"form_key": key})).status == 422
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert await press(visitor, more, f"/posts/{post.id}/pin") == 303
        page = (await visitor.get("/@alice/posts")).page
        assert "on top" in page.one("div", _class="pinned").text
        assert await press(visitor, more, f"/posts/{post.id}/delete") == 303
        assert (await visitor.get(f"/@alice/{post.id}")).status == 410


async def test_people_are_followed_muted_and_blocked_from_their_page(instance: Instance) -> None:
    alice = await join(instance)
    bob = await join(instance, "bob")

    async def relation() -> relationships.Relation:
        async with instance.easel.database.read() as session:
            return (await relationships.of(session, alice, [bob.id]))[bob.id]

    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert await press(visitor, "/@bob", f"/people/{bob.id}/follow") == 303
        assert (await relation()).following
        assert await press(visitor, "/@bob", f"/people/{bob.id}/unfollow") == 303
        assert not (await relation()).following
        for tie in ("mute", "unmute", "block", "unblock"):
            assert await press(visitor, "/@bob", f"/people/{bob.id}/{tie}") == 303, tie
            now = await relation()
            assert (now.muting, now.blocking) == (tie == "mute", tie == "block")
        assert not (await visitor.get("/@alice")).page.all("div", _class="ties")
        key = (await visitor.get("/@bob")).page.all("input", name="form_key")[0]["value"]
        assert (await visitor.post(f"/people/{alice.id}/follow", {"form_key": key})).status == 422
        assert (await visitor.post("/people/1/follow", {"form_key": key})).status == 404
        assert (await visitor.post(f"/people/{bob.id}/follow", {})).status == 403


async def test_people_of_other_servers_have_pages_here_for_who_is_signed_in(
    instance: Instance,
) -> None:
    await join(instance)
    sam = await hanging.stranger(instance, display_name="Sam")
    post = await hanging.receive(instance, sam, content="<p>from afar</p>")
    page, large = "/@sam@elsewhere.example", f"/@sam@elsewhere.example/{post.id}"
    async with at(instance) as visitor:
        for path in (page, large, f"{page}/posts"):
            assert (await visitor.get(path)).status == 404, path
        await visitor.sign_in("alice")
        seen = await visitor.get(f"{page}/posts")
        assert "from afar" in seen.page.text and "noindex" in seen.headers["X-Robots-Tag"]
        assert post.url in {link["href"] for link in (await visitor.get(large)).page.all("a")}
        assert await press(visitor, large, f"/posts/{post.id}/like") == 303
        assert await press(visitor, page, f"/people/{sam.id}/follow") == 303


async def test_a_reply_names_who_is_answered_and_is_no_louder(instance: Instance) -> None:
    alice = await join(instance)
    bob, carol = await join(instance, "bob"), await join(instance, "carol")
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice, bob)
    post = await hanging.publish(
        instance, bob, text="@carol <b>hi</b>", visibility="private", spoiler_text="Secrets"
    )
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        page = (await visitor.get(f"/compose?reply_to={post.id}")).page
        assert page.one("textarea", name="words").text == "@bob @carol"
        assert page.one("input", name="warning")["value"] == "Secrets"
        [audience] = [o for o in page.one("select", name="audience").all("option")
                      if "selected" in o.attributes]  # fmt: skip
        assert audience["value"] == "private"
        seen = await visitor.submit(
            await visitor.get(f"/compose?reply_to={post.id}"),
            "/compose",
            words="@bob so it is",
            audience="private",
            language="de",
        )
        assert seen.status == 303
        seen = await visitor.get(seen.location)
        assert seen.status == 200 and "so it is" in seen.page.text
    async with instance.easel.database.read() as session:
        reply = (await session.exec(select(Status).order_by(col(Status.id).desc()))).first()
    assert reply is not None and reply.in_reply_to_id == post.id
    assert (reply.language, reply.visibility, carol.id) == ("de", "private", carol.id)


async def test_words_that_cannot_be_posted_are_not_lost(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get("/compose")
        for wrong in ({"words": " "}, {"words": "kept", "audience": "all"},
                      {"words": "kept", "language": "<b>"}):  # fmt: skip
            answer = await visitor.submit(seen, "/compose", **{"audience": "public", **wrong})
            assert answer.status == 422
            assert answer.page.one("textarea", name="words").text == wrong["words"].strip()
            assert answer.page.one("p", role="alert")


async def test_a_report_reaches_those_who_run_the_place(instance: Instance) -> None:
    await join(instance)
    bob = await join(instance, "bob")
    post = await hanging.publish(instance, bob, text="buy this")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(f"/report?post={post.id}")
        assert (await visitor.submit(seen, "/report", category="")).status == 422
        seen = await visitor.submit(seen, "/report", category="spam", comment="Again.")
        assert seen.status == 200 and "Thank you" in seen.page.one("h1").text
        for path in ("/report", "/report?account=1", "/report?post=x"):
            assert (await visitor.get(path)).status == 404, path
    async with instance.easel.database.read() as session:
        [report] = (await session.exec(select(Report))).all()
        target = await session.get_one(Account, report.target_account_id)
    assert (report.category, report.comment, target.username) == ("spam", "Again.", "bob")


async def test_an_account_shows_its_parts(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    first = await hanging.hang(instance, alice, text="a picture")
    asked = await hanging.publish(instance, bob, text="a question")
    await hanging.publish(instance, alice, text="@bob an answer", in_reply_to_id=asked.id)
    picture = await hanging.paint(instance, alice)
    await hanging.publish(
        instance, alice, text="made of it", media_ids=[picture], based_on_uri=first.uri
    )
    async with at(instance) as visitor:
        assert len((await visitor.get("/@alice")).page.all("a", _class="tile")) == 2
        assert len((await visitor.get("/@alice/remixes")).page.all("a", _class="tile")) == 1
        assert "an answer" not in (await visitor.get("/@alice/posts")).page.text
        assert "an answer" in (await visitor.get("/@alice/replies")).page.text
        assert (await visitor.get("/@alice/else")).status == 404
