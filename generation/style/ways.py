"""What learning needs of each kind of model: its latents, its words, and its error.

All of it is done with the pipeline's own parts and in its own way, one picture at a time, so that
pictures of any shape and words of any length can be learned from. Imports torch when first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generation.style.bases import UNETS

if TYPE_CHECKING:
    import torch

Words = Mapping[str, "torch.Tensor"]
"""What a text encoder made of a text, by the names of the pipeline's arguments."""

# The projections of attention, as diffusers calls them in one architecture or another.
LAYERS = (
    "to_q", "to_k", "to_v", "to_out.0", "to_qkv_mlp_proj",
    "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out",
)  # fmt: skip
ENCODERS = ("text_encoder", "text_encoder_2")


class Way:
    """How one kind of model learns.

    pipe: the loaded pipeline. device: where it is.
    """

    denoiser_name = "transformer"
    contrasts = True  # whether it paints away from other words, which then must be learned, too

    def __init__(self, pipe: Any, device: torch.device) -> None:
        self.pipe = pipe
        self.device = device

    @property
    def denoiser(self) -> Any:
        """The network that learns."""
        return getattr(self.pipe, self.denoiser_name)

    def words(self, text: str) -> Words:
        """What the text encoders make of a text."""
        raise NotImplementedError

    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        """The latents of a picture, as the denoiser knows them: (1, channels, height, width).

        pixels: (1, 3, height, width), -1 to 1.
        """
        vae = self.pipe.vae
        encoded = vae.encode(pixels)
        found = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
        shift: float = getattr(vae.config, "shift_factor", None) or 0.0
        scaled: torch.Tensor = (found - shift) * vae.config.scaling_factor
        return scaled

    def error(
        self, latents: torch.Tensor, noise: torch.Tensor, words: Words, chance: torch.Generator
    ) -> torch.Tensor:
        """How wrong the denoiser is about a picture, mixed with more or less of some noise.

        chance: draws how much. Returns one number.
        """
        raise NotImplementedError

    def arguments(self, words: Words, others: Words) -> dict[str, Any]:
        """What the pipeline is called with to paint words.

        others: what it paints away from.
        """
        asked: dict[str, Any] = dict(words)
        if self.contrasts:
            asked |= {f"negative_{name}": value for name, value in others.items()}
        return asked


def of(pipe: Any, pipeline: str, device: torch.device) -> Way:
    """The way of a pipeline that `bases.check` knows.

    pipeline: the name of its class.
    """
    from generation.style import flows, unets

    if pipeline in UNETS:
        return unets.of(pipe, device)
    return flows.WAYS[pipeline](pipe, device)
