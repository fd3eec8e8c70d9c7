"""LoRAs on this machine: fetched from the hub or taken from a file, found, and removed again.

A LoRA is one safetensors file. Those of a host's own lie in `$EASEL_LORAS` (or `easel/loras` in the
user's data folder), those from the hub in its cache. Nobody who asks for a picture makes a painter
download anything: what was not pulled is not here.

What was pulled has a record in that folder, which says for which family of models it was made; of
all, `lora_shapes` sees by their weights what they do not fit. So one is refused for a model that it
is not for before somebody waits for a picture.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import msgspec

from generation import fetching, hub, lora_bases, lora_shapes, parts
from generation.catalogue import CATALOGUE, Model
from generation.fetching import File, Progress
from generation.parts import Unusable
from generation.recipe import Lora, RecipeError

ENDING = ".safetensors"
MAX_TOLD = 1000  # names of LoRAs that a server is told of
MAX_TOLD_LENGTH = 32_000  # characters of them together: `protocol.MAX_MESSAGE` has room for them
MAX_MISFITS_LENGTH = 16_000  # of those that are told as misfits beside them
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of a file, as recipes may name it
_HUB_ID = re.compile(rf"{_NAME.pattern}/{_NAME.pattern}")


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a LoRA that was pulled.

    name: as recipes have it. family: one of `generation.families`; empty if nothing is known.
    base: what it was made from, in the words of who said so. source, revision: where on the hub it
    is from; empty for a file of the host's. file: its path there, or its name in `folder`.
    """

    name: str
    family: str = ""
    base: str = ""
    licence: str = ""
    source: str = ""
    revision: str = ""
    file: str = ""

    @property
    def path(self) -> Path:
        """Where it lies, if it is here."""
        if self.source:
            return fetching.repository(self.source) / "snapshots" / self.revision / self.file
        return folder() / self.file


class Offer(msgspec.Struct, frozen=True):
    """A LoRA on the hub: its file there, its licence, and what it says that it was made from."""

    file: File
    licence: str
    bases: tuple[str, ...]


def folder() -> Path:
    """Where a host's own LoRAs are, and the records of all."""
    if place := os.environ.get("EASEL_LORAS"):
        return Path(place).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "easel" / "loras"


# -- what is here -----------------------------------------------------------------------------


def all_here() -> list[Record]:
    """The LoRAs that were pulled, and those that the host laid into the folder, by name."""
    found = {record.name: record for record in _records() if record.path.is_file()}
    for path in folder().glob(f"*{ENDING}"):
        found.setdefault(path.name, Record(name=path.name, file=path.name))
    return sorted(found.values(), key=lambda record: record.name)


def known(name: str) -> list[Record]:
    """Those that are here and that a recipe may mean by this name."""
    return _meant(name, all_here())


def find(name: str) -> Path:
    """The file of a LoRA, by the name that recipes have for it.

    Raises RecipeError, naming it, if it is not here or cannot be told from others.
    """
    found = [record.path for record in known(name) or _fetched_by_others(name)]
    if not found:
        told = "; whoever runs this can fetch it" if "/" in name else ""
        raise RecipeError(f"There is no LoRA {name} here{told}.")
    if len(found) > 1:
        raise RecipeError(f"{name} has several LoRAs: name one, such as {name}/{found[0].name}.")
    return found[0]


def names() -> tuple[str, ...] | None:
    """All names by which `find` finds a LoRA; None if there are too many to tell. What others
    brought into the hub's cache may be something else: that comes out when it is loaded."""
    found = _named()
    if len(found) > MAX_TOLD or sum(map(len, found)) > MAX_TOLD_LENGTH:
        return None
    return tuple(sorted(found))


def misfits(models: Iterable[Model]) -> dict[str, tuple[str, ...]]:
    """Of these models, by their keys, the names of the LoRAs here that do not fit them; as many as
    there is room to tell. Reads the headers of all of them when it is first asked."""
    named, room = _named(), MAX_MISFITS_LENGTH
    found = {}
    for model in models:
        wrong = []
        for name, record in sorted(named.items()):
            if not _fits(record, model) and (room := room - len(name)) >= 0:
                wrong.append(name)
        if wrong:
            found[model.key] = tuple(wrong)
    return found


def refuse_misfits(loras: Iterable[Lora], model: Model) -> None:
    """Raises RecipeError, naming it, for a LoRA that was made for models of another family, or
    whose weights are none that this model has a place for."""
    for lora in loras:
        made_for = {record.family for record in _meant(lora.name, _records())} - {""}
        if model.family and made_for and model.family not in made_for:
            raise RecipeError(
                f"The LoRA {lora.name} is for {_in_words(min(made_for))}, "
                f"and does not fit {model.name}."
            )
        with contextlib.suppress(ImportError):  # nothing is here where painting is not installed
            meant = known(lora.name) or _fetched_by_others(lora.name)
            if meant and not any(_fits(record, model) for record in meant):
                raise RecipeError(f"The LoRA {lora.name} does not fit {model.name}.")


def _fits(record: Record, model: Model) -> bool:
    if record.family and model.family and record.family != model.family:
        return False
    return lora_shapes.fits(record.path, model)


def _named() -> dict[str, Record]:
    """The LoRAs that are here, by each of the names that mean this one alone."""
    here = all_here()
    times = Counter(alias for record in here for alias in _aliases(record))
    found = {alias: record for record in here for alias in _aliases(record) if times[alias] == 1}
    pulled = {record.source for record in here}
    for source in fetching.sources():
        if source not in pulled:
            others = _fetched_by_others(source)
            found |= {record.name: record for record in others}
            found |= {source: others[0]} if len(others) == 1 else {}
    return found


def _meant(name: str, among: Iterable[Record]) -> list[Record]:
    return [record for record in among if name in _aliases(record)]


def _aliases(record: Record) -> set[str]:
    return {record.name, record.source, record.name.removesuffix(ENDING)} - {""}


def _in_words(family: str) -> str:
    """A family by a model of it that people know."""
    named = [
        model.name for model in CATALOGUE.values() if model.family == family and model.may("lora")
    ]
    return f"{named[-1]} and its like" if named else f"models of the family {family}"


def _records() -> list[Record]:
    found = []
    for path in sorted(folder().glob("*.json")):
        try:
            found.append(msgspec.convert(parts.document(path), Record))
        except msgspec.ValidationError:
            continue  # somebody else's
    return found


def _fetched_by_others(name: str) -> list[Record]:
    """Files of a repository that another program brought into the hub's cache."""
    owner, _, rest = name.partition("/")
    repository, _, file = rest.partition("/")
    source = f"{owner}/{repository}"
    if not _HUB_ID.fullmatch(source):
        return []
    place = fetching.snapshot(source, "main")
    found = [] if place is None else sorted(place.glob(f"*{ENDING}"))
    return [
        Record(
            name=f"{source}/{path.name}", source=source, revision=path.parent.name, file=path.name
        )
        for path in found
        if not file or path.name == file
    ]


# -- from the hub -----------------------------------------------------------------------------


def on_hub(name: str) -> tuple[str, str] | None:
    """The repository and the file (or "") that a name means; None if it means none."""
    owner, _, rest = name.partition("/")
    repository, _, file = rest.partition("/")
    source = f"{owner}/{repository}"
    if not _HUB_ID.fullmatch(source) or (file and not _NAME.fullmatch(file)):
        return None
    return source, file


def offer(source: str, file: str = "") -> Offer:
    """Asks the hub what it has of a LoRA.

    file: which of several. Raises Unusable, naming what there is to choose from; Unavailable.
    """
    with fetching.plainly(source, source):
        listing, files = fetching.listed(source)
    usable = [path for path in files if _usable(path)]
    chosen = [path for path in usable if not file or PurePosixPath(path).name == file]
    if not chosen:
        if file and usable:
            there = ", ".join(PurePosixPath(path).name for path in usable)
            raise Unusable(f"{source} has no file {file}; there is {there}.")
        pickled = next((path for path in files if path.endswith(parts.PICKLES)), None)
        if pickled:
            raise Unusable(
                f"{source} has pickled weights ({pickled}), which run code when they are opened: "
                "Easel loads safetensors only."
            )
        raise Unusable(f"{source} is no LoRA: it has no safetensors file.")
    if len(chosen) > 1:
        there = ", ".join(PurePosixPath(path).name for path in chosen)
        raise Unusable(f"{source} has several files: say which with --file, out of {there}.")
    card = listing.card_data
    said = getattr(card, "base_model", None) if card else None
    bases = said if isinstance(said, list) else [said]
    return Offer(
        files[chosen[0]],
        str(getattr(card, "license", None) or "") if card else "",
        tuple(base for base in bases if isinstance(base, str) and _HUB_ID.fullmatch(base)),
    )


def pull(offered: Offer, base: str = "", progress: Progress | None = None) -> Record:
    """Fetches a LoRA from the hub.

    base: the model that it was made from; empty: what it says itself.
    Raises Unusable for what is no LoRA, or where nobody says for which models; Unavailable.
    """
    file = offered.file
    name = f"{file.repository}/{PurePosixPath(file.path).name}"
    # What is known beforehand is said beforehand.
    family = lora_bases.of_bases((base,) if base else offered.bases)
    if base and not family:
        raise lora_bases.unknown(base)
    [path] = fetching.fetch(name, [file], progress)
    record = Record(
        name=name,
        family=family,
        base=base or ", ".join(offered.bases),
        licence=offered.licence,
        source=file.repository,
        revision=file.revision,
        file=file.path,
    )
    try:
        return recorded(record, path)
    except Unusable:
        _drop(path)
        raise


def take(path: Path, base: str = "") -> Record:
    """Takes a LoRA from a file of the host's: it is copied into the folder.

    base: as in `pull`. Raises Unusable.
    """
    if path.suffix != ENDING:
        raise Unusable(f"{path.name} is no {ENDING} file: Easel opens no others.")
    if not _NAME.fullmatch(path.name):
        raise Unusable(
            f"{path.name} is no name that a recipe can have: "
            "letters, digits, dots, dashes and underscores."
        )
    if base and not lora_bases.of_bases((base,)):
        raise lora_bases.unknown(base)
    record = Record(name=path.name, family=lora_bases.of_bases((base,)), base=base, file=path.name)
    lora_bases.header(path)
    target = folder() / path.name
    if target.exists() and not target.samefile(path):
        raise Unusable(f"There is a LoRA {path.name} already: remove that one first.")
    folder().mkdir(parents=True, exist_ok=True)
    if not target.exists():
        handle, part = tempfile.mkstemp(dir=folder())
        os.close(handle)
        try:
            shutil.copyfile(path, part)
            os.chmod(part, 0o644)  # mkstemp's is for the owner alone
            record = recorded(record, Path(part))
            os.replace(part, target)
        finally:
            Path(part).unlink(missing_ok=True)
        return record
    return recorded(record, target)


def remove(record: Record) -> int:
    """Removes a LoRA that was pulled.

    Returns how many bytes became free. Raises Unusable for what the host laid there.
    """
    note = _note(record)
    if not note.is_file():
        raise Unusable(f"{record.name} is a file of yours: remove it from {folder()} yourself.")
    size = record.path.stat().st_size
    note.unlink()
    if not record.source:
        record.path.unlink()
        if record.path.parent != folder():  # a style that was learned here: its card goes, too
            shutil.rmtree(record.path.parent)
        return size
    for model in CATALOGUE.values():
        if model.adapter and model.adapter.source == record.source:
            pulled = hub.here(model)
            if pulled is not None and pulled.adapter == record.path:
                return 0  # that model paints with it
    return _drop(record.path)


def recorded(record: Record, path: Path) -> Record:
    """Looks into the file, and notes what is known of it. Raises Unusable."""
    said = lora_bases.header(path)
    possible = lora_shapes.of_layers(lora_shapes.of_header(said))
    if record.family and possible and record.family not in possible:
        raise Unusable(
            f"{record.name} is for {' or '.join(map(_in_words, sorted(possible)))} by its weights, "
            f"and not for {_in_words(record.family)}."
        )
    if not record.family:
        family, base = lora_bases.of_header(said)
        family = family or (min(possible) if len(possible) == 1 else "")
        record = msgspec.structs.replace(record, family=family, base=record.base or base)
    if not record.family:
        raise Unusable(
            f"Nothing says for which model {record.name} was made: "
            "say it with --for, such as --for sdxl."
        )
    folder().mkdir(parents=True, exist_ok=True)
    _note(record).write_bytes(msgspec.json.encode(record))
    return record


def _note(record: Record) -> Path:
    return folder() / f"{record.name.replace('/', '--')}.json"


def _usable(path: str) -> bool:
    last = PurePosixPath(path).name
    return last.endswith(ENDING) and _NAME.fullmatch(last) is not None


def _drop(path: Path) -> int:
    """Removes a file from the hub's cache, and its content unless another revision has it."""
    content = path.resolve()
    path.unlink()
    snapshots = next(parent for parent in path.parents if parent.name == "snapshots")
    others = any(other.resolve() == content for other in snapshots.rglob(f"*{ENDING}"))
    if others or not content.exists():
        return 0
    size = content.stat().st_size
    content.unlink()
    return size
