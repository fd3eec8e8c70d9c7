"""The real configurations of some models, with random weights: as fast as trained ones, and there
without a download. Their pictures are noise.

From the models' own config.json files as diffusers' defaults and documents give them; a test holds
the networks to the published numbers of weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generation import random_parts

SDXL_UNET: dict[str, Any] = {
    "sample_size": 128,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
KLEIN_4B: dict[str, Any] = {
    "in_channels": 128,
    "num_layers": 5,
    "num_single_layers": 20,
    "attention_head_dim": 128,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "guidance_embeds": False,
}
Z_IMAGE: dict[str, Any] = {}  # diffusers' defaults are its own
QWEN3_4B: dict[str, Any] = {
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "tie_word_embeddings": True,
}
CLIP_L: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 768,
}
CLIP_G: dict[str, Any] = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
    "hidden_act": "gelu",
}
AUTOENCODER: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "sample_size": 1024,
}


def unet() -> Any:
    """SDXL's network: 2.57 billion weights."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(**SDXL_UNET)


def klein() -> Any:
    """FLUX.2 klein's network: 3.88 billion weights."""
    from diffusers import Flux2Transformer2DModel

    return Flux2Transformer2DModel(**KLEIN_4B)


def z_image() -> Any:
    """Z-Image's network: 6.15 billion weights."""
    from diffusers import ZImageTransformer2DModel

    return ZImageTransformer2DModel(**Z_IMAGE)


def _clip(config: dict[str, Any], *, projection: bool) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokens = {"vocab_size": 49_408, "max_position_embeddings": 77, "eos_token_id": 2}
    settings = CLIPTextConfig(**config, **tokens)
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(settings)


def _qwen(*, head: bool) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

    return (Qwen3ForCausalLM if head else Qwen3Model)(Qwen3Config(**QWEN3_4B))


def _scheduler(kind: Any, **settings: Any) -> Any:
    """On the processor, wherever the networks are made: schedulers count with numpy."""
    import torch

    with torch.device("cpu"):
        return kind(**settings)


def sdxl_pipeline() -> Any:
    """Stable Diffusion XL with the steps of Lightning."""
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline

    return StableDiffusionXLPipeline(
        vae=AutoencoderKL(
            **AUTOENCODER, latent_channels=4, scaling_factor=0.13025, force_upcast=False
        ),
        text_encoder=_clip(CLIP_L, projection=False),
        text_encoder_2=_clip(CLIP_G, projection=True),
        tokenizer=random_parts.clip_tokenizer(),
        tokenizer_2=random_parts.clip_tokenizer(),
        unet=unet(),
        scheduler=_scheduler(
            EulerDiscreteScheduler,
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            timestep_spacing="trailing",
        ),
        add_watermarker=False,
    )


def klein_pipeline() -> Any:
    """FLUX.2 klein 4B."""
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
    )

    return Flux2KleinPipeline(
        scheduler=_scheduler(FlowMatchEulerDiscreteScheduler),
        vae=AutoencoderKLFlux2(),
        text_encoder=_qwen(head=True),
        tokenizer=random_parts.qwen_tokenizer(),
        transformer=klein(),
        is_distilled=True,
    )


def z_image_pipeline() -> Any:
    """Z-Image Turbo."""
    import torch
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline

    transformer = z_image()
    with torch.no_grad():  # `torch.empty` in diffusers 0.42: whatever lay in memory
        transformer.x_pad_token.normal_(std=0.02)
        transformer.cap_pad_token.normal_(std=0.02)
    return ZImagePipeline(
        scheduler=_scheduler(FlowMatchEulerDiscreteScheduler, shift=3.0),
        vae=AutoencoderKL(
            **AUTOENCODER,
            latent_channels=16,
            scaling_factor=0.3611,
            shift_factor=0.1159,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        text_encoder=_qwen(head=False),
        tokenizer=random_parts.qwen_tokenizer(),
        transformer=transformer,
    )


def save(make: Callable[[], Any], folder: Path, device: str) -> Path:
    """Makes a pipeline in bf16 on a device, where that takes seconds, and writes it down."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            pipe = make()
    finally:
        torch.set_default_dtype(before)
    pipe.save_pretrained(folder, safe_serialization=True)
    (folder / "easel.json").write_text(json.dumps({"name": folder.name}))
    return folder
