"""The process that reads a stranger's file: it has no key, and gets one signature at most."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from generation import apart, certificates, credentials
from generation.credentials import CredentialsError, Parent
from tests.generation.signing import CLAIM, NAME, RECIPE, chain, signed, stamped

OTHER = "other.example"
SECRET = "postgresql://easel:a-password-of-the-database@db/easel"
LINE = 48  # bytes that a line of PEM spells
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def with_parent(picture: bytes) -> credentials.Claim:
    parent = Parent(uri=f"https://{OTHER}/1", picture=picture, media_type="image/png")
    return msgspec.structs.replace(CLAIM, parents=(parent,))


def children() -> list[Path]:
    """The processes of `generation.apart` that this one has begun."""
    found: list[Path] = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            process = Path("/proc") / pid
            try:
                if b"generation.apart" in (process / "cmdline").read_bytes():
                    found.append(process)
            except OSError:  # another that has just ended
                continue
    return found


def memory(process: Path) -> bytes:
    """All that a process can read of itself."""
    parts = []
    with (process / "mem").open("rb", buffering=0) as file:
        for line in (process / "maps").read_text().splitlines():
            span, rights, _ = line.split(maxsplit=2)
            start, end = (int(bound, 16) for bound in span.split("-"))
            if rights.startswith("rw"):
                file.seek(start)
                try:
                    parts.append(file.read(end - start))
                except OSError:  # what the kernel keeps to itself
                    continue
    return b"".join(parts)


def spellings(pem: str) -> list[bytes]:
    """A private key as it may lie in a memory; of its PEM, the lines that tell of it (the last
    has only the public point, which a certificate may spell alike)."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    number = key.private_numbers().private_value
    secret = number.to_bytes(32, "big")
    lines = pem.strip().splitlines()[1:-1]
    whole = base64.b64decode("".join(lines))
    until = whole.index(secret) + len(secret)
    return [
        *(line.encode() for at, line in enumerate(lines) if at * LINE < until),
        whole,
        secret,
        number.to_bytes(32, "little"),
    ]


@LINUX
def test_the_key_never_reaches_the_process_that_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_DATABASE__URL", SECRET)
    authority, by = chain()
    _, theirs = chain(OTHER)
    seen: list[tuple[bytes, bytes, bytes]] = []
    really = certificates.signature

    def signature(data: bytes, key: str) -> bytes:
        """The child waits for this, and has read the parent's file."""
        [child] = children()
        words = (child / "environ").read_bytes() + (child / "cmdline").read_bytes()
        seen.append((memory(child), words, data))
        return really(data, key)

    parent = signed(theirs)
    with monkeypatch.context() as patched:
        patched.setattr(certificates, "signature", signature)
        content = apart.sign(stamped(), "image/png", with_parent(parent), by)
    [(held, words, unsigned)] = seen  # one signature
    assert parent[:2000] in held and unsigned in held  # it is looked for where it would be
    assert not [spelling for spelling in spellings(by.key) if spelling in held]
    assert SECRET.encode() not in held + words
    found = credentials.read(content, "image/png", {NAME: authority})
    assert (found.state, found.vouched) == ("valid", NAME)


@LINUX
def test_what_reads_can_open_no_file() -> None:
    code = "from generation import apart; apart._confine(); open('/etc/hostname')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "Too many open files" in done.stderr


ROGUES: dict[str, str] = {
    "asks for what is no claim": "tell({'type': '_Unsigned', 'content': b'I owe you a house.'})",
    "asks for too much": "tell({'type': '_Unsigned', 'content': claim + bytes(20_000)})",
    "asks in another name": "tell({'type': '_Unsigned', 'content': b'\\x84\\x6aSignature1'})",
    "asks twice": "for _ in range(2): tell({'type': '_Unsigned', 'content': claim}); hear()",
    "answers with something else": "tell({'type': '_Found', 'manifest': {}})",
    "answers with more than there can be": "out.write(b'\\xff' * 9); out.flush()",
    "answers with noise": "out.write((4).to_bytes(8, 'big') + b'\\xc1\\xc1\\xc1\\xc1')",
    "ends": "pass",
}


@pytest.fixture
def rogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a child of another mind in place of ours; what it got for its trouble is in a file."""

    def put(does: str) -> Path:
        got = tmp_path / "got"
        got.touch()
        program = tmp_path / "rogue"
        program.write_text(
            f"#!{sys.executable}\n"
            + textwrap.dedent(f"""\
                import sys
                import msgspec
                from generation import apart, certificates
                out, into = sys.stdout.buffer, sys.stdin.buffer
                def hear():
                    length = int.from_bytes(into.read(8), "big")
                    message = msgspec.msgpack.decode(into.read(length)) if length else b""
                    if isinstance(message, bytes) and message:
                        with open({str(got)!r}, "ab") as file:
                            file.write(message)
                    return message
                def tell(message):
                    packed = msgspec.msgpack.encode(message)
                    out.write(len(packed).to_bytes(8, "big") + packed)
                    out.flush()
                claim = apart.SIGNED + certificates.der(hear()["certificate"])
                """)
            + does
            + "\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setenv("PYTHONPATH", os.getcwd())
        return got

    return put


@pytest.mark.parametrize("does", ROGUES.values(), ids=ROGUES)
def test_who_takes_over_a_child_gets_one_signature_at_most(
    does: str, rogue: Callable[[str], Path]
) -> None:
    _, by = chain()
    _, theirs = chain(OTHER)
    claim = with_parent(signed(theirs))
    got = rogue(does)
    with pytest.raises(CredentialsError, match="could not be signed with its parent"):
        apart.sign(stamped(), "image/png", claim, by)
    assert len(got.read_bytes()) == (64 if "range(2)" in does else 0)


def test_the_credentials_of_all_ancestors_have_a_limit() -> None:
    _, by = chain()
    _, theirs = chain(OTHER)
    long: Any = msgspec.structs.replace(
        CLAIM, recipe=msgspec.structs.replace(RECIPE, prompt="long " * (apart.MAX_STORE // 5))
    )
    with pytest.raises(CredentialsError, match="too large"):
        apart.sign(stamped(), "image/png", with_parent(signed(theirs, claim=long)), by)
