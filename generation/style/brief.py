"""What is to be learned, from which pictures, and where that stands.

A training has a folder of its own in Easel's cache, with its brief, its pictures, what was computed
of them, the checkpoint and the samples. When it is done, what is left of it lies with the LoRAs
(`Learned`), and that folder is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

import msgspec

from generation import loading, lora_files
from generation.catalogue import CATALOGUE
from generation.parts import Unusable

MAX_NAME = 60  # characters
MAX_PICTURES = 500  # what their latents take on the disk, and what a card lists, stays bearable
MAX_STEPS = 100_000
MAX_RANK = 256
WEIGHTS = "pytorch_lora_weights.safetensors"  # as diffusers calls it
CARD = "README.md"
LEARNED = "style.json"
_BRIEF = "brief.json"
_STEPS = "steps"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Picture(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture that is learned from.

    key: what whoever gave it knows it by. file: its name in the folder `pictures` of the training.
    caption: what is to be seen on it. The rest is for the model card: where it was posted, by whom,
    under which licence, and by which word of its author's it may be learned from.
    """

    key: str
    file: str
    caption: str = ""
    url: str = ""
    author: str = ""
    licence: str = ""
    consent: str = ""


class Brief(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One training.

    name: of the LoRA. model: what it is for, as `catalogue.find` takes it. trigger: the words that
    call the style; every caption begins with them. steps: of the optimiser, each of which looks at
    `batch` pictures. rank: of the LoRA. rate: how fast it learns, at its fastest. resolution: the
    side, in pixels, of a square of as many pixels as a picture has; 0 is the model's own.
    keep_every, sample_every: steps between checkpoints, and between samples. samples: what they
    show, in words. device: as for `devices.choose`. origin: what whoever gave the pictures
    remembers of where they are from.
    """

    name: str
    model: str
    trigger: str
    pictures: tuple[Picture, ...]
    steps: int = 1000
    batch: int = 1
    rank: int = 16
    rate: float = 1e-4
    resolution: int = 0
    seed: int = 0
    keep_every: int = 100
    sample_every: int = 250
    samples: tuple[str, ...] = ()
    device: str = "auto"
    origin: dict[str, str] = {}


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a style that was learned.

    base: the model's source. loss: the mean of its last steps. samples: the names of the files.
    """

    brief: Brief
    base: str
    loss: float
    samples: tuple[str, ...] = ()


def check_name(name: str) -> None:
    """Raises Unusable for what can be no name of a style, or is one already."""
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME or name in CATALOGUE:
        raise Unusable(
            f"{name[:MAX_NAME]} is no name for a style: letters, digits, dashes and underscores, "
            f"{MAX_NAME} at most, and not the name of a model."
        )
    if lora_files.known(name):
        raise Unusable(f"There is a LoRA {name} already: remove that one first.")
    if kept(name).exists() and not (kept(name) / LEARNED).is_file():
        raise Unusable(f"{kept(name)} is something of yours: a style needs another name.")


# -- one that is under way --------------------------------------------------------------------


def work(name: str) -> Path:
    """The folder of a training."""
    return loading.cache_folder() / "styles" / name


def begun() -> list[str]:
    """The names of the trainings that are not done."""
    return sorted(path.parent.name for path in work("any").parent.glob(f"*/{_BRIEF}"))


def read(folder: Path) -> Brief:
    """The brief of a training. Raises Unusable if it has none."""
    try:
        return msgspec.json.decode((folder / _BRIEF).read_bytes(), type=Brief)
    except (OSError, msgspec.MsgspecError) as error:
        raise Unusable(f"No style {folder.name} was begun here.") from error


def write(folder: Path, brief: Brief) -> None:
    """Notes what is to be learned, whole or not at all. What is noted can be gone on with."""
    replace(folder / _BRIEF, msgspec.json.format(msgspec.json.encode(brief)))


def note_steps(folder: Path, steps: int) -> None:
    """Notes how many steps of a training its checkpoint has."""
    replace(folder / _STEPS, str(steps).encode())


def steps_done(folder: Path) -> int:
    """How many steps of a training are done and kept."""
    try:
        return int((folder / _STEPS).read_text())
    except (OSError, ValueError):
        return 0


def give_up(name: str) -> None:
    """Throws a training away, with its pictures."""
    # The brief first: what is left without one is no training.
    (work(name) / _BRIEF).unlink(missing_ok=True)
    shutil.rmtree(work(name), ignore_errors=True)


def replace(path: Path, content: bytes) -> None:
    """Writes a file that survives a power cut, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


# -- those that were learned ------------------------------------------------------------------


def kept(name: str) -> Path:
    """The folder of a style that was learned: its weights, its card, its samples."""
    return lora_files.folder() / name


def learned(name: str) -> Learned | None:
    """What is known of a style; None if there is no such LoRA, or it was not learned here."""
    if not _NAME.fullmatch(name) or not (kept(name) / WEIGHTS).is_file():
        return None
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((kept(name) / LEARNED).read_bytes(), type=Learned)
    return None


def all_learned() -> list[Learned]:
    """The styles that were learned here, by name."""
    names = [record.name for record in lora_files.all_here()]
    return [found for name in names if (found := learned(name)) is not None]
