"""Posts for later are changed where they stand, and are posted once, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlmodel import select

from fedi.database.tables import MediaAttachment, ScheduledStatus
from generation.protocol import Cancel, Cancelled
from tests.api.oauth.person import Person, Seen, at, join
from tests.rig import Instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_studio import paintings_of, posts_of


@pytest.fixture
async def visitor(instance: Instance) -> AsyncIterator[Person]:
    """Alice, who is signed in."""
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        yield visitor


def moment(instance: Instance, **ahead: float) -> str:
    """So far from now, as browsers write it."""
    return (instance.clock.now() + timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M")


async def waiting(instance: Instance) -> list[ScheduledStatus]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(ScheduledStatus))).all())


async def write(instance: Instance, visitor: Person, **typed: str) -> str:
    """Write a post for later; gives the path of the form in which it is changed."""
    files = {"picture-1": hanging.png()} if "alt-1" in typed else None
    said = {"audience": "public", "when": moment(instance, hours=1)} | typed
    sent = await send(visitor, await visitor.get("/compose"), "/compose", files, **said)
    assert sent.location == "/scheduled?kept=1", sent.page.text
    listed = await visitor.get("/scheduled")
    newest = listed.page.one("ul", _class="expected").all("li")[0]
    return newest.all("a", _class="button")[0]["href"]


async def pass_by(instance: Instance, **time: float) -> None:
    instance.clock.advance(timedelta(**time))
    await instance.run_jobs()


def trouble(seen: Seen) -> str:
    return seen.page.one("p", role="alert").text


async def test_all_of_it_is_changed_and_it_is_posted_once(
    instance: Instance, visitor: Person
) -> None:
    asked = {"words": "A bote", "warning": "Sea", "alt-1": "A bote", "quoters": "nobody"}
    form = await write(instance, visitor, **asked)
    [before] = await waiting(instance)
    seen = await visitor.get(form)
    stands = filled(form_of(seen, form))
    assert asked.items() <= stands.items() and stands["audience"] == "public"
    assert stands["when"] == moment(instance, hours=1) and stands["had-1"]
    # What cannot be posted is refused, and the post stays as it was.
    for wrong in ({"when": ""}, {"when": moment(instance, minutes=1)}, {"audience": "all"}):
        refused = await send(visitor, seen, form, **wrong, **{"words": "Not so"})
        assert refused.status == 422 and trouble(refused), wrong
        assert filled(form_of(refused, form))["words"] == "Not so"
        assert await waiting(instance) == [before]
    better = {"words": "A boat", "warning": "", "alt-1": "A red boat", "audience": "unlisted"}
    sent = await send(visitor, seen, form, when=moment(instance, hours=3), **better)
    assert sent.location == "/scheduled?kept=1", sent.page.text
    [row] = await waiting(instance)
    assert (row.id, row.uri) == (before.id, before.uri)
    await pass_by(instance, hours=2)
    assert await posts_of(instance) == []
    await pass_by(instance, hours=1)
    await pass_by(instance, hours=1)
    [status] = await posts_of(instance)
    assert (status.source, status.spoiler_text, status.visibility) == ("A boat", "", "unlisted")
    assert status.uri == before.uri and await waiting(instance) == []
    async with instance.easel.database.read() as session:
        [medium] = (await session.exec(select(MediaAttachment))).all()
    assert (medium.description, medium.status_id) == ("A red boat", status.id)


async def test_its_words_are_changed_shortly_before_it_is_time(
    instance: Instance, visitor: Person
) -> None:
    # Apps say seconds, too, which no form shows.
    asked = {"when": f"{moment(instance, hours=1)}:59", "answer-1": "a", "answer-2": "b"}
    form = await write(instance, visitor, words="one", **asked)
    [before] = await waiting(instance)
    instance.clock.advance(timedelta(minutes=58))
    seen = await visitor.get(form)
    assert (await send(visitor, seen, form, words="two", poll_ends="300")).status == 303
    [row] = await waiting(instance)
    assert row.scheduled_at == before.scheduled_at
    await pass_by(instance, minutes=4)
    [status] = await posts_of(instance)
    assert (status.source, status.object_type) == ("two", "Question")


async def test_what_came_too_late_is_written_into_the_post(
    instance: Instance, visitor: Person
) -> None:
    form = await write(instance, visitor, words="one", **{"alt-1": "A boat"})
    seen = await visitor.get(form)
    await pass_by(instance, hours=1)
    [status] = await posts_of(instance)
    late = await send(visitor, seen, form, words="two", **{"alt-1": "A red boat"})
    assert late.status == 409 and "posted as it was" in trouble(late)
    action = f"/posts/{status.id}/edit"
    [alt] = [name for name in filled(form_of(late, action)) if name.startswith("alt-")]
    assert filled(form_of(late, action))["words"] == "two"
    assert filled(form_of(late, action))[alt] == "A red boat"
    assert (await send(visitor, late, action)).status == 303
    [status] = await posts_of(instance)
    assert status.source == "two" and status.edited_at is not None
    assert (await visitor.get(form)).status == 404


async def test_at_the_very_moment_it_is_posted_once_one_way_or_the_other(
    instance: Instance, visitor: Person
) -> None:
    form = await write(instance, visitor, words="one")
    seen = await visitor.get(form)
    instance.clock.advance(timedelta(hours=1))
    sent, _ = await asyncio.gather(send(visitor, seen, form, words="two"), instance.run_jobs())
    await instance.run_jobs()
    [status] = await posts_of(instance)
    assert (sent.status, status.source) in {(303, "two"), (409, "one")}
    assert await waiting(instance) == []


async def test_what_was_taken_back_can_be_posted_anew_and_is_nobody_elses(
    instance: Instance, visitor: Person
) -> None:
    await join(instance, "bob")
    async with at(instance) as other:
        await other.sign_in("bob")
        form = await write(instance, visitor, words="one")
        seen = await visitor.get(form)
        assert (await other.get(form)).status == 404
        key = filled(form_of(await other.get("/compose"), "/compose"))["form_key"]
        tried = await other.post(form, filled(form_of(seen, form)) | {"form_key": key})
        assert tried.status == 404
        [row] = await waiting(instance)
        assert row.draft["text"] == "one"
        listed = await visitor.get("/scheduled")
        away = form.replace("change", "away")
        assert (await send(visitor, listed, away)).status == 303
        late = await send(visitor, seen, form, words="two")
        assert late.status == 404 and "a new post" in trouble(late)
        sent = await send(visitor, late, "/compose")
        assert sent.location == "/scheduled?kept=1"
        [row] = await waiting(instance)
        assert row.draft["text"] == "two"


async def test_what_it_asks_for_is_painted_at_once_and_posted_in_time(
    instance: Instance, visitor: Person
) -> None:
    async with connected(instance) as hand:
        form = await write(instance, visitor, words="/imagine a boat\nAhoy")
        given = await hand.given()
        assert given.recipe.prompt == "a boat"
        listed = (await visitor.get("/scheduled")).page.one("ul", _class="expected")
        assert "Ahoy" in listed.text and "/imagine" not in listed.text
        assert "in the making" in listed.text
        # Other words for the same picture: it goes on being painted.
        seen = await visitor.get(form)
        typed = {"words": "/imagine a boat\nAhoy!", "audience": "private"}
        assert (await send(visitor, seen, form, **typed)).status == 303
        async with reaches(instance.easel, int(given.painting), "done"):
            await hand.finish(given)
        assert await posts_of(instance) == []
        # The picture is there, with all the rest to be changed.
        seen = await visitor.get(form)
        assert filled(form_of(seen, form))["words"] == "Ahoy!"
        assert filled(form_of(seen, form))["had-1"]
        assert (await send(visitor, seen, form, **{"alt-1": "A painted boat"})).status == 303
        await pass_by(instance, minutes=59)
        assert await posts_of(instance) == []
        await pass_by(instance, minutes=1)
        [status] = await posts_of(instance)
        assert (status.source, status.visibility) == ("Ahoy!", "private")
        [painting] = await paintings_of(instance)
        assert (painting.status_id, painting.status_uri) == (status.id, status.uri)


async def test_another_picture_is_painted_if_its_words_ask_for_another(
    instance: Instance, visitor: Person
) -> None:
    async with connected(instance) as hand:
        form = await write(instance, visitor, words="/imagine a boat\nAhoy")
        first = await hand.given()
        await send(visitor, await visitor.get(form), form, words="/imagine a ship\nAhoy")
        assert await hand.hear() == Cancel(painting=first.painting)
        await hand.say(Cancelled(painting=first.painting))
        # It could not be painted: it is not posted without it, and its author reads why.
        second = await hand.given()
        assert second.recipe.prompt == "a ship"
        async with reaches(instance.easel, int(second.painting), "failed"):
            await hand.fail(second, "The card is on fire.")
        listed = (await visitor.get("/scheduled")).page.one("ul", _class="expected")
        assert "The card is on fire." in listed.one("p", _class="trouble").text
        assert f'"{form}"' in (await visitor.get(f"/studio/{second.painting}")).body
        await pass_by(instance, hours=1)
        assert await posts_of(instance) == []
        # Saved again, it is painted again; and if it is time before it is painted, it comes later.
        seen = await visitor.get(form)
        sent = await send(visitor, seen, form, when=moment(instance, hours=1))
        assert sent.status == 303, sent.page.text
        third = await hand.given()
        assert third.recipe.prompt == "a ship"
        await pass_by(instance, hours=1)
        assert await posts_of(instance) == [] == await waiting(instance)
        late = await send(visitor, seen, form, words="Other words")
        assert late.status == 409 and "as soon as its picture" in trouble(late)
        async with reaches(instance.easel, int(third.painting), "done"):
            await hand.finish(third)
        [status] = await posts_of(instance)
        assert status.source == "Ahoy"


async def test_a_picture_of_what_is_taken_back_is_not_painted(
    instance: Instance, visitor: Person
) -> None:
    async with connected(instance) as hand:
        form = await write(instance, visitor, words="/imagine a boat\nAhoy")
        given = await hand.given()
        away = form.replace("change", "away")
        assert (await send(visitor, await visitor.get("/scheduled"), away)).status == 303
        assert await hand.hear() == Cancel(painting=given.painting)
        await pass_by(instance, hours=2)
        assert await posts_of(instance) == [] == await waiting(instance)
