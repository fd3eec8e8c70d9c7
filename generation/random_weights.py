"""Small pipelines with random weights, built on disk without a download.

They are whole diffusers folders of the real families, loaded and sampled by the real code, so
tests exercise what a large model would. Their pictures follow seed and prompt exactly and mean
nothing: nobody trained them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generation import random_parts


def build(family: str, folder: Path, *, side: int = 64) -> Path:
    """A pipeline of `family` with random weights in `folder`, if it is not there already.

    family: a key of `FAMILIES`. side: the default picture's side in pixels, a multiple of 16.
    The folder appears whole or not at all; two processes may build it at once.
    Returns the folder. Takes a second or two.
    """
    makers = {
        "stable-diffusion": _stable_diffusion,
        "stable-diffusion-xl": _stable_diffusion_xl,
        "flux": _flux,
        "z-image": _z_image,
        "flux2-klein": _flux2_klein,
        "qwen-image": _qwen_image,
        "ernie-image": _ernie_image,
    }
    described = {"name": f"Random {family}", "steps": 4, "width": side, "height": side}
    return random_parts.write(makers[family], folder, described)


# -- the families, each as small as its code allows -------------------------------------------


def _stable_diffusion() -> Any:
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
    )
    tokenizer = random_parts.clip_tokenizer()
    return StableDiffusionPipeline(
        vae=random_parts.autoencoder(latent_channels=4),
        text_encoder=random_parts.clip_text(tokenizer),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            # An untrained network's noise, taken away as noise, would blow the latents up; its
            # velocity, as Stable Diffusion 2.1 predicts it, keeps them at the size of noise.
            prediction_type="v_prediction",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _stable_diffusion_xl() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 1),
        # Six numbers of size and crop, 8 each, and the pooled text of 32.
        projection_class_embeddings_input_dim=6 * 8 + 32,
        cross_attention_dim=64,
    )
    tokenizer, tokenizer_2 = random_parts.clip_tokenizer(), random_parts.clip_tokenizer()
    return StableDiffusionXLPipeline(
        vae=random_parts.autoencoder(latent_channels=4),
        text_encoder=random_parts.clip_text(tokenizer),
        text_encoder_2=random_parts.clip_text(tokenizer_2, projection=True),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        unet=unet,
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            timestep_spacing="leading",
        ),
        add_watermarker=False,
    )


def _flux() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    clip, t5 = random_parts.clip_tokenizer(), random_parts.t5_tokenizer()
    text = T5EncoderModel(
        T5Config(
            vocab_size=len(t5), d_model=32, d_ff=37, d_kv=8, num_heads=4, num_layers=2,
            dropout_rate=0.0,
        )
    )  # fmt: skip
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=random_parts.autoencoder(latent_channels=4, shift=0.0),
        text_encoder=random_parts.clip_text(clip),
        tokenizer=clip,
        text_encoder_2=text,
        tokenizer_2=t5,
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def _z_image() -> Any:
    import torch
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        ZImagePipeline,
        ZImageTransformer2DModel,
    )

    tokenizer = random_parts.qwen_tokenizer()
    transformer = ZImageTransformer2DModel(
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=32,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 128, 128],
    )
    with torch.no_grad():  # these two are torch.empty in diffusers 0.42: whatever lay in memory
        transformer.x_pad_token.normal_(std=0.02)
        transformer.cap_pad_token.normal_(std=0.02)
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=random_parts.autoencoder(latent_channels=16, shift=0.0),
        text_encoder=random_parts.qwen(tokenizer, layers=2, head=False),
        tokenizer=tokenizer,
        transformer=transformer,
    )


def _flux2_klein() -> Any:
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )

    tokenizer = random_parts.qwen_tokenizer()
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=random_parts.autoencoder_of_flux2(),
        # The pipeline taps hidden states 9, 18 and 27, so the text encoder needs 28 layers.
        text_encoder=random_parts.qwen(tokenizer, layers=28, head=True),
        tokenizer=tokenizer,
        transformer=Flux2Transformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=3 * 32,
            timestep_guidance_channels=32,
            axes_dims_rope=(4, 4, 4, 4),
        ),
        is_distilled=True,
    )


def _qwen_image() -> Any:
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = random_parts.qwen_tokenizer()
    end = len(tokenizer) - 1
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
        "bos_token_id": end,
        "eos_token_id": end,
    }
    eyes = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2}
    special = ("vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id")
    return QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLQwenImage(
            base_dim=24,
            z_dim=4,
            dim_mult=[1, 2],
            num_res_blocks=1,
            temperal_downsample=[False],  # so spelled in diffusers
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config=text,
                vision_config=eyes | {"out_hidden_size": 16},
                **dict.fromkeys(special, end),
            )
        ),
        tokenizer=tokenizer,
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    )


def _ernie_image() -> Any:
    import torch
    from diffusers import (
        ErnieImagePipeline,
        ErnieImageTransformer2DModel,
        FlowMatchEulerDiscreteScheduler,
    )
    from transformers import (
        Ministral3Config,
        Ministral3ForCausalLM,
        Mistral3Config,
        Mistral3Model,
        PixtralVisionConfig,
    )

    tokenizer = random_parts.qwen_tokenizer()
    words = Ministral3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=1024,
    )
    eyes = PixtralVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
    )
    transformer = ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=37,
        in_channels=16,
        out_channels=16,
        text_in_dim=32,
        rope_axes_dim=(4, 6, 6),
    )
    with torch.no_grad():  # diffusers begins these with zeros, as for training
        for layer in (transformer.adaLN_modulation[-1], transformer.final_linear):
            layer.weight.normal_(std=0.2)
    rewriter = random_parts.qwen_tokenizer()
    rewriter.model_max_length = 8  # so many tokens it writes
    return ErnieImagePipeline(
        transformer=transformer,
        vae=random_parts.autoencoder_of_flux2(),
        text_encoder=Mistral3Model(Mistral3Config(text_config=words, vision_config=eyes)),
        tokenizer=tokenizer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
        # What would rewrite every prompt with words of its own, if it was asked.
        pe=Ministral3ForCausalLM(words),
        pe_tokenizer=rewriter,
    )
