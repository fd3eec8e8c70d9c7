"""The fast path on cards: layouts, attention, compiled blocks, eight-bit products.

Nothing here changes what is painted beyond the rounding of half precision, except `fp8`, which a
host must ask for. What a card or a library cannot do is left out and logged: a slower picture is
better than none.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generation.loading import cache_folder

if TYPE_CHECKING:
    import torch

    from generation.catalogue import Model

log = logging.getLogger("generation")

ATTENTION = "_native_cudnn"  # cuDNN 9's, the fastest on Hopper that needs no package of its own
# Each size of each block is a compiled program; torch gives up a block after eight of them.
RECOMPILATIONS = 64
FP8_CAPABILITY = (8, 9)  # the first cards that multiply 8-bit floats: Ada, Hopper
# Width to height, by the area of the model's own size: the shapes that people ask for. Compiled
# before the first picture; with the cache on disk that takes seconds.
WARM_RATIOS = ((1, 1), (3, 2), (2, 3), (16, 9), (9, 16))
WARM_STEPS = 2


@dataclass(frozen=True)
class Options:
    """What a host chooses.

    compile: compile the blocks that repeat. fp8: multiply in 8 bits where card and torchao can,
    which changes pictures slightly.
    """

    compile: bool = True
    fp8: bool = False


def prepare(pipe: Any, device: torch.device, options: Options, *, whole: bool = True) -> bool:
    """Makes a pipeline fast on its device.

    whole: whether all of it is resident; what is moved in and out is not compiled.
    Returns whether something was compiled, and so wants to be warmed up.
    """
    if device.type != "cuda":
        return False
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    channels_last(pipe)
    keep_sigmas_here(pipe.scheduler)
    network = denoiser(pipe)
    if network is None or not whole:
        return False
    if options.fp8:
        quantise(network, torch.cuda.get_device_capability(device))
    if not convolutional(pipe) and cudnn_attends(device):
        attend(network)
    return options.compile and compile_blocks(network)


def denoiser(pipe: Any) -> Any:
    """The network that runs at every step; None where we do not know it."""
    return getattr(pipe, "transformer", None) or getattr(pipe, "unet", None)


def convolutional(pipe: Any) -> bool:
    """Whether that network is a UNet."""
    return getattr(pipe, "transformer", None) is None


def channels_last(pipe: Any) -> None:
    """Lays convolutions out as the tensor cores read them."""
    import torch

    for name in ("unet", "vae"):
        part = getattr(pipe, name, None)
        if isinstance(part, torch.nn.Module):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def keep_sigmas_here(scheduler: Any) -> None:
    """Keeps a flow scheduler's noise levels on the processor, as diffusers' other schedulers do:
    on the card each step would wait for one number."""
    if type(scheduler).__name__ != "FlowMatchEulerDiscreteScheduler":
        return
    original = scheduler.set_timesteps

    @functools.wraps(original)  # pipelines look at its signature
    def set_timesteps(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        scheduler.sigmas = scheduler.sigmas.to("cpu")

    scheduler.set_timesteps = set_timesteps


def cudnn_attends(device: torch.device) -> bool:
    """Whether cuDNN's attention works on this card, with a mask and without."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    try:
        query = torch.zeros(1, 2, 64, 64, dtype=torch.bfloat16, device=device)
        mask = torch.ones(1, 1, 64, 64, dtype=torch.bool, device=device)
        with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
            for masked in (None, mask):
                torch.nn.functional.scaled_dot_product_attention(
                    query, query, query, attn_mask=masked
                )
        return True
    except RuntimeError as error:
        log.info("no attention by cuDNN: %s", str(error).split("\n")[0])
        return False


def attend(network: Any, backend: str = ATTENTION) -> bool:
    """Has a transformer attend by another backend; whether it can."""
    try:
        network.set_attention_backend(backend)
        return True
    except (AttributeError, ValueError, RuntimeError, ImportError) as error:
        log.info("attention stays as it is: %s", error)
        return False


def quantise(network: Any, capability: tuple[int, int]) -> bool:
    """Multiplies a transformer's matrices in 8-bit floats, scaled row by row; whether it can."""
    if capability < FP8_CAPABILITY or type(network).__name__.startswith("UNet"):
        log.info("8-bit floats are for transformers on newer cards: left out")
        return False
    try:
        from torchao.quantization import (
            Float8DynamicActivationFloat8WeightConfig,
            PerRow,
            quantize_,
        )
    except ImportError:
        log.warning("8-bit floats need easel[fp8] (the package torchao): left out")
        return False
    quantize_(network, Float8DynamicActivationFloat8WeightConfig(granularity=PerRow()))
    return True


def compile_blocks(network: Any, **options: Any) -> bool:
    """Compiles the blocks that a network repeats, each when it is first used; whether it has any.

    What was compiled lies in our cache folder, so the next start takes seconds. A block that does
    not compile runs as it is. Projections are not fused (`fuse_qkv_projections`): compiled they
    gain nothing that was seen, and a LoRA loaded afterwards would silently do nothing.
    """
    import torch._dynamo

    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "compiled"))
    torch._dynamo.config.recompile_limit = RECOMPILATIONS
    torch._dynamo.config.suppress_errors = True
    try:
        network.compile_repeated_blocks(**options)
        return True
    except (AttributeError, ValueError) as error:
        log.info("nothing is compiled: %s", error)
        return False


def warm_sizes(model: Model) -> Iterator[tuple[int, int]]:
    """Widths and heights in pixels, of the model's usual area."""
    width, height = model.width or 1024, model.height or 1024
    sizes = set()
    for across, down in WARM_RATIOS:
        side = (width * height / (across * down)) ** 0.5
        size = tuple(
            round(side * part / model.multiple) * model.multiple for part in (across, down)
        )
        if size not in sizes and all(size):
            sizes.add(size)
            yield size[0], size[1]
