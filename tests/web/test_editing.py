"""Posts that are changed, and polls that are voted in, on pages."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from fedi.database.tables import MediaAttachment, Painting, Poll, Status
from fedi.social import edits, polls
from fedi.social.polls import DraftPoll
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS


async def row(instance: Instance, status: Status) -> Status:
    async with instance.easel.database.read() as session:
        return await session.get_one(Status, status.id)


async def test_a_post_is_changed_by_its_author(instance: Instance) -> None:
    alice = await join(instance)
    await join(instance, "bob")
    picture = await hanging.paint(instance, alice, description="A cat")
    post = await hanging.publish(
        instance, alice, text="Fgo #ink", media_ids=[picture], language="en"
    )
    page, action = f"/compose?edit={post.id}", f"/posts/{post.id}/edit"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert (await visitor.get(f"/posts/{post.id}/more")).page.one("a", href=page)
        seen = await visitor.get(page)
        standing = filled(form_of(seen, action))
        assert (standing["words"], standing["language"]) == ("Fgo #ink", "en")
        assert standing[f"alt-{picture}"] == "A cat"
        typed = {"words": "Fog #ink", "warning": "Weather", f"alt-{picture}": "A dog",
                 "sensitive": "1"}  # fmt: skip
        seen = await send(visitor, seen, action, **typed)
        assert (seen.status, seen.location) == (303, f"/@alice/{post.id}")
        now = await row(instance, post)
        assert now.source == "Fog #ink" and now.spoiler_text == "Weather" and now.edited_at
        async with instance.easel.database.read() as session:
            medium = await session.get_one(MediaAttachment, picture)
            [before] = await edits.of_status(session, now)
        assert medium.description == "A dog" and "Fgo" in before.content
        # Everybody who may read it can read what it was, the latest first.
        shown = await visitor.get(f"/@alice/{post.id}")
        past = await visitor.get(shown.page.one("a", href=f"/@alice/{post.id}/edits")["href"])
        said = [one.text for one in past.page.all("article")]
        assert "Fog" in said[0] and "Weather" in said[0] and "A dog" in said[0]
        assert "Fgo" in said[1] and "A cat" in said[1] and "Weather" not in said[1]
        # A description may be long, in any writing.
        long = {f"alt-{picture}": "猫" * 10_000}
        assert (await send(visitor, await visitor.get(page), action, **long)).status == 303
        # A refusal keeps what was typed.
        for wrong in (
            {"words": "x" * 100_000},
            {f"alt-{picture}": "猫" * 10_001},
            {"language": "?"},
        ):
            refused = await send(visitor, await visitor.get(page), action, **wrong)
            assert refused.status in {413, 422}
            if refused.status == 422:
                assert wrong.items() <= filled(form_of(refused, action)).items()
        for hostile in STRINGS:
            seen = await visitor.get(page)
            assert (await send(visitor, seen, action, words=hostile)).status == 303
            shown = await visitor.get(page)
            assert filled(form_of(shown, action))["words"].strip() == hostile.strip()
        assert (await visitor.post(action, {"words": "x"})).status == 403
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        assert (await visitor.get(page)).status == 403
        key = (await visitor.get("/home")).page.one("input", name="form_key")["value"]
        assert (await visitor.post(action, {"form_key": key, "words": "x"})).status == 403
        assert (await visitor.get("/compose?edit=1")).status == 404
        new = await hanging.publish(instance, alice, text="never changed")
        assert (await visitor.get(f"/@alice/{new.id}/edits")).status == 404
        assert "/edits" not in (await visitor.get(f"/@alice/{new.id}")).body
        assert (await visitor.post("/posts/1/edit", {"form_key": key})).status == 404


async def test_words_that_an_app_wrote_as_html_stay_unless_they_are_changed(
    instance: Instance,
) -> None:
    alice = await join(instance)
    html = "<p>Very <strong>bold</strong></p>"
    post = await hanging.publish(instance, alice, content_html=html)
    page, action = f"/compose?edit={post.id}", f"/posts/{post.id}/edit"
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(page)
        assert filled(form_of(seen, action))["words"].strip() == "Very bold"
        assert (await send(visitor, seen, action, warning="Loud")).status == 303
        assert "<strong>" in (await row(instance, post)).content
        await send(visitor, await visitor.get(page), action, words="Plain")
        assert (await row(instance, post)).content == "<p>Plain</p>"


async def test_people_vote_once_and_see_what_came_of_it(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    asked = DraftPoll(options=["Fog", "<b>Storm</b>"], expires_in=3600)
    post = await hanging.publish(instance, bob, text="Which?", poll=asked)
    many = DraftPoll(options=["A", "B", "C"], expires_in=3600, multiple=True, hide_totals=True)
    other = await hanging.publish(instance, bob, text="And?", poll=many)
    page, vote = f"/@bob/{post.id}", f"/posts/{post.id}/vote"
    async with at(instance) as nobody:
        assert not (await nobody.get(page)).page.all("form", action=vote)
        hidden = (await nobody.get(f"/@bob/{other.id}")).page.one("div", _class="poll")
        assert "%" not in hidden.text and not hidden.all("progress")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(page)
        form = form_of(seen, vote)
        assert [one.text for one in form.all("label")] == ["Fog", "<b>Storm</b>"]
        key = filled(form)["form_key"]
        for wrong in ({}, {"choice": "7"}, {"choice": "x"}, {"choice-0": "0", "choice-1": "1"}):
            answer = await visitor.post(vote, {"form_key": key, **wrong})
            assert answer.status == 422, wrong
        assert (await visitor.post(vote, {"choice": "1"})).status == 403
        assert (await visitor.post("/posts/1/vote", {"form_key": key, "choice": "1"})).status == 404
        seen = await send(visitor, seen, vote, choice="1")
        assert seen.status == 303 and seen.location.endswith(f"#p-{post.id}")
        poll = (await visitor.get(page)).page.one("div", _class="poll")
        assert "<b>Storm</b> Your vote 100 %" in poll.text and "1 person voted" in poll.text
        again = await visitor.post(vote, {"form_key": key, "choice": "0"})
        assert again.status == 422
        # In a feed, and several at once.
        seen = await visitor.get("/local?view=posts")
        path = f"/posts/{other.id}/vote"
        await send(visitor, seen, path, **{"choice-0": "0", "choice-2": "2"})
        async with instance.easel.database.read() as session:
            votes = await polls.votes_of(session, alice, [post.id, other.id])
        assert votes == {post.id: [1], other.id: [0, 2]}
        instance.clock.advance(timedelta(hours=2))
        shown = (await visitor.get(f"/@bob/{other.id}")).page.one("div", _class="poll")
        assert "100 %" in shown.text and "closed" in shown.text
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        assert not (await visitor.get(page)).page.all("form", action=vote)


async def test_a_poll_is_asked_and_what_is_none_stays_in_the_form(instance: Instance) -> None:
    alice = await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get("/compose")
        two = {"words": "Which?", "answer-1": STRINGS[0], "answer-7": "Fog"}
        for wrong in (
            {"answer-7": ""},
            {"answer-7": STRINGS[0]},
            {"answer-7": "x" * 101},
            {"poll_ends": "1"},
            {"words": "/imagine fog"},
        ):
            refused = await send(visitor, seen, "/compose", **{**two, **wrong})
            assert refused.status == 422, wrong
            assert refused.page.one("p", role="alert").text.endswith(".")
            assert filled(form_of(refused, "/compose"))["answer-1"] == STRINGS[0]
        ticked = {"poll_ends": "3600", "poll_multiple": "1", "poll_hidden": "1"}
        seen = await send(visitor, seen, "/compose", **two, **ticked)
        assert seen.status == 303
        number = int(seen.location.rpartition("/")[2])
        shown = (await visitor.get(seen.location)).page.one("div", _class="poll").text
        assert STRINGS[0] in shown and "Fog" in shown
        # Without an answer there is no poll.
        await send(visitor, await visitor.get("/compose"), "/compose", words="No question")
    async with instance.easel.database.read() as session:
        assert (await session.exec(select(Painting))).all() == []
        poll = await session.get_one(Poll, number)
        found = await session.exec(select(Status).where(Status.account_id == alice.id))
        assert sorted(one.object_type for one in found) == ["Note", "Question"]
    assert [option["title"] for option in poll.options] == [STRINGS[0], "Fog"]
    assert poll.multiple and poll.hide_totals and poll.ends_at is not None
    assert poll.ends_at - instance.clock.now() == timedelta(hours=1)


async def test_a_poll_is_changed_and_stays_where_nothing_of_it_is(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    asked = DraftPoll(options=["Fog", "Strom"], expires_in=3600)
    post = await hanging.publish(instance, alice, text="Which?", poll=asked)
    page, action = f"/compose?edit={post.id}", f"/posts/{post.id}/edit"

    async def poll() -> Poll | None:
        async with instance.easel.database.read() as session:
            return await session.get(Poll, post.id)

    async with instance.easel.database.write() as tx:
        await polls.vote(tx, bob, await tx.get_one(Status, post.id), [0])
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        before = await poll()
        assert before is not None
        await send(visitor, await visitor.get(page), action, words="Which one?")
        same = await poll()
        assert same is not None and same.voters_count == 1 and same.ends_at == before.ends_at
        seen = await visitor.get(page)
        assert (await send(visitor, seen, action, **{"answer-2": ""})).status == 422
        await send(visitor, seen, action, **{"answer-2": "Storm"})
        changed = await poll()
        assert changed is not None and changed.voters_count == 0
        assert changed.options[1]["title"] == "Storm" and changed.ends_at == before.ends_at
        # One that has ended is asked again only by who says until when.
        instance.clock.advance(timedelta(hours=2))
        seen = await visitor.get(page)
        assert (await send(visitor, seen, action, words="Which was it?")).status == 303
        refused = await send(visitor, seen, action, **{"answer-2": "Snow"})
        assert refused.status == 422 and "ended" in refused.page.one("p", role="alert").text
        again = {"answer-2": "Snow", "poll_ends": "3600"}
        assert (await send(visitor, seen, action, **again)).status == 303
        await send(visitor, await visitor.get(page), action, **{"answer-1": "", "answer-2": ""})
        assert await poll() is None
        assert not form_of(await visitor.get(page), action).all("input", name="answer-1")
