"""Where files are kept: pictures by key, in a folder (and later in any object store).

A key is minted here, never taken from outside: `ab/cdef….png`, 160 random bits and the ending of
the file's type. Whoever knows a key may read the file, so a key is as secret as the post it is for.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

KEY_BYTES = 20  # unguessable, and short enough for an address
CHUNK_BYTES = 256 * 1024  # what is read at once when a file is streamed
PART = ".part"  # how a file ends that is being written

# Two characters of folder, so that no folder holds more than a few thousand files.
_FOLDER = re.compile(r"[0-9a-z]{2}")
_KEY = re.compile(r"[0-9a-z]{2}/[0-9a-z]{20,60}\.[a-z0-9]{1,5}")


def new_key(ending: str) -> str:
    """A fresh, unguessable key for a file.

    Args:
        ending: the file's type as it ends its name, without the dot: `png`, `webp`.
    """
    token = secrets.token_hex(KEY_BYTES)
    key = f"{token[:2]}/{token[2:]}.{ending}"
    if not _KEY.fullmatch(key):
        raise ValueError(f"no ending for a stored file: {ending!r}")
    return key


class Missing(Exception):
    """There is no file under this key; what is no key at all is missing, too."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as it lies in the storage: its size in bytes, and when it was written."""

    key: str
    size: int
    modified_at: datetime


class Storage(Protocol):
    """What a place for files can do. Nothing here blocks the event loop."""

    async def put(self, key: str, content: bytes) -> None:
        """Store `content` under `key`, whole or not at all; it is on the disk on return.

        Raises:
            ValueError: `key` is none that `new_key` makes.
        """

    async def put_file(self, key: str, file: BinaryIO) -> None:
        """Like `put`, from the beginning of an open file that may be larger than memory."""

    async def size(self, key: str) -> int:
        """How many bytes the file under `key` has.

        Raises:
            Missing: there is none.
        """

    async def read(self, key: str) -> bytes:
        """The whole file under `key`.

        Raises:
            Missing: there is none.
        """

    def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to (not including) `end`, in pieces.

        Raises:
            Missing: there is none (before the first piece).
        """

    async def delete(self, key: str) -> None:
        """Remove the file under `key`; nothing happens if there is none."""

    async def page(self, after: str, limit: int) -> list[Listed]:
        """The files whose keys come after `after`, in their order: at most `limit` of them."""

    async def tidy(self, before: datetime) -> None:
        """Remove what is left of writes that broke off before a moment."""


class FolderStorage:
    """Files in a folder of this machine.

    Args:
        folder: made when the first file is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the file under `key` is, whether it exists or not: for servers of static files.

        Raises:
            Missing: `key` is none that `new_key` makes, so it can lead nowhere else.
        """
        if not _KEY.fullmatch(key):
            raise Missing(key)
        return self.folder / key

    async def put(self, key: str, content: bytes) -> None:
        await self.put_file(key, io.BytesIO(content))

    async def put_file(self, key: str, file: BinaryIO) -> None:
        if not _KEY.fullmatch(key):
            raise ValueError(f"no key for a stored file: {key!r}")
        await asyncio.to_thread(_write, self.folder / key, file)

    async def size(self, key: str) -> int:
        path = self.path(key)
        try:
            return (await asyncio.to_thread(path.stat)).st_size
        except FileNotFoundError:
            raise Missing(key) from None

    async def read(self, key: str) -> bytes:
        path = self.path(key)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            raise Missing(key) from None

    async def stream(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        path = self.path(key)
        while end is None or start < end:
            length = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - start)
            try:
                # Nothing stays open between the pieces: a reader may leave at any of them.
                piece = await asyncio.to_thread(_piece, path, start, length)
            except FileNotFoundError:
                raise Missing(key) from None
            if piece:
                yield piece
            if len(piece) < length:
                return
            start += length

    async def delete(self, key: str) -> None:
        path = self.path(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def page(self, after: str, limit: int) -> list[Listed]:
        return await asyncio.to_thread(_page, self.folder, after, limit)

    async def tidy(self, before: datetime) -> None:
        await asyncio.to_thread(_tidy, self.folder, before.timestamp())


def _page(root: Path, after: str, limit: int) -> list[Listed]:
    found: list[Listed] = []
    for folder in _folders(root):
        if folder < after[:2]:
            continue
        with os.scandir(root / folder) as entries:
            keys = sorted(f"{folder}/{entry.name}" for entry in entries)
        for key in keys:
            if key <= after or not _KEY.fullmatch(key):
                continue
            try:
                status = (root / key).stat()
            except FileNotFoundError:  # removed in this moment
                continue
            written = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(Listed(key, status.st_size, written))
            if len(found) == limit:
                return found
    return found


def _tidy(root: Path, before: float) -> None:
    for folder in _folders(root):
        for path in (root / folder).glob(f".*{PART}"):
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
            except FileNotFoundError:
                pass


def _folders(root: Path) -> list[str]:
    """The folders that files lie in, in their order; what else lies there is not ours."""
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        return sorted(
            entry.name
            for entry in entries
            if _FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        )


def _piece(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _write(path: Path, source: BinaryIO) -> None:
    """Write beside the goal, force it to the disk, and put it in place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        with beside.open("xb") as file:
            source.seek(0)
            shutil.copyfileobj(source, file, CHUNK_BYTES)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the name itself must survive a power cut, too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
