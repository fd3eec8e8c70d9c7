"""Where a style lies that was learned: among the LoRAs, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from generation import lora_files
from generation.catalogue import Model
from generation.lora_files import Record
from generation.style import brief


def keep(done: Path, name: str, model: Model) -> Record:
    """Puts a folder with a LoRA, its card and its samples where LoRAs are.

    done: the folder, which is copied. model: what the LoRA was trained on.
    Raises Unusable if there is another of that name by now.
    """
    brief.check_name(name)
    record = Record(
        name=name,
        family=model.family,
        base=model.name if model.local else model.source,
        licence=model.licence,
        file=f"{name}/{brief.WEIGHTS}",
    )
    target = brief.kept(name)
    new = target.with_name(f".{name}.new")
    for leftover in (new, target):  # of a process that was killed here: it had no record
        shutil.rmtree(leftover, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(done, new)
    new.rename(target)
    return lora_files.recorded(record, record.path)  # from now on it is there
