"""What a LoRA fits is known from the names and shapes of its weights, without loading anything."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from generation import catalogue, lora_files, lora_shapes
from generation.aides import Aides
from generation.hands import Card

pytest.importorskip("diffusers", reason="easel[paint] is not installed")

RANK = 4
SD3 = "stable-diffusion-3"
CARDS = {
    "stable-diffusion-xl": "sdxl",
    "flux2-klein": "flux2-klein-4b",
    "flux": "flux1-schnell",
    "z-image": "z-image-turbo",
    "qwen-image": "qwen-image-2512",
    "ernie-image": "ernie-image-turbo",
}


@cache
def layers(family: str) -> Mapping[str, tuple[int, int]]:
    """Inputs and outputs of the layers of attention in a network of the real size."""
    import diffusers
    import torch

    from bench import real_models

    makers: dict[str, Callable[[], torch.nn.Module]] = {
        "stable-diffusion": lambda: diffusers.UNet2DConditionModel(cross_attention_dim=768),
        "stable-diffusion-xl": real_models.unet,
        "flux2-klein": real_models.klein,
        "z-image": real_models.z_image,
        "flux": diffusers.FluxTransformer2DModel,
        "flux2": diffusers.Flux2Transformer2DModel,
        "qwen-image": diffusers.QwenImageTransformer2DModel,
        "ernie-image": diffusers.ErnieImageTransformer2DModel,
        SD3: diffusers.SD3Transformer2DModel,
    }
    with torch.device("meta"):
        network = makers[family]()
    return {
        name: (layer.in_features, layer.out_features)
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Linear) and "att" in name
    }


def written(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """A safetensors file with nothing but its header."""
    said = {
        name: {"dtype": "BF16", "shape": list(shape), "data_offsets": [0, 0]}
        for name, shape in shapes.items()
    }
    content = json.dumps(said).encode()
    path.write_bytes(struct.pack("<Q", len(content)) + content)
    return path


def lora(path: Path, sizes: Mapping[str, tuple[int, int]], *, kohya: bool = False) -> Path:
    """A LoRA for such layers, in PEFT's words or in kohya's."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (inputs, outputs) in sizes.items():
        layer = f"lora_unet_{name.replace('.', '_')}" if kohya else f"transformer.{name}"
        down, up = ("lora_down", "lora_up") if kohya else ("lora_A", "lora_B")
        shapes[f"{layer}.{down}.weight"] = (RANK, inputs)
        shapes[f"{layer}.{up}.weight"] = (outputs, RANK)
        if kohya:
            shapes[f"{layer}.alpha"] = ()
    return written(path, shapes)


@pytest.mark.parametrize("kohya", [False, True], ids=["peft", "kohya"])
@pytest.mark.parametrize("family", [*CARDS, "stable-diffusion", "flux2", SD3])
def test_a_lora_fits_only_models_of_its_architecture(
    family: str, kohya: bool, tmp_path: Path
) -> None:
    file = lora(tmp_path / "ink.safetensors", layers(family), kohya=kohya)
    possible = {f for f, key in CARDS.items() if lora_shapes.fits(file, catalogue.find(key))}
    # Layers of both streams alone are called alike in Stable Diffusion 3 and in its successors.
    others = {"flux", "flux2-klein", "qwen-image"} if family in (SD3, "qwen-image") else set()
    assert possible - others == {family} & CARDS.keys() - others


@pytest.mark.parametrize(
    ("layer", "size", "families"),
    [
        ("input_blocks_4_1_transformer_blocks_0_attn2_to_k", (2048, 640), {"stable-diffusion-xl"}),
        ("input_blocks_4_1_transformer_blocks_0_attn2_to_k", (768, 640), {"stable-diffusion"}),
        ("double_blocks_0_img_attn_qkv", (3072, 9216), {"flux", "flux2-klein"}),
        ("single_blocks_0_linear1", (3072, 21504), {"flux"}),
        ("single_blocks_0_linear1", (3072, 27648), {"flux2-klein"}),
        ("single_blocks_0_linear1", (6144, 55296), set()),
        ("layers_0_attention_qkv", (3840, 11520), {"z-image"}),
        ("something_else", (8, 8), {*CARDS}),
    ],
)
def test_the_words_of_where_a_model_is_from_are_known(
    layer: str, size: tuple[int, int], families: set[str], tmp_path: Path
) -> None:
    file = lora(tmp_path / "ink.safetensors", {layer: size}, kohya=True)
    possible = {f for f, key in CARDS.items() if lora_shapes.fits(file, catalogue.find(key))}
    assert possible == families - {"stable-diffusion"}


def test_one_for_another_size_of_the_same_family_does_not_fit(tmp_path: Path) -> None:
    """FLUX.2 klein has two sizes: what lies here tells which one it is."""
    folder = tmp_path / "klein"
    (folder / "transformer").mkdir(parents=True)
    (folder / "model_index.json").write_text('{"_class_name": "Flux2KleinPipeline"}')
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    sizes = layers("flux2-klein")
    written(weights, {f"{name}.weight": size[::-1] for name, size in sizes.items()})
    model = catalogue.find(str(folder))
    assert lora_shapes.fits(lora(tmp_path / "small.safetensors", sizes), model)
    larger = {
        name: (inputs // 3 * 4, outputs // 3 * 4) for name, (inputs, outputs) in sizes.items()
    }
    large = lora(tmp_path / "large.safetensors", larger)
    assert not lora_shapes.fits(large, model)
    written(weights, {f"{name}.weight": size[::-1] for name, size in larger.items()})
    os.utime(weights, (1, 1))
    assert lora_shapes.fits(large, model)  # what is read is read again when the file has changed


def test_a_painter_tells_which_of_its_loras_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASEL_LORAS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    lora(tmp_path / "ink.safetensors", layers("stable-diffusion-xl"))
    lora(tmp_path / "tusche.safetensors", layers("flux2-klein"))
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    models = [catalogue.find(name) for name in ("sdxl", "flux2-klein-4b")]
    hand = Card(models, "cpu", Aides("cpu"), lost=lambda why: None)
    try:
        can = hand.abilities()
    finally:
        hand.close(10)
    assert can.loras is not None and {"ink", "ink.safetensors", "tusche"} <= {*can.loras}
    broken = ("broken", "broken.safetensors")
    assert can.misfits == {
        "sdxl": (*broken, "tusche", "tusche.safetensors"),
        "flux2-klein-4b": (*broken, "ink", "ink.safetensors"),
    }
    assert can.lacks("sdxl", ["lora:ink", "lora:tusche"]) == ("lora:tusche",)


def test_no_more_is_told_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASEL_LORAS", str(tmp_path))
    for number in range(400):
        (tmp_path / f"a-name-of-thirty-letters-{number:05}.safetensors").touch()
    told = lora_files.misfits([catalogue.find("sdxl"), catalogue.find("z-image-turbo")])
    assert 0 < len("".join(told["sdxl"])) <= lora_files.MAX_MISFITS_LENGTH
