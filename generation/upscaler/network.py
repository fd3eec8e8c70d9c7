"""Our own network: a picture twice as large. Imports torch."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

WEIGHTS = Path(__file__).with_name("weights") / "model.safetensors"
CHANNELS = 40
BLOCKS = 4
# Pixels of the small picture, to each side, that one pixel of the large one depends on: one for
# each convolution, and two for the bicubic enlargement.
REACH = 2 * BLOCKS + 2 + 2


class Block(nn.Module):
    """Two convolutions beside a straight way."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, CHANNELS, 3)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(torch.relu(self.first(x)))
        return x[..., 2:-2, 2:-2] + change


class Network(nn.Module):
    """What is missing of a bicubic enlargement, computed on the small picture.

    No convolution pads: the picture is mirrored at its border once, so that a border is like any
    other place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, CHANNELS, 3)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.tail = nn.Conv2d(CHANNELS, 3 * 2 * 2, 3)

    def forward(self, small: Tensor) -> Tensor:
        """From N × 3 × height × width, 0 to 1, both sides more than `REACH`, to twice the sides;
        a little below 0 and above 1 is possible."""
        return self.inside(pad(small, (REACH,) * 4, mode="reflect"))

    def inside(self, small: Tensor) -> Tensor:
        """The same without what is less than `REACH` from the border of the small picture."""
        features = self.head(small[..., 2:-2, 2:-2] - 0.5)
        detail = torch.pixel_shuffle(self.tail(self.blocks(features)), 2)
        plain = interpolate(small, scale_factor=2, mode="bicubic", align_corners=False)
        edge = 2 * REACH
        return plain[..., edge:-edge, edge:-edge] + detail


def load(device: torch.device, weights: Path = WEIGHTS) -> Network:
    """The trained network. It counts in 32 bits everywhere, so that a picture is the same."""
    network = Network()
    state = {name: value.float() for name, value in load_file(weights).items()}
    network.load_state_dict(state)
    return network.to(device).eval().requires_grad_(False)
