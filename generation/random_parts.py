"""The parts of small models with random weights, and how a whole one comes onto the disk."""

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


def write(make: Callable[[], Any], folder: Path, described: dict[str, Any]) -> Path:
    """A pipeline or a model with random weights in `folder`, if it is not there already.

    The folder appears whole or not at all.
    """
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


def autoencoder(*, latent_channels: int, shift: float | None = None) -> Any:
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


def autoencoder_of_flux2() -> Any:
    """Its latents come as patches of 2 x 2, normalised channel by channel."""
    import torch
    from diffusers import AutoencoderKLFlux2

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
    return vae


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


def clip_text(tokenizer: Any, *, projection: bool = False) -> Any:
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


def qwen(tokenizer: Any, *, layers: int, head: bool) -> Any:
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


def byte_alphabet() -> Sequence[str]:
    """One printable character for each byte, as GPT-2 and CLIP spell them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(c) for c in printable] + [chr(256 + n) for n in range(len(others))]


def clip_tokenizer() -> Any:
    """Every byte is a token, so every text has one. Built from `vocab` and `merges`: given files,
    transformers 5 silently builds a tokenizer of two tokens."""
    from transformers import CLIPTokenizer

    alphabet = byte_alphabet()
    tokens = [
        *alphabet,
        *(c + "</w>" for c in alphabet),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    vocab = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)


def qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    tokens = [*byte_alphabet(), "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
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


def t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    pieces = ["<pad>", "</s>", "<unk>", "▁", *(chr(c) for c in range(33, 127))]
    vocab = [(piece, -float(number)) for number, piece in enumerate(pieces)]
    return T5Tokenizer(vocab=vocab, extra_ids=0, model_max_length=512)
