"""Content credentials of strangers, read in a process of their own.

The library that reads them is native: what makes it crash, hang or eat memory ends a child, and
not the server. A child takes a quarter of a second; files without credentials need none.

No key is ever in a child, which can open no file and no connection either. Where a picture is
signed together with its parent's file, the child that reads that file asks for one signature, and
the server, which has parsed nothing of it, gives one. (The library cannot take over what another
process has read of a parent without parsing that again.) So who takes over a child may have a lie
about one picture signed, and takes no key away to sign more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TypeVar

import msgspec

from generation import certificates, credentials
from generation.certificates import Certified
from generation.credentials import Claim, CredentialsError
from generation.manifests import Manifest

TIMEOUT_S = 15.0  # on a busy machine; a file of 16 MB takes less than one
MAX_MEMORY = 2_000_000_000  # bytes of address space; the library alone takes 200 MB of that
MAX_CPU_S = 10
MAX_BYTES = 100_000_000  # of a file
MAX_CHILDREN = 3  # at once: what they may take of memory together is so many times the above
# Of the credentials of a file's ancestors, which go with it: each Easel before it adds 12,000.
MAX_STORE = 1_000_000
# Bytes that a signature is given for: the certificates (1,000 or so), and a claim of 700.
MAX_SIGNED = 16_384
SIGNED = b"\x84\x6aSignature1"  # how they begin (COSE, RFC 9052, 4.4)

# What a child is told in its environment: nothing, but where Python and its packages are.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT")
_LENGTH = 8  # bytes of the number before a message

_children = threading.BoundedSemaphore(MAX_CHILDREN)

_T = TypeVar("_T")

DAMAGED = Manifest(state="damaged", codes=("the reader gave up",))


class _Read(msgspec.Struct, tag=True):
    content: bytes
    media_type: str
    authorities: dict[str, str]


class _Sign(msgspec.Struct, tag=True):
    picture: bytes
    media_type: str
    claim: Claim
    certificate: str


class _Found(msgspec.Struct, tag=True):
    manifest: Manifest


class _Unsigned(msgspec.Struct, tag=True):
    """The child asks for a signature over this."""

    content: bytes


class _Finished(msgspec.Struct, tag=True):
    picture: bytes


class _Refused(Exception):
    """A child says what none of ours would."""


def read(content: bytes, media_type: str, authorities: Mapping[str, str]) -> Manifest:
    """Like `credentials.read`, for any file whatever. Blocks: call it in a thread."""
    if not credentials.present(content):
        return Manifest()
    if len(content) > MAX_BYTES:
        return DAMAGED
    try:
        with _child() as child:
            child.tell(_Read(content, media_type, dict(authorities)))
            return child.hear(_Found).manifest
    except (_Refused, OSError):
        return DAMAGED


def sign(picture: bytes, media_type: str, claim: Claim, by: Certified) -> bytes:
    """Like `credentials.sign`, where a parent's file is a stranger's. Blocks, too.

    Raises:
        CredentialsError: it cannot be signed, or the credentials of its parent are too large.
    """
    try:
        with _child() as child:
            child.tell(_Sign(picture, media_type, claim, by.certificate))
            unsigned = child.hear(_Unsigned).content
            if not _signable(unsigned, by):
                raise _Refused
            child.tell(certificates.signature(unsigned, by.key))
            signed = child.hear(_Finished).picture
    except (_Refused, OSError) as error:
        raise CredentialsError("The picture could not be signed with its parent.") from error
    if len(signed) > len(picture) + MAX_STORE:
        raise CredentialsError("The content credentials of the picture's parent are too large.")
    return signed


def _signable(unsigned: bytes, by: Certified) -> bool:
    """Whether it may be a claim about a picture, in the name of who signs."""
    return (
        len(unsigned) <= MAX_SIGNED
        and unsigned.startswith(SIGNED)
        and certificates.der(by.certificate) in unsigned
    )


class _Line:
    """Messages to another process and back, each behind its length."""

    def __init__(self, out: IO[bytes], into: IO[bytes]) -> None:
        self._out, self._into = out, into

    def tell(self, message: msgspec.Struct | bytes) -> None:
        packed = msgspec.msgpack.encode(message)
        self._out.write(len(packed).to_bytes(_LENGTH, "big"))
        self._out.write(packed)
        self._out.flush()

    def hear(self, kind: type[_T]) -> _T:
        """The next message. Raises `_Refused` for anything else, and if none comes."""
        length = int.from_bytes(self._into.read(_LENGTH), "big")
        if not 0 < length <= 2 * MAX_BYTES:
            raise _Refused
        try:
            return msgspec.msgpack.decode(self._into.read(length), type=kind)
        except msgspec.DecodeError as error:
            raise _Refused from error


@contextmanager
def _child() -> Iterator[_Line]:
    """A child that lives as long as this, and `TIMEOUT_S` at most; one of `MAX_CHILDREN`."""
    with _children:
        process = subprocess.Popen(
            [sys.executable, "-m", "generation.apart"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
        assert process.stdin is not None and process.stdout is not None
        clock = threading.Timer(TIMEOUT_S, process.kill)
        clock.start()
        try:
            yield _Line(process.stdin, process.stdout)
        finally:
            clock.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            try:
                process.stdin.close()
            except OSError:  # what it did not read any more
                pass


def _main() -> None:
    """The child: a question on standard input, the answer on standard output."""
    import c2pa  # noqa: F401 - while files can still be opened

    _confine()
    server = _Line(sys.stdout.buffer, sys.stdin.buffer)
    match server.hear(_Read | _Sign):  # type: ignore[arg-type]
        case _Read(content, media_type, authorities):
            server.tell(_Found(credentials.read(content, media_type, authorities)))
        case _Sign(picture, media_type, claim, certificate):

            def signature(data: bytes) -> bytes:
                server.tell(_Unsigned(data))
                return server.hear(bytes)

            signed = credentials.sign_by(picture, media_type, claim, certificate, signature)
            server.tell(_Finished(signed))


def _confine() -> None:
    try:
        import resource
    except ImportError:  # Windows knows no such limits; the time limit holds there, too
        return
    for what, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    _main()
