"""The studio without a script: forms that ask, pages that tell, nothing that is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlmodel import col, select

from fedi.database.tables import MediaAttachment, Painting, ScheduledStatus, Status
from generation.abilities import Abilities
from generation.protocol import Look, Looked, Suggest, Suggested
from generation.protocol import Seen as SaidOf
from generation.recipe import MAX_SEED
from tests.api.oauth.person import HTML, Person, Seen, at, join
from tests.rig import Instance, NewDatabase, serve_instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import Hand, connected, picture
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS

ABLE = Abilities(
    can={"test/flat": ("strength", "inpaint", "lora")}, loras=("ink", "ink.safetensors")
)


@asynccontextmanager
async def at_work(instance: Instance, **more: object) -> AsyncIterator[tuple[Person, Hand]]:
    """Alice in the studio, and a painter that does what the test tells it."""
    await join(instance)
    async with at(instance) as visitor, connected(instance, abilities=ABLE, **more) as hand:  # type: ignore[arg-type]
        await visitor.sign_in("alice")
        yield visitor, hand


async def ask(visitor: Person, **typed: str) -> Seen:
    """Ask for a picture; the answer leads to its page."""
    seen = await send(visitor, await visitor.get("/studio"), "/studio", **typed)
    assert seen.status == 303, seen.page.text
    return seen


def number(seen: Seen) -> int:
    return int(seen.location.rpartition("/")[2])


async def paintings_of(instance: Instance) -> list[Painting]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(Painting).order_by(col(Painting.id)))).all())


async def posts_of(instance: Instance) -> list[Status]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(Status).order_by(col(Status.created_at)))).all())


async def paint(instance: Instance, hand: Hand, painting: int, content: bytes = b"") -> None:
    """Have a picture painted that was asked for."""
    async with reaches(instance.easel, painting, "done"):
        await hand.finish(await hand.given(), content or None)


async def test_nobody_makes_pictures_for_nobody(instance: Instance) -> None:
    await join(instance, "bob")
    async with at_work(instance) as (visitor, _):
        made = number(await ask(visitor, prompt="a lighthouse"))
        async with at(instance) as stranger:
            for path in ("/studio", f"/studio/{made}", f"/studio/{made}/events"):
                seen = await stranger.get(path)
                assert seen.status == 303 and seen.location.startswith("/sign-in"), path
            await stranger.sign_in("bob")
            for path in (f"/studio/{made}", f"/studio/{made}/events", f"/studio?again={made}"):
                assert (await stranger.get(path)).status == 404, path
            page = await stranger.get("/studio")
            key = filled(form_of(page, "/studio"))["form_key"]
            for deed in ("stop", "post", "away", "more", "propose"):
                answer = await stranger.post(f"/studio/{made}/{deed}", {"form_key": key})
                assert answer.status == 404, deed
                assert (await visitor.post(f"/studio/{made}/{deed}", {})).status == 403, deed
        assert (await visitor.post("/studio", {"prompt": "spam"})).status == 403
        assert len(await paintings_of(instance)) == 1


async def test_words_alone_are_enough_and_the_page_tells_of_itself(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        sent = await ask(visitor, prompt="a lighthouse in fog")
        seen = await visitor.follow(sent)
        assert seen.page.one("h1").text == "a lighthouse in fog"
        assert seen.page.one("meta", **{"http-equiv": "refresh"})["content"] == "5"
        given = await hand.given()
        async with reaches(instance.easel, number(sent), "progress"):
            await hand.step(given, 1, 4)
        seen = await visitor.get(sent.location)
        assert "Step 1 of 4" in seen.page.one(id="line").text
        listed = await visitor.get("/studio")
        assert listed.page.one(id="waiting") and listed.page.all("a", href=sent.location)
        async with reaches(instance.easel, number(sent), "done"):
            await hand.finish(given, description="A tower of stone.")
        seen = await visitor.get(sent.location)
        assert not seen.page.all("meta", **{"http-equiv": "refresh"})
        form = filled(form_of(seen, f"{sent.location}/post"))
        assert form["description"]
        done = await send(
            visitor, seen, f"{sent.location}/post", text="Fog today #fog", description="A tower."
        )
        assert done.status == 303
        seen = await visitor.get(sent.location)
        assert "See the post" in seen.page.text
        assert (await visitor.get("/studio")).page.one(id="posted")
    async with instance.easel.database.read() as session:
        [status] = (await session.exec(select(Status))).all()
        [medium] = (await session.exec(select(MediaAttachment))).all()
    assert status.source == "Fog today #fog" and status.ai == "generated"
    assert medium.description == "A tower." and medium.status_id == status.id


async def test_every_choice_reaches_the_painter(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        sent = await ask(
            visitor,
            prompt="a cat",
            negative_prompt="people",
            shape="3:2",
            seed="7",
            steps="9",
            guidance="2,5",
            lora_1="ink",
            weight_1="0.5",
            text="Look",
            description="A cat.",
            visibility="unlisted",
            spoiler_text="Cats",
            language="de",
            quoters="nobody",
            share_recipe="1",
            post="done",
        )
        recipe = (await hand.given()).recipe
        assert (recipe.prompt, recipe.negative_prompt, recipe.seed) == ("a cat", "people", 7)
        assert (recipe.steps, recipe.guidance) == (9, 2.5)
        assert recipe.width and recipe.height and 1.3 < recipe.width / recipe.height < 1.7
        assert [(one.name, one.weight) for one in recipe.loras] == [("ink", 0.5)]
        [row] = await paintings_of(instance)
        assert row.share_recipe and row.draft is not None and row.begun_post is None
        assert row.draft["visibility"] == "unlisted" and row.draft["quoters"] == "nobody"
        assert "posted when it is done" in (await visitor.get(sent.location)).page.text


async def test_what_is_refused_stays_typed(instance: Instance) -> None:
    async with at_work(instance) as (visitor, _):
        page = await visitor.get("/studio")
        wrong = (
            ({"steps": "99"}, "At most 60 steps"),
            ({"seed": "many"}, "whole number"),
            ({"guidance": "lots"}, "is a number"),
            ({"shape": "1:9"}, "shape"),
            ({"count": "9"}, "At most 4"),
            ({"lora_1": "unknown"}, "LoRA unknown"),
            ({"prompt": "  "}, "Say what"),
            ({"visibility": "nobody"}, "visibility"),
        )
        for typed, words in wrong:
            sent = {"prompt": "a fox", "text": "My fox", "description": "Red."} | typed
            seen = await send(visitor, page, "/studio", **sent)
            assert seen.status == 422, typed
            assert words in seen.page.one("p", role="alert").text
            stands = filled(form_of(seen, "/studio"))
            for name in sent.keys() - {"shape", "count", "visibility", "prompt"}:
                assert stands[name] == sent[name], name
        assert await paintings_of(instance) == []


async def test_paint_first_and_post_later_with_the_words_of_before(instance: Instance) -> None:
    async with at_work(instance, slots=2) as (visitor, hand):
        sent = await ask(visitor, prompt="a fox", count="2", text="Two foxes", language="en")
        rows = await paintings_of(instance)
        first, second = (row.recipe["seed"] for row in rows)
        assert second == (first + 1) % (MAX_SEED + 1)
        for row in rows:
            await paint(instance, hand, row.id)
        seen = await visitor.get(sent.location)
        assert len(seen.page.one("ul", _class="strip").all("li")) == 2
        action = f"{sent.location}/post"
        assert filled(form_of(seen, action))["text"] == "Two foxes"
        kept = await send(visitor, seen, action, text="Both foxes", keep="1", sensitive="1")
        assert kept.status == 303
        stands = filled(form_of(await visitor.get(sent.location), action))
        assert (stands["text"], stands["sensitive"]) == ("Both foxes", "1")
        refused = await send(visitor, seen, action, text="x" * 6000)  # and not ticked
        assert refused.status == 422 and "characters" in refused.page.one("p", role="alert").text
        assert "sensitive" not in filled(form_of(refused, action))
        seen = await visitor.get(sent.location)
        await send(visitor, seen, action, **{f"with_{rows[1].id}": "1"})
    async with instance.easel.database.read() as session:
        [status] = (await session.exec(select(Status))).all()
        media = (await session.exec(select(MediaAttachment))).all()
    assert status.source == "Both foxes" and status.language == "en"
    assert {medium.status_id for medium in media} == {status.id}


async def test_a_post_for_later_waits(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        sent = await ask(visitor, prompt="a fox")
        await paint(instance, hand, number(sent))
        seen = await visitor.get(sent.location)
        action = f"{sent.location}/post"
        for wrong in ("soon", "2020-01-01T10:00"):
            refused = await send(visitor, seen, action, when=wrong, text="Kept")
            assert refused.status == 422 and refused.page.one("p", role="alert").text
            assert filled(form_of(refused, action))["text"] == "Kept"
        when = instance.clock.now().replace(microsecond=0, second=0)
        local = when.replace(year=when.year + 1).strftime("%Y-%m-%dT%H:%M")
        assert (await send(visitor, seen, action, when=local, offset="60")).status == 303
        assert "posted later" in (await visitor.get(sent.location)).page.text
    async with instance.easel.database.read() as session:
        [row] = (await session.exec(select(ScheduledStatus))).all()
    assert (row.scheduled_at - when.replace(year=when.year + 1)).total_seconds() == -3600


async def test_a_time_is_chosen_before_the_picture_is_there(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        page = await visitor.get("/studio")
        for wrong in ("", "soon", "2020-01-01T10:00"):
            typed = {"prompt": "a fox", "text": "Kept", "post": "later", "when": wrong}
            refused = await send(visitor, page, "/studio", **typed)
            assert refused.status == 422 and refused.page.one("p", role="alert").text, wrong
            stands = filled(form_of(refused, "/studio"))
            assert (stands["text"], stands["post"], stands["when"]) == ("Kept", "later", wrong)
        now = instance.clock.now().replace(microsecond=0, second=0)
        hour, day = (
            (now + timedelta(**one)).strftime("%Y-%m-%dT%H:%M")
            for one in ({"hours": 1}, {"days": 1})
        )
        # An hour from now, said where it is an hour later than in UTC: that is much too soon.
        chosen = {"text": "In time", "post": "later", "offset": "60"}
        assert (
            await send(visitor, page, "/studio", prompt="a fox", when=hour, **chosen)
        ).status == 422
        in_time = await ask(visitor, prompt="a fox", when=day, **chosen)
        assert (
            f"{now + timedelta(hours=23):%H:%M} UTC"
            in (await visitor.get(in_time.location)).page.text
        )
        await paint(instance, hand, number(in_time))
        late = await ask(visitor, prompt="a hen", text="Late", post="later", when=hour)
        instance.clock.advance(timedelta(hours=2))
        await paint(instance, hand, number(late))
        assert [one.source for one in await posts_of(instance)] == ["Late"]
        assert "/scheduled" in (await visitor.get(in_time.location)).body
        assert "In time" in (await visitor.get("/scheduled")).page.one("ul", _class="expected").text
        instance.clock.advance(timedelta(hours=21))
        await instance.run_jobs()
        assert [one.source for one in await posts_of(instance)] == ["Late", "In time"]
        assert "See the post" in (await visitor.get(in_time.location)).page.text
    rows = await paintings_of(instance)
    assert [one.status_uri for one in rows] == [one.uri for one in (await posts_of(instance))[::-1]]
    assert [one.status_id for one in rows] == [one.id for one in (await posts_of(instance))[::-1]]


async def test_what_waits_for_its_time_is_moved_posted_and_taken_back(instance: Instance) -> None:
    await join(instance)
    await join(instance, "bob")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        now = instance.clock.now()
        when, next_year = (
            (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M") for days in (1, 365)
        )
        for words in ("one", "two", "three"):
            seen = await visitor.get("/compose")
            sent = await send(visitor, seen, "/compose", words=words, audience="public", when=when)
            assert sent.location == "/scheduled?kept=1", sent.page.text
        seen = await visitor.get("/scheduled")
        third, second, first = seen.page.one("ul", _class="expected").all("li")
        paths = [one.all("form")[0]["action"].rpartition("/")[0] for one in (first, second, third)]
        refused = await send(visitor, seen, f"{paths[0]}/move", when="2020-01-01T10:00")
        assert refused.status == 422 and "future" in refused.page.one("p", role="alert").text
        assert (await send(visitor, seen, f"{paths[0]}/move", when=next_year)).status == 303
        assert (await send(visitor, seen, f"{paths[1]}/now")).status == 303
        assert (await send(visitor, seen, f"{paths[2]}/away")).status == 303
        assert [one.source for one in await posts_of(instance)] == ["two"]
        left = (await visitor.get("/scheduled")).page.one("ul", _class="expected").all("li")
        assert ["one" in one.text and next_year[:4] in one.text for one in left] == [True]
        async with at(instance) as other:
            await other.sign_in("bob")
            assert "one" not in (await other.get("/scheduled")).page.one("main").text.split()
            key = filled(form_of(await other.get("/compose"), "/compose"))["form_key"]
            for deed in ("move", "now", "away"):
                answer = await other.post(f"{paths[0]}/{deed}", {"form_key": key, "when": when})
                assert answer.status == 404, deed


async def test_it_is_stopped_and_asked_for_again(instance: Instance) -> None:
    async with at_work(instance) as (visitor, _):
        sent = await ask(visitor, prompt="a fox", text="My fox", seed="5")
        seen = await visitor.get(sent.location)
        assert (await send(visitor, seen, f"{sent.location}/stop")).status == 303
        seen = await visitor.get(sent.location)
        assert "Stopped" in seen.page.text and seen.page.all(
            "a", href=f"/studio?again={number(sent)}"
        )
        again = await visitor.get(f"/studio?again={number(sent)}")
        stands = filled(form_of(again, "/studio"))
        assert (stands["prompt"], stands["text"], stands["seed"]) == ("a fox", "My fox", "5")


async def test_a_failure_is_told_and_its_words_are_kept(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        sent = await ask(visitor, prompt="a fox", text="My fox", post="done")
        given = await hand.given()
        async with reaches(instance.easel, number(sent), "failed"):
            await hand.fail(given, "The card is on fire.")
        seen = await visitor.get(sent.location)
        assert "on fire" in seen.page.one("p", role="alert").text
        assert "Change it" in (await visitor.get("/studio")).page.text
        again = await visitor.get(f"/studio?again={number(sent)}")
        stands = filled(form_of(again, "/studio"))
        assert (stands["prompt"], stands["text"], stands["post"]) == ("a fox", "My fox", "done")


async def test_others_are_made_of_a_picture(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        sent = await ask(visitor, prompt="a fox", seed="5", text="Mine")
        await paint(instance, hand, number(sent), picture(64, 48))
        seen = await visitor.get(sent.location)
        action = f"{sent.location}/more"
        key = filled(form_of(seen, action))["form_key"]

        async def more(**typed: str) -> Painting:
            answer = await visitor.post(action, {"form_key": key} | typed)
            assert answer.status == 303, answer.page.text
            return (await paintings_of(instance))[-1]

        varied = await more(way="vary")
        assert varied.recipe["prompt"] == "a fox" and varied.recipe["seed"] != 5
        assert varied.begun_post is not None and varied.begun_post["text"] == "Mine"
        larger = await more(way="larger", upscale="2")
        assert larger.recipe["upscale"] == 2 and larger.recipe["enlarge"]
        over = await more(way="change", prompt="a red fox", strength="0.3")
        assert over.recipe["prompt"] == "a red fox" and over.recipe["strength"] == 0.3
        assert over.recipe["source"] and not over.recipe.get("mask")
        inside = await more(
            way="mask", prompt="a hat", mask_left="25", mask_top="0", mask_width="50",
            mask_height="50",
        )  # fmt: skip
        assert inside.recipe["mask"] and inside.needs == "inpaint"
        for wrong in (
            {"way": "mask"},
            {"way": "mask", "mask_left": "100", "mask_width": "5", "mask_height": "5"},
            {"way": "mask", "mask_left": "500"},
            {"way": "larger", "upscale": "3"},
            {"way": "sideways"},
        ):
            refused = await visitor.post(action, {"form_key": key} | wrong)
            assert refused.status == 422 and refused.page.one("p", role="alert").text, wrong
        await send(visitor, seen, f"{sent.location}/away")
        assert (await visitor.get(sent.location)).status == 410


async def test_a_picture_of_ones_own_and_a_mask_are_sent_as_files(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        page = await visitor.get("/studio")
        files = {"source": picture(96, 64, "orange"), "mask": picture(96, 64, "white")}
        seen = await send(visitor, page, "/studio", files, prompt="a hat", strength="0.7")
        assert seen.status == 303, seen.page.text
        given = await hand.given()
        assert given.recipe.source and given.recipe.mask and given.recipe.strength == 0.7
        assert set(hand.pictures) >= {given.recipe.source, given.recipe.mask}
        unlike = {"source": picture(96, 64), "mask": picture(64, 64)}
        refused = await send(visitor, page, "/studio", unlike, prompt="a hat", text="Kept")
        assert refused.status == 422 and "size" in refused.page.one("p", role="alert").text
        assert filled(form_of(refused, "/studio"))["text"] == "Kept"
        none = await send(visitor, page, "/studio", {"source": b"no picture"}, prompt="a hat")
        assert none.status == 422 and none.page.one("p", role="alert").text
        # What it began with is there when it is asked for again, or left out.
        again = await visitor.get(f"/studio?again={number(seen)}")
        asked = number(await send(visitor, again, "/studio"))
        without = number(await send(visitor, again, "/studio", drop_was="1"))
        rows = {row.id: row for row in await paintings_of(instance)}
        assert rows[asked].recipe["mask"] == given.recipe.mask
        assert "source" not in rows[without].recipe


async def test_what_is_posted_is_changed_by_no_form_of_the_studio(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        sent = await ask(visitor, prompt="a fox", description="A fox.")
        await paint(instance, hand, number(sent))
        seen = await visitor.get(sent.location)
        action = f"{sent.location}/post"
        assert (await send(visitor, seen, action)).status == 303
        for typed in ({"keep": "1", "description": "Another."}, {"text": "Twice"}):
            refused = await send(visitor, seen, action, **typed)
            assert refused.status == 422, typed
        await visitor.post(f"{sent.location}/away", filled(form_of(seen, action)))
    async with instance.easel.database.read() as session:
        [medium] = (await session.exec(select(MediaAttachment))).all()
        assert len((await session.exec(select(Status))).all()) == 1
    assert medium.description == "A fox." and medium.status_id is not None


async def test_a_shared_recipe_is_remixed_and_no_other(instance: Instance) -> None:
    bob = await join(instance, "bob")
    media = [await hanging.paint(instance, bob, share_recipe=share) for share in (True, False)]
    shared, kept = [await hanging.publish(instance, bob, text="Fog", media_ids=[m]) for m in media]
    async with at_work(instance) as (visitor, hand):
        assert (await visitor.get(f"/studio?remix={kept.id}")).status == 403
        page = await visitor.get(f"/@bob/{shared.id}/remix")
        seen = await visitor.get(page.page.one("a", href=f"/studio?remix={shared.id}")["href"])
        stands = filled(form_of(seen, "/studio"))
        assert stands["prompt"] == "a lighthouse in fog" and stands["seed"] == "4242"
        assert "@bob" in seen.page.one("div", _class="beside").text
        sent = await send(
            visitor, seen, "/studio", prompt="a lighthouse in snow", negative_prompt="", seed=""
        )
        assert sent.status == 303, sent.page.text
        recipe = (await hand.given()).recipe
        assert recipe.prompt == "a lighthouse in snow" and not recipe.negative_prompt
        assert recipe.seed != 4242 and (recipe.width, recipe.height) == (640, 480)
        over = await send(visitor, seen, "/studio", from_parent="1", strength="0.5")
        assert over.status == 303, over.page.text
        remixed, painted_over = await paintings_of(instance)
        assert remixed.based_on_uri == painted_over.based_on_uri == shared.uri
        assert painted_over.recipe["source"] and "source" not in remixed.recipe


async def test_an_answer_keeps_what_it_answers(instance: Instance) -> None:
    bob = await join(instance, "bob")
    asked = await hanging.publish(instance, bob, text="Who paints me a fox?")
    hidden = await hanging.publish(instance, bob, text="Secret", visibility="direct")
    async with at_work(instance) as (visitor, hand):
        assert "Secret" not in (await visitor.get(f"/studio?reply={hidden.id}")).body
        seen = await visitor.get(f"/studio?reply={asked.id}")
        assert "Who paints me" in seen.page.one("div", _class="beside").text
        sent = await send(visitor, seen, "/studio", prompt="a fox", text="I do")
        await paint(instance, hand, number(sent))
        await send(visitor, await visitor.get(sent.location), f"{sent.location}/post")
    async with instance.easel.database.read() as session:
        status = (await session.exec(select(Status).where(Status.source == "I do"))).one()
    assert status.in_reply_to_id == asked.id


async def test_proposals_change_nothing_until_one_is_taken(instance: Instance) -> None:
    async with at_work(instance, suggests=True) as (visitor, hand):
        seen = await visitor.get("/studio")
        words = {"prompt": "a fox", "text": "Look", "seed": "7"}
        asking = asyncio.create_task(send(visitor, seen, "/studio", to="/studio/propose", **words))
        message = await hand.hear()
        assert isinstance(message, Suggest) and message.text == "a fox"
        answer = {"prompt": "a <b>red</b> fox", "title": "Red", "hashtags": ("fox",)}
        await hand.say(Suggested(request=message.request, model="Small", **answer))  # type: ignore[arg-type]
        proposed = await asking
        stands = filled(form_of(proposed, "/studio"))
        assert {name: stands[name] for name in words} == words
        assert proposed.page.one("button", name="take", value="3")
        assert proposed.page.all("ins") and not proposed.page.all("b")
        buttons = form_of(proposed, "/studio").all("button")
        first = next(one for one in buttons if one.attributes.get("name") == "take")
        to = "/studio/propose"
        taken = await send(visitor, proposed, "/studio", to=to, take=first["value"])
        stands = filled(form_of(taken, "/studio"))
        assert stands["prompt"] == "a <b>red</b> fox" and stands["text"] == "Look"
        # The others are still there, and what is typed in between stays.
        for left in (2, 1):
            buttons = taken.page.all("button", name="take")
            assert len(buttons) == left
            more = {"text": f"{filled(form_of(taken, '/studio'))['text']}!"}
            taken = await send(visitor, taken, "/studio", to=to, take=buttons[0]["value"], **more)
        assert filled(form_of(taken, "/studio"))["text"] == "Red\n\nLook!!\n\n#fox"
        assert not taken.page.all("button", name="take")
        assert await paintings_of(instance) == []
    async with at(instance) as visitor, connected(instance):
        await visitor.sign_in("alice")
        seen = await visitor.get("/studio")
        assert not seen.page.all("button", formaction="/studio/propose")


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_words_are_suggested_beside_a_picture_and_nothing_typed_is_lost(
    instance: Instance,
) -> None:
    async with at_work(instance) as (visitor, hand):
        sent = await ask(visitor, prompt="a <b>knight</b> with a sword", share_recipe="1")
        await paint(instance, hand, number(sent))
        page, to = f"{sent.location}/post", f"{sent.location}/propose"
        seen = await visitor.get(sent.location)
        typed = {"text": "So much blood", "description": "", "language": "de", "when": ""}
        proposed = await send(visitor, seen, page, to=to, **typed)
        stands = filled(form_of(proposed, page))
        assert {name: stands[name] for name in typed} == typed
        section = proposed.page.one("section", _class="proposals")
        assert "No model here has looked at the picture" in section.text
        headings = [one.text for one in section.all("h2")]
        assert headings == ["Caption", "Hashtags", "Alt text", "Content warning"]
        assert section.all("ins") and not section.all("b")
        assert "<b>knight</b>" in section.text  # as words
        for what, field, value in (
            ("content_warning", "spoiler_text", "Krieg, Blut"),
            ("alt_text", "description", "Ein Bild, das Flat colours aus diesen Worten gemacht"),
        ):
            kept = [
                one["name"].partition("_")[2]
                for one in proposed.page.all("input")
                if one.attributes.get("value", "").startswith(what)
            ]
            more = {"take": kept[0], "spoiler_text": "Krieg"}
            proposed = await send(visitor, proposed, page, to=to, **more)
            stands = filled(form_of(proposed, page))
            assert stands[field].startswith(value) and stands["text"] == "So much blood"
    async with instance.easel.database.read() as session:
        medium = (await session.exec(select(MediaAttachment))).one()
        painting = (await session.exec(select(Painting))).one()
    # Nothing of it is kept before it is sent.
    assert medium.description.startswith("A picture that")
    assert painting.begun_post is not None and painting.begun_post["text"] == ""


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_words_are_suggested_where_a_post_is_written(instance: Instance) -> None:
    looks = Abilities(describes="Eye", looks=True)
    await join(instance)
    async with at(instance) as visitor, connected(instance, abilities=looks) as hand:
        await visitor.sign_in("alice")
        seen = await visitor.get("/compose")
        to, key = "/compose/propose", filled(form_of(seen, "/compose"))["form_key"]
        body = aiohttp.FormData(default_to_multipart=True)
        typed = {"form_key": key, "words": "My fox", "alt-1": "", "alt-2": "A hen", "covered": "1"}
        for name, value in typed.items():
            body.add_field(name, value)
        for place in ("picture-1", "picture-2"):
            body.add_field(place, picture(), filename="a.png", content_type="image/png")
        asking = asyncio.create_task(
            visitor.session.post(instance.url + to, data=body, headers=HTML)
        )
        look = await hand.hear()
        assert isinstance(look, Look) and len(hand.pictures) == 2
        shows = {name: SaidOf(description=f"A fox {name}.") for name in hand.pictures}
        await hand.say(Looked(request=look.request, seen=shows, described_by="Eye"))
        answer = await asking
        proposed = Seen(answer.status, answer.headers, await answer.text())
        stands = filled(form_of(proposed, "/compose"))
        assert (stands["words"], stands["alt-2"], stands["covered"]) == ("My fox", "A hen", "1")
        headings = [one.text for one in proposed.page.all("h2") if "picture" in one.text]
        assert headings == ["Alt text of picture 1", "Alt text of picture 2"]
        take = next(
            one["name"].partition("_")[2]
            for one in proposed.page.all("input")
            if one.attributes.get("value", "").startswith("alt_text alt-1")
        )
        taken = await send(visitor, proposed, "/compose", to=to, take=take)
        stands = filled(form_of(taken, "/compose"))
        assert stands["alt-1"] == f"A fox {stands['had-1']}." and stands["alt-2"] == "A hen"
        sent = await send(visitor, taken, "/compose")
        assert sent.status == 303
        [status] = await posts_of(instance)
        assert status.source == "My fox"
        # A picture of somebody else's is none of this form.
        bob = await join(instance, "bob")
        theirs = await hanging.paint(instance, bob)
        more = {"form_key": key, "words": "x", "had-1": str(theirs)}
        assert "Alt text of" not in (await visitor.post(to, more)).page.text


async def test_what_a_moderator_looks_at_only_its_author_sees(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    careful = {"review_unjudged": True}
    async with serve_instance(tmp_path, new_database(), safety=careful) as instance:
        await join(instance, "bob")
        async with at_work(instance) as (visitor, hand):
            sent = await ask(visitor, prompt="a fox", text="My fox")
            async with reaches(instance.easel, number(sent), "review"):
                await hand.finish(await hand.given())
            seen = await visitor.get(sent.location)
            assert "moderator" in seen.page.text
            held = f"{sent.location}/held"
            assert seen.page.all("img", src=held)
            async with visitor.session.get(instance.url + held) as answer:
                assert answer.status == 200 and answer.content_type == "image/png"
                assert "private" in answer.headers["Cache-Control"]
            async with at(instance) as other:
                await other.sign_in("bob")
                assert (await other.get(held)).status == 404
            await send(visitor, seen, f"{sent.location}/stop")
            assert (await visitor.get(held)).status == 404


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_hostile_words_are_only_words(instance: Instance) -> None:
    async with at_work(instance) as (visitor, hand):
        for words in STRINGS[:-1]:
            sent = await ask(visitor, prompt=words, text=words, description=words)
            given = await hand.given()
            async with reaches(instance.easel, number(sent), "failed"):
                await hand.fail(given, words)
            for path in (sent.location, "/studio", f"/studio?again={number(sent)}"):
                seen = await visitor.get(path)
                assert all(one["src"].startswith("/static/") for one in seen.page.all("script"))
                for element in seen.page.one("main").walk():
                    assert element.name not in {"script", "iframe", "svg", "math", "style"}
                    assert not any(
                        name == "style" or name.startswith("on") for name in element.attributes
                    )
        assert "script-src 'self'" in seen.headers["Content-Security-Policy"]
