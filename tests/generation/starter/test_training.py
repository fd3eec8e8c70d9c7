"""The whole way from drawings to a measured model, at a size that takes seconds."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from PIL import Image

from generation.starter import classifier, evaluate, scenes
from generation.starter.autoencoder import train_decoder
from generation.starter.denoiser import train_denoiser
from generation.starter.latents import make_latents
from generation.starter.reader import train_reader
from generation.starter.train import export

# diffusers 0.42 with numpy 2.4
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def trained(work: Path) -> Path:
    """A folder with a model that was trained for some steps."""
    train_decoder(work, 2, batch=2, pool=4)
    make_latents(work, 8)
    train_reader(work, 2, batch=4)
    train_denoiser(work, 2, batch=4)
    return export(work, work / "model")


def test_it_goes_on_where_it_stopped(
    trained: Path, work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        train_denoiser(work, 3, batch=4)
    assert "going on from step 2 of denoiser.pt" in caplog.text


def test_it_is_measured(
    trained: Path, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"--model": trained, "--work": work, "--pictures": 6, "--taught": 128}
    arguments |= {"--steps": 2, "--sheet": tmp_path / "sheet.png", "--json": tmp_path / "f.json"}
    evaluate.main([str(word) for pair in arguments.items() for word in pair])
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["steps"] == 2 and figures["seconds_per_picture"] > 0
    assert figures["shares"]["subject"]["of"] == figures["shares"]["background"]["of"] == 6
    assert set(figures["classifier"]) == {"subject", "colour", "background", "position"}
    printed = capsys.readouterr().out
    assert "subject" in printed and str(tmp_path / "sheet.png") in printed
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == evaluate.COLUMNS * evaluate.CELL


def test_it_asks_only_for_what_was_held_out() -> None:
    asked = evaluate.prompts(60)
    for scene, prompt in asked:
        thing = scene.things[0]
        assert scenes.held_out(thing.noun, thing.colour, scene.background)
        assert prompt
    assert len({prompt for _, prompt in asked}) == 60


def test_a_share_counts_only_what_was_asked() -> None:
    scene = scenes.Scene((scenes.Thing("owl"),), "snow")
    picture = Image.new("RGB", (8, 8))
    right = classifier.truth(scene)
    wrong = {**right, "subject": "cat", "colour": "red"}
    asked = [evaluate.Asked(scene, "an owl in the snow", picture, seen) for seen in (right, wrong)]
    figures = evaluate.measure(asked)
    assert figures["subject"] == {"right": 1, "of": 2}
    assert figures["background"] == {"right": 2, "of": 2}
    assert figures["colour"] == figures["position"] == {"right": 0, "of": 0}
    assert figures["everything"] == {"right": 1, "of": 2}
