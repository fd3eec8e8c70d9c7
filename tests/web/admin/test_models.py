"""Models on a page: fetched, stopped, gone on with, chosen and removed, by real processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedi import adjustments
from fedi.clock import FakeClock
from fedi.database.tables import MediaAttachment, ModelPull
from fedi.studio import paintings, pulls, stock
from generation import catalogue, devices, fetching
from generation.abilities import Abilities
from generation.aides import Aides
from generation.hands import Card
from tests import rig
from tests.api.oauth.person import Person, Seen, join
from tests.generation.hub_server import Hub
from tests.pulling import HALF, OTHER, TINY, open_hub, stalls
from tests.studio.asking import ask, look, reaches
from tests.studio.easel_painter import connected
from tests.studio.test_local_painter import START_S, local
from tests.web.admin.staff import appoint, done, press, row, signed_in

PAGE = "/admin/models"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with open_hub(tmp_path, monkeypatch, TINY, OTHER) as hub:
        yield hub


@asynccontextmanager
async def painting_here(
    new_database: rig.NewDatabase, folder: Path, clock: FakeClock | None = None, **more: Any
) -> AsyncIterator[rig.Instance]:
    here = {"local": True, "device": "cpu", **more}
    async with rig.serve_instance(folder, new_database(), clock=clock, painting=here) as instance:
        await appoint(instance, "ada", "admin")
        yield instance


async def reached(instance: rig.Instance, key: str, state: str | None) -> ModelPull | None:
    """Wait until a model is fetched (None), or stands so."""

    async def stands() -> bool:
        found = await row(instance, ModelPull, key)
        if found is not None and state != pulls.BROKEN:
            assert found.state != pulls.BROKEN, found.error
        return (found.state if found is not None else None) == state

    with instance.easel.events.listen([pulls.TOPIC]) as heard:
        async with asyncio.timeout(START_S):
            while not await stands():
                await heard.next()
    return await row(instance, ModelPull, key)


async def fetch(visitor: Person, key: str) -> None:
    seen = await press(visitor, PAGE, f"{PAGE}/pull", id=key)
    assert seen.status == 303 and seen.location == PAGE, seen.body


async def test_a_model_is_fetched_stopped_gone_on_with_and_removed(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, hub: Hub
) -> None:
    async with painting_here(new_database, tmp_path, clock) as instance:
        async with signed_in(instance, "ada") as visitor:
            hub.stall_after = HALF
            await fetch(visitor, TINY)
            await stalls(tmp_path)

            async def told() -> Seen | None:
                seen = await visitor.get(PAGE)
                return seen if "MB of" in seen.body else None

            seen = await rig.until(told, seconds=START_S)
            [bar] = seen.page.all("progress")
            assert 0 <= int(bar["value"]) < 100 and "MB of" in seen.body
            assert seen.page.one("meta", **{"http-equiv": "refresh"})["content"]
            assert (await press(visitor, PAGE, f"{PAGE}/stop")).status == 303
            assert "Stopped at" in (await visitor.get(PAGE)).body
            hub.stall_after = None
            assert (await press(visitor, PAGE, f"{PAGE}/pull", id=TINY)).status == 303
            await reached(instance, TINY, None)
            assert hub.ranges  # it went on where it had stopped
            seen = await visitor.get(PAGE)
            assert not seen.page.all("progress") and TINY in seen.page.all("section")[0].text
            assert (await press(visitor, PAGE, f"{PAGE}/default", id=TINY)).status == 303
            assert instance.easel.settings.painting.model == TINY
            key = seen.page.all("input", name="form_key")[0]["value"]
            kept = await visitor.post(f"{PAGE}/remove", {"form_key": key, "id": TINY})
            assert kept.status == 422 and "let another one paint first" in kept.body
            back = await visitor.post(f"{PAGE}/default", {"form_key": key, "id": "starter"})
            assert back.status == 303
            gone = await press(visitor, PAGE, f"{PAGE}/remove", id=TINY)
            assert gone.status == 303
            assert TINY not in (await visitor.get(PAGE)).body
        assert not stock.is_here(stock.find(TINY))
        assert await done(instance) == [
            ("ada", "model.pull", TINY),
            ("ada", "model.stop", TINY),
            ("ada", "model.pull", TINY),
            ("ada", "model.default", TINY),
            ("ada", "model.default", "starter"),
            ("ada", "model.remove", TINY),
        ]


@pytest.mark.long
async def test_the_next_picture_is_painted_by_the_model_that_was_chosen(
    sqlite_template: Path, tmp_path: Path, hub: Hub
) -> None:
    """While the server runs; and the picture that is being painted meanwhile is left alone."""
    new_database = rig.SQLiteFiles(sqlite_template, tmp_path).new
    async with painting_here(new_database, tmp_path, max_steps=150) as instance:
        easel = instance.easel
        alice = await join(instance)
        first = await ask(easel, alice, steps=150)
        async with reaches(easel, first, "painting", seconds=START_S):
            pass
        async with signed_in(instance, "ada") as visitor:
            await fetch(visitor, TINY)
            await reached(instance, TINY, None)
            pid = local(instance).pid

            async def offered() -> bool:
                return TINY in (await visitor.get("/studio")).body

            await rig.until(offered)  # it can be asked for by name
            assert (await press(visitor, PAGE, f"{PAGE}/default", id=TINY)).status == 303
            second = await ask(easel, alice, steps=2, width=64, height=64)
            async with reaches(easel, second, "done", seconds=2 * START_S):
                pass
        before, after = await look(easel, first), await look(easel, second)
        assert (before.state, before.attempts) == (paintings.DONE, 1)
        assert local(instance).pid not in (None, pid)
        async with easel.database.read() as session:
            painted_by = {
                one.painting_id: one.ai_system
                for one in [
                    await session.get_one(MediaAttachment, painting.media_id)
                    for painting in (before, after)
                ]
            }
        assert painted_by[first.id] != painted_by[second.id] == TINY


async def test_what_breaks_off_is_told_and_gone_on_with(
    sqlite_template: Path, tmp_path: Path, clock: FakeClock, hub: Hub
) -> None:
    new_database = rig.SQLiteFiles(sqlite_template, tmp_path).new
    async with (
        painting_here(new_database, tmp_path, clock) as instance,
        signed_in(instance, "ada") as visitor,
    ):
        hub.repositories[TINY].gated = True
        await fetch(visitor, TINY)
        await reached(instance, TINY, pulls.BROKEN)
        seen = await visitor.get(PAGE)
        assert "accepted its licence" in seen.page.one("li", _class="pull").text
        assert "Go on" in seen.page.one("li", _class="pull").text
        hub.repositories[TINY].gated = False
        await fetch(visitor, TINY)
        await reached(instance, TINY, None)


async def test_what_cannot_be_done_is_said(
    sqlite_template: Path,
    tmp_path: Path,
    clock: FakeClock,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new_database = rig.SQLiteFiles(sqlite_template, tmp_path).new
    async with painting_here(new_database, tmp_path, clock) as instance:
        async with signed_in(instance, "ada") as visitor:
            seen = await visitor.get(PAGE)
            key = seen.page.all("input", name="form_key")[0]["value"]

            async def refused(deed: str, name: str, why: str) -> None:
                fields = {"form_key": key, "id": name}
                answer = await visitor.post(f"{PAGE}/{deed}", fields)
                assert answer.status in (404, 422), (deed, name, answer.status)
                assert why in answer.page.text, (deed, name, answer.page.text)

            await refused("pull", "nonsense", "There is no model")
            await refused("pull", "", "There is no model")
            await refused("pull", "starter", "comes with Easel")
            await refused("pull", "/etc", "is a folder")
            await refused("stop", TINY, "not being fetched")
            await refused("default", TINY, "is not here: fetch it first")
            await refused("remove", "starter", "comes with Easel")
            monkeypatch.setattr(fetching, "ROOM_TO_SPARE", 10**18)
            await refused("pull", "flux2-klein-4b", "are free in")
            offered = (await visitor.get(PAGE)).page.all("section")[1].text
            assert "are free in" in offered and "Fetch" not in offered.replace("fetched", "")
            monkeypatch.setenv("EASEL_PAINTING__MODEL", "starter")
            await refused("default", "starter", "EASEL_PAINTING__MODEL says which")
        assert await done(instance) == []


async def test_a_stream_begins_with_what_was_found_out_before_it(
    sqlite_template: Path, tmp_path: Path, clock: FakeClock, hub: Hub
) -> None:
    """A page that was made before the machine was known may hear of it too late."""
    new_database = rig.SQLiteFiles(sqlite_template, tmp_path).new
    async with (
        painting_here(new_database, tmp_path, clock) as instance,
        signed_in(instance, "ada") as visitor,
        asyncio.timeout(START_S),
    ):
        url = f"{instance.url}{PAGE}/events"
        async with visitor.session.get(url) as answer:
            while await answer.content.readline() != b"event: changed\n":
                pass
        async with visitor.session.get(url) as answer:
            begin = [(await answer.content.readline()).decode() for _ in range(6)]
    assert begin[2::3] == ["event: known\n", "event: machine\n"]


async def test_a_page_hears_how_far_it_is(
    sqlite_template: Path, tmp_path: Path, clock: FakeClock, hub: Hub
) -> None:
    new_database = rig.SQLiteFiles(sqlite_template, tmp_path).new
    async with (
        painting_here(new_database, tmp_path, clock) as instance,
        signed_in(instance, "ada") as visitor,
    ):
        url = f"{instance.url}{PAGE}/events"
        async with visitor.session.get(url) as answer, asyncio.timeout(START_S):
            assert answer.status == 200
            begin = [(await answer.content.readline()).decode() for _ in range(4)]
            assert begin[2:] == ["event: known\n", "data: {}\n"]
            hub.stall_after = HALF
            await fetch(visitor, TINY)
            kind, is_told = "", False
            async for line in answer.content:
                text = line.decode().strip()
                if text.startswith("event: "):
                    kind = text.removeprefix("event: ")
                    found = await row(instance, ModelPull, TINY)
                    if found is not None and found.size and hub.stall_after == HALF:
                        hub.go_on(HALF + HALF // 2)  # there is a bar: it moves
                elif text.startswith("data: ") and kind == "pull" and not is_told:
                    is_told = json.loads(text.removeprefix("data: "))["key"] == TINY
                    hub.stall_after = None
                    await press(visitor, PAGE, f"{PAGE}/stop")
                elif text.startswith("data: ") and kind == "changed" and is_told:
                    break
        assert (await row(instance, ModelPull, TINY)).state == "stopped"


async def test_a_server_that_does_not_paint_says_where_models_are_fetched(
    instance: rig.Instance,
) -> None:
    await appoint(instance, "ada", "admin")
    async with signed_in(instance, "ada") as visitor:
        seen = await visitor.get(PAGE)
        assert "does not paint itself" in seen.body
        assert not [form for form in seen.page.all("form") if form["action"] == f"{PAGE}/pull"]
        key = seen.page.all("input", name="form_key")[0]["value"]
        fields = {"form_key": key, "id": TINY}
        assert (await visitor.post(f"{PAGE}/pull", fields)).status == 422
    assert adjustments.value(instance.easel.settings, "painting.model") == ""


async def test_the_memory_that_a_painter_tells_of_says_what_fits(instance: rig.Instance) -> None:
    await appoint(instance, "ada", "admin")
    told = Abilities(card="cuda H100 of ours", memory_gb=18.0)
    async with (
        connected(instance, models=("test/flat",), abilities=told),
        signed_in(instance, "ada") as visitor,
    ):
        seen = await visitor.get(PAGE)
    assert "H100 of ours with 18 GB" in seen.page.text
    fits = {
        one.one("b").text: one.all("span", _class="badge-word")[0].text
        for one in seen.page.all("section")[1].all("li")
    }
    assert fits["FLUX.2 klein 4B"] == "fits"
    assert fits["Z-Image Turbo"] == "fits in parts"
    assert fits["ERNIE-Image Turbo"] == "too large"


def test_a_painter_knows_its_card_once_torch_is_loaded() -> None:
    import torch  # noqa: F401

    card = Card([catalogue.STARTER], "cpu", Aides("cpu"), lost=lambda why: None)
    try:
        told = card.abilities()
        assert (told.card, told.bytes_per_weight) == ("cpu", 4) and told.memory_gb > 0
    finally:
        card.close(5)


def test_what_fits_is_said_of_the_card_that_is_there() -> None:
    from fedi.settings import Settings
    from fedi.studio.machine import Machine
    from fedi.web.views import models as views

    found = stock.Stock(
        tuple(catalogue.CATALOGUE.values()), {"starter": 0}, {}, {}, 10**12, "/models"
    )
    assert Settings().painting.model == ""
    wanted = {80: "flux2-klein-4b", 10: "sdxl-lightning", 2: None}
    for size, key in wanted.items():
        place = views.place_of(Machine(devices.Memory("cuda A card", size)))
        best = views.best(found, place)
        assert (best.key if best is not None else None) == key, size
    slow = views.place_of(Machine(devices.Memory("cpu", 64, 4)))
    assert views.best(found, slow) is None and "no graphics card" in slow.line
