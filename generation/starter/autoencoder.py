"""The starter model's autoencoder: 256 × 256 pixels to 32 × 32 latents of four channels, and back.

It is an AutoencoderTiny of diffusers whose encoder is not trained but written down: a latent is
the mean colour of 8 × 8 pixels, as lightness and two differences of colour, and the difference in
lightness between their upper and their lower half. So the denoiser can be trained before there is
a decoder, and on latents that are easy to learn. The decoder begins as their enlargement and
learns to draw the rest, which for a few dozen drawings it can know.
"""

from __future__ import annotations

import logging
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from generation.starter import assets, scenes
from generation.starter.checkpoint import Checkpoint, best_device, decay

log = logging.getLogger("generation.starter")

LATENT_CHANNELS = 4  # diffusers inpaints with 4 only
SHRINK = 8  # pixels of a side per latent
WIDTH = 32  # channels; AutoencoderTiny has the same number at every size
ENCODER_BLOCKS = (0, 0, 0, 0)
DECODER_BLOCKS = (6, 4, 1, 0)  # from the smallest size to the largest

# Lightness, blue less lightness, red less lightness. Rows of red, green and blue; each row is
# scaled so that its latents have about the same deviation over many scenes.
LIGHTNESS = (0.30, 0.59, 0.11)
COLOURS = (
    (0.60, 1.18, 0.22),
    (-0.90, -1.77, 2.67),
    (2.10, -1.77, -0.33),
)
MIDDLE = (0.5, 0.5, 0.5)  # the grey whose latents are 0
UPPER_LOWER = 10.0  # the scale of the fourth channel

CROP = 128  # pixels of a side: latents are local, so pieces of pictures teach as much
POOL = 1200  # pictures held to cut from
FRESH = 2  # pictures drawn anew at each step
LATENT_NOISE = 0.04  # added in training, so that the decoder forgives the denoiser's errors
RATE = 1.2e-3
REPORT_STEPS = 50


def autoencoder() -> Any:
    """A new AutoencoderTiny with the written encoder, and a decoder that enlarges."""
    from diffusers import AutoencoderTiny

    model = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(WIDTH,) * 4,
        num_encoder_blocks=ENCODER_BLOCKS,
        num_decoder_blocks=DECODER_BLOCKS,
        latent_channels=LATENT_CHANNELS,
    )
    with torch.no_grad():
        _write_encoder(model.encoder.layers)
        _begin_decoder(model.decoder)
    return model


def _write_encoder(layers: Any) -> None:
    """Sets the weights of: a convolution, three that halve the side, and one to the latents."""
    first, *halving, last = layers
    for layer in layers:
        layer.weight.zero_()
        if layer.bias is not None:
            layer.bias.zero_()
    for colour in range(3):
        first.weight[colour, colour, 1, 1] = 1.0
        for layer in halving:  # the mean of 2 × 2: with its padding, taps 1 and 2 of 3
            layer.weight[colour, colour, 1:, 1:] = 0.25
    upper_lower = torch.tensor([0.25, -0.25])[:, None]
    for colour, share in enumerate(LIGHTNESS):
        halving[-1].weight[3, colour, 1:, 1:] = share * upper_lower
    matrix = torch.tensor(COLOURS)
    last.weight[:3, :3, 1, 1] = matrix
    last.bias[:3] = -matrix @ torch.tensor(MIDDLE)
    last.weight[3, 3, 1, 1] = UPPER_LOWER


def _begin_decoder(decoder: Any) -> None:
    """Sets the weights so that the colours of the latents pass through three channels, with blocks
    that change nothing yet."""
    for name, module in decoder.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if name.endswith("conv.4"):
                torch.nn.init.zeros_(module.weight)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
    convolutions: list[Any] = [n for n in decoder.layers if isinstance(n, torch.nn.Conv2d)]
    for layer in convolutions:
        layer.weight[:3] = 0.0
    first, *others, last = convolutions
    # Every channel passes a ReLU, which leaves what is above 0: so colours are 0.5 higher inside.
    first.weight[:3, :3, 1, 1] = torch.linalg.inv(torch.tensor(COLOURS))
    first.bias[:3] = torch.tensor(MIDDLE) + 0.5
    for layer in others:
        layer.weight[:3, :3, 1, 1] = torch.eye(3)
    last.weight.zero_()
    last.weight[:, :3, 1, 1] = torch.eye(3)
    last.bias.fill_(-0.5)


def train_decoder(work: Path, steps: int, *, batch: int = 8, pool: int = POOL) -> None:
    """Trains the decoder up to `steps` steps in all, from the checkpoint in `work` if any.

    batch: crops of CROP × CROP pixels per step. pool: pictures held to cut from.
    """
    device = best_device()
    model = autoencoder().to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.decoder.parameters(), RATE, weight_decay=0.01)
    state = Checkpoint(work / "decoder.pt", model=model.decoder, optimiser=optimiser)
    studio = scenes.Studio(assets.drawings(assets.fetch(work)))
    chance = random.Random(state.step)
    pictures = [_picture(studio, chance) for _ in range(pool)]
    started, first = time.monotonic(), state.step
    while state.step < steps:
        for group in optimiser.param_groups:
            group["lr"] = RATE * decay(state.step, steps)
        for _ in range(FRESH):
            pictures[chance.randrange(pool)] = _picture(studio, chance)
        crops = np.stack([_crop(chance.choice(pictures), chance) for _ in range(batch)])
        wanted = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad():
            latents = model.encoder(wanted.contiguous(memory_format=torch.channels_last))
            latents += LATENT_NOISE * torch.randn_like(latents)
        with torch.autocast(device.type, torch.bfloat16):
            got = model.decoder(latents).float()
        loss = _likeness(got, wanted)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.decoder.parameters(), 1.0)
        optimiser.step()
        state.step += 1
        if state.step % REPORT_STEPS == 0:
            log.info(
                "decoder %d/%d: error %.4f, %.2f s/step",
                state.step, steps, (got - wanted).abs().mean().item() / 2,
                (time.monotonic() - started) / (state.step - first),
            )  # fmt: skip
        state.save_sometimes()
    state.save()


def _picture(studio: scenes.Studio, chance: random.Random) -> np.ndarray[Any, Any]:
    return np.asarray(studio.render(scenes.draw_scene(chance), chance))


def _crop(picture: np.ndarray[Any, Any], chance: random.Random) -> np.ndarray[Any, Any]:
    top, left = (SHRINK * chance.randrange((scenes.SIDE - CROP) // SHRINK + 1) for _ in range(2))
    return picture[top : top + CROP, left : left + CROP]


def _likeness(got: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean error of the pixels, and of their differences to their neighbours: edges count."""
    error = got - wanted
    across = (error[..., 1:] - error[..., :-1]).abs().mean()
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 0.5 * (across + down)
