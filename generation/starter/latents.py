"""Scenes drawn and encoded beforehand: what text encoder and denoiser learn from."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from generation.starter import assets, scenes
from generation.starter.autoencoder import SHRINK, autoencoder
from generation.starter.checkpoint import best_device

log = logging.getLogger("generation.starter")

SHARD = 2048  # scenes of a file of latents


def make_latents(work: Path, count: int, *, seed: int = 1) -> None:
    """Draws and encodes scenes until there are `count` in `work/latents`, SHARD to a file."""
    folder = work / "latents"
    folder.mkdir(exist_ok=True)
    device = best_device()
    encoder = autoencoder().encoder.to(device, memory_format=torch.channels_last)
    studio = scenes.Studio(assets.drawings(assets.fetch(work)))
    for number in range(-(-count // SHARD)):
        path = folder / f"{number:04}.pt"
        if path.is_file():
            continue
        chance = random.Random(f"{seed} {number}")
        drawn = [scenes.draw_scene(chance) for _ in range(min(SHARD, count - number * SHARD))]
        latents, masks = [], []
        for n in range(0, len(drawn), 16):
            both = [studio.render_with_mask(scene, chance) for scene in drawn[n : n + 16]]
            latents.append(_encode(encoder, [picture for picture, _ in both], device))
            masks += [_thumbnail(mask) for _, mask in both]
        documents = json.dumps([scene.document() for scene in drawn])
        new = path.with_suffix(".new")
        torch.save(
            {"latents": torch.cat(latents), "masks": torch.stack(masks), "scenes": documents}, new
        )
        new.rename(path)
        log.info("latents: %d scenes", number * SHARD + len(drawn))


def _encode(encoder: Any, pictures: list[Any], device: torch.device) -> torch.Tensor:
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).to(device)
    wanted = (pixels.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(
        memory_format=torch.channels_last
    )
    with torch.inference_mode():
        latents: torch.Tensor = encoder(wanted).half().contiguous().cpu()
    return latents


def _thumbnail(mask: Image.Image) -> torch.Tensor:
    small = mask.resize((scenes.SIDE // SHRINK,) * 2, Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(small).copy())


class Latents:
    """All files of latents in a folder, the scenes they are of, and where things are in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = 0
        self.scenes: list[scenes.Scene] = []
        self.latents = torch.empty(0)
        self.masks = torch.empty(0)
        self.look()

    def look(self) -> None:
        """Takes in the files that were added since."""
        files = sorted(self._folder.glob("*.pt"))
        for path in files[self._files :]:
            kept = torch.load(path, weights_only=True)
            first = not self.scenes
            self.latents = kept["latents"] if first else torch.cat([self.latents, kept["latents"]])
            self.masks = kept["masks"] if first else torch.cat([self.masks, kept["masks"]])
            self.scenes += [scenes.Scene.from_document(d) for d in json.loads(kept["scenes"])]
        self._files = len(files)

    def scale(self) -> float:
        """What the latents are multiplied with to have a deviation of 1."""
        first = self.latents[:SHARD].float()
        return 1 / first.std().item()

    def batches(
        self, size: int, chance: random.Random
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, list[scenes.Scene]]]:
        """Batches without end: each scene once, then all again in another order.

        Each is latents, the share of each that is a thing (batch, 1, 32, 32), and scenes.
        Raises ValueError if there are fewer scenes than a batch has.
        """
        if len(self.scenes) < size:
            raise ValueError(f"A batch of {size} needs more than {len(self.scenes)} scenes.")
        while True:
            order = list(range(len(self.scenes)))
            chance.shuffle(order)
            for n in range(0, len(order) - size + 1, size):
                chosen = order[n : n + size]
                latents = self.latents[chosen].float()
                masks = self.masks[chosen].float()[:, None] / 255
                drawn = [self.scenes[index] for index in chosen]
                yield latents, masks, drawn
            self.look()
