"""How the UNets of Stable Diffusion 1 and 2, of XL, and of Easel's own starter learn.

They predict the noise of a diffusion, its velocity (Salimans and Ho 2022, arXiv:2202.00512), or the
velocity of a flow, as their scheduler says.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from generation.style.flows import flow, share_of_noise
from generation.style.ways import Way, Words

# Steps with little noise have large errors and little to teach: Min-SNR (arXiv:2303.09556).
MOST_SNR = 5.0


class Unet(Way):
    """Stable Diffusion 1 and 2, and the starter."""

    denoiser_name = "unet"

    def __init__(self, pipe: Any, device: torch.device) -> None:
        from diffusers import DDPMScheduler

        super().__init__(pipe, device)
        self._predicts: str = pipe.scheduler.config.get("prediction_type", "epsilon")
        self._noising: Any = None
        if self._predicts != "flow_prediction":
            known = {
                name: value
                for name, value in pipe.scheduler.config.items()
                if name in ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule",
                            "trained_betas", "prediction_type", "rescale_betas_zero_snr")
            }  # fmt: skip
            self._noising = DDPMScheduler(**known)

    def words(self, text: str) -> Words:
        embeddings, _ = self.pipe.encode_prompt(text, self.device, 1, False)
        return {"prompt_embeds": embeddings}

    def error(
        self, latents: torch.Tensor, noise: torch.Tensor, words: Words, chance: torch.Generator
    ) -> torch.Tensor:
        if self._noising is None:
            shift: float = self.pipe.scheduler.config.get("flow_shift") or 1.0
            share = share_of_noise(shift, chance).to(self.device)
            mixed, velocity = flow(latents, noise, share)
            guess = self._guess(mixed, share * self._steps, words)
            return functional.mse_loss(guess.float(), velocity)
        time = torch.randint(self._steps, (1,), generator=chance)
        mixed = self._noising.add_noise(latents, noise, time.to(self.device))
        guess = self._guess(mixed, time.to(self.device), words)
        signal = self._noising.alphas_cumprod[time]
        snr = (signal / (1 - signal)).to(self.device)
        capped = snr.clamp(max=MOST_SNR)
        if self._predicts == "v_prediction":
            goal = self._noising.get_velocity(latents, noise, time.to(self.device))
            weight = capped / (snr + 1)
        else:
            goal = noise
            weight = capped / snr.clamp(min=1e-8)
        error: torch.Tensor = functional.mse_loss(guess.float(), goal) * weight.squeeze()
        return error

    @property
    def _steps(self) -> int:
        steps: int = self.pipe.scheduler.config.num_train_timesteps
        return steps

    def _guess(self, mixed: torch.Tensor, time: torch.Tensor, words: Words) -> torch.Tensor:
        embeddings = words["prompt_embeds"]
        also = self._also(mixed, words)
        guess: torch.Tensor = self.denoiser(
            mixed.to(embeddings.dtype), time, embeddings, added_cond_kwargs=also
        ).sample
        return guess

    def _also(self, mixed: torch.Tensor, words: Words) -> dict[str, torch.Tensor] | None:
        return None


class UnetXL(Unet):
    """Stable Diffusion XL."""

    def words(self, text: str) -> Words:
        embeddings, _, pooled, _ = self.pipe.encode_prompt(
            text, device=self.device, do_classifier_free_guidance=False
        )
        return {"prompt_embeds": embeddings, "pooled_prompt_embeds": pooled}

    def _also(self, mixed: torch.Tensor, words: Words) -> dict[str, torch.Tensor]:
        # The picture's size before and after it was cut, as the pipeline says it when it paints:
        # what is learned is not to depend on how large an author's files are.
        height, width = (side * self.pipe.vae_scale_factor for side in mixed.shape[-2:])
        pooled = words["pooled_prompt_embeds"]
        sizes = torch.tensor([[height, width, 0, 0, height, width]])
        return {"text_embeds": pooled, "time_ids": sizes.to(self.device, pooled.dtype)}


def of(pipe: Any, device: torch.device) -> Way:
    """The way of a pipeline with a UNet."""
    return (UnetXL if getattr(pipe, "text_encoder_2", None) is not None else Unet)(pipe, device)
