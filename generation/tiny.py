"""Tiny decoders (TAESD): small copies of a model's decoder, which show an unfinished picture nearly
as it would be, in a hundredth of the time.

Each was made for the latents of certain models. Which, nobody need say here: one that was pulled is
tried on what a model's own decoder makes of some latents, and used where it comes near to that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation import parts

if TYPE_CHECKING:
    import torch

log = logging.getLogger("generation")

CLASS = "AutoencoderTiny"  # diffusers' name of them
# Latent pixels of a side of what is decoded, at most; more are averaged before. A megapixel is half
# a TFLOP: nothing for a card, seconds for a processor that has the picture to paint, too.
MOST, MOST_ON_CPU = 128, 32


@dataclass(frozen=True)
class TinyDecoder:
    """A loaded one, for one pipeline.

    scale: by what the latents of the pipeline's decoder are multiplied, after the second was taken
    off, to be those that the scheduler holds, which this takes.
    """

    folder: Path
    decoder: Any
    scale: tuple[float, float]

    def show(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures of latents, (pictures, 3, h, w), about -1 to 1, on the processor.

        latents: as the pipeline's decoder takes them, (pictures, channels, h, w).
        """
        import torch
        from torch.nn import functional

        like = next(self.decoder.parameters())
        times, off = self.scale
        given = (latents.to(like.device, torch.float32) - off) * times
        most = MOST_ON_CPU if like.device.type == "cpu" else MOST
        rows, columns = given.shape[-2:]
        if max(rows, columns) > most:
            part = most / max(rows, columns)
            size = (max(1, round(rows * part)), max(1, round(columns * part)))
            given = functional.adaptive_avg_pool2d(given, size)
        shown: torch.Tensor = self.decoder.decode(given.to(like.dtype), return_dict=False)[0]
        return shown.float().cpu()


def nearest(
    folders: Iterable[Path],
    vae: Any,
    scale: tuple[float, float],
    latents: torch.Tensor,
    decoded: torch.Tensor,
    otherwise: torch.Tensor,
) -> TinyDecoder | None:
    """The one that comes nearest to a decoder.

    folders: of those that may fit. vae: the decoder's autoencoder. scale: as for `TinyDecoder`.
    latents, decoded: what the decoder takes, and what it makes of that. otherwise: what is shown
    without any, of any size. Returns None if none comes nearer than that.
    """
    import torch

    found, least = None, _distance(otherwise, decoded)
    for folder in folders:
        said = parts.document(folder / parts.CONFIG) or {}
        if said.get("latent_channels") != latents.shape[1]:
            continue
        try:
            with torch.inference_mode():
                one = TinyDecoder(folder, _load(folder, vae), scale)
                distance = _distance(one.show(latents), decoded)
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            log.warning("%s shows no previews: %s", folder, str(error).split("\n")[0])
            continue
        if distance < least:
            found, least = one, distance
    return found


def _load(folder: Path, vae: Any) -> Any:
    from diffusers import AutoencoderTiny

    like = next(vae.parameters())
    decoder = AutoencoderTiny.from_pretrained(
        folder, torch_dtype=like.dtype, local_files_only=True, use_safetensors=True
    )
    decoder.encoder = None  # nothing is encoded
    return decoder.to(like.device).eval()


def _distance(shown: torch.Tensor, wanted: torch.Tensor) -> float:
    from torch.nn import functional

    whole = functional.interpolate(shown.clamp(-1, 1), wanted.shape[-2:], mode="bilinear")
    return float((whole - wanted).square().mean())
