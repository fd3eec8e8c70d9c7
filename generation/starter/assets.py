"""The drawings that scenes are composed of.

They are Microsoft's Fluent Emoji (MIT, © Microsoft Corporation) as rendered in 3-D and packed by
LobeHub in `@lobehub/fluent-emoji-3d` (MIT, © LobeHub). They are fetched by npm when the model is
trained and are not part of Easel.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from PIL import Image

from generation.starter.vocabulary import SUBJECTS

PACKAGE = "@lobehub/fluent-emoji-3d@1.1.0"
ARCHIVE = "lobehub-fluent-emoji-3d-1.1.0.tgz"


class AssetsMissing(RuntimeError):
    """The drawings are not there and could not be fetched; the message says what to do."""


def fetch(folder: Path) -> Path:
    """The package's archive in `folder`, fetched by `npm pack` if it is not there (16 MB).

    Returns the archive's path. Raises AssetsMissing without npm or without a registry.
    """
    archive = folder / ARCHIVE
    if archive.is_file():
        return archive
    npm = shutil.which("npm")
    if npm is None:
        raise AssetsMissing("npm is not installed: it fetches the drawings to train with.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        done = subprocess.run(
            [npm, "pack", PACKAGE, "--ignore-scripts", "--pack-destination", place],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise AssetsMissing(f"npm could not fetch {PACKAGE}: {done.stderr.strip()[-300:]}")
        (Path(place) / ARCHIVE).rename(archive)
    return archive


def drawings(archive: Path) -> dict[str, Image.Image]:
    """Every subject's drawing, 256 × 256 pixels, RGBA, by the subject's noun.

    Raises AssetsMissing where the archive lacks one.
    """
    found = {}
    with tarfile.open(archive) as tar:
        for noun, (code, *_) in SUBJECTS.items():
            try:
                file = tar.extractfile(f"package/assets/{code}.webp")
            except KeyError:
                file = None
            if file is None:
                raise AssetsMissing(f"{archive.name} has no drawing {code} ({noun}).")
            found[noun] = Image.open(io.BytesIO(file.read())).convert("RGBA")
    return found
