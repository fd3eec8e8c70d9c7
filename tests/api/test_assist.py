"""Help with words over our own API, with painters that say what the test tells them to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fedi.clock import FakeClock
from fedi.studio import assistance
from generation.protocol import Drop, Ready, Suggest, Suggested
from tests import rig
from tests.api.apps import Answer, App
from tests.studio.asking import account, ask
from tests.studio.easel_painter import Hand, connected

PATH = "/api/easel/v1/assist"
FOX = "a fox asleep in tall grass"


@pytest.fixture
async def instance(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[rig.Instance]:
    settings = {
        "painting": {"local": False, "blocked_words": ["gun"]},
        "words": {"max_per_hour": 3},
    }
    async with rig.serve_instance(tmp_path, new_database(), clock=clock, **settings) as instance:
        yield instance


async def asked(hand: Hand) -> Suggest:
    message = await hand.hear()
    assert isinstance(message, Suggest), message
    return message


def later(app: App, text: str, **more: Any) -> asyncio.Task[Answer]:
    return asyncio.create_task(app.post(PATH, {"text": text, **more}))


async def test_a_model_proposes_and_is_named(alice: App) -> None:
    async with connected(alice.instance, suggests=True) as card:
        waiting = later(alice, FOX, language="de", model="sdxl")
        message = await asked(card)
        assert (message.text, message.language, message.style) == (FOX, "de", "tags")
        await card.say(
            Suggested(
                request=message.request,
                prompt="A red fox, curled up",
                title="Schlaf",
                hashtags=("Fuchs", "Gras"),
                model="Small",
            )
        )
        answer = await waiting
    assert answer.status == 200
    assert answer.body == {
        "prompt": "A red fox, curled up",
        "title": "Schlaf",
        "hashtags": ["Fuchs", "Gras"],
        "by": {"kind": "model", "name": "Small"},
        "note": "",
    }


async def test_without_a_model_the_answer_says_so(alice: App) -> None:
    async with connected(alice.instance):  # it paints, and has no language model
        answer = await alice.post(PATH, {"text": FOX})
    assert answer.body == {
        "prompt": None,
        "title": "A fox asleep in tall grass",
        "hashtags": ["fox", "asleep", "tall", "grass"],
        "by": {"kind": "rules", "name": ""},
        "note": assistance.NO_MODEL,
    }


async def test_a_model_is_asked_while_its_painter_paints(alice: App) -> None:
    await ask(alice.instance.easel, alice.account)
    async with connected(alice.instance, suggests=True) as card:
        await card.given()
        waiting = later(alice, FOX)
        message = await asked(card)
        await card.say(Suggested(request=message.request, prompt="b", model="Small"))
        assert (await waiting).body["prompt"] == "b"


async def test_what_a_model_proposes_against_the_rules_is_not_passed_on(alice: App) -> None:
    async with connected(alice.instance, suggests=True) as card:
        for prompt in ("a fox with a gun", "a naked child"):
            waiting = later(alice, FOX)
            message = await asked(card)
            await card.say(Suggested(request=message.request, prompt=prompt, model="Small"))
            assert (await waiting).body["by"] == {"kind": "rules", "name": ""}


async def test_who_leaves_is_forgotten_and_the_model_stops(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    async with connected(instance, suggests=True) as card:
        leaving = later(alice, FOX)
        message = await asked(card)
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        assert await card.hear() == Drop(request=message.request)
        waiting = later(bob, "a hen")
        await card.say(Suggested(request=message.request))  # only now it has stopped
        second = await asked(card)
        assert second.text == "a hen"
        await card.say(Suggested(request=second.request, title="Hen", model="Small"))
        assert (await waiting).body["title"] == "Hen"


async def test_one_at_a_time_for_each_account_and_painter(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    async with connected(instance, suggests=True) as card:
        first = later(alice, "one")
        message = await asked(card)
        again = await alice.post(PATH, {"text": "two"})
        assert (again.status, again.headers["Retry-After"]) == (429, "5")
        second = later(bob, "three")
        await rig.until(lambda: len(instance.app.state.dispatcher.assistance._asking) == 2)
        await card.say(Suggested(request=message.request, model="Small"))
        assert (await first).status == 200
        message = await asked(card)
        assert message.text == "three"
        await card.say(Suggested(request=message.request, model="Small"))
        assert (await second).status == 200


async def test_when_a_painter_breaks_off_another_is_asked(alice: App) -> None:
    async with (
        connected(alice.instance, "one", suggests=True) as one,
        connected(alice.instance, "two", suggests=True) as two,
    ):
        waiting = later(alice, FOX)
        message = await asked(one)  # it was there first
        await one.die()
        assert (await asked(two)) == message
        await two.say(Suggested(request=message.request, title="T", model="Small"))
        assert (await waiting).body["title"] == "T"


async def test_limits_and_bad_requests_are_told_in_words(
    alice: App, instance: rig.Instance, clock: FakeClock
) -> None:
    for content, status in (
        ({}, 422),
        ({"text": " "}, 422),
        ({"text": 7}, 422),
        ({"text": "x" * (assistance.MAX_TEXT + 1)}, 422),
        ({"text": "a gun"}, 422),
        ({"text": "a nude child"}, 422),
        ([], 400),
    ):
        refused = await alice.post(PATH, content)
        assert refused.status == status and refused.error.endswith(".")
    for _ in range(3):
        assert (await alice.post(PATH, {"text": FOX})).status == 200
        clock.advance(timedelta(minutes=10))
    refused = await alice.post(PATH, {"text": FOX})
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1800")
    clock.advance(timedelta(minutes=30))
    assert (await alice.post(PATH, {"text": FOX})).status == 200
    reader = App(instance, alice.browser, alice.account, None)
    assert (await reader.post(PATH, {"text": FOX})).status == 401


async def test_a_painter_that_answers_what_it_was_not_asked_changes_nothing(alice: App) -> None:
    async with connected(alice.instance, suggests=True) as card:
        await card.say(Suggested(request="never asked", prompt="x", model="Small"))
        await card.say(Ready(slots=1))
        painting = await ask(alice.instance.easel, await account(alice.instance.easel, "bob"))
        assert (await card.given()).painting == str(painting.id)
