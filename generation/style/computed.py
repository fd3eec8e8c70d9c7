"""What is computed of pictures and words once, and kept on the disk while a style is learned: then
the text encoders, often larger than what learns, need not be in memory.

A file is named by all that it was computed from, so that what is there is right, whenever a
training stopped.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save

from generation.errors import PaintError
from generation.style import brief
from generation.style.ways import Way, Words

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
MOST_OBLONG = 2.0  # times as long as wide; of longer pictures the middle is learned
_LATENTS = "latents"


class Computed:
    """The folder of what was computed.

    version: of the model's weights. precision: of what it computes with. resolution: the side of a
    square of as many pixels as each picture gets. multiple: what its sides are multiples of.
    """

    def __init__(
        self, folder: Path, version: str, precision: torch.dtype, resolution: int, multiple: int
    ) -> None:
        self._folder = folder
        self._model = f"{version} {precision}"
        self._resolution = resolution
        self._multiple = multiple

    def missing(self, pictures: Iterable[Path], texts: Iterable[str]) -> bool:
        """Whether anything of that must still be computed."""
        paths = [self._of_picture(picture) for picture in pictures]
        return not all(path.is_file() for path in paths + [self._of_text(text) for text in texts])

    def latents(self, picture: Path) -> torch.Tensor:
        """Of a picture: (1, channels, height, width), float32."""
        return load_file(self._of_picture(picture))[_LATENTS]

    def words(self, text: str) -> Words:
        """Of a text."""
        return load_file(self._of_text(text))

    def compute_latents(self, picture: Path, way: Way) -> None:
        """Looks at a picture. Raises PaintError for what is none."""
        path = self._of_picture(picture)
        if not path.is_file():
            with torch.no_grad():
                latents = way.latents(self._pixels(picture).to(way.device))
            _keep(path, {_LATENTS: latents.float()})

    def compute_words(self, text: str, way: Way) -> None:
        """Reads a text."""
        path = self._of_text(text)
        if not path.is_file():
            with torch.no_grad():
                _keep(path, way.words(text))

    def _of_picture(self, picture: Path) -> Path:
        content = hashlib.sha256(picture.read_bytes()).hexdigest()
        return self._path(f"picture {content} {self._resolution} {self._multiple}")

    def _of_text(self, text: str) -> Path:
        return self._path(f"text {text}")

    def _path(self, what: str) -> Path:
        digest = hashlib.sha256(f"{self._model} {what}".encode()).hexdigest()
        return self._folder / f"{digest[:40]}.safetensors"

    def _pixels(self, picture: Path) -> torch.Tensor:
        try:
            with Image.open(io.BytesIO(picture.read_bytes()), formats=FORMATS) as opened:
                image = opened.convert("RGBA")
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise PaintError(f"{picture.name} is no picture that can be read.") from error
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        fitted = _fitted(flat, *self.size(*flat.size))
        values = torch.from_numpy(np.array(fitted, dtype=np.float32))
        return values.permute(2, 0, 1).unsqueeze(0) / 127.5 - 1

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size at which a picture of some size is learned from, in its own shape."""
        shape = min(max(width / height, 1 / MOST_OBLONG), MOST_OBLONG)
        sides = (self._resolution * math.sqrt(shape), self._resolution / math.sqrt(shape))
        wide, high = (max(1, round(side / self._multiple)) * self._multiple for side in sides)
        return wide, high


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of a picture, as large as can be, at a size."""
    scale = max(width / image.width, height / image.height)
    cut = (width / scale, height / scale)
    left, top = (image.width - cut[0]) / 2, (image.height - cut[1]) / 2
    box = (left, top, left + cut[0], top + cut[1])
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box)


def _keep(path: Path, tensors: Words) -> None:
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    brief.replace(path, save(flat))
