"""Measures the starter model: `python -m generation.starter.evaluate`.

It paints captions of combinations that were never trained on, asks a classifier what the pictures
show, prints how often subject, colour, background and position are as asked, and writes a sheet of
the pictures.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from generation import catalogue
from generation.loading import cache_folder
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from generation.starter import FOLDER, assets, classifier, scenes

log = logging.getLogger("generation.starter")

PICTURES = 192
TAUGHT = 6000  # scenes that the classifier is trained on
BATCH = 8
COLUMNS = 8
SHOWN = 48  # pictures of the sheet
CELL = 168  # pixels of a side of one of them
LINES = 46  # pixels for its caption


@dataclass(frozen=True)
class Asked:
    """A scene, the words it was asked for with, and what came."""

    scene: scenes.Scene
    prompt: str
    picture: Image.Image
    seen: dict[str, str]

    def right(self, question: str) -> bool | None:
        """Whether the picture shows what was asked; None where nothing was asked."""
        wanted = classifier.truth(self.scene)[question]
        return self.seen[question] == wanted if wanted else None


def prompts(count: int, seed: int = 5) -> list[tuple[scenes.Scene, str]]:
    """Scenes of one thing in combinations that are held out, each with a caption."""
    chance = random.Random(seed)
    kept = [c for c in scenes.combinations() if scenes.held_out(*c)]
    chance.shuffle(kept)
    asked = []
    for number in range(count):
        noun, colour, background = kept[number % len(kept)]
        position = chance.choice(("left", "right")) if number % 6 == 5 else ""
        scene = scenes.Scene((scenes.Thing(noun, colour),), background, position)
        asked.append((scene, scenes.caption(scene, chance)))
    return asked


def measure(asked: list[Asked]) -> dict[str, dict[str, int]]:
    """How many of how many pictures are right, by question, and in all that was asked."""
    figures = {}
    for question in classifier.QUESTIONS:
        answers = [one.right(question) for one in asked]
        figures[question] = {
            "right": sum(answer is True for answer in answers),
            "of": sum(answer is not None for answer in answers),
        }
    whole = [all(one.right(q) is not False for q in classifier.QUESTIONS) for one in asked]
    figures["everything"] = {"right": sum(whole), "of": len(asked)}
    return figures


def sheet(asked: list[Asked]) -> Image.Image:
    """The first SHOWN pictures with their captions, in red where the subject is wrong."""
    shown = asked[:SHOWN]
    rows = math.ceil(len(shown) / COLUMNS)
    picture = Image.new("RGB", (COLUMNS * CELL, rows * (CELL + LINES)), "white")
    draw = ImageDraw.Draw(picture)
    for number, one in enumerate(shown):
        left, top = number % COLUMNS * CELL, number // COLUMNS * (CELL + LINES)
        picture.paste(one.picture.resize((CELL - 4, CELL - 4)), (left + 2, top + 2))
        colour = "black" if one.right("subject") else "red"
        lines = _wrapped(one.prompt, 27)[:3]
        draw.multiline_text((left + 3, top + CELL), "\n".join(lines), fill=colour, spacing=1)
    return picture


def evaluate(
    folder: Path, work: Path, *, pictures: int = PICTURES, taught: int = TAUGHT, steps: int = 0
) -> tuple[dict[str, Any], list[Asked]]:
    """Paints and measures. Returns the figures, JSON-able, and the pictures they are of.

    folder: the model. work: where the drawings and the classifier are kept. taught: scenes for the
    classifier. steps: of the painting; 0 is the model's default.
    """
    studio = scenes.Studio(assets.drawings(assets.fetch(work)))
    judge = classifier.trained(studio, taught, work / "classifier.pt")
    pipeline = Pipeline.load(catalogue.find(str(folder.absolute())), device="auto")
    wanted = prompts(pictures)
    painted: list[Image.Image] = []
    began = time.monotonic()
    for first in range(0, len(wanted), BATCH):
        recipes = [
            Recipe(prompt=prompt, seed=first + n, steps=steps or None)
            for n, (_, prompt) in enumerate(wanted[first : first + BATCH])
        ]
        painted += [Image.open(io.BytesIO(done.png)) for done in pipeline.paint(recipes)]
    seconds = (time.monotonic() - began) / len(wanted)
    asked = [
        Asked(scene, prompt, picture, seen)
        for (scene, prompt), picture, seen in zip(wanted, painted, judge.look(painted), strict=True)
    ]
    figures = {
        "shares": measure(asked),
        "classifier": {q: round(share, 3) for q, share in judge.accuracy.items()},
        "seconds_per_picture": round(seconds, 2),
        "steps": steps or pipeline.model.steps,
    }
    return figures, asked


def report(figures: dict[str, Any]) -> str:
    """The figures as a table for people."""
    lines = [f"{'':<12}{'right':>8}{'':>10}   classifier on drawn scenes"]
    for question, share in figures["shares"].items():
        part = f"{share['right'] / share['of']:.1%}" if share["of"] else "-"
        judged = figures["classifier"].get(question)
        lines.append(
            f"{question:<12}{part:>8}{share['right']:>5}/{share['of']:<5}"
            f"   {'' if judged is None else f'{judged:.1%}'}".rstrip()
        )
    lines.append(f"{figures['seconds_per_picture']} s per picture, {figures['steps']} steps")
    return "\n".join(lines)


def _wrapped(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m generation.starter.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, default=FOLDER, help="a diffusers folder")
    parser.add_argument("--work", type=Path, default=cache_folder() / "starter")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--taught", type=int, default=TAUGHT, help="scenes for the classifier")
    parser.add_argument("--steps", type=int, default=0, help="default: the model's own")
    parser.add_argument("--sheet", type=Path, default=Path("starter.png"))
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    figures, asked = evaluate(
        options.model, options.work, pictures=options.pictures, taught=options.taught,
        steps=options.steps,
    )  # fmt: skip
    sheet(asked).save(options.sheet)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(report(figures))
    print(f"The pictures are in {options.sheet}")


if __name__ == "__main__":
    main()
