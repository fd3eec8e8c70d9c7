"""What makes pictures larger, loaded: our own network, or a Swin2SR through transformers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from generation import parts
from generation.catalogue import Model

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from generation.upscaler.network import Network
    from generation.upscaler.tiles import Listen

# Pixels of a piece. Our own holds 25 MB for one of these. A Swin2SR of the usual size holds 0.6 GB
# for one of its own, of which each pixel is a token of 180 numbers.
SIDE = 256
SWIN_SIDE = 128
# What is further away changes a pixel of a Swin2SR by less than one level, though it could.
SWIN_OVERLAP = 16


class Upscaler(Protocol):
    """Makes pictures larger. Not safe for two threads at once."""

    def enlarge(self, picture: Image.Image, times: int, listen: Listen) -> Image.Image:
        """The picture `times` as large, RGB: 2 or 4."""


class Own:
    """The network that comes with Easel."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network = network
        self._device = device

    @classmethod
    def load(cls, helper: Model, folder: Path, device: torch.device, dtype: torch.dtype) -> Own:
        """Loads it from its folder."""
        from generation.upscaler import network

        return cls(network.load(device, folder / network.WEIGHTS.name), device)

    def enlarge(self, picture: Image.Image, times: int, listen: Listen) -> Image.Image:
        """As of an `Upscaler`: twice as large, and that again."""
        return _repeated(picture, times, 2, self._twice, listen)

    def _twice(self, picture: Image.Image, listen: Listen) -> Image.Image:
        import torch

        from generation.upscaler import tiles
        from generation.upscaler.network import REACH

        def grow(piece: Tensor) -> Tensor:
            with torch.inference_mode():
                return self._network.inside(piece.to(self._device))

        return tiles.enlarge(picture, 2, grow, side=SIDE, overlap=REACH, listen=listen)


class Swin2SR:
    """A Swin2SR that was pulled, for photographs and paintings alike."""

    def __init__(self, model: Any, processor: Any) -> None:
        self._model = model
        self._processor = processor

    @classmethod
    def load(cls, helper: Model, folder: Path, device: torch.device, dtype: torch.dtype) -> Swin2SR:
        """Loads one from its folder. Raises ValueError for a model that leaves the size as it is,
        and what transformers raises."""
        import torch
        from transformers import AutoImageProcessor, Swin2SRForImageSuperResolution

        model = Swin2SRForImageSuperResolution.from_pretrained(
            folder,
            dtype=torch.float32,  # 16 bits are too coarse for the levels of a smooth sky
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        if model.config.upscale < 2:
            raise ValueError(f"{helper.name} makes no picture larger")
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        return cls(model.to(device).eval(), processor)

    def enlarge(self, picture: Image.Image, times: int, listen: Listen) -> Image.Image:
        """As of an `Upscaler`: as often as it takes, and what is too large is shrunk."""
        return _repeated(picture, times, self._model.config.upscale, self._once, listen)

    def _once(self, picture: Image.Image, listen: Listen) -> Image.Image:
        import torch

        from generation.upscaler import tiles
        from generation.upscaler.pixels import from_tensor

        def grow(piece: Tensor) -> Tensor:
            pixels = self._processor(images=from_tensor(piece), return_tensors="pt")["pixel_values"]
            with torch.inference_mode():
                found = self._model(pixels.to(self._model.device, self._model.dtype))
            cut, high, wide = (SWIN_OVERLAP * factor, *(side * factor for side in piece.shape[2:]))
            large: Tensor = found.reconstruction[..., cut : high - cut, cut : wide - cut]
            return large.float()

        factor: int = self._model.config.upscale
        return tiles.enlarge(
            picture, factor, grow, side=SWIN_SIDE, overlap=SWIN_OVERLAP, listen=listen
        )


def loader(folder: Path) -> Any:
    """Whose `load` a folder is for."""
    config = parts.document(folder / parts.CONFIG) or {}
    return Swin2SR.load if config.get("model_type") == "swin2sr" else Own.load


def _repeated(
    picture: Image.Image, times: int, factor: int, once: Any, listen: Listen
) -> Image.Image:
    """Enlarged by `factor` until it is as large as is wanted."""
    wanted, done = (picture.width * times, picture.height * times), 0.0
    while picture.width < wanted[0]:
        until = min(1.0, (picture.width * factor / wanted[0]) ** 2)  # each pixel is so much work

        def told(share: float, since: float = done, until: float = until) -> None:
            listen(since + share * (until - since))

        picture, done = once(picture, told), until
    return picture if picture.size == wanted else picture.resize(wanted, Image.Resampling.LANCZOS)
