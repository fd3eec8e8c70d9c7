"""The starter model's UNet, trained by flow matching with the text encoder that `reader` taught.

A latent is mixed with noise, (1 - s) × latent + s × noise, and the UNet learns noise - latent. It
is told 1000 × s, as diffusers' solvers tell it with `use_flow_sigmas`.
"""

from __future__ import annotations

import copy
import logging
import random
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from generation.starter import reader, scenes, words
from generation.starter.checkpoint import Checkpoint, best_device, decay
from generation.starter.latents import Latents

log = logging.getLogger("generation.starter")

CHANNELS = (32, 96, 160, 160)  # at 32, 16, 8 and 4 latents of a side
GROUPS = 16
HEAD = 32  # channels of an attention head

BATCH = 16
RATE = 1e-3
UNTOLD = 0.1  # of the captions are left out, which is what guidance steers away from
NOWHERE = 0.1  # of the others do not say where it is; any background will do
# Of the logit of s: mostly much noise. Latents are smooth, so that a shape can be seen in them, and
# is decided, where nine tenths are noise.
NOISE_MEAN = 1.0
ATTENTION = 4.0  # things are a fifth of a picture and most of what is asked for
# For so many steps it learns to look: the picture is the sketch itself, nearly all of it noise.
LOOKING = 500
LEAST_NOISE = 0.8  # in these steps
KEPT = 0.999  # of the averaged weights at each step
REPORT_STEPS = 100


def unet() -> Any:
    """A new UNet2DConditionModel that hears the words twice: with the time, in every block, where
    they weigh its channels, and by attention at 8 × 8, where it looks at the sketch.

    To look at the right place of the sketch it must know where in the picture it is, which it knows
    from the edges alone. From 4 × 4 both edges are in sight of every place; without that level the
    middle of the picture never found its cells.
    """
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        block_out_channels=CHANNELS,
        norm_num_groups=GROUPS,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        cross_attention_dim=reader.WIDTH,
        attention_head_dim=tuple(channels // HEAD for channels in CHANNELS),
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=reader.WIDTH // HEAD,
    )


class Both(torch.nn.Module):
    """The text encoder, which stays as it is, and the UNet as one module, kept as one."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.text = reader.text_encoder(vocabulary)
        self.unet = unet()
        self.text.requires_grad_(False)

    def forward(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        share: torch.Tensor,
        tokens: torch.Tensor,
        masks: torch.Tensor,
    ) -> torch.Tensor:
        """The mean squared error of the predicted velocity, of things ATTENTION times as much.

        latents, noise: (batch, 4, 32, 32). share: of noise, (batch,). tokens: (batch, TOKENS).
        masks: the share of each latent that is a thing, (batch, 1, 32, 32).
        """
        mixed = torch.lerp(latents, noise, share[:, None, None, None])
        said = self.text(tokens)[0]
        like = next(self.unet.parameters()).dtype
        guess = self.unet(mixed.to(like), share * 1000, said.to(like)).sample
        weights = 1 + (ATTENTION - 1) * functional.max_pool2d(masks, 3, 1, 1)
        error = (guess.float() - (noise - latents)).square()
        mean: torch.Tensor = (error * weights).sum() / (weights.sum() * latents.shape[1])
        return mean


def _caption(scene: scenes.Scene, chance: random.Random) -> str:
    if chance.random() < UNTOLD:
        return ""
    return scenes.caption(scene, chance, background=chance.random() > NOWHERE)


def train_denoiser(work: Path, steps: int, *, batch: int = BATCH) -> None:
    """Trains up to `steps` steps in all, from the checkpoint in `work` if there is one."""
    from diffusers.models.attention_processor import AttnProcessor

    device = best_device()
    tokenizer = words.tokenizer()
    model = Both(len(tokenizer)).to(device)
    heads = reader.Sketching().to(device)
    Checkpoint(work / "reader.pt", text=model.text, heads=heads)
    average = copy.deepcopy(model).requires_grad_(False)
    optimiser = torch.optim.AdamW(
        model.unet.parameters(), RATE, betas=(0.9, 0.99), weight_decay=0.01
    )
    state = Checkpoint(work / "denoiser.pt", model=model, average=average, optimiser=optimiser)
    # The UNet computes with a copy in bf16; its gradients move the weights, which are fp32.
    # Plain attention and plain memory order were measured 1.6 times as fast on the CPU as the
    # fused one and channels_last: the layers are small.
    working = copy.deepcopy(model)
    working.unet.bfloat16().set_attn_processor(AttnProcessor())
    pairs = list(zip(model.unet.parameters(), working.unet.parameters(), strict=True))
    averaged = list(average.unet.parameters())
    data = Latents(work / "latents")
    scale = data.scale()
    chance = random.Random(state.step)
    torch.manual_seed(state.step)
    started, first, recent = time.monotonic(), state.step, []
    for latents, masks, drawn in data.batches(batch, chance):
        if state.step >= steps:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * decay(state.step, steps)
        captions = [_caption(scene, chance) for scene in drawn]
        tokens = reader.encode(tokenizer, captions)
        if state.step < LOOKING:
            share = LEAST_NOISE + (1 - LEAST_NOISE) * torch.rand(batch)
            with torch.no_grad():
                clean = heads.sketch(working.text(tokens.to(device))[0])
        else:
            share = torch.sigmoid(torch.randn(batch) + NOISE_MEAN)
            clean = latents.to(device) * scale
        loss = working(
            clean, torch.randn_like(clean), share.to(device), tokens.to(device), masks.to(device)
        )
        torch.autograd.backward(loss)
        for weights, copied in pairs:
            weights.grad = None if copied.grad is None else copied.grad.float()
            copied.grad = None
        torch.nn.utils.clip_grad_norm_(model.unet.parameters(), 1.0)
        optimiser.step()
        state.step += 1
        with torch.no_grad():
            torch._foreach_copy_([c for _, c in pairs], [w for w, _ in pairs])
            kept = min(KEPT, (1 + state.step) / (10 + state.step))
            torch._foreach_lerp_(averaged, [w for w, _ in pairs], 1 - kept)
        recent.append(loss.item())
        if state.step % REPORT_STEPS == 0:
            log.info(
                "denoiser %d/%d: error %.4f, %d scenes, %.2f s/step",
                state.step, steps, sum(recent) / len(recent), len(data.scenes),
                (time.monotonic() - started) / (state.step - first),
            )  # fmt: skip
            recent.clear()
        state.save_sometimes()
    state.save()
