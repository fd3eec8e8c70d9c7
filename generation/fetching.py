"""The hub's cache on this machine, and bringing files of the hub into it.

A broken download goes on where it stopped, also in another process; huggingface_hub 2.4 throws a
broken file away.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.parts import Unusable

REFERENCE = "easel"  # names the revision of a repository that is here whole; written last
ATTEMPTS = 5  # in a row without a single byte
PAUSE_S = 1.0  # between them
TIMEOUT_S = 30.0  # seconds without a byte until a connection counts as broken
PIECE = 1_048_576  # bytes
ROOM_TO_SPARE = 500_000_000  # bytes of the disk that a download leaves free

# Names out of the hub's answers become file names here.
_REVISION = re.compile(r"[0-9a-f]{40}")
_BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Progress = Callable[[int, int], None]
"""Is told how many bytes are here, and of how many."""


class Unavailable(Unusable):
    """The hub does not give a model out; the message is one plain sentence that says what to do.

    retry: whether trying again later may help.
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


@dataclass(frozen=True)
class File:
    """A file of a repository: its path there, its size in bytes, and the digest of its content
    (SHA-256, or git's SHA-1 for small files)."""

    repository: str
    revision: str
    path: str
    size: int
    blob: str

    @property
    def here(self) -> int:
        """How many of its bytes are here already."""
        blob = repository(self.repository) / "blobs" / self.blob
        for path in (blob, blob.with_name(f"{self.blob}.part")):
            with contextlib.suppress(OSError):
                return min(path.stat().st_size, self.size)
        return 0


def fetch(name: str, files: Sequence[File], progress: Progress | None = None) -> list[Path]:
    """Brings files into the cache.

    Args:
        name: what they are, as people know it.
        progress: is told the bytes, in this thread.

    Returns:
        Where each of them lies.

    Raises:
        Unavailable: the hub does not give one out, or the disk is full.
    """
    _refuse_full_disk(name, sum(file.size - file.here for file in files))
    done = [file.here for file in files]
    size = sum(file.size for file in files)

    def tell() -> None:
        if progress is not None:
            progress(sum(done), size)

    tell()
    places = []
    for number, file in enumerate(files):

        def arrived(size: int, number: int = number) -> None:
            done[number] = size
            tell()

        with plainly(name, file.repository):
            _fetch(file, arrived)
            places.append(download(file))  # finds its content here, and puts it in its place
        arrived(file.size)
    return places


def cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repository(source: str) -> Path:
    return cache() / f"models--{source.replace('/', '--')}"


def sources() -> list[str]:
    """The repositories of models in the cache."""
    prefix = "models--"
    try:
        folders = sorted(entry.name for entry in cache().iterdir())
    except OSError:
        return []
    there = (name.removeprefix(prefix) for name in folders if name.startswith(prefix))
    return [name.replace("--", "/", 1) for name in there]


def snapshot(source: str, reference: str) -> Path | None:
    place = repository(source)
    try:
        revision = (place / "refs" / reference).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return place / "snapshots" / revision if _REVISION.fullmatch(revision) else None


def refer(source: str, revision: str) -> None:
    """Notes that a repository is here whole."""
    folder = repository(source) / "refs"
    folder.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(revision)
    os.chmod(name, 0o644)  # mkstemp's is for the owner alone
    os.replace(name, folder / REFERENCE)


def free() -> tuple[int, str]:
    """How many bytes are free where models lie, and the folder there that exists by now."""
    place = cache()
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    return shutil.disk_usage(existing).free, str(existing)


def _refuse_full_disk(name: str, missing: int) -> None:
    there, place = free()
    if missing and missing + ROOM_TO_SPARE > there:
        raise Unavailable(
            f"{name} needs {missing / 1e9:.1f} GB more, but only {there / 1e9:.1f} GB are "
            f"free in {place}: make room, or set HF_HOME to a larger disk."
        )


def listed(source: str) -> tuple[Any, dict[str, File]]:
    """What the hub says of a repository, and its files by their paths."""
    from huggingface_hub import HfApi

    listing = HfApi().model_info(source, files_metadata=True, timeout=TIMEOUT_S)
    if not _REVISION.fullmatch(listing.sha or ""):
        raise ValueError("it names no revision")
    files = {}
    for entry in listing.siblings or ():
        blob = entry.lfs.sha256 if entry.lfs else entry.blob_id
        size = entry.lfs.size if entry.lfs else entry.size
        if ".." not in entry.rfilename.split("/") and _BLOB.fullmatch(blob or ""):
            files[entry.rfilename] = File(
                source, listing.sha or "", entry.rfilename, size or 0, blob or ""
            )
    return listing, files


def download(file: File) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(file.repository, file.path, revision=file.revision))


def _fetch(file: File, arrived: Callable[[int], None]) -> None:
    """Brings a file's content into the cache, from where an earlier try stopped."""
    import httpx2
    from filelock import FileLock

    blob = repository(file.repository) / "blobs" / file.blob
    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    lock = cache() / ".locks" / blob.parent.parent.name / f"{file.blob}.lock"  # the hub's own
    lock.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(f"{file.blob}.part")
    with FileLock(lock):
        failures = 0
        while not blob.exists():
            before = part.stat().st_size if part.exists() else 0
            try:
                _go_on(file, part, before, arrived)
            except httpx2.TransportError:
                after = part.stat().st_size if part.exists() else 0
                failures = 0 if after > before else failures + 1
                if failures >= ATTEMPTS:
                    raise
                time.sleep(PAUSE_S)
                continue
            if _digest(part, file) != file.blob:
                part.unlink()
                raise ValueError(f"{file.path} arrived damaged")
            os.chmod(part, 0o644)
            os.replace(part, blob)


def _go_on(file: File, part: Path, offset: int, arrived: Callable[[int], None]) -> None:
    """Fetches the rest of a file, from `offset` bytes on."""
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # it has no __all__
        build_hf_headers,
        hf_raise_for_status,
    )

    if offset >= file.size:
        if offset == file.size and offset:
            return
        part.write_bytes(b"")
        offset = 0
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    url = hf_hub_url(file.repository, file.path, revision=file.revision)
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S) as response:
        hf_raise_for_status(response)
        goes_on = offset > 0 and response.status_code == 206
        size = offset if goes_on else 0
        with part.open("ab" if goes_on else "wb") as out:
            for piece in response.iter_bytes():
                out.write(piece)
                size += len(piece)
                if size > file.size:
                    break  # the digest tells that it is damaged
                arrived(size)


def _digest(path: Path, file: File) -> str:
    digest = hashlib.sha256() if len(file.blob) == 64 else hashlib.sha1(usedforsecurity=False)
    if len(file.blob) == 40:
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as content:
        while piece := content.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def plainly(name: str, source: str) -> Iterator[None]:
    """Turns the hub's errors into one sentence that names it and says what to do."""
    import httpx2
    from huggingface_hub import constants, errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise Unavailable(
            f"{name} is given out only to those who accepted its licence: accept it at "
            f"{constants.ENDPOINT}/{source}, then set HF_TOKEN to a token of your account there."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise Unavailable(
            f"The hub knows no model {source}; if it is a private one, set HF_TOKEN."
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise Unavailable(
            f"The hub is not asked for {name}: HF_HUB_OFFLINE is set.", retry=True
        ) from error
    except httpx2.ConnectError as error:
        raise Unavailable(
            f"The hub cannot be reached for {name}: try again later.", retry=True
        ) from error
    except (httpx2.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"{name} could not be written: {reason}.") from error
        raise Unavailable(
            f"{name} could not be fetched from the hub: try again, it goes on where it stopped.",
            retry=True,
        ) from error
    except ValueError as error:
        raise Unavailable(f"{name} could not be fetched: {error}.", retry=True) from error
