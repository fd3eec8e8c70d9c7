"""What all models of one diffusers pipeline have in common, and what a folder says of its own.

A folder may carry an `easel.json` beside its `model_index.json`, with any of the fields of
`catalogue.Model` that are defaults or description (`name`, `licence`, `steps`, `guidance`, `width`,
`height`, `note`), which is how the models that ship with Easel describe themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from generation import parts

if TYPE_CHECKING:
    from generation.catalogue import Model


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What all models of one pipeline class share.

    guidance_argument: the pipeline's argument that our `guidance` is passed as.
    negative_prompt: whether the pipeline can follow one (at a guidance above 1).
    multiple: sides must be multiples of so many pixels. can: as of `Model`.
    """

    name: str
    pipelines: tuple[str, ...]
    steps: int
    guidance: float
    side: int
    multiple: int = 16
    negative_prompt: bool = True
    guidance_argument: str = "guidance_scale"
    can: tuple[str, ...] = ()


FAMILIES = {
    family.name: family
    for family in (
        Family(
            name="stable-diffusion",
            pipelines=("StableDiffusionPipeline",),
            steps=25,
            guidance=7.5,
            side=512,
            multiple=8,
            can=("strength", "inpaint", "lora"),
        ),
        Family(
            name="stable-diffusion-xl",
            pipelines=("StableDiffusionXLPipeline",),
            steps=30,
            guidance=5.0,
            side=1024,
            multiple=8,
            can=("strength", "inpaint", "lora"),
        ),
        Family(
            name="stable-diffusion-3",
            pipelines=("StableDiffusion3Pipeline",),
            steps=28,
            guidance=4.5,
            side=1024,
            can=("strength", "inpaint", "lora"),
        ),
        # FLUX.1's guidance is an input of the distilled network, not classifier-free guidance.
        Family(
            name="flux",
            pipelines=("FluxPipeline",),
            steps=28,
            guidance=3.5,
            side=1024,
            negative_prompt=False,
            can=("strength", "inpaint", "lora"),
        ),
        Family(
            name="flux2",
            pipelines=("Flux2Pipeline",),
            steps=50,
            guidance=4.0,
            side=1024,
            negative_prompt=False,
            can=("edit", "lora"),
        ),
        Family(
            name="flux2-klein",
            pipelines=("Flux2KleinPipeline", "Flux2KleinKVPipeline"),
            steps=4,
            guidance=1.0,
            side=1024,
            negative_prompt=False,
            can=("inpaint", "edit", "lora"),
        ),
        Family(
            name="z-image",
            pipelines=("ZImagePipeline",),
            steps=28,
            guidance=4.0,
            side=1024,
            can=("strength", "inpaint", "lora"),
        ),
        Family(
            name="qwen-image",
            pipelines=("QwenImagePipeline", "QwenImage21Pipeline"),
            steps=50,
            guidance=4.0,
            side=1024,
            guidance_argument="true_cfg_scale",
            can=("strength", "inpaint", "lora"),
        ),
        Family(
            name="ernie-image",
            pipelines=("ErnieImagePipeline",),
            steps=50,
            guidance=4.0,
            side=1024,
            can=("lora",),
        ),
        Family(
            name="sana-sprint",
            pipelines=("SanaSprintPipeline",),
            steps=2,
            guidance=4.5,
            side=1024,
            multiple=32,
            negative_prompt=False,
        ),
        Family(
            name="chroma",
            pipelines=("ChromaPipeline",),
            steps=35,
            guidance=5.0,
            side=1024,
            can=("strength", "inpaint", "lora"),
        ),
        Family(
            name="pixart",
            pipelines=("PixArtSigmaPipeline", "PixArtAlphaPipeline"),
            steps=20,
            guidance=4.5,
            side=1024,
        ),
    )
}

_UNET_PIPELINES = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")
# What an easel.json may say; the rest of `Model` is ours to decide.
DESCRIBED = (
    "name",
    "licence",
    "commercial",
    "steps",
    "guidance",
    "width",
    "height",
    "multiple",
    "note",
)


def with_family(model: Model, pipeline: str) -> Model:
    """`model` with the open defaults filled from the family of that diffusers pipeline class."""
    family = family_of(pipeline)
    if family is None:
        return model
    side = model.width or family.side
    return msgspec.structs.replace(
        model,
        family=family.name,
        steps=model.steps if model.steps is not None else family.steps,
        guidance=model.guidance if model.guidance is not None else family.guidance,
        width=side,
        height=model.height or side,
        multiple=max(model.multiple, family.multiple),
        negative_prompt=model.negative_prompt and family.negative_prompt,
        can=model.can or family.can,
    )


def family_of(pipeline: str) -> Family | None:
    """The family of a diffusers pipeline class name, or None where we know none."""
    return next((f for f in FAMILIES.values() if pipeline in f.pipelines), None)


def of_folder(model: Model, folder: Path) -> Model:
    """`model` with what its folder says of it."""
    said = parts.document(folder / "easel.json") or {}
    described = {field: value for field, value in said.items() if field in DESCRIBED}
    try:
        model = msgspec.convert({**msgspec.to_builtins(model), **described}, type(model))
    except msgspec.ValidationError:
        pass  # a description that makes no sense describes nothing
    pipeline = (parts.document(folder / parts.INDEX) or {}).get("_class_name")
    if not isinstance(pipeline, str):
        return model
    if model.width is None and pipeline in _UNET_PIPELINES:
        # Stable Diffusion comes trained at 512 and at 768; the folder knows.
        unet = parts.document(folder / "unet" / parts.CONFIG) or {}
        latents = unet.get("sample_size")
        if isinstance(latents, int) and 8 <= latents <= 512:
            model = msgspec.structs.replace(model, width=latents * 8, height=latents * 8)
    return with_family(model, pipeline)
