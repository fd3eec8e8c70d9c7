"""What a picture's file says of itself, in every layer there is: XMP and IPTC, A1111's text, C2PA.

None of it is believed. What a stranger's file says is read with limits, and shown as its own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from PIL import Image

from generation import apart, credentials, manifests, provenance
from generation.manifests import Manifest
from generation.provenance import TRAINED_ALGORITHMIC_MEDIA, Credentials

# Pillow's names of formats, and what they are called in C2PA.
MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "MPO": "image/jpeg",
}
MAKER = "Easel"  # how the program begins that always signs what it paints

_SOURCE_TYPE = re.compile(
    r"https?://(cv\.iptc\.org/newscodes|c2pa\.org)/digitalsourcetype/([A-Za-z]{1,60})"
)
_UNSAID = "empty"  # C2PA's word for a source that nobody tells


class Label(msgspec.Struct, frozen=True):
    """The honest part of it: an IPTC digital source type, and which machine; empty if unsaid."""

    source_type: str = ""
    system: str = ""
    version: str = ""

    def packet(self) -> bytes:
        """It as XMP, for a file that is encoded anew."""
        return provenance.label(self.source_type, self.system, self.version)


UNLABELLED = Label()


class Statement(msgspec.Struct, frozen=True):
    """What a file says: `said` in its metadata, `manifest` under a signature."""

    said: Credentials
    manifest: Manifest = Manifest()

    @property
    def label(self) -> Label:
        """Where it comes from, by the first layer that tells.

        A text that only programs write which paint from words is as good as a label.
        """
        for source, system, version in (
            (self.said.digital_source_type, self.said.ai_system, self.said.ai_system_version),
            (
                self.manifest.digital_source_type,
                self.manifest.ai_system,
                self.manifest.ai_system_version,
            ),
        ):
            found = _SOURCE_TYPE.fullmatch(source)
            if found and found[2] != _UNSAID:
                return Label(f"{provenance.SOURCES}{found[2]}", system, version)
        if {"Steps", "Seed"} <= self.said.fields.keys():
            return Label(TRAINED_ALGORITHMIC_MEDIA, self.said.fields.get("Model", ""))
        return UNLABELLED

    @property
    def stripped(self) -> bool:
        """Whether it must have had credentials once: it says who made it, and that one signs."""
        return self.manifest.state == "none" and self.said.software.startswith(MAKER)


def read(
    content: bytes, authorities: Mapping[str, str] | None = None, *, ours: bool = False
) -> Statement:
    """What a PNG, JPEG, WebP, GIF or AVIF file says. Slow: call it in a thread.

    Args:
        content: the file.
        authorities: certificates (PEM) of who is believed, by their names.
        ours: we wrote it, so that its credentials can be read in this process.

    Raises:
        ProvenanceError: it is no picture.
    """
    return read_opened(provenance.opened(content), content, authorities, ours=ours)


def read_opened(
    image: Image.Image,
    content: bytes,
    authorities: Mapping[str, str] | None = None,
    *,
    ours: bool = False,
) -> Statement:
    """Like `read`, of a picture that Pillow has opened and decoded."""
    media_type = MEDIA_TYPES.get(str(image.format), "")
    look = credentials.read if ours else apart.read
    manifest = look(content, media_type, authorities or {}) if media_type else Manifest()
    return Statement(provenance.read_opened(image), manifest)


def label_of(image: Image.Image, content: bytes) -> Label:
    """The honest label of a picture that Pillow has opened; its credentials are read only where
    nothing simpler tells."""
    plain = Statement(provenance.read_opened(image)).label
    return plain if plain.source_type else read_opened(image, content).label


def sentence(statement: Statement, here: str = "") -> str:
    """What the signature comes to, in words; see `manifests.sentence`."""
    if statement.stripped:
        return f"It says that {MAKER} made it, but the content credentials were taken out of it."
    return manifests.sentence(statement.manifest, here)
