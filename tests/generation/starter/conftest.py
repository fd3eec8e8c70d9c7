"""Drawings to train with, made here: nothing is fetched in tests."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from generation.starter.assets import ARCHIVE
from generation.starter.vocabulary import SUBJECTS


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive as npm packs it, with a plain drawing of each subject."""
    folder = tmp_path_factory.mktemp("work")
    with tarfile.open(folder / ARCHIVE, "w:gz") as tar:
        for number, (code, *_) in enumerate(SUBJECTS.values()):
            image = Image.new("RGBA", (256, 256))
            hue = f"hsl({number * 11}, 80%, 50%)"
            ImageDraw.Draw(image).regular_polygon((128, 128, 120), 3 + number % 6, fill=hue)
            data = io.BytesIO()
            image.save(data, "WEBP", lossless=True)
            entry = tarfile.TarInfo(f"package/assets/{code}.webp")
            entry.size = len(data.getvalue())
            tar.addfile(entry, io.BytesIO(data.getvalue()))
    return folder
