"""Which files a model is loaded from. What is refused is tested in `tests/cli/test_models.py`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from generation import catalogue
from generation.parts import Unusable, needed, of_folder
from generation.pipeline import Pipeline
from generation.recipe import Recipe

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

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


def test_what_would_rewrite_prompts_is_neither_fetched_nor_loaded(
    folder_of: Callable[[str], Path], pipeline_of: Callable[[str], Pipeline], tmp_path: Path
) -> None:
    whole = folder_of("ernie-image")
    assert (whole / "pe" / "model.safetensors").is_file()
    wanted = of_folder("it", whole)
    assert {name.split("/")[0] for name in wanted} == {
        "model_index.json", "scheduler", "text_encoder", "tokenizer", "transformer", "vae",
    }  # fmt: skip
    for name in wanted:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(whole / name, tmp_path / name)
    asked = Recipe(prompt="a boat", seed=1, steps=1, width=64, height=64)
    without = Pipeline.load(catalogue.find(str(tmp_path)), device="cpu")
    [painted] = without.paint([asked])
    entire = pipeline_of("ernie-image")
    assert painted.png == entire.paint([asked])[0].png
    assert entire.weights == without.weights
