"""Which models a LoRA can be put on, by the names and the shapes of its weights.

They are read from what stands before the weights in a safetensors file, of the LoRA and of the
model, so that a server without torch knows as well. Only what is certain is said: a LoRA that is
written in a way that we do not know is left to who paints with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from generation import families, hub, lora_bases, parts, starter
from generation.catalogue import STARTER, Model
from generation.parts import Unusable

Shapes = Mapping[str, tuple[int, int]]
"""Inputs and outputs of a denoiser's layers, by their names with `_` for each `.`."""

# PEFT writes `.lora_A.weight`, kohya `.lora_down.weight`, older diffusers `_lora.down.weight`.
_WEIGHT = re.compile(r"(?P<layer>.+?)[._]lora[._](?P<side>A|B|down|up)(?:\.default)?\.weight")
_PREFIX = re.compile(
    r"(?:base_model\.model\.)?(?:lora_unet_|lora_transformer_|unet\.|transformer\."
    r"|diffusion_model\.)?"
)
_DENOISERS = ("unet", "transformer")  # the folders that one lies in
_FLOATS = ("F", "BF")  # weights that were packed into bytes do not show their shapes

# How the layers of each architecture are called, in diffusers and where they are from.
_UNET = re.compile(r"(?:down|up|input|output)_blocks_\d|mid(?:dle)?_block_")
_SINGLE = re.compile(r"single_(?:transformer_)?blocks_\d")
_SINGLE_OF_FLUX = re.compile(
    r"single_transformer_blocks_\d+_(?:attn_to_[qkv]$|proj_mlp|norm_linear)"
    r"|single_blocks_\d+_modulation_lin"
)
_OF_FLUX_2 = re.compile(r"to_qkv_mlp_proj|stream_modulation")
_LINEAR_1 = re.compile(r"single_blocks_\d+_linear1$")
_QWEN = re.compile(r"transformer_blocks_\d+_(?:img|txt)_(?:mlp|mod)")
_DOUBLE_OF_FLUX = re.compile(r"double_blocks_\d")
_JOINT = re.compile(r"transformer_blocks_\d+_attn_(?:to|add)_")
_STABLE_DIFFUSION_3 = re.compile(r"joint_blocks_\d")
_Z_IMAGE = re.compile(r"layers_\d+_attention_|(?:noise|context)_refiner_\d")
_ERNIE = re.compile(r"layers_\d+_self_attention_")
_FLUXES = frozenset({"flux", "chroma", "flux2", "flux2-klein"})
_CROSS = re.compile(r"attn2_to_[kv]$")
# What a UNet is told of the words: so many numbers each, in 1.x and 2.x, and in XL.
_WORDS = {768: "stable-diffusion", 1024: "stable-diffusion", 2048: "stable-diffusion-xl"}
# How many numbers go from layer to layer.
_FLUX_2 = {6144: "flux2", 3072: "flux2-klein", 4096: "flux2-klein"}


def fits(path: Path, model: Model) -> bool:
    """Whether a LoRA's file may fit a model, as far as its header tells."""
    try:
        shapes = of_lora(path)
    except Unusable:
        return False
    folder = _folder(model)
    family = model.family or ("" if folder is None else families.of_folder(model, folder).family)
    possible = of_layers(shapes)
    if family and possible and family not in possible:
        return False
    own = {} if folder is None else of_model(folder)
    # Layers of attention are those that no loader makes larger or smaller to fit.
    return all(own.get(layer, size) == size for layer, size in shapes.items() if "att" in layer)


def of_layers(shapes: Shapes) -> frozenset[str]:
    """The families that layers of such names and shapes may be of; none if nothing is known."""

    def called(pattern: re.Pattern[str]) -> list[str]:
        return [layer for layer in shapes if pattern.search(layer)]

    if called(_UNET):
        words = {_WORDS.get(shapes[layer][0], "") for layer in called(_CROSS)} - {""}
        return frozenset(words or _WORDS.values())
    if called(_SINGLE):
        return _of_flux(shapes, called)
    for pattern, found in (
        (_QWEN, {"qwen-image"}),
        (_STABLE_DIFFUSION_3, {"stable-diffusion-3"}),
        (_DOUBLE_OF_FLUX, _FLUXES),
        (_JOINT, {"qwen-image", "stable-diffusion-3", *_FLUXES}),
        (_Z_IMAGE, {"z-image"}),
        (_ERNIE, {"ernie-image"}),
    ):
        if called(pattern):
            return frozenset(found)
    return frozenset()


def _of_flux(shapes: Shapes, called: Any) -> frozenset[str]:
    # One layer makes what FLUX.1 has 7 times as much of as goes in, and FLUX.2 9 times.
    times = {shapes[layer][1] / shapes[layer][0] for layer in called(_LINEAR_1)}
    if called(_SINGLE_OF_FLUX) or times == {7}:
        return frozenset({"flux", "chroma"})
    marks = called(_OF_FLUX_2)
    if not marks and times != {9}:
        return _FLUXES
    widths = {shapes[layer][0] for layer in called(_LINEAR_1) + marks}
    return frozenset(_FLUX_2.get(width, "") for width in widths) - {""} or frozenset(
        _FLUX_2.values()
    )


def of_header(said: Mapping[str, Any]) -> Shapes:
    """The layers of a denoiser that a LoRA's header has weights for, where both of their sides
    are there."""
    sides: dict[str, dict[bool, list[int]]] = {}
    for name, tensor in said.items():
        found = _WEIGHT.fullmatch(name)
        shape = _shape(tensor)
        if found is None or len(shape) < 2 or name.startswith(("lora_te", "text_encoder")):
            continue
        layer = _PREFIX.sub("", found["layer"], count=1).replace(".processor", "")
        inward = found["side"] in ("A", "down")
        sides.setdefault(layer.replace(".", "_"), {})[inward] = shape
    return {
        layer: (both[True][1], both[False][0]) for layer, both in sides.items() if len(both) == 2
    }


def of_lora(path: Path) -> Shapes:
    """The layers that a LoRA's file has weights for. Raises Unusable if it is none."""
    return _of_lora(path, _state(path))


def of_model(folder: Path) -> Shapes:
    """The layers of the denoiser of the model in a folder, as far as they can be read."""
    found: dict[str, tuple[int, int]] = {}
    for part in _DENOISERS:
        for path in sorted((folder / part).glob("*.safetensors")):
            found |= _of_weights(path, _state(path))
    return found


@lru_cache(maxsize=1000)
def _of_lora(path: Path, state: object) -> Shapes:
    return MappingProxyType(of_header(lora_bases.header(path)))


@lru_cache(maxsize=64)
def _of_weights(path: Path, state: object) -> Shapes:
    found = {}
    try:
        said = parts.header(path)
    except Unusable:
        return {}
    for name, tensor in said.items():
        shape = _shape(tensor)
        if name.endswith(".weight") and len(shape) >= 2 and _is_float(tensor):
            found[name.removesuffix(".weight").replace(".", "_")] = (shape[1], shape[0])
    return MappingProxyType(found)


def _state(path: Path) -> object:
    """What changes with a file."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _shape(tensor: Any) -> list[int]:
    shape = tensor.get("shape") if isinstance(tensor, dict) else None
    if not isinstance(shape, list):
        return []
    return shape if all(type(side) is int and side > 0 for side in shape) else []


def _is_float(tensor: Any) -> bool:
    return str(tensor.get("dtype")).startswith(_FLOATS)


def _folder(model: Model) -> Path | None:
    """Where a model lies, if it is here."""
    if model.key == STARTER.key:
        return starter.FOLDER
    if model.local:
        return Path(model.source).expanduser()
    pulled = hub.here(model) or hub.here(model, "main")
    return None if pulled is None else pulled.folder
