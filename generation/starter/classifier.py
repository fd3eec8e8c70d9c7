"""A small network that names what a scene shows, to measure pictures with.

It is trained on scenes drawn for it alone, with the combinations that the starter model never
saw among them, and never on what a model painted.
"""

from __future__ import annotations

import itertools
import logging
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from generation.starter import scenes
from generation.starter.vocabulary import BACKGROUNDS, COLOURS, POSITIONS, SUBJECTS

log = logging.getLogger("generation.starter")

SIDE = 64  # pixels that it looks at
BATCH = 64
ROUNDS = 6
CHECKED = 400  # scenes that its own share of right answers is measured on

QUESTIONS: dict[str, tuple[str, ...]] = {
    "subject": tuple(SUBJECTS),
    "colour": ("", *COLOURS),
    "background": tuple(BACKGROUNDS),
    "position": ("", *POSITIONS),
}


@dataclass(frozen=True)
class Classifier:
    """The trained network, and how often it is right about drawn scenes, by question."""

    network: nn.Module
    accuracy: dict[str, float]

    def look(self, pictures: list[Image.Image]) -> list[dict[str, str]]:
        """What each picture shows: an answer to each of QUESTIONS."""
        with torch.inference_mode():
            answers = self.network(_pixels(pictures))
        named = {
            question: [QUESTIONS[question][n] for n in values.argmax(1).tolist()]
            for question, values in answers.items()
        }
        return [{q: named[q][n] for q in QUESTIONS} for n in range(len(pictures))]


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2))
        cells = (SIDE // 16) ** 2 * widths[-1]
        self.heads = nn.ModuleDict({q: nn.Linear(cells, len(a)) for q, a in QUESTIONS.items()})

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        seen = self.body(pixels)
        return {question: head(seen) for question, head in self.heads.items()}


def truth(scene: scenes.Scene) -> dict[str, str]:
    """The right answers for a scene of one thing."""
    thing = scene.things[0]
    return {
        "subject": thing.noun,
        "colour": thing.colour,
        "background": scene.background,
        "position": scene.position,
    }


def trained(studio: scenes.Studio, count: int, kept: Path) -> Classifier:
    """The classifier in the file `kept`; if none for `count` scenes is there, it is trained."""
    if kept.is_file():
        state = torch.load(kept, weights_only=True)
        if state["count"] == count:
            network = _Network()
            network.load_state_dict(state["network"])
            return Classifier(network.eval(), state["accuracy"])
    made = train(studio, count)
    state = {"count": count, "network": made.network.state_dict(), "accuracy": made.accuracy}
    torch.save(state, kept)
    return made


def train(studio: scenes.Studio, count: int, *, seed: int = 77) -> Classifier:
    """A classifier trained on `count` scenes of one thing, and checked on CHECKED others."""
    chance = random.Random(seed)
    torch.manual_seed(seed)
    drawn = [any_scene(chance) for _ in range(count + CHECKED)]
    pictures = [studio.render(scene, chance).resize((SIDE, SIDE)) for scene in drawn]
    pixels = _pixels(pictures)
    wanted = {
        question: torch.tensor([answers.index(truth(scene)[question]) for scene in drawn])
        for question, answers in QUESTIONS.items()
    }
    network = _Network()
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.02)
    batches = max(1, count // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=ROUNDS * batches)
    for _ in range(ROUNDS):
        order = torch.randperm(count)
        for n in range(batches):
            chosen = order[n * BATCH : (n + 1) * BATCH]
            answers = network(_jittered(pixels[chosen]))
            losses = [functional.cross_entropy(answers[q], wanted[q][chosen]) for q in QUESTIONS]
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(torch.stack(losses).sum())
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.inference_mode():
        answers = network(pixels[count:])
    accuracy = {
        q: (values.argmax(1) == wanted[q][count:]).float().mean().item()
        for q, values in answers.items()
    }
    return Classifier(network, accuracy)


def any_scene(chance: random.Random) -> scenes.Scene:
    """A scene of one thing, of any combination, held out or not."""
    noun, colour, background = chance.choice(scenes.combinations())
    position = chance.choice(("", "", "left", "right"))
    size = chance.choice(("", "", "", "small", "large")) if not position else ""
    return scenes.Scene((scenes.Thing(noun, colour),), background, position, size)


def _pixels(pictures: list[Image.Image]) -> torch.Tensor:
    small = [np.asarray(picture.convert("RGB").resize((SIDE, SIDE))) for picture in pictures]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _jittered(pixels: torch.Tensor) -> Any:
    """Blur, noise and light that differ a little: painted pictures are not as clean as drawn."""
    if torch.rand(()) < 0.5:
        pixels = functional.avg_pool2d(pixels, 3, 1, 1)
    pixels = pixels * (0.9 + 0.2 * torch.rand(len(pixels), 1, 1, 1))
    return pixels + 0.05 * torch.randn_like(pixels)
