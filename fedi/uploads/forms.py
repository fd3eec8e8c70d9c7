"""Forms that people and apps send: received within limits, and taken apart beside the event loop.

A body waits on the disk, not in memory, so that slow senders cost none; it is taken apart in a
thread, few at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, TypeVar, cast
from weakref import WeakKeyDictionary

from starlette.exceptions import HTTPException
from starlette.requests import Request

from activitypub import json
from activitypub.errors import Malformed
from fedi.uploads import multipart, sizes
from fedi.uploads.multipart import FormError, Limits, Part, TooLarge

IN_MEMORY = 512 * 1024  # bytes of a body; what is larger goes to the disk
PIECE = 1024 * 1024  # bytes that are written there at once
AT_ONCE = 2  # forms that are taken apart

Result = TypeVar("Result")

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class _Body:
    """A body that was received. Threads use it one after the other."""

    def __init__(self) -> None:
        self._file = cast(BinaryIO, SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
        self._one = asyncio.Lock()

    async def use(self, work: Callable[[BinaryIO], Result]) -> Result:
        async with self._one:
            return await asyncio.to_thread(work, self._file)

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a form, which can be read while the form is open.

    Attributes:
        filename: how its sender names it; never a path of ours.
        media_type: what its sender says that it is.
        size: bytes.
    """

    filename: str
    media_type: str
    size: int
    _body: _Body
    _start: int

    async def read(self) -> bytes:
        """All of it."""
        return await self._body.use(lambda file: _slice(file, self._start, self.size))


def turns() -> asyncio.Semaphore:
    """Who may take a form apart on this loop, which is to say in this process."""
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))


def is_form(request: Request) -> bool:
    """Whether a body says that it is `multipart/form-data`."""
    told = request.headers.get("content-type", "")
    return told.partition(";")[0].strip().lower() == multipart.FORM


@contextlib.asynccontextmanager
async def read_multipart(
    request: Request, limits: Limits
) -> AsyncIterator[list[tuple[str, str | UploadedFile]]]:
    """The parts of a `multipart/form-data` body, in their order; a name may come several times.

    Yields:
        The name of each, and its value, or its file, which can be read until the block ends.

    Raises:
        HTTPException: 413 or 400 for a body that cannot be read.
    """
    with _refused():
        boundary = multipart.boundary_of(request.headers.get("content-type", ""))
    received = _Body()
    try:
        await _receive(request, limits.body, received)
        with _refused():
            async with turns():
                parts = await received.use(lambda file: _read(file, boundary, limits))
        yield [
            (part.name, value if value is not None else _file(part, received))
            for part, value in parts
        ]
    finally:
        received.close()


@contextlib.asynccontextmanager
async def read_form(
    request: Request, field: str, limits: Limits
) -> AsyncIterator[tuple[dict[str, Any], dict[str, UploadedFile]]]:
    """A `multipart/form-data` body of a JSON object and files.

    Args:
        field: the part that holds the object.

    Yields:
        The object, and the files by the names of their parts.

    Raises:
        HTTPException: 413 or 400 for a body that cannot be read.
    """
    async with read_multipart(request, limits) as parts:
        asked: str | bytes = ""
        files: dict[str, UploadedFile] = {}
        for name, part in parts:
            if name == field:  # some apps send it as a file, to say that it is JSON
                asked = part if isinstance(part, str) else await _small(part, limits.value)
            elif isinstance(part, UploadedFile):
                files[name] = part
        try:
            found = json.decode(asked.encode() if isinstance(asked, str) else asked)
        except Malformed as error:
            raise HTTPException(400, f"The part {field}: {error.reason}") from error
        yield found, files


async def _receive(request: Request, limit: int, into: _Body) -> None:
    pieces = bytearray()
    size = 0
    sizes.refuse_declared(request, limit)
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise sizes.too_large(limit)
        pieces += piece
        if len(pieces) >= PIECE:
            await _append(into, pieces)
    await _append(into, pieces)


async def _append(into: _Body, pieces: bytearray) -> None:
    await into.use(lambda file: file.write(pieces))
    pieces.clear()


def _read(file: BinaryIO, boundary: bytes, limits: Limits) -> list[tuple[Part, str | None]]:
    """The parts, and the values of those that are no files."""
    found: list[tuple[Part, str | None]] = []
    for part in multipart.take_apart(file, boundary, limits):
        value = None
        if part.filename is None:
            try:
                value = _slice(file, part.start, part.end - part.start).decode()
            except UnicodeDecodeError:
                raise FormError(f"The part {part.name} is no UTF-8.") from None
        found.append((part, value))
    return found


def _file(part: Part, received: _Body) -> UploadedFile:
    size = part.end - part.start
    return UploadedFile(part.filename or "", part.media_type, size, received, part.start)


def _slice(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


async def _small(file: UploadedFile, limit: int) -> bytes:
    if file.size > limit:
        raise sizes.too_large(limit)
    return await file.read()


@contextlib.contextmanager
def _refused() -> Any:
    try:
        yield
    except TooLarge as error:
        raise HTTPException(413, str(error)) from error
    except FormError as error:
        raise HTTPException(400, str(error)) from error
