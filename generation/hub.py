"""Models on the hub and in its cache: what one would take, fetching it, and removing it again.

Files lie in the hub's own cache (`HF_HOME`), where every program that uses the hub finds them.
`refs/easel` in a model's cache folder is written last, and names the revision that is whole: with
it a model is loaded without asking the hub.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from generation import families, parts
from generation.catalogue import STARTER, Model, find, is_folder
from generation.fetching import (
    REFERENCE,
    File,
    Progress,
    Unavailable,
    cache,
    download,
    fetch,
    listed,
    plainly,
    refer,
    repository,
    snapshot,
)
from generation.parts import Unusable


@dataclass(frozen=True)
class Offer:
    """What the hub has of a model.

    licence: as the repository names it; empty where it does not. gated: whether its licence must
    be accepted first. files: what would be fetched, adapter included.
    """

    licence: str
    gated: bool
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """All files, in bytes."""
        return sum(file.size for file in self.files)

    @property
    def missing(self) -> int:
        """What is still to be fetched, in bytes."""
        return sum(file.size - file.here for file in self.files)


@dataclass(frozen=True)
class Pulled:
    """A model that is whole on this machine.

    folder: the diffusers folder. adapter: the file of its LoRA, if it has one.
    """

    folder: Path
    adapter: Path | None = None

    @property
    def version(self) -> str:
        """The revision of its weights, 40 hex digits."""
        return self.folder.name


def here(model: Model, reference: str = REFERENCE) -> Pulled | None:
    """A hub model as it lies here, or None if it is not here whole. Asks nobody.

    reference: "main" for what other programs fetched, whole or not.
    """
    folder = snapshot(model.source, reference)
    if folder is None or not any((folder / file).is_file() for file in (parts.INDEX, parts.CONFIG)):
        return None
    if model.adapter is None:
        return Pulled(folder)
    if is_folder(model.adapter.source):
        place: Path | None = Path(model.adapter.source).expanduser()
    else:
        place = snapshot(model.adapter.source, reference)
    if place is None or not (place / model.adapter.file).is_file():
        return None
    return Pulled(folder, place / model.adapter.file)


def described(model: Model) -> Model:
    """A hub model that is not in the catalogue, with what its folder says of it, if it is here."""
    if model.family or model.local:
        return model
    pulled = here(model) or here(model, "main")
    return families.of_folder(model, pulled.folder) if pulled else model


def offer(model: Model) -> Offer:
    """Asks the hub what it has of a model.

    Raises Unusable for what Easel does not open, and Unavailable.
    """
    with plainly(model.name, model.source):
        listing, files = listed(model.source)
        names = list(files)
        index = config = None
        if parts.INDEX in files:
            index = parts.document(download(files[parts.INDEX]))
        elif parts.CONFIG in files:
            config = parts.document(download(files[parts.CONFIG]))
        needed = parts.needed(model.name, index, names, model.variant, config)
        wanted = [files[name] for name in needed]
    if model.adapter is not None and not is_folder(model.adapter.source):
        if not model.adapter.file.endswith(".safetensors"):
            raise Unusable(f"The adapter of {model.name} is no safetensors file.")
        with plainly(model.name, model.adapter.source):
            _, files = listed(model.adapter.source)
        if model.adapter.file not in files:
            raise Unavailable(f"{model.adapter.source} has no file {model.adapter.file} any more.")
        wanted.append(files[model.adapter.file])
    licence = getattr(listing.card_data, "license", None) if listing.card_data else None
    return Offer(str(licence or ""), bool(listing.gated), tuple(wanted))


def pull(model: Model, progress: Progress | None = None) -> Pulled:
    """Fetches what is missing of a hub model, or of its newest revision.

    progress: is told the bytes, in this thread. Raises Unusable, Unavailable.
    """
    wanted = offer(model).files
    fetch(model.name, wanted, progress)
    for file in wanted:
        refer(file.repository, file.revision)
    pulled = here(model)
    if pulled is None:
        raise Unavailable(f"{model.name} was removed while it was fetched.", retry=True)
    return pulled


def all_here() -> list[Model]:
    """The models from the hub that are here whole and are not in the catalogue, by name."""
    found = []
    for folder in sorted(cache().glob("models--*--*")):
        model = find("/".join(folder.name.split("--", 2)[1:]))
        if model.key == model.source and here(model) is not None:
            found.append(model)
    return found


def size_here(model: Model) -> int:
    """What a model takes on this disk, in bytes: whole or in part, adapter included."""
    places = [Path(model.source)] if model.local else [p / "blobs" for p in _places(model)]
    files = (path for place in places for path in place.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


def remove(model: Model) -> int:
    """Removes what was fetched of a hub model, whole or in part, adapter included.

    Returns how many bytes became free. Raises Unusable for a folder, which is its owner's.
    """
    if model.local:
        raise Unusable(f"{model.source} is a folder of yours: remove it yourself.")
    size = size_here(model)
    for place in _places(model):
        # The reference first, so that a half-removed model is never taken for a whole one.
        (place / "refs" / REFERENCE).unlink(missing_ok=True)
        shutil.rmtree(place)
    return size


def _places(model: Model) -> list[Path]:
    if model.key == STARTER.key:
        return []
    sources = [model.source, *([model.adapter.source] if model.adapter else [])]
    return [place for place in map(repository, sources) if place.is_dir()]
