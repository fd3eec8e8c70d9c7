"""How a model fits into a card: whole, in parts, block by block, or layer by layer.

The four rungs of the ladder need less memory each, and take longer. The one to begin with follows
from the free memory and the model's size; after an out-of-memory the model goes one rung down.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from generation import devices

if TYPE_CHECKING:
    import torch

    from generation.catalogue import Model

Rung = Literal["whole", "parts", "blocks", "layers"]
LADDER: tuple[Rung, ...] = ("whole", "parts", "blocks", "layers")

# Bytes beside the weights for one picture of a megapixel, decoding included: SDXL's decoder, the
# hungriest of the catalogue in bf16, takes 2.5 GB without tiles.
WORKING = 2_500_000_000
# Bytes that painting block by block needs: two blocks, what is in none, and the picture.
BLOCKS = 4_000_000_000
SPARED = 0.9  # of the free memory is used: the allocator's pieces do not fit together exactly


def ladder(device: torch.device) -> tuple[Rung, ...]:
    """The rungs that a device has; where the card's memory is the machine's, there is one."""
    return LADDER if device.type == "cuda" else LADDER[:1]


def free(device: torch.device) -> int:
    """Bytes that can still be taken on a device, what torch holds back for later included."""
    import torch

    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + held
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return _machine_free()


def release() -> None:
    """Gives back what nothing refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass(frozen=True)
class Sizes:
    """Bytes of a pipeline's weights: of all its parts, and of the largest."""

    whole: int
    largest: int


def sizes(pipe: Any) -> Sizes:
    """What the weights of a pipeline take, in the precision that they are in."""
    import torch

    parts = [
        sum(tensor.numel() * tensor.element_size() for tensor in part.parameters())
        for part in pipe.components.values()
        if isinstance(part, torch.nn.Module)
    ]
    return Sizes(sum(parts), max(parts, default=0))


def needed(model: Model, size: Sizes) -> int:
    """Bytes that a model takes when all of it is resident."""
    return max(int((model.memory_gb or 0) * 1e9), size.whole + WORKING)


def choose(model: Model, size: Sizes, free: int, ladder: tuple[Rung, ...]) -> int:
    """The number of the rung to begin with: the fastest that the catalogue's figures, or the
    weights' own size, let hope for."""
    needs = {
        "whole": needed(model, size),
        "parts": int((model.low_memory_gb or 0) * 1e9) or size.largest + WORKING,
        "blocks": BLOCKS,
        "layers": 0,
    }
    fitting = (number for number, rung in enumerate(ladder) if needs[rung] <= free)
    return next(fitting, len(ladder) - 1)


def place(pipe: Any, rung: Rung, device: torch.device) -> None:
    """Brings a pipeline that lies in the machine's memory onto a rung."""
    import torch

    if rung == "whole":
        pipe.to(device)
    elif rung == "parts":
        pipe.enable_model_cpu_offload(device=device)
    else:
        # Layer by layer needs as little as accelerate's sequential offloading, whose weights are no
        # parameters any more after a use without gradients, and loads the next layer meanwhile.
        pipe.enable_group_offload(
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="block_level" if rung == "blocks" else "leaf_level",
            num_blocks_per_group=1 if rung == "blocks" else None,
            use_stream=device.type == "cuda",
        )


def tile(pipe: Any) -> bool:
    """Has the decoder work picture by picture and tile by tile from now on.

    Returns False where it cannot, or does already.
    """
    vae: Any = getattr(pipe, "vae", None)
    if not hasattr(vae, "enable_tiling") or getattr(vae, "use_tiling", False):
        return False
    try:
        vae.enable_tiling()
    except NotImplementedError:
        return False
    if hasattr(vae, "enable_slicing"):
        vae.enable_slicing()
    return True


@dataclass
class Appetite:
    """What pictures of a pipeline were seen to need, and so how many fit at once."""

    _per_megapixel: float = 0.0  # bytes
    _too_many: dict[float, int] = field(default_factory=dict)  # megapixels -> that many failed

    @property
    def known(self) -> bool:
        """Whether a picture was measured."""
        return self._per_megapixel > 0

    def took(self, pictures: int, megapixels: float, extra: int) -> None:
        """So many pictures of so many megapixels took `extra` bytes beside the weights."""
        self._per_megapixel = max(self._per_megapixel, extra / (pictures * megapixels))

    def failed(self, pictures: int, megapixels: float) -> None:
        """So many were too many."""
        self._too_many[megapixels] = min(pictures, self._too_many.get(megapixels, pictures))

    def most(self, megapixels: float, free: int) -> int:
        """How many pictures of a size fit into so many bytes, at least one."""
        most = self._too_many.get(megapixels, 2**10) // 2
        if self.known:
            most = min(most, int(SPARED * free / (self._per_megapixel * megapixels)))
        return max(1, most)


class Gauge:
    """Measures what a painting takes beside the weights; says nothing on the processor."""

    def __init__(self, device: torch.device) -> None:
        import torch

        self._device = device if device.type == "cuda" else None
        self._before = 0
        if self._device is not None:
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)

    def extra(self) -> int:
        """Bytes at the worst moment beside those at the beginning; 0 where that is unknown."""
        import torch

        if self._device is None:
            return 0
        return max(0, torch.cuda.max_memory_allocated(self._device) - self._before)


def _machine_free() -> int:
    """Bytes that this process may still take of the machine's memory."""
    available = devices.machine_memory()
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                available = min(available, int(line.split()[1]) * 1024)
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        statistics = Path("/sys/fs/cgroup/memory.stat").read_text().splitlines()
        # Files that were read are kept as long as nobody needs the room.
        kept = sum(int(line.split()[1]) for line in statistics if line.startswith("inactive_file "))
        available = min(available, limit - used + kept)
    except (OSError, ValueError):
        pass  # not Linux, or no limit
    return max(0, available)
