"""Small pipelines with random weights, built on disk without a download.

They are whole diffusers folders of the real families, loaded and sampled by the real code, so
tests exercise what a large model would. Their pictures follow seed and prompt exactly and mean
nothing: nobody trained them.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

WEIGHTS_SEED = 9  # the same weights on every machine
_BUILT = "easel.json"  # written last: a folder that has it is whole


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
    }
    described = {"name": f"Random {family}", "steps": 4, "width": side, "height": side}
    return _write(makers[family], folder, described)


def _write(make: Callable[[], Any], folder: Path, described: dict[str, Any]) -> Path:
    if (folder / _BUILT).is_file():
        return folder
    import torch

    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(WEIGHTS_SEED)
            make().save_pretrained(building, safe_serialization=True)
        (building / _BUILT).write_text(json.dumps(described, indent=2) + "\n")
        building.chmod(0o755)  # mkdtemp's is for the owner alone
        try:
            os.rename(building, folder)
        except OSError:
            if not (folder / _BUILT).is_file():
                raise  # not another process that was faster
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


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
    tokenizer = _clip_tokenizer()
    return StableDiffusionPipeline(
        vae=_autoencoder(latent_channels=4),
        text_encoder=_clip_text(tokenizer),
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
    tokenizer, tokenizer_2 = _clip_tokenizer(), _clip_tokenizer()
    return StableDiffusionXLPipeline(
        vae=_autoencoder(latent_channels=4),
        text_encoder=_clip_text(tokenizer),
        text_encoder_2=_clip_text(tokenizer_2, projection=True),
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

    clip, t5 = _clip_tokenizer(), _t5_tokenizer()
    text = T5EncoderModel(
        T5Config(
            vocab_size=len(t5), d_model=32, d_ff=37, d_kv=8, num_heads=4, num_layers=2,
            dropout_rate=0.0,
        )
    )  # fmt: skip
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_autoencoder(latent_channels=4, shift=0.0),
        text_encoder=_clip_text(clip),
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

    tokenizer = _qwen_tokenizer()
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
        vae=_autoencoder(latent_channels=16, shift=0.0),
        text_encoder=_qwen(tokenizer, layers=2, head=False),
        tokenizer=tokenizer,
        transformer=transformer,
    )


def _flux2_klein() -> Any:
    import torch
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )

    tokenizer = _qwen_tokenizer()
    vae = AutoencoderKLFlux2(
        block_out_channels=(16, 32),
        latent_channels=4,
        norm_num_groups=8,
        layers_per_block=1,
        sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    )
    with torch.no_grad():
        _tame(vae.decoder)
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae,
        # The pipeline taps hidden states 9, 18 and 27, so the text encoder needs 28 layers.
        text_encoder=_qwen(tokenizer, layers=28, head=True),
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

    tokenizer = _qwen_tokenizer()
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


# -- their parts ------------------------------------------------------------------------------


def _autoencoder(*, latent_channels: int, shift: float | None = None) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[16, 32],
        norm_num_groups=8,
        in_channels=3,
        out_channels=3,
        latent_channels=latent_channels,
        sample_size=64,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        shift_factor=shift,
    )


def _tame(decoder: Any) -> None:
    """Makes a random decoder unfold its latents softly and in colour, rather than into grey grain.

    Every kernel mixes channels at random and otherwise blurs: fully where it smooths what was
    just enlarged, slightly elsewhere.
    """
    import torch

    bell = torch.tensor([1.0, 2.0, 1.0])
    blur = torch.outer(bell, bell) / 16
    point = torch.zeros(3, 3)
    point[1, 1] = 1.0
    for name, module in decoder.named_modules():
        if not isinstance(module, torch.nn.Conv2d) or module.kernel_size != (3, 3):
            continue
        mixture = torch.randn(module.out_channels, module.in_channels)
        mixture *= 1.6 / math.sqrt(module.in_channels)
        if name == "conv_out":  # light and dark shared by all three colours, or all is neon
            mixture = 0.32 * (mixture + math.sqrt(3) * mixture.mean(0, keepdim=True))
        kernel = blur if "upsamplers" in name else 0.3 * blur + 0.7 * point
        module.weight.copy_(mixture[:, :, None, None] * kernel)
        if module.bias is not None:
            module.bias.normal_(std=0.05 if name == "conv_out" else 0.3)


def _clip_text(tokenizer: Any, *, projection: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        projection_dim=32,
        bos_token_id=len(tokenizer) - 2,
        eos_token_id=len(tokenizer) - 1,
        pad_token_id=len(tokenizer) - 1,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def _qwen(tokenizer: Any, *, layers: int, head: bool) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=1024,
    )
    return (Qwen3ForCausalLM if head else Qwen3Model)(config)


def _byte_alphabet() -> Sequence[str]:
    """One printable character for each byte, as GPT-2 and CLIP spell them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(c) for c in printable] + [chr(256 + n) for n in range(len(others))]


def _clip_tokenizer() -> Any:
    """Every byte is a token, so every text has one. Built from `vocab` and `merges`: given files,
    transformers 5 silently builds a tokenizer of two tokens."""
    from transformers import CLIPTokenizer

    alphabet = _byte_alphabet()
    tokens = [
        *alphabet,
        *(c + "</w>" for c in alphabet),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    vocab = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)


def _qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    tokens = [*_byte_alphabet(), "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocab = {token: number for number, token in enumerate(tokens)}
    tokenizer = Qwen2Tokenizer(
        vocab=vocab,
        merges=[],
        model_max_length=512,
        extra_special_tokens=["<|im_start|>", "<|im_end|>"],
    )
    tokenizer.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n"
        "{{ message.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


def _t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    pieces = ["<pad>", "</s>", "<unk>", "▁", *(chr(c) for c in range(33, 127))]
    vocab = [(piece, -float(number)) for number, piece in enumerate(pieces)]
    return T5Tokenizer(vocab=vocab, extra_ids=0, model_max_length=512)
