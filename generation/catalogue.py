"""The models we know, and what can be said of those we do not.

Figures are those of the model cards and of `model_index.json` files; memory is with all parts
resident in bf16. Any other diffusers text-to-image pipeline works too, by its hub id or folder:
its family (`generation.families`) is read from `model_index.json`, where a folder is at hand.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Literal

import msgspec

from generation import families

Kind = Literal[
    "painting", "safety", "description", "language", "upscaling", "recognition", "preview"
]


class UnknownModel(ValueError):
    """No model goes by that name; the message is one plain sentence."""


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """A LoRA that belongs to a catalogue entry, fused at load, with the scheduler it needs.

    source: hub id or folder. file: its safetensors file there. trailing_timesteps: whether the
    steps end on the last timestep, as few-step distillations of SDXL do. scheduler: what else
    replaces the scheduler's own configuration.
    """

    source: str
    file: str
    trailing_timesteps: bool = True
    scheduler: dict[str, float | bool | None] = {}


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model: where it comes from, what it needs, and how it paints best.

    key: short name. source: hub id or local folder. memory_gb: all parts resident.
    low_memory_gb: with the parts moved in and out. download_gb: on disk, adapter included.
    variant: the weights' variant to take where a part has it ("fp16"); empty takes the plain ones.
    steps, guidance, width, height: defaults; `None` is known only after loading.
    can: any of "strength" (start from a picture), "inpaint" (inside a mask), "edit" (look at
    references), "lora".
    kinds: what it is for; all but painting are `generation.helpers`. labels: of a classifier, which
    of its labels say that not everybody should see a picture, and how much, 0 to 1, each counts.
    needs: a package that must be installed for it beside easel[paint].
    commercial: whether the licence allows commercial use; `None` is unknown.
    """

    key: str
    name: str
    source: str
    family: str = ""
    licence: str = ""
    commercial: bool | None = None
    memory_gb: float | None = None
    low_memory_gb: float | None = None
    download_gb: float | None = None
    variant: str = ""
    steps: int | None = None
    guidance: float | None = None
    width: int | None = None
    height: int | None = None
    multiple: int = 8
    negative_prompt: bool = True
    can: tuple[str, ...] = ()
    adapter: Adapter | None = None
    note: str = ""
    kinds: tuple[Kind, ...] = ("painting",)
    labels: dict[str, float] = {}
    needs: str = ""

    @property
    def local(self) -> bool:
        """Whether the model is a folder on this machine rather than on the hub."""
        return is_folder(self.source)

    def may(self, ability: str) -> bool:
        """Whether it can do something; True also where only loading it will tell."""
        return ability in self.can or (not self.family and not self.can)


# The model that paints until the host chooses one; its folder is part of this package.
STARTER = Model(
    key="starter",
    name="Easel starter (for trying things out)",
    source="easel/starter",
    family="stable-diffusion",
    licence="Apache-2.0",
    commercial=True,
    memory_gb=0.1,
    low_memory_gb=0.1,
    download_gb=0,
    steps=16,
    guidance=3.0,
    width=256,
    height=256,
    multiple=64,
    can=("strength", "inpaint", "lora"),
    note=(
        "A small model of our own, for trying things out: it knows 32 things, nine colours and "
        "twelve backgrounds. Choose a real model in config.toml, such as flux2-klein-4b."
    ),
)

CATALOGUE = {
    model.key: model
    for model in (
        STARTER,
        Model(
            key="flux2-klein-4b",
            name="FLUX.2 klein 4B",
            source="black-forest-labs/FLUX.2-klein-4B",
            family="flux2-klein",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=16,
            low_memory_gb=9,
            download_gb=14.9,
            steps=4,
            guidance=1.0,
            width=1024,
            height=1024,
            multiple=16,
            negative_prompt=False,
            can=("inpaint", "edit", "lora"),
            note="The good default: four steps, and it can edit.",
        ),
        Model(
            key="z-image-turbo",
            name="Z-Image Turbo",
            source="Tongyi-MAI/Z-Image-Turbo",
            family="z-image",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=21,
            low_memory_gb=16,
            download_gb=30.6,
            # 9 set steps are 8 evaluations of the network.
            steps=9,
            guidance=0.0,
            width=1024,
            height=1024,
            multiple=16,
            negative_prompt=False,
            can=("strength", "inpaint", "lora"),
            note="Photographs; no editing.",
        ),
        Model(
            key="sdxl-lightning",
            name="SDXL Lightning",
            source="stabilityai/stable-diffusion-xl-base-1.0",
            family="stable-diffusion-xl",
            licence="OpenRAIL++-M",
            commercial=True,
            memory_gb=8,
            low_memory_gb=4,
            download_gb=7.4,
            variant="fp16",
            steps=4,
            guidance=0.0,
            width=1024,
            height=1024,
            multiple=8,
            negative_prompt=False,
            can=("strength", "inpaint", "lora"),
            adapter=Adapter(
                source="ByteDance/SDXL-Lightning", file="sdxl_lightning_4step_lora.safetensors"
            ),
            note="For cards of 4 to 6 GB.",
        ),
        Model(
            key="sdxl",
            name="Stable Diffusion XL",
            source="stabilityai/stable-diffusion-xl-base-1.0",
            family="stable-diffusion-xl",
            licence="OpenRAIL++-M",
            commercial=True,
            memory_gb=8,
            low_memory_gb=4,
            download_gb=7.0,
            variant="fp16",
            steps=28,
            guidance=5.0,
            width=1024,
            height=1024,
            multiple=8,
            can=("strength", "inpaint", "lora"),
            note="The largest stock of LoRAs.",
        ),
        Model(
            key="flux1-schnell",
            name="FLUX.1 schnell",
            source="black-forest-labs/FLUX.1-schnell",
            family="flux",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=33,
            low_memory_gb=12,
            download_gb=31.4,
            steps=4,
            guidance=0.0,
            width=1024,
            height=1024,
            multiple=16,
            negative_prompt=False,
            can=("strength", "inpaint", "lora"),
        ),
        Model(
            key="qwen-image-2512",
            name="Qwen-Image 2512",
            source="Qwen/Qwen-Image-2512",
            family="qwen-image",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=57,
            low_memory_gb=13,
            download_gb=53.7,
            steps=50,
            guidance=4.0,
            width=1328,
            height=1328,
            multiple=16,
            can=("strength", "inpaint", "lora"),
            note="Writes text into pictures; for the largest cards.",
        ),
        Model(
            key="qwen-image-2512-lightning",
            name="Qwen-Image 2512 Lightning",
            source="Qwen/Qwen-Image-2512",
            family="qwen-image",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=57,
            low_memory_gb=13,
            download_gb=54.6,
            steps=4,
            guidance=1.0,
            width=1328,
            height=1328,
            multiple=16,
            negative_prompt=False,
            can=("strength", "inpaint", "lora"),
            adapter=Adapter(
                source="lightx2v/Qwen-Image-2512-Lightning",
                file="Qwen-Image-2512-Lightning-4steps-V1.0-bf16.safetensors",
                trailing_timesteps=False,
                # It was distilled at a shift of 3, whatever the size: exp(log 3).
                scheduler={
                    "base_shift": math.log(3),
                    "max_shift": math.log(3),
                    "shift_terminal": None,
                    "use_dynamic_shifting": True,
                },
            ),
            note="Qwen-Image 2512 in four steps.",
        ),
        Model(
            key="ernie-image-turbo",
            name="ERNIE-Image Turbo",
            source="baidu/ERNIE-Image-Turbo",
            family="ernie-image",
            licence="Apache-2.0",
            commercial=True,
            # Without its rewriter of prompts (`parts.UNUSED`), which is 7 GB more.
            memory_gb=25,
            low_memory_gb=19,
            download_gb=22.3,
            steps=8,
            guidance=1.0,
            width=1024,
            height=1024,
            multiple=16,
            negative_prompt=False,
            can=("lora",),
        ),
    )
}

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


def is_folder(name: str) -> bool:
    """Whether a model's name means a folder: absolute, or beginning with `.` or `~`, or deeper
    than a hub id. Decided by its form alone, so that no file can stand in for a hub id."""
    return (
        name.startswith((".", "~", os.sep))
        or name.count("/") > 1
        or os.path.isabs(name)
        or "\\" in name
    )


def find(name: str) -> Model:
    """The model of that catalogue key, hub id or local folder.

    An unlisted hub id or folder gives a generic `Model`. Raises UnknownModel for anything else.
    """
    name = name.strip()
    if name in CATALOGUE:
        return CATALOGUE[name]
    if is_folder(name):
        folder = Path(name).expanduser().absolute()
        model = Model(key=str(folder), name=folder.name or str(folder), source=str(folder))
        return families.of_folder(model, folder)
    listed = [m for m in CATALOGUE.values() if m.source == name and m.adapter is None]
    if listed:
        return listed[0]
    if _HUB_ID.fullmatch(name):
        return Model(key=name, name=name, source=name)
    raise UnknownModel(
        f"There is no model “{name[:80]}”: give a name from the catalogue, a hub id (owner/name), "
        "or a folder beginning with / or ./"
    )
