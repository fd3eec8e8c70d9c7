"""Trains the starter model: `python -m generation.starter.train`.

Six stages, each of which goes on from its last checkpoint when started again:

- `assets` fetches the drawings with npm (16 MB);
- `autoencoder` trains the decoder of an AutoencoderTiny, 32 × 32 latents to 256 × 256 pixels;
- `latents` draws scenes and encodes them, so that the next stage need not;
- `reader` teaches the text encoder what the words of captions mean, and to sketch it;
- `denoiser` trains the UNet on those latents, by flow matching;
- `export` writes the folder that ships.

All of it runs on a graphics card where there is one. On the CPU it computes in bf16, which recent
processors do twice as fast. Ctrl-C or SIGTERM stops a stage after its step; started again, it goes
on there. To train a model further, raise `--steps` and start it again.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
from pathlib import Path
from typing import Any

import torch

from generation.catalogue import STARTER
from generation.families import DESCRIBED
from generation.starter import FOLDER, assets, words
from generation.starter.autoencoder import autoencoder, train_decoder
from generation.starter.checkpoint import Checkpoint, stop_at
from generation.starter.denoiser import Both, train_denoiser
from generation.starter.latents import Latents, make_latents
from generation.starter.reader import train_reader

FLOW_SHIFT = 3.0  # more of the steps where there is much noise and the layout is decided
STAGES = ("assets", "autoencoder", "latents", "reader", "denoiser", "export")


def export(work: Path, folder: Path) -> Path:
    """Writes the trained parts of `work` as a diffusers folder in fp16. Returns the folder."""
    from diffusers import StableDiffusionPipeline, UniPCMultistepScheduler

    tokenizer = words.tokenizer()
    vae = autoencoder()
    Checkpoint(work / "decoder.pt", model=vae.decoder)
    vae.register_to_config(scaling_factor=Latents(work / "latents").scale())
    both = Both(len(tokenizer))
    Checkpoint(work / "denoiser.pt", average=both)
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=both.text,
        tokenizer=tokenizer,
        unet=both.unet,
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=FLOW_SHIFT,
            steps_offset=1,  # or diffusers warns
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.to(torch.float16).save_pretrained(folder, safe_serialization=True)
    described = {field: getattr(STARTER, field) for field in DESCRIBED}
    (folder / "easel.json").write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    return folder


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    from generation.loading import cache_folder

    parser = argparse.ArgumentParser(
        prog="python -m generation.starter.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stages", nargs="*", default=STAGES, metavar="stage", help="default: all")
    parser.add_argument("--work", type=Path, default=cache_folder() / "starter")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where to export to")
    parser.add_argument("--decoder-steps", type=int, default=2000)
    parser.add_argument("--scenes", type=int, default=14_336, help="how many to encode")
    parser.add_argument("--reader-steps", type=int, default=4500)
    parser.add_argument("--steps", type=int, default=3600, help="of the denoiser")
    parser.add_argument("--threads", type=int, help="of torch on the CPU")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    stop_at(signal.SIGINT, signal.SIGTERM)
    stages: dict[str, Any] = {
        "assets": lambda: assets.fetch(options.work),
        "autoencoder": lambda: train_decoder(options.work, options.decoder_steps),
        "latents": lambda: make_latents(options.work, options.scenes),
        "reader": lambda: train_reader(options.work, options.reader_steps),
        "denoiser": lambda: train_denoiser(options.work, options.steps),
        "export": lambda: export(options.work, options.out),
    }
    for stage in options.stages:
        if stage not in stages:
            parser.error(f"there is no stage {stage}: {', '.join(STAGES)}")
    for stage in options.stages:
        stages[stage]()


if __name__ == "__main__":
    main()
