"""Bodies of `multipart/form-data` (RFC 7578), taken apart: where each part lies in a file.

What a hostile form can cost is bounded before anything is read of it: boundaries of the length that
RFC 2046 allows, so many parts, so many bytes of headers for each. Between two boundaries there is
one search, in pieces, so that the thread that does it never holds the interpreter for long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from python_multipart.multipart import parse_options_header

FORM = "multipart/form-data"
MAX_BOUNDARY = 70  # characters (RFC 2046, 5.1.1)
MAX_HEADERS = 2048  # bytes of all headers of one part; a browser sends some 150
MAX_NAME = 200  # bytes of the name of a part
PIECE = 256 * 1024  # bytes that are searched at once

# RFC 2046's `bchars`; a space may not be the last.
_BOUNDARY = frozenset(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? "
)


class FormError(Exception):
    """A form that cannot be read; the message is one sentence for who sent it."""


class TooLarge(FormError):
    """A part of a form that is larger than it may be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a form may hold.

    Args:
        body: bytes of the whole.
        files: how many parts may be files.
        parts: how many parts there may be, files included.
        value: bytes of a part that is no file.
    """

    body: int
    files: int
    parts: int = 200
    value: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form, which lies in the file of its body from `start` to `end`.

    Attributes:
        filename: how its sender names the file; None: it is no file, but a value.
        media_type: what its sender says that it is; empty: nothing.
    """

    name: str
    filename: str | None
    media_type: str
    start: int
    end: int


def boundary_of(content_type: str) -> bytes:
    """The boundary of a form.

    Args:
        content_type: the header of the body.

    Raises:
        FormError: there is none, or none that may be one.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if (
        not 0 < len(boundary) <= MAX_BOUNDARY
        or not _BOUNDARY.issuperset(boundary)
        or boundary.endswith(b" ")
    ):
        raise FormError("The form has no boundary that may be one.")
    return boundary


def take_apart(file: BinaryIO, boundary: bytes, limits: Limits) -> list[Part]:
    """The parts of a form, in their order. Slow: call it in a thread.

    Args:
        file: the body.
        boundary: as `boundary_of` gives it.

    Raises:
        FormError: it is no form, or over a limit.
    """
    delimiter = b"\r\n--" + boundary
    begin = _read(file, 0, len(delimiter))
    if begin.startswith(delimiter[2:]):
        at = len(delimiter) - 2
    elif begin == delimiter:
        at = len(delimiter)
    else:
        raise FormError("The form does not begin with its boundary.")
    parts: list[Part] = []
    files = 0
    while True:
        head = _read(file, at, MAX_HEADERS + 4)
        if head.startswith(b"--"):
            return parts
        if not head:
            raise FormError("The form has no end.")
        if not head.startswith(b"\r\n"):
            raise FormError("A boundary of the form stands in a line with something else.")
        if len(parts) == limits.parts:
            raise FormError(f"The form has too many parts: at most {limits.parts} are taken.")
        blank = head.find(b"\r\n\r\n")
        if blank < 0:
            raise FormError("A part of the form has no headers, or too many.")
        start = at + blank + 4
        end = _find(file, delimiter, start)
        if end < 0:
            raise FormError("The form has no end.")
        part = _part(head[2:blank], start, end)
        if part.filename is None and end - start > limits.value:
            raise TooLarge(f"The part {part.name} is too large: at most {limits.value} bytes.")
        parts.append(part)
        files += part.filename is not None
        if files > limits.files:
            raise FormError(f"The form has too many files: at most {limits.files} are taken.")
        at = end + len(delimiter)


def _part(headers: bytes, start: int, end: int) -> Part:
    disposition, media_type = "", ""
    for line in headers.split(b"\r\n"):
        name, _, value = line.partition(b":")
        match name.lower():
            case b"content-disposition":
                disposition = value.decode("latin-1")
            case b"content-type":
                media_type = value.decode("latin-1").partition(";")[0].strip().lower()
    kind, options = parse_options_header(disposition)
    told = options.get(b"name", b"")
    if kind != b"form-data" or not 0 < len(told) <= MAX_NAME:
        raise FormError("A part of the form has no name.")
    filename = options.get(b"filename")
    return Part(
        _text(told),
        None if filename is None else filename.decode("utf-8", "replace"),
        media_type,
        start,
        end,
    )


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise FormError("A name in the form is no UTF-8.") from None


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


def _find(file: BinaryIO, wanted: bytes, start: int) -> int:
    """Where something is found from `start` on; -1 if nowhere."""
    while piece := _read(file, start, PIECE):
        found = piece.find(wanted)
        if found >= 0:
            return start + found
        if len(piece) < PIECE:
            break
        start += PIECE - len(wanted) + 1
    return -1
