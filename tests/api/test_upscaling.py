"""Pictures made larger, as apps ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from fedi.database.tables import MediaAttachment, Painting
from generation import credentials, provenance
from tests import rig
from tests.api.apps import App
from tests.api.beginning import PATH, PUBLIC_POST, ask, painted, upload
from tests.studio.asking import reaches
from tests.studio.easel_painter import Hand, connected, picture

LARGER = {"upscaler": "Easel upscaler"}


async def row(who: App, painting: dict[str, Any]) -> Painting:
    async with who.instance.easel.database.read() as session:
        found = await session.get(Painting, int(painting["id"]))
    assert found is not None
    return found


async def file_of(who: App, painting: dict[str, Any]) -> bytes:
    async with who.browser.get(painting["media"]["url"]) as answer:
        return await answer.read()


async def larger(who: App, of: dict[str, Any], upscale: Any = 2, **beside: Any) -> Any:
    return await who.post(PATH, {"upscale_of": of["id"], "upscale": upscale, **beside})


async def enlarge(who: App, made: dict[str, Any], card: Hand, size: tuple[int, int]) -> Any:
    """The painter's part: it enlarges, and knows of no model."""
    given = await card.given()
    assert list(card.pictures) == [given.recipe.enlarge] == list(given.recipe.pictures)
    async with reaches(who.instance.easel, int(made["id"]), "done"):
        await card.finish(given, picture(*size), model="", model_version="", sampler="", **LARGER)
    return (await who.get(f"{PATH}/{made['id']}")).body


async def test_a_new_picture_is_asked_for_larger(alice: App) -> None:
    made = (await ask(alice, {"width": 64, "height": 64, "upscale": 2}, share_recipe=True)).body
    assert made["recipe"]["upscale"] == 2
    async with connected(alice.instance) as card:
        given = await card.given()
        assert given.recipe.upscale == 2 and not given.pictures
        async with reaches(alice.instance.easel, int(made["id"]), "done"):
            await card.finish(given, picture(128, 128), **LARGER)
    done = (await alice.get(f"{PATH}/{made['id']}")).body
    assert (done["media"]["width"], done["media"]["height"]) == (128, 128)
    content = await file_of(alice, done)
    told = provenance.read(content)
    assert told.fields["Hires upscale"] == "2" and told.fields["Size"] == "64x64"
    assert told.fields["Hires upscaler"] == "Easel upscaler"
    assert told.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA


async def test_an_earlier_picture_is_made_larger_and_stays_what_it_was(alice: App) -> None:
    small = await painted(alice, strength=None, post=PUBLIC_POST)
    answer = await larger(alice, small, share_recipe=True, post={"text": "Larger!"})
    assert answer.status == 201, answer.body
    made = answer.body
    recipe = made["recipe"]
    assert (recipe["prompt"], recipe["seed"], recipe["upscale"]) == ("a lighthouse", 42, 2)
    assert (recipe["width"], recipe["height"]) == (96, 64)  # what was painted
    assert "enlarge" not in recipe  # who asks for this again gets the same picture
    async with connected(alice.instance, "another", models=("test/other",)) as card:
        done = await enlarge(alice, made, card, (192, 128))
    assert done["state"] == "done" and done["status"]["id"] is not None
    assert (done["media"]["width"], done["media"]["height"]) == (192, 128)
    content = await file_of(alice, done)
    told = provenance.read(content)
    assert told.generated and told.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert (told.ai_system, told.ai_system_version) == ("Flat colours", "0123456789")
    assert told.fields["Hires upscale"] == "2" and told.fields["Seed"] == "42"
    assert credentials.present(content)
    async with alice.instance.easel.database.read() as session:
        medium = await session.get(MediaAttachment, int(done["media"]["id"]))
    assert medium is not None and medium.recipe is not None
    assert medium.recipe["upscale"] == 2 and "enlarge" not in medium.recipe
    # What was enlarged can be varied: that is painted anew, and made as large.
    varied = (await alice.post(PATH, {"variation_of": done["id"]})).body
    assert varied["recipe"]["upscale"] == 2 and varied["recipe"]["seed"] != 42
    assert "enlarge" not in (await row(alice, varied)).recipe
    # And once more made larger, but not without end.
    await alice.ask("DELETE", f"{PATH}/{varied['id']}")
    four = (await larger(alice, done)).body
    assert four["recipe"]["upscale"] == 4 and four["recipe"]["width"] == 96
    answer = await larger(alice, done, 4)
    assert answer.status == 422 and "at most 4 times" in answer.error


async def test_a_picture_made_of_others_stays_that_and_its_marks_stay(alice: App) -> None:
    mine = await upload(alice)
    over = await painted(alice, source={"media_id": str(mine.id)}, strength=0.5)
    async with alice.instance.easel.database.write() as tx:
        medium = await tx.get(MediaAttachment, int(over["media"]["id"]))
        assert medium is not None
        medium.sensitive, medium.description, medium.described_by = True, "By hand.", ""
    made = (await larger(alice, over)).body
    assert made["sensitive"] and made["description"] == "By hand."
    async with connected(alice.instance) as card:
        done = await enlarge(alice, made, card, (192, 128))
    assert done["media"]["description"] == "By hand."
    told = provenance.read(await file_of(alice, done))
    assert told.digital_source_type == provenance.COMPOSITE


async def test_what_cannot_be_made_larger_is_refused_in_a_sentence(alice: App, bob: App) -> None:
    small = await painted(alice)
    waiting = (await ask(alice, {})).body
    for who, asked, status, says in (
        (alice, {"upscale_of": small["id"], "upscale": 3}, 422, "one of 2, 4"),
        (alice, {"upscale_of": small["id"]}, 422, "one of 2, 4"),
        (alice, {"upscale_of": small["id"], "upscale": True}, 422, "one of 2, 4"),
        (alice, {"upscale_of": small["id"], "upscale": [2]}, 422, "one of 2, 4"),
        (alice, {"upscale_of": small["id"], "upscale": 2, "recipe": {}}, 422, "no “recipe”"),
        (alice, {"upscale_of": small["id"], "upscale": 2, "count": 2}, 422, "no “count”"),
        (alice, {"upscale_of": waiting["id"], "upscale": 2}, 422, "not painted yet"),
        (alice, {"upscale_of": "x", "upscale": 2}, 422, "“upscale_of” must be the id"),
        (alice, {"upscale_of": "77", "upscale": 2}, 404, "no such painting"),
        (bob, {"upscale_of": small["id"], "upscale": 2}, 404, "no such painting"),
        (alice, {"recipe": {"prompt": "a"}, "upscale": 2}, 422, "stands in the recipe"),
        (alice, {"recipe": {"prompt": "a", "enlarge": "x"}}, 422, "no field “enlarge”"),
        (alice, {"recipe": {"prompt": "a", "upscale": 3}}, 422, "“upscale” must be one of 2, 4"),
    ):
        answer = await who.post(PATH, asked)
        assert answer.status == status and says in answer.error, answer.body
    assert [each["id"] for each in (await alice.get(PATH)).body] == [waiting["id"], small["id"]]


async def test_limits_hold_for_what_it_becomes(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    limits = {"max_upscaled_megapixels": 0.05, "max_megapixels": 1.0}
    async with rig.serve_instance(tmp_path, new_database(), painting=limits) as instance:
        alice = await App.of(instance, browser, "alice")
        small = await painted(alice)  # 96 × 64
        answer = await larger(alice, small, 4)
        assert answer.status == 422
        assert answer.error == (
            "384 × 256 is too large: at most 0.05 megapixels are allowed here after enlarging."
        )
        answer = await ask(alice, {"width": 512, "height": 256, "upscale": 2})
        assert answer.status == 422 and "1024 × 512 is too large" in answer.error
        assert (await larger(alice, small, 2)).status == 201
        assert (await ask(alice, {"width": 512, "height": 256})).status == 201
    off = {"upscaler": "none"}
    async with rig.serve_instance(tmp_path / "off", new_database(), painting=off) as instance:
        alice = await App.of(instance, browser, "alice")
        answer = await ask(alice, {"upscale": 2})
        assert answer.status == 422 and answer.error == "Pictures are not made larger here."


async def test_it_costs_what_it_takes_and_is_cancelled_as_any_other(alice: App) -> None:
    small = await painted(alice, width=512, height=512, steps=20)
    plain = await row(alice, (await ask(alice, {"width": 512, "height": 512, "steps": 20})).body)
    whole = {"width": 512, "height": 512, "steps": 20, "upscale": 4}
    both = await row(alice, (await ask(alice, whole)).body)
    made = (await larger(alice, small, 2)).body
    assert 0 < (await row(alice, made)).cost < plain.cost < both.cost
    async with connected(alice.instance, slots=3) as card:
        given = [await card.given() for _ in range(3)]
        [ours] = [each for each in given if each.recipe.enlarge]
        cancelled = await alice.ask("DELETE", f"{PATH}/{made['id']}")
        assert cancelled.body["state"] == "cancelled"
        heard = await card.hear()
        assert getattr(heard, "painting", None) == ours.painting
