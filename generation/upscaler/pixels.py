"""Pictures as tensors, and back. Imports torch."""

from __future__ import annotations

import math

import torch
from PIL import Image
from torch import Tensor


def to_tensor(picture: Image.Image) -> Tensor:
    """From RGB to 1 × 3 × height × width, 0 to 1."""
    flat = torch.frombuffer(bytearray(picture.convert("RGB").tobytes()), dtype=torch.uint8)
    return flat.view(1, picture.height, picture.width, 3).permute(0, 3, 1, 2).float() / 255


def from_tensor(pixels: Tensor) -> Image.Image:
    """From 1 × 3 × height × width to RGB; what is below 0 or above 1 is cut off."""
    levels = pixels[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous().cpu()
    height, width, _ = levels.shape
    return Image.frombytes("RGB", (width, height), levels.numpy().tobytes())


def psnr(one: Image.Image, other: Image.Image) -> float:
    """How alike two pictures of one size are, in dB; 30 is like, 40 hardly to be told apart."""
    error = (to_tensor(one) - to_tensor(other)).square().mean().item()
    return 10 * math.log10(1 / error) if error else math.inf
