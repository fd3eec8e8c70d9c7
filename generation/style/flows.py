"""How transformers that were taught by flow matching learn: FLUX.1, FLUX.2 klein, Z-Image and
Qwen-Image.

A latent is mixed with noise, (1 - s) × latent + s × noise, and the network learns noise - latent
(rectified flow, arXiv:2209.03003).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from generation.style.ways import Way, Words


def share_of_noise(shift: float, chance: torch.Generator) -> torch.Tensor:
    """How much of a mixture is noise, 0 to 1: (1,). Mostly about a half (the logit-normal of
    arXiv:2403.03206), and with a larger shift mostly more, as where the model paints."""
    drawn = torch.sigmoid(torch.randn(1, generator=chance))
    return shift * drawn / (1 + (shift - 1) * drawn)


def flow(
    latents: torch.Tensor, noise: torch.Tensor, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A mixture, and the velocity that is to be predicted there."""
    return torch.lerp(latents, noise, share), noise - latents


class Flow(Way):
    """A transformer that predicts the velocity of a flow."""

    def error(
        self, latents: torch.Tensor, noise: torch.Tensor, words: Words, chance: torch.Generator
    ) -> torch.Tensor:
        share = share_of_noise(self._shift(latents), chance).to(self.device)
        mixed, velocity = flow(latents, noise, share)
        guess = self._guess(mixed.to(words["prompt_embeds"].dtype), share, words)
        return functional.mse_loss(guess.float(), self._pack(velocity))

    def _guess(self, mixed: torch.Tensor, share: torch.Tensor, words: Words) -> torch.Tensor:
        """The velocity that the denoiser predicts, packed."""
        raise NotImplementedError

    def _pack(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents as the denoiser takes and gives them."""
        return latents

    def _shift(self, latents: torch.Tensor) -> float:
        """How far the scheduler moves its steps towards noise for latents of this size."""
        config = self.pipe.scheduler.config
        if not config.get("use_dynamic_shifting"):
            return float(config.get("shift") or 1.0)
        least, most = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
        low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
        tokens = self._pack(latents).shape[1]
        return math.exp(low + (high - low) * (tokens - least) / (most - least))


class Flux(Flow):
    """FLUX.1. Its latents are packed, 2 × 2 of them to a token."""

    contrasts = False

    def words(self, text: str) -> Words:
        embeddings, pooled, _ = self.pipe.encode_prompt(text, device=self.device)
        return {"prompt_embeds": embeddings, "pooled_prompt_embeds": pooled}

    def _guess(self, mixed: torch.Tensor, share: torch.Tensor, words: Words) -> torch.Tensor:
        embeddings = words["prompt_embeds"]
        height, width = mixed.shape[-2:]
        guidance = None
        if self.denoiser.config.guidance_embeds:
            guidance = torch.ones(1, device=self.device)  # none, of what it was distilled for
        guess: torch.Tensor = self.denoiser(
            hidden_states=self._pack(mixed),
            timestep=share,
            guidance=guidance,
            pooled_projections=words["pooled_prompt_embeds"],
            encoder_hidden_states=embeddings,
            txt_ids=torch.zeros(embeddings.shape[1], 3, device=self.device, dtype=mixed.dtype),
            img_ids=self.pipe._prepare_latent_image_ids(
                1, height // 2, width // 2, self.device, mixed.dtype
            ),
            return_dict=False,
        )[0]
        return guess

    def _pack(self, latents: torch.Tensor) -> torch.Tensor:
        packed: torch.Tensor = self.pipe._pack_latents(latents, *latents.shape)
        return packed


class Klein(Flow):
    """FLUX.2 klein. Its latents come as patches of 2 × 2, normalised by the autoencoder."""

    def words(self, text: str) -> Words:
        embeddings, _ = self.pipe.encode_prompt(text, device=self.device)
        return {"prompt_embeds": embeddings}

    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.pipe._encode_vae_image(pixels, None)
        return found

    def _guess(self, mixed: torch.Tensor, share: torch.Tensor, words: Words) -> torch.Tensor:
        embeddings = words["prompt_embeds"]
        guess: torch.Tensor = self.denoiser(
            hidden_states=self._pack(mixed),
            timestep=share,
            guidance=None,
            encoder_hidden_states=embeddings,
            txt_ids=self.pipe._prepare_text_ids(embeddings).to(self.device),
            img_ids=self.pipe._prepare_latent_ids(mixed).to(self.device),
            return_dict=False,
        )[0]
        return guess

    def _pack(self, latents: torch.Tensor) -> torch.Tensor:
        packed: torch.Tensor = self.pipe._pack_latents(latents)
        return packed


class ZImage(Flow):
    """Z-Image. It takes pictures and words as lists, counts time backwards, and predicts the way
    to the picture."""

    def words(self, text: str) -> Words:
        found, _ = self.pipe.encode_prompt(
            [text], device=self.device, do_classifier_free_guidance=False
        )
        return {"prompt_embeds": found[0]}

    def arguments(self, words: Words, others: Words) -> dict[str, Any]:
        return {name: [value] for name, value in super().arguments(words, others).items()}

    def _guess(self, mixed: torch.Tensor, share: torch.Tensor, words: Words) -> torch.Tensor:
        [towards] = self.denoiser(
            [mixed[0].unsqueeze(1)], 1 - share, [words["prompt_embeds"]], return_dict=False
        )[0]
        guess: torch.Tensor = -towards.squeeze(1).unsqueeze(0)
        return guess

    def _shift(self, latents: torch.Tensor) -> float:
        return float(self.pipe.scheduler.config.get("shift") or 1.0)


class Qwen(Flow):
    """Qwen-Image. Its autoencoder is one of films; its latents are packed like FLUX.1's."""

    def words(self, text: str) -> Words:
        embeddings, mask = self.pipe.encode_prompt(text, device=self.device)
        if mask is None:  # of one text nothing is padding
            mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=self.device)
        return {"prompt_embeds": embeddings, "prompt_embeds_mask": mask}

    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        vae = self.pipe.vae
        found = vae.encode(pixels.unsqueeze(2)).latent_dist.mode()[:, :, 0]
        mean, deviation = (
            torch.tensor(values).view(1, -1, 1, 1).to(found)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        normal: torch.Tensor = (found - mean) / deviation
        return normal

    def _guess(self, mixed: torch.Tensor, share: torch.Tensor, words: Words) -> torch.Tensor:
        height, width = mixed.shape[-2:]
        guess: torch.Tensor = self.denoiser(
            hidden_states=self._pack(mixed),
            timestep=share,
            guidance=None,
            encoder_hidden_states_mask=None,
            encoder_hidden_states=words["prompt_embeds"],
            img_shapes=[[(1, height // 2, width // 2)]],
            return_dict=False,
        )[0]
        return guess

    def _pack(self, latents: torch.Tensor) -> torch.Tensor:
        packed: torch.Tensor = self.pipe._pack_latents(latents, *latents.shape)
        return packed


WAYS: dict[str, type[Flow]] = {
    "FluxPipeline": Flux,
    "Flux2KleinPipeline": Klein,
    "ZImagePipeline": ZImage,
    "QwenImagePipeline": Qwen,
}
