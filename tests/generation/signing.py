"""Signed pictures, and what others may do to them."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import UTC, datetime

from PIL import Image, PngImagePlugin

from generation import certificates, credentials, provenance
from generation.certificates import Certified
from generation.credentials import Claim
from generation.provenance import Format
from generation.recipe import Recipe

NAME = "easel.example"
RECIPE = Recipe(prompt="a lighthouse", negative_prompt="fog", seed=7, steps=4, guidance=1.5)
CLAIM = Claim(model="FLUX.2 klein", model_version="0123456789", software="Easel 0.1")


def chain(name: str = NAME, now: datetime | None = None) -> tuple[str, Certified]:
    """An authority's certificate, and who signs for it."""
    now = now or datetime.now(UTC)
    above = certificates.authority(name, now)
    leaf = certificates.leaf(above, name, now)
    return above.certificate, Certified(leaf.certificate + above.certificate, leaf.key)


def stamped(
    format: Format = "PNG", *, size: tuple[int, int] = (64, 48), shared: bool = True
) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(out, "PNG")
    return provenance.stamp(
        out.getvalue(),
        recipe=RECIPE,
        model=CLAIM.model,
        model_version=CLAIM.model_version,
        alt_text="A lighthouse.",
        creator=f"alice@{NAME}",
        share_recipe=shared,
        software=CLAIM.software,
        format=format,
    )


def signed(
    by: Certified, format: Format = "PNG", claim: Claim = CLAIM, shared: bool = True
) -> bytes:
    media_type = provenance.MEDIA_TYPES[format]
    return credentials.sign(stamped(format, shared=shared), media_type, claim, by)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG."""
    found, at = [], 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        found.append((kind, png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_of(parts: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def with_another_pixel(png: bytes) -> bytes:
    """The PNG with one sample of one pixel changed by one, and everything else as it was."""
    parts = chunks(png)
    rows = bytearray(zlib.decompress(b"".join(data for kind, data in parts if kind == b"IDAT")))
    rows[100] ^= 1
    packed = zlib.compress(bytes(rows))
    changed, done = [], False
    for kind, data in parts:
        if kind != b"IDAT":
            changed.append((kind, data))
        elif not done:
            changed.append((kind, packed))
            done = True
    return png_of(changed)


def with_another_byte(content: bytes) -> bytes:
    """The file with a byte near its end changed, where its pixels are."""
    at = len(content) - 40
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def stripped(png: bytes) -> bytes:
    """The PNG as many programs save it: its texts are kept, its credentials are not."""
    with Image.open(io.BytesIO(png)) as image:
        texts = PngImagePlugin.PngInfo()
        for name, text in image.info.items():
            texts.add_itxt(name, str(text))
        out = io.BytesIO()
        image.save(out, "PNG", pnginfo=texts)
    return out.getvalue()


def with_manifest(manifest: bytes) -> bytes:
    """A PNG whose credentials are these bytes."""
    parts = chunks(stamped())
    return png_of([parts[0], (b"caBX", manifest), *parts[1:]])


def box(kind: bytes, content: bytes) -> bytes:
    """A box of JUMBF (ISO 19566-5)."""
    return struct.pack(">I", len(content) + 8) + kind + content
