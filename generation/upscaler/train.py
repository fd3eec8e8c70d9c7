"""Trains our own network, and says how good it is.

    OMP_NUM_THREADS=1 python -m generation.upscaler.train --minutes 10

It learns from crops that are shrunk to half, of three kinds of pictures: Microsoft's Fluent Emoji
in 3-D (MIT, © Microsoft Corporation, packed by LobeHub, MIT) before drawn grounds; eight photos
that scikit-image 0.18 carries (NASA, or CC0); and `drawings`. npm and pip fetch the first two; they
are not part of Easel. Every tenth emoji, the photo of a cat, and drawings from `drawings.HELD_OUT`
on are never trained with, and the figures are those of them.
"""

from __future__ import annotations

import argparse
import io
import random
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from generation.upscaler import drawings, network
from generation.upscaler.network import REACH, Network
from generation.upscaler.pixels import from_tensor, psnr, to_tensor

EMOJI = "@lobehub/fluent-emoji-3d@1.1.0"
EMOJI_FILE = "lobehub-fluent-emoji-3d-1.1.0.tgz"
PHOTOS = "scikit-image==0.18.1"
PHOTO_FILES = "scikit_image-0.18.1-*.whl"
TRAINING_PHOTOS = (
    "astronaut.png", "coffee.png", "hubble_deep_field.jpg", "gravel.png", "grass.png", "brick.png",
    "camera.png", "rocket.jpg",
)  # fmt: skip
HELD_OUT_PHOTO = "chelsea.png"
HELD_OUT_EVERY = 10  # emoji

SIDE = 64  # pixels of the small crops, without what the network only looks at
BATCH = 8
RATE = 2e-3
AVERAGED = 0.995  # how much of the mean of the weights stays at each step
# By which filters pictures are shrunk: whoever makes a small one may have used any of these.
FILTERS = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)

Draw = Callable[[random.Random, int], Image.Image]


def fetch(folder: Path) -> None:
    """Has npm and pip fetch what is not in the folder yet, 45 MB."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / EMOJI_FILE).is_file():
        command = ["npm", "pack", EMOJI, "--ignore-scripts", "--pack-destination", str(folder)]
        subprocess.run(command, check=True)
    if not list(folder.glob(PHOTO_FILES)):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder)]
        # The data are in any wheel, for whatever Python it is.
        command += ["--python-version", "3.9", "--platform", "manylinux1_x86_64"]
        subprocess.run([*command, "--only-binary=:all:", PHOTOS], check=True)


def emoji(folder: Path) -> list[Image.Image]:
    """All drawings, RGBA, 256 × 256 pixels, in the order of their names."""
    with tarfile.open(folder / EMOJI_FILE) as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".webp"))
        files = (tar.extractfile(name) for name in names)
        return [Image.open(io.BytesIO(file.read())).convert("RGBA") for file in files if file]


def photos(folder: Path) -> dict[str, Image.Image]:
    """The photos by the names of their files, RGB."""
    with zipfile.ZipFile(next(folder.glob(PHOTO_FILES))) as wheel:
        return {
            name: Image.open(io.BytesIO(wheel.read(f"skimage/data/{name}"))).convert("RGB")
            for name in (*TRAINING_PHOTOS, HELD_OUT_PHOTO)
        }


def scene(chance: random.Random, subjects: list[Image.Image], side: int) -> Image.Image:
    """An emoji or two before a drawn ground."""
    picture = drawings.drawing(chance.randrange(drawings.HELD_OUT), side)
    for _ in range(chance.randint(1, 2)):
        subject = chance.choice(subjects)
        wide = round(side * chance.uniform(0.5, 1.0))
        subject = subject.resize((min(wide, 256),) * 2, Image.Resampling.LANCZOS)
        at = (chance.randrange(side) - wide // 3, chance.randrange(side) - wide // 3)
        picture.paste(subject, at, subject)
    return picture


def crop(chance: random.Random, picture: Image.Image, side: int) -> Image.Image:
    """Some square of a picture that is larger, turned or mirrored or neither; sometimes of the
    picture made smaller, which makes a grainy photo sharp."""
    least = max(side / picture.width, side / picture.height)
    scale = max(least, chance.uniform(0.5, 1.0))
    wide, high = round(picture.width * scale), round(picture.height * scale)
    picture = picture.resize((wide, high), Image.Resampling.LANCZOS)
    left, top = chance.randint(0, wide - side), chance.randint(0, high - side)
    picture = picture.crop((left, top, left + side, top + side))
    if chance.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.rotate(90) if chance.random() < 0.5 else picture


def pair(chance: random.Random, draw: Draw) -> tuple[Tensor, Tensor]:
    """A small crop, with what the network looks at around it, and what it should become."""
    side = 2 * (SIDE + 2 * REACH)
    large = draw(chance, side)
    small = large.resize((side // 2, side // 2), chance.choice(FILTERS))
    edge = 2 * REACH
    return to_tensor(small), to_tensor(large)[..., edge:-edge, edge:-edge]


def train(draw: Draw, minutes: float, seed: int = 1) -> Network:
    """A network that was trained for so long."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    net, mean = Network(), Network()
    torch.nn.init.zeros_(net.tail.weight)  # it begins as the bicubic enlargement
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    began, step = time.monotonic(), 0
    # The order in which convolutions are quickest; torch's types do not know of it.
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    while (share := (time.monotonic() - began) / (60 * minutes)) < 1:
        warm = min(1.0, (step + 1) / 50)
        for group in optimiser.param_groups:
            group["lr"] = RATE * warm * (1 - share) ** 1.5
        pairs = [pair(chance, draw) for _ in range(BATCH)]
        small, large = (torch.cat(each) for each in zip(*pairs, strict=True))
        # In 16 bits, which newer processors do twice as fast, and which is exact enough to learn.
        with torch.autocast("cpu", torch.bfloat16):
            enlarged = net.inside(small.contiguous(memory_format=torch.channels_last))
        loss = ((enlarged - large).square() + 1e-6).sqrt().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimiser.step()
        step += 1
        keep = min(AVERAGED, step / (step + 10))
        for ours, theirs in zip(mean.parameters(), net.parameters(), strict=True):
            ours.data.lerp_(theirs.data, 1 - keep)
        if step % 50 == 0:
            print(f"{share:4.0%}  step {step}  loss {loss.item():.4f}", flush=True)
    return mean.eval().requires_grad_(False)


def gain(net: Network, picture: Image.Image) -> tuple[float, float]:
    """How near a picture that was shrunk to half comes to what it was, in dB: enlarged by bicubic
    interpolation, and by the network."""
    picture = picture.crop((0, 0, picture.width // 2 * 2, picture.height // 2 * 2))
    small = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BICUBIC)
    bicubic = small.resize(picture.size, Image.Resampling.BICUBIC)
    return psnr(picture, bicubic), psnr(picture, from_tensor(net(to_tensor(small))))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the upscaler, and print its figures.")
    parser.add_argument("--minutes", type=float, default=10.0, help="0 only prints the figures")
    parser.add_argument("--assets", type=Path, default=Path.home() / ".cache/easel/upscaler")
    parser.add_argument("--weights", type=Path, default=network.WEIGHTS)
    options = parser.parse_args()
    fetch(options.assets)
    subjects, known = emoji(options.assets), photos(options.assets)
    learnt = [each for number, each in enumerate(subjects) if number % HELD_OUT_EVERY]

    def draw(chance: random.Random, side: int) -> Image.Image:
        kind = chance.random()
        if kind < 0.4:
            return crop(chance, known[chance.choice(TRAINING_PHOTOS)], side)
        if kind < 0.7:
            return scene(chance, learnt, side)
        return drawings.drawing(chance.randrange(drawings.HELD_OUT), side)

    if options.minutes:
        net = train(draw, options.minutes)
        state = {name: value.half().contiguous() for name, value in net.state_dict().items()}
        save_file(state, options.weights)
    net = network.load(torch.device("cpu"), options.weights)
    chance = random.Random(0)
    sets = {
        "emoji": [scene(chance, subjects[::HELD_OUT_EVERY], 256) for _ in range(20)],
        "photo": [known[HELD_OUT_PHOTO]],
        "drawings": [drawings.drawing(drawings.HELD_OUT + number, 256) for number in range(20)],
    }
    for name, pictures in sets.items():
        figures = [gain(net, picture) for picture in pictures]
        before, after = (sum(each) / len(figures) for each in zip(*figures, strict=True))
        print(f"{name:9} bicubic {before:5.2f} dB   network {after:5.2f} dB")


if __name__ == "__main__":
    main()
