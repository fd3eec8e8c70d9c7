"""Content credentials of strangers, read in a process of their own.

The library that reads them is native: what makes it crash, hang or eat memory ends a child, and
not the server. A child takes a quarter of a second; files without credentials need none. There are
few at once, whoever asks: who comes later waits, in its thread.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping

import msgspec

from generation import credentials
from generation.certificates import Certified
from generation.credentials import Claim, CredentialsError
from generation.manifests import Manifest

TIMEOUT_S = 15.0  # on a busy machine; a file of 16 MB takes less than one
MAX_MEMORY = 2_000_000_000  # bytes of address space; the library alone takes 200 MB of that
MAX_CPU_S = 10
MAX_BYTES = 100_000_000  # of a file
MAX_CHILDREN = 3  # at once: what they may take of memory together is so many times the above

_children = threading.BoundedSemaphore(MAX_CHILDREN)

DAMAGED = Manifest(state="damaged", codes=("the reader gave up",))


class _Read(msgspec.Struct, tag=True):
    content: bytes
    media_type: str
    authorities: dict[str, str]


class _Sign(msgspec.Struct, tag=True):
    picture: bytes
    media_type: str
    claim: Claim
    by: Certified


def read(content: bytes, media_type: str, authorities: Mapping[str, str]) -> Manifest:
    """Like `credentials.read`, for any file whatever. Blocks: call it in a thread."""
    if not credentials.present(content):
        return Manifest()
    if len(content) > MAX_BYTES:
        return DAMAGED
    try:
        answer = _asked(_Read(content, media_type, dict(authorities)))
        return msgspec.msgpack.decode(answer, type=Manifest)
    except (subprocess.SubprocessError, OSError, msgspec.DecodeError):
        return DAMAGED


def sign(picture: bytes, media_type: str, claim: Claim, by: Certified) -> bytes:
    """Like `credentials.sign`, where a parent's file is a stranger's. Blocks, too."""
    try:
        return _asked(_Sign(picture, media_type, claim, by))
    except (subprocess.SubprocessError, OSError) as error:
        raise CredentialsError("The picture could not be signed with its parent.") from error


def _asked(question: _Read | _Sign) -> bytes:
    """What a child answers. Raises SubprocessError if it gives none in time."""
    with _children:
        return subprocess.run(
            [sys.executable, "-m", "generation.apart"],
            input=msgspec.msgpack.encode(question),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=True,
        ).stdout


def _main() -> None:
    """The child: a question on standard input, the answer on standard output."""
    _confine()
    match msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Read | _Sign):
        case _Read(content, media_type, authorities):
            found = credentials.read(content, media_type, authorities)
            answer = msgspec.msgpack.encode(found)
        case _Sign(picture, media_type, claim, by):
            answer = credentials.sign(picture, media_type, claim, by)
    sys.stdout.buffer.write(answer)


def _confine() -> None:
    try:
        import resource
    except ImportError:  # Windows knows no such limits; the time limit holds there, too
        return
    for what, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    _main()
