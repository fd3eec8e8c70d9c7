"""Which files a model is loaded from. What is refused is tested in `tests/cli/test_models.py`."""

from __future__ import annotations

import pytest

from generation.parts import Unusable, needed

INDEX = {
    "_class_name": "SomePipeline",
    "_diffusers_version": "0.42.1",
    "force_zeros": True,
    "text_encoder": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "T5Tokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "safety_checker": [None, None],
}
TEXT = [
    "text_encoder/config.json",
    "text_encoder/model-00001-of-00002.safetensors",
    "text_encoder/model-00002-of-00002.safetensors",
    "text_encoder/model.safetensors.index.json",
    "tokenizer/spiece.model",
    "tokenizer/tokenizer_config.json",
]
PLAIN = ["unet/config.json", "unet/diffusion_pytorch_model.safetensors"]
HALF = "unet/diffusion_pytorch_model.fp16.safetensors"


def test_each_part_is_taken_once() -> None:
    beside = [
        HALF,
        "README.md",
        "flux.safetensors",
        "safety_checker/model.safetensors",
        "text_encoder/model.fp16-00001-of-00002.safetensors",
        "text_encoder/model.safetensors.index.fp16.json",
        "text_encoder/pytorch_model.bin.index.json",
        "text_encoder/flax_model.msgpack",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
        "unet/model.onnx",
    ]
    wanted = ["model_index.json", *TEXT, *PLAIN]
    assert set(needed("it", INDEX, [*wanted, *beside])) == set(wanted)


def test_a_variant_is_taken_where_a_part_has_it() -> None:
    files = ["model_index.json", *TEXT, *PLAIN, HALF]
    assert set(needed("it", INDEX, files, "fp16")) == set(files) - {PLAIN[1]}


def test_a_part_that_has_only_another_variant_is_told() -> None:
    with pytest.raises(Unusable, match="it has the weights of its unet only as the variant fp16"):
        needed("it", INDEX, [*TEXT, "unet/config.json", HALF])
