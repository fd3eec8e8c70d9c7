"""The starter model's text encoder, and what it learns before there is a denoiser.

From captions it learns to name what they say: the things, their colours, the background, the
placement. And in the places of a prompt that hold no words it learns to sketch it: each of
CELLS × CELLS places knows where it is and what the latents there are on average. So the UNet need
not learn each drawing for itself, from noise: it learns once to look at the sketch, for all words,
and to make a picture of it. Without the sketch, a short training gave blobs of the right colour.
"""

from __future__ import annotations

import logging
import random
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from generation.starter import scenes, words
from generation.starter.checkpoint import Checkpoint, best_device, decay
from generation.starter.latents import Latents
from generation.starter.vocabulary import BACKGROUNDS, COLOURS, POSITIONS, SIZES, SUBJECTS

log = logging.getLogger("generation.starter")

WIDTH = 128
LAYERS = 4
BATCH = 32
RATE = 1.5e-3
THINGS = 4.0  # things are a fifth of a picture and most of what is asked for
NAMING = 0.1  # what a right answer is worth, beside a right sketch
REPORT_STEPS = 100

# What is asked of a caption, with the answers; the first is that it does not say.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "left": ("", *SUBJECTS),
    "left colour": ("", *COLOURS),
    "right": ("", *SUBJECTS),
    "right colour": ("", *COLOURS),
    "background": ("", *BACKGROUNDS),
    "position": ("", *POSITIONS),
    "size": ("", *SIZES),
    "twins": ("", "yes"),
}


def text_encoder(vocabulary: int) -> Any:
    """A new CLIPTextModel for so many tokens."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=WIDTH * 4,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            max_position_embeddings=words.TOKENS,
            projection_dim=WIDTH,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
    )


def encode(tokenizer: Any, captions: list[str]) -> torch.Tensor:
    """The captions' tokens, (captions, TOKENS), padded as diffusers pads a prompt."""
    tokens: torch.Tensor = tokenizer(
        captions, padding="max_length", max_length=words.TOKENS, truncation=True,
        return_tensors="pt",
    ).input_ids  # fmt: skip
    return tokens


def answers(scene: scenes.Scene, told: bool) -> list[str]:
    """The right answers to QUESTIONS. told: whether the caption tells the background."""
    left, right = (*scene.things, scenes.Thing(""))[:2]
    return [
        left.noun,
        left.colour,
        right.noun,
        right.colour,
        scene.background if told else "",
        scene.position,
        scene.size,
        "yes" if scene.twins else "",
    ]


class Sketching(nn.Module):
    """Reads the sketch and the answers from what the text encoder says."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.Linear(WIDTH, 4 * _PATCH * _PATCH)
        self.where = nn.Linear(WIDTH, 2 * words.CELLS)
        self.answers = nn.ModuleList(nn.Linear(WIDTH, len(a)) for a in QUESTIONS.values())

    def sketch(self, said: torch.Tensor) -> torch.Tensor:
        """(batch, TOKENS, WIDTH) -> (batch, 4, 32, 32), the average latents of such a picture."""
        side, batch = words.CELLS, len(said)
        cells: torch.Tensor = self.cell(said[:, words.WORDS :])
        cells = cells.view(batch, side, side, 4, _PATCH, _PATCH)
        return cells.permute(0, 3, 1, 4, 2, 5).reshape(batch, 4, side * _PATCH, side * _PATCH)


_PATCH = 32 // words.CELLS  # latents of a side of a cell
_WHERE = torch.cat(
    [
        torch.eye(words.CELLS).repeat_interleave(words.CELLS, 0),
        torch.eye(words.CELLS).repeat(words.CELLS, 1),
    ],
    1,
)  # (cells, 2 × CELLS): the row and the column of each


def train_reader(work: Path, steps: int, *, batch: int = BATCH) -> None:
    """Trains the text encoder up to `steps` steps in all, from the checkpoint in `work` if any."""
    device = best_device()
    tokenizer = words.tokenizer()
    text = text_encoder(len(tokenizer)).to(device)
    heads = Sketching().to(device)
    both = [*text.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(both, RATE, betas=(0.9, 0.99), weight_decay=0.01)
    state = Checkpoint(work / "reader.pt", text=text, heads=heads, optimiser=optimiser)
    data = Latents(work / "latents")
    scale = data.scale()
    chance = random.Random(state.step)
    where = _WHERE.to(device)
    began, first, recent = time.monotonic(), state.step, []
    for latents, masks, drawn in data.batches(batch, chance):
        if state.step >= steps:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * decay(state.step, steps)
        told = [chance.random() < 0.9 for _ in drawn]
        captions = [
            scenes.caption(scene, chance, background=say)
            for scene, say in zip(drawn, told, strict=True)
        ]
        right = [answers(scene, say) for scene, say in zip(drawn, told, strict=True)]
        with torch.autocast(device.type, torch.bfloat16):
            said = text(encode(tokenizer, captions).to(device))[0].float()
        weights = 1 + (THINGS - 1) * functional.max_pool2d(masks.to(device), 3, 1, 1)
        error = (heads.sketch(said) - latents.to(device) * scale).square() * weights
        sketch = error.sum() / (weights.sum() * 4)
        placed = (heads.where(said[:, words.WORDS :]) - where).square().mean()
        losses, correct = [], []
        for n, (known, head) in enumerate(zip(QUESTIONS.values(), heads.answers, strict=True)):
            wanted = torch.tensor([known.index(row[n]) for row in right], device=device)
            guess = head(said[:, -1])
            losses.append(functional.cross_entropy(guess, wanted))
            correct.append((guess.argmax(1) == wanted).float().mean())
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(sketch + placed + NAMING * torch.stack(losses).sum())
        torch.nn.utils.clip_grad_norm_(both, 1.0)
        optimiser.step()
        state.step += 1
        recent.append((sketch.item(), placed.item(), torch.stack(correct).mean().item()))
        if state.step % REPORT_STEPS == 0:
            log.info(
                "reader %d/%d: error of the sketch %.4f, of its places %.4f, "
                "%.1f%% of answers right, %.2f s/step",
                state.step, steps, *(sum(row[n] for row in recent) / len(recent) for n in (0, 1)),
                100 * sum(row[2] for row in recent) / len(recent),
                (time.monotonic() - began) / (state.step - first),
            )  # fmt: skip
            recent.clear()
        state.save_sometimes()
    state.save()
