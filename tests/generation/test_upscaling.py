"""Pictures made larger: by our own network, by a Swin2SR through the real transformers code."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from generation import helpers
from generation.aides import Aides
from generation.errors import PaintError, Stopped

pytest.importorskip("transformers", reason="easel[paint] is not installed")

import torch

from generation.random_helpers import build_classifier, build_swin2sr
from generation.upscaler import drawings, network, tiles, upscalers
from generation.upscaler.pixels import from_tensor, psnr, to_tensor
from generation.upscaler.train import gain

BETTER = 1.5  # dB that our own is above bicubic enlargement, in the mean of drawings
WORST = 1.0  # dB that it is above it at least, of any drawing


def apart(one: Image.Image, other: Image.Image) -> int:
    """The largest difference, in 1/255."""
    assert one.size == other.size
    return max(high for _, high in ImageChops.difference(one, other).getextrema())  # type: ignore[misc]


def drawing(number: int = 0, side: int = 96) -> Image.Image:
    return drawings.drawing(drawings.HELD_OUT + number, side)


def enlarged(aides: Aides, picture: Image.Image, times: int = 2) -> tuple[Image.Image, str]:
    return aides.enlarge(picture, times, lambda share: None)


@pytest.fixture
def own() -> Aides:
    return Aides("cpu", upscaler="easel-upscaler")


def test_our_own_is_better_than_bicubic_on_drawings_it_never_saw() -> None:
    net = network.load(torch.device("cpu"))
    gains = [after - before for before, after in (gain(net, drawing(n, 192)) for n in range(12))]
    assert sum(gains) / len(gains) > BETTER, gains
    assert min(gains) > WORST, gains
    assert network.WEIGHTS.stat().st_size < 1_000_000


def test_it_is_there_before_anything_is_pulled_and_steps_back_when_something_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert helpers.choose("upscaling", "auto") == helpers.OWN_UPSCALER
    assert enlarged(Aides("cpu"), drawing())[1] == "Easel upscaler"
    folder = build_swin2sr(tmp_path / "swin", name="Swin")
    assert enlarged(Aides("cpu", upscaler=str(folder)), drawing())[1] == "Swin"
    assert helpers.choose("upscaling", str(folder)).kinds == ("upscaling",)  # type: ignore[union-attr]
    assert list(helpers.HELPERS)[-1] == helpers.OWN_UPSCALER.key  # what was pulled comes before it


@pytest.mark.parametrize("times", [2, 4])
def test_it_is_as_large_as_was_asked_and_the_same_each_time(own: Aides, times: int) -> None:
    small = drawing(3).crop((0, 0, 91, 67))  # odd sides, too
    large, _ = enlarged(own, small, times)
    assert large.size == (91 * times, 67 * times) and large.mode == "RGB"
    assert enlarged(Aides("cpu", upscaler="easel-upscaler"), small, times)[0] == large
    # Shrunk, it is what it was made of.
    assert psnr(large.resize(small.size, Image.Resampling.BOX), small) > 28
    if times == 4:
        twice, _ = enlarged(own, enlarged(own, small)[0])
        assert twice == large


def test_in_pieces_it_is_what_it_is_as_one(own: Aides) -> None:
    """Our own looks no further than the pieces overlap, so there is no seam at all."""
    small = drawing(5, upscalers.SIDE + 60)
    whole = from_tensor(network.load(torch.device("cpu"))(to_tensor(small)))
    assert apart(enlarged(own, small)[0], whole) <= 1  # another order of adding up


@pytest.mark.parametrize("colour", ["black", "white", "red", "#7f7f80"])
def test_what_is_of_one_colour_stays_so_up_to_its_border(own: Aides, colour: str) -> None:
    flat = Image.new("RGB", (70, 70), colour)
    assert apart(enlarged(own, flat)[0], Image.new("RGB", (140, 140), colour)) <= 4


def test_the_border_is_as_good_as_the_middle(own: Aides) -> None:
    gains = []
    for number in range(6):
        large = drawing(number, 128)
        small = large.resize((64, 64), Image.Resampling.BICUBIC)
        bicubic = small.resize((128, 128), Image.Resampling.BICUBIC)
        ours = enlarged(own, small)[0]
        strips = [(0, 0, 128, 4), (0, 124, 128, 128), (0, 0, 4, 128), (124, 0, 128, 128)]
        gains += [
            min(psnr(large.crop(s), ours.crop(s)), 60)
            - min(psnr(large.crop(s), bicubic.crop(s)), 60)
            for s in strips
        ]
    assert sum(gains) / len(gains) > BETTER / 2, gains


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (64, 8)])
def test_small_and_narrow_pictures_become_larger_too(own: Aides, size: tuple[int, int]) -> None:
    large, _ = enlarged(own, Image.new("RGB", size, "teal"))
    assert large.size == (2 * size[0], 2 * size[1])
    assert apart(large, Image.new("RGB", large.size, "teal")) <= 4


def test_who_listens_hears_how_far_it_is_and_can_stop_it(own: Aides) -> None:
    heard: list[float] = []
    small = drawing(0, upscalers.SIDE + 1)  # four pieces, then sixteen
    own.enlarge(small, 4, heard.append)
    assert heard[0] == 0 and heard[-1] == 1 and heard == sorted(heard)
    assert len(set(heard)) > 10

    def stop(share: float) -> None:
        if share > 0:
            raise Stopped

    with pytest.raises(Stopped):
        own.enlarge(small, 2, stop)


@pytest.mark.parametrize(("factor", "times"), [(2, 2), (2, 4), (4, 4), (4, 2)])
def test_a_swin2sr_makes_pictures_as_large_as_was_asked(
    factor: int, times: int, tmp_path: Path
) -> None:
    aides = Aides("cpu", upscaler=str(build_swin2sr(tmp_path / "swin", factor, name="Swin")))
    small = drawing().crop((0, 0, 41, 30))
    large, name = enlarged(aides, small, times)
    assert (large.size, name) == ((41 * times, 30 * times), "Swin")
    assert large.getbbox() is not None and large != large.resize((1, 1)).resize(large.size)
    assert enlarged(aides, small, times)[0] == large


def test_a_swin2sr_in_pieces_is_away_from_the_seams_what_it_is_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aides = Aides("cpu", upscaler=str(build_swin2sr(tmp_path / "swin")))
    small = drawing(2, 128)
    whole, _ = enlarged(aides, small)
    monkeypatch.setattr(upscalers, "SWIN_SIDE", 64)  # four pieces
    pieces, _ = enlarged(aides, small)
    for left in (0, 128):
        for top in (0, 128):
            box = (left + 24, top + 24, left + 104, top + 104)
            assert apart(pieces.crop(box), whole.crop(box)) <= 1
    assert pieces.size == whole.size


def test_where_a_pulled_one_fails_our_own_does_it(tmp_path: Path) -> None:
    folder = build_swin2sr(tmp_path / "swin")
    aides = Aides("cpu", upscaler=str(folder))
    (folder / "model.safetensors").write_bytes(b"no tensors")
    large, name = enlarged(aides, drawing())
    assert (large.size, name) == ((192, 192), "Easel upscaler")


def test_numbers_that_overflow_are_no_black_picture(
    tmp_path: Path, own: Aides, caplog: pytest.LogCaptureFixture
) -> None:
    from safetensors.torch import load_file, save_file

    folder = build_swin2sr(tmp_path / "swin")
    file = folder / "model.safetensors"
    state = {name: value * float("inf") for name, value in load_file(file).items()}
    save_file(state, file, metadata={"format": "pt"})
    large, name = enlarged(Aides("cpu", upscaler=str(folder)), drawing())
    assert name == "Easel upscaler" and large == enlarged(own, drawing())[0]
    assert "overflowed" in caplog.text


def test_without_any_the_picture_fails_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PaintError, match="makes no pictures larger"):
        enlarged(Aides("cpu", upscaler="none"), drawing())
    with pytest.raises(helpers.UnknownModel, match="no model for this"):
        Aides("cpu", upscaler=str(build_classifier(tmp_path / "judge", {"nsfw": 0.5, "a": 0.5})))


def test_pieces_cover_a_picture_once() -> None:
    drawn = drawing(1, 50)
    listened: list[float] = []
    same = tiles.enlarge(
        drawn, 1, lambda p: p[..., 3:-3, 3:-3], side=16, overlap=3, listen=listened.append
    )
    assert same == drawn and len(listened) == 17
