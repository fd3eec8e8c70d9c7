"""Which pictures may be painted as one batch, and how many. Knows neither torch nor a queue."""

from __future__ import annotations

import msgspec

from generation.recipe import Recipe

MAX_BATCH = 16  # pictures; beyond it no card that we know is better used
# A card that paints one small picture mostly waits for the processor, and paints several in nearly
# the same time; one that paints a large picture is busy, and several only make everybody wait.
# Megapixels from which on a card is busy: convolutional networks are small and launch many
# kernels; transformers of 4 billion weights and more are busy with 512 × 512 × 4.
BUSY_UNET = 4.2
BUSY_TRANSFORMER = 1.05


def key(recipe: Recipe) -> tuple[bytes, bool]:
    """What resolved recipes of one batch have in common; the picture of each is then what it would
    be alone. All but its words and its seed, so that whatever a recipe learns to say keeps two
    apart. (Without a negative prompt SDXL uses zeros, which an empty one beside another is not.)
    """
    common = msgspec.structs.replace(recipe, prompt="", negative_prompt="", seed=None)
    return msgspec.json.encode(common), bool(recipe.negative_prompt)


def usual(device: str, convolutional: bool, megapixels: float) -> int:
    """How many pictures of a size are painted at once where the host says nothing.

    device: "cuda", "mps" or "cpu", which is busy with one. convolutional: whether the network is a
    UNet. megapixels: of one picture. Memory may allow fewer.
    """
    if device != "cuda":
        return 1
    busy = BUSY_UNET if convolutional else BUSY_TRANSFORMER
    return max(1, min(MAX_BATCH, int(busy / max(megapixels, 0.01))))
