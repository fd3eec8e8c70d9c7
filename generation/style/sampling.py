"""Samples: what a style looks like while it is learned, always with the same seeds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from generation import families, provenance
from generation.catalogue import Model
from generation.recipe import Recipe
from generation.style import brief
from generation.style.brief import Brief
from generation.style.computed import Computed
from generation.style.ways import Way, Words

FOLDER = "samples"
SOFTWARE = "Easel"


def paint(
    way: Way,
    model: Model,
    asked: Brief,
    computed: Computed,
    folder: Path,
    step: int,
    precision: Callable[[], Any],
) -> Iterator[Path]:
    """Paints each of a brief's samples with the LoRA as it is, as WebP files that say what they
    are. precision: the context in which the network computes."""
    family = families.family_of(type(way.pipe).__name__)
    guidance = family.guidance_argument if family else "guidance_scale"
    side = computed.size(asked.resolution, asked.resolution)
    way.pipe.set_progress_bar_config(disable=True)
    others = _on(way, computed.words(""))
    for number, text in enumerate(asked.samples):
        arguments = way.arguments(_on(way, computed.words(text)), others)
        with torch.no_grad(), precision():
            [image] = way.pipe(
                **arguments,
                **{guidance: model.guidance},
                generator=torch.Generator().manual_seed(asked.seed + number),
                num_inference_steps=model.steps,
                width=side[0],
                height=side[1],
            ).images
        path = folder / FOLDER / _name(step, number)
        brief.replace(path, _labelled(image, model, text))
        yield path


def last(folder: Path, asked: Brief) -> list[Path]:
    """The samples of the last step."""
    paths = [folder / FOLDER / _name(asked.steps, number) for number in range(len(asked.samples))]
    return [path for path in paths if path.is_file()]


def _name(step: int, number: int) -> str:
    return f"step-{step:06}-{number + 1}.webp"


def _on(way: Way, words: Words) -> Words:
    return {name: value.to(way.device) for name, value in words.items()}


def _labelled(image: Any, model: Model, text: str) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "PNG")
    return provenance.stamp(
        out.getvalue(),
        recipe=Recipe(prompt=text),
        model=model.name,
        model_version="",
        alt_text="",
        creator="",
        share_recipe=False,
        software=SOFTWARE,
        format="WEBP",
    )
