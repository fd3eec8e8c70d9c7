from __future__ import annotations

import random
from pathlib import Path

import pytest

from generation.starter import assets, scenes
from generation.starter.vocabulary import BACKGROUNDS, COLOURS, SUBJECTS


@pytest.fixture(scope="module")
def studio(work: Path) -> scenes.Studio:
    return scenes.Studio(assets.drawings(assets.fetch(work)))


def test_the_same_chance_draws_the_same_scene_and_picture(studio: scenes.Studio) -> None:
    one, other = random.Random(4), random.Random(4)
    first, second = scenes.draw_scene(one), scenes.draw_scene(other)
    assert first == second
    assert scenes.caption(first, one) == scenes.caption(second, other)
    assert studio.render(first, one).tobytes() == studio.render(second, other).tobytes()


def test_what_is_held_out_is_never_trained_on() -> None:
    combinations = scenes.combinations()
    assert len(combinations) == len(SUBJECTS) * (len(COLOURS) + 1) * len(BACKGROUNDS)
    kept = {c for c in combinations if scenes.held_out(*c)}
    assert 0.05 < len(kept) / len(combinations) < 0.15
    # Nothing is wholly unknown to the model: each noun, colour and background is in what is left.
    for place in range(3):
        assert {c[place] for c in combinations} == {c[place] for c in set(combinations) - kept}
    chance = random.Random(1)
    drawn = [scenes.draw_scene(chance) for _ in range(3000)]
    assert not kept & {(t.noun, t.colour, s.background) for s in drawn for t in s.things}


def test_a_caption_says_what_is_to_be_seen() -> None:
    scene = scenes.Scene((scenes.Thing("owl", "blue"),), "snow", "left")
    chance = random.Random(2)
    captions = {scenes.caption(scene, chance) for _ in range(200)}
    assert len(captions) > 50
    for caption in captions:
        assert "owl" in caption and "blue" in caption and "left" in caption
        assert "snow" in caption or "winter" in caption


def test_a_scene_survives_json() -> None:
    scene = scenes.Scene((scenes.Thing("owl"), scenes.Thing("car", "red")), "snow")
    assert scenes.Scene.from_document(scene.document()) == scene


@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_can_be_seen(studio: scenes.Studio, colour: str) -> None:
    plain, tinted = (
        studio.render(scenes.Scene((scenes.Thing("car", c),), "room"), random.Random(3))
        for c in ("", colour)
    )
    assert plain.size == tinted.size == (scenes.SIDE, scenes.SIDE)
    assert plain.getpixel((2, 2)) == tinted.getpixel((2, 2))
    assert plain.getpixel((128, 140)) != tinted.getpixel((128, 140))


def test_a_missing_drawing_is_named(tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(tmp_path / assets.ARCHIVE, "w:gz"):
        pass
    with pytest.raises(assets.AssetsMissing, match=r"has no drawing 1f431 \(cat\)"):
        assets.drawings(assets.fetch(tmp_path))
