"""Cheap pictures of unfinished latents.

A preview is a matrix: each latent pixel's channels to one colour. The matrix is fitted, once per
loaded pipeline, by least squares on what the pipeline's own decoder makes of some latents, so
every model that decodes has previews, without a table of its own.

Where tiny decoders were pulled (`generation.tiny`), the one that comes nearest to the pipeline's
own decoder on the same latents shows more than colours; if none comes nearer than the matrix, none
is used.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from generation import tiny
from generation.tiny import TinyDecoder

if TYPE_CHECKING:
    import torch

log = logging.getLogger("generation")

PREVIEW_SIDE = 256  # pixels of the longest side: enough for a card, 5 to 10 kB
JPEG_QUALITY = 75
# What the matrix is fitted on: encoded pictures, which a trained model's latents resemble, and
# noise at the latents' own scale, which keeps the fit sane where the encoder was not trained.
FIT_PICTURES = 12
FIT_NOISE = 4
FIT_LATENTS = 12  # latent pixels of a side, or fewer where that is more than
FIT_SIDE = 128  # pixels of a side
RIDGE = 1e-3  # of the mean variance: channels that say nothing of colour get no weight


class Previews:
    """Latents to small JPEGs, for one pipeline."""

    def __init__(
        self, pipe: Any, matrix: torch.Tensor | None, decoder: TinyDecoder | None = None
    ) -> None:
        self._pipe = pipe
        self._matrix = matrix  # (channels + 1, 3), the last row is the constant
        self._decoder = decoder

    @classmethod
    def fit(cls, pipe: Any, decoders: Iterable[Path] = ()) -> Previews:
        """Fits the matrix on the pipeline's decoder, in about the time of one decoding, and chooses
        among tiny decoders.

        decoders: the folders of those that are here. A pipeline whose decoder we cannot drive gets
        no previews, which is logged.
        """
        import torch

        try:
            with torch.inference_mode():
                latents, decoded = examples(pipe)
                matrix = _least_squares(latents, decoded)
                shown = _coloured(latents, matrix)
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            log.warning("no previews for %s: %s", type(pipe).__name__, error)
            return cls(pipe, None)
        if (scale := _scale(pipe)) is None:
            return cls(pipe, matrix)
        return cls(pipe, matrix, tiny.nearest(decoders, pipe.vae, scale, latents, decoded, shown))

    @property
    def decoder(self) -> str:
        """The folder of the tiny decoder that shows the pictures; empty for the matrix."""
        return "" if self._decoder is None else str(self._decoder.folder)

    def jpeg(self, latents: torch.Tensor, index: int, width: int, height: int) -> bytes | None:
        """The n-th picture of a batch as a JPEG of at most PREVIEW_SIDE pixels.

        latents: as the pipeline's scheduler holds them, (batch, channels, h, w) or packed
        (batch, tokens, channels). width, height: of the finished picture in pixels.
        Returns None where this pipeline has no previews.
        """
        if self._matrix is None:
            return None
        import torch

        with torch.inference_mode():
            flat = _decodable(self._pipe, latents[index : index + 1].float(), width, height)
            colours = self._decoded(flat)
            if colours is None:
                colours = _coloured(flat.cpu(), self._matrix)
            shown = colours[0].movedim(0, -1)
            data = (shown.clamp(-1, 1) * 127.5 + 127.5).round().to(torch.uint8).contiguous()
        rows, columns, _ = data.shape
        image = Image.frombytes("RGB", (columns, rows), data.numpy().tobytes())
        scale = PREVIEW_SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        out = io.BytesIO()
        image.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=JPEG_QUALITY)
        return out.getvalue()

    def _decoded(self, latents: torch.Tensor) -> torch.Tensor | None:
        """What the tiny decoder makes of latents, on the processor; None without one. One that
        fails, such as by lack of memory, is not asked again: the picture goes on."""
        if self._decoder is None:
            return None
        try:
            return self._decoder.show(latents)
        except (RuntimeError, MemoryError) as error:
            log.warning("no previews by %s: %s", self.decoder, str(error).split("\n")[0])
            self._decoder = None
            return None


def _decodable(pipe: Any, latents: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Latents as the scheduler holds them -> as the decoder takes them, (batch, channels, h, w):
    what each diffusers pipeline does between its last step and `vae.decode`."""
    import torch

    vae = pipe.vae
    if hasattr(vae, "bn"):  # FLUX.2: patches of 2 × 2, normalised channel by channel
        if latents.ndim == 3:
            rows = height // (pipe.vae_scale_factor * 2)
            latents = latents.reshape(len(latents), rows, -1, latents.shape[-1]).permute(0, 3, 1, 2)
        mean = vae.bn.running_mean.view(1, -1, 1, 1).to(latents)
        deviation = torch.sqrt(vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps)
        unpatched: torch.Tensor = pipe._unpatchify_latents(latents * deviation.to(latents) + mean)
        return unpatched
    if latents.ndim == 3:  # FLUX.1 and its relatives
        latents = pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)
    if _of_films(vae):
        latents = latents.squeeze(2) if latents.ndim == 5 else latents
        mean, deviation = (
            torch.tensor(vae.config[name]).view(1, -1, 1, 1).to(latents)
            for name in ("latents_mean", "latents_std")
        )
        decodable: torch.Tensor = latents * deviation + mean
        return decodable
    latents = latents / vae.config.scaling_factor
    shift: float | None = vae.config.get("shift_factor")
    return latents if shift is None else latents + shift


def _of_films(vae: Any) -> bool:
    """Whether a decoder takes frames, as Qwen-Image's does: a picture is a film of one."""
    return "latents_mean" in vae.config and "scaling_factor" not in vae.config


def _scale(pipe: Any) -> tuple[float, float] | None:
    """By what a decoder's latents are multiplied, after what was taken off, to be those of the
    scheduler again; None where no tiny decoder is known to take those."""
    vae = pipe.vae
    if hasattr(vae, "bn") or _of_films(vae):
        return None
    return float(vae.config.scaling_factor), float(vae.config.get("shift_factor") or 0.0)


def examples(pipe: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents and what the decoder makes of them, (pictures, channels, h, w) and (pictures, 3, …),
    on the processor."""
    import torch
    from torch.nn import functional

    vae, factor = pipe.vae, pipe.vae_scale_factor
    like = next(vae.parameters())
    random = torch.Generator().manual_seed(0)
    cells = max(4, min(FIT_LATENTS, FIT_SIDE // factor))
    side = cells * factor
    pictures = _pictures(FIT_PICTURES, side, random).to(like)
    films = _of_films(vae)
    encoded = vae.encode(pictures.unsqueeze(2) if films else pictures)
    latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
    latents = (latents.squeeze(2) if films else latents).float()
    cells = latents.shape[-1]  # a pipeline's factor may count patches of them
    scale = 1.0 if films or hasattr(vae, "bn") else 1 / vae.config.scaling_factor
    coarse = torch.randn(FIT_NOISE, latents.shape[1], 4, 4, generator=random) * scale
    noise = functional.interpolate(coarse, (cells, cells), mode="bilinear").to(latents)
    latents = torch.cat([latents, noise])
    wanted = latents.to(like.dtype)
    decoded = vae.decode(wanted.unsqueeze(2) if films else wanted, return_dict=False)[0].float()
    decoded = decoded.squeeze(2) if films else decoded
    return latents.cpu(), decoded.clamp(-1, 1).cpu()


def _pictures(count: int, side: int, random: torch.Generator) -> torch.Tensor:
    """Pictures of soft colour fields with a few hard edges, (count, 3, side, side), -1 to 1."""
    import torch
    from torch.nn import functional

    fields = torch.zeros(count, 3, side, side)
    for cells, strength in ((2, 1.0), (5, 0.6), (12, 0.3)):
        coarse = torch.randn(count, 3, cells, cells, generator=random) * strength
        fields += functional.interpolate(coarse, (side, side), mode="bicubic")
    for picture in fields:
        top, left = torch.randint(0, side // 2, (2,), generator=random).tolist()
        colour = torch.rand(3, 1, 1, generator=random) * 2 - 1
        picture[:, top : top + side // 3, left : left + side // 3] = colour
    return fields.clamp(-1, 1)


def _least_squares(latents: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
    """The matrix that comes nearest to what the decoder makes of `examples`."""
    import torch
    from torch.nn import functional

    colours = functional.adaptive_avg_pool2d(decoded, (latents.shape[2], latents.shape[3]))
    colours = colours.movedim(1, -1).flatten(0, 2)
    cells = latents.movedim(1, -1).flatten(0, 2)
    inputs = torch.cat([cells, torch.ones(len(cells), 1)], dim=1).double()
    normal = inputs.T @ inputs
    ridge = RIDGE * len(cells) * cells.double().var(0).mean()
    normal += ridge * torch.eye(len(normal), dtype=torch.float64)
    matrix: torch.Tensor = torch.linalg.solve(normal, inputs.T @ colours.double()).float()
    return matrix


def _coloured(latents: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Latents as the matrix shows them, (pictures, 3, h, w)."""
    colours: torch.Tensor = latents.movedim(1, -1) @ matrix[:-1] + matrix[-1]
    return colours.movedim(-1, 1)
