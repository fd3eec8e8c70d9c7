"""The card of a style: what it is, what it was made from, and what it learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence

from generation.catalogue import Model
from generation.style.brief import WEIGHTS, Brief, Learned


def write(learned: Learned, model: Model) -> str:
    """A model card in Markdown, with the fields before it that the hub reads.

    model: the base, for its name and licence.
    """
    brief = learned.brief
    # Where a model lies on this machine is nobody's business.
    base = model.name if model.local else model.source
    lines = [
        "---",
        f"base_model: {json.dumps(base)}",
        *([f"license: {json.dumps(model.licence.lower())}"] if model.licence else []),
        f"instance_prompt: {json.dumps(brief.trigger, ensure_ascii=False)}",
        "library_name: diffusers",
        "tags: [lora, text-to-image, diffusers]",
        "---",
        "",
        f"# {brief.name}",
        "",
        f"A LoRA for {model.name}, trained by Easel. Its weights are in `{WEIGHTS}`.",
        "",
        f"- Base model: {base}, licence: {model.licence or 'unknown'}. What its licence asks for "
        "is asked for of this LoRA, too.",
        f"- Trigger: “{brief.trigger}”. A prompt that begins so paints in this style.",
        *_numbers(learned),
        "",
        "## Sources",
        "",
        f"It learned from {_count(len(brief.pictures), 'picture')}, and from nothing else.",
        "",
        *_sources(brief),
    ]
    if learned.samples:
        lines += ["", "## Samples", "", *_samples(learned)]
    return "\n".join(lines) + "\n"


def _numbers(learned: Learned) -> list[str]:
    brief = learned.brief
    return [
        f"- Steps: {brief.steps}, of {_count(brief.batch, 'picture')} each. Rank {brief.rank}, "
        f"learning rate {brief.rate:g}, {brief.resolution} pixels, seed {brief.seed}.",
        f"- Loss at the end: {learned.loss:.4f}.",
    ]


def _sources(brief: Brief) -> Sequence[str]:
    rows = [
        " | ".join(
            _cell(text)
            for text in (
                f"<{picture.url}>" if picture.url else "",
                picture.author,
                picture.licence or "none stated",
                picture.consent,
            )
        )
        for picture in brief.pictures
    ]
    titles = "post | author | licence | may be learned from"
    return [f"| {titles} |", "|---|---|---|---|", *(f"| {row} |" for row in rows)]


def _samples(learned: Learned) -> list[str]:
    return [f"![Painted by this LoRA](samples/{name})" for name in learned.samples]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
