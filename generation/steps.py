"""The steps of a diffusers scheduler, heard while it takes them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

# diffusers' class -> the name that A1111 and Civitai know.
SAMPLERS = {
    "DDIMScheduler": "DDIM",
    "DPMSolverMultistepScheduler": "DPM++ 2M",
    "EulerAncestralDiscreteScheduler": "Euler a",
    "EulerDiscreteScheduler": "Euler",
    "FlowMatchEulerDiscreteScheduler": "Euler",
    "HeunDiscreteScheduler": "Heun",
    "LCMScheduler": "LCM",
    "LMSDiscreteScheduler": "LMS",
    "PNDMScheduler": "PLMS",
    "UniPCMultistepScheduler": "UniPC",
}
# Solvers that keep the clean picture that each step predicted, as they are set up by default.
MULTISTEP = frozenset(("DPMSolverMultistepScheduler", "UniPCMultistepScheduler"))


@dataclass(frozen=True)
class Step:
    """`step` of `of` steps are done."""

    step: int
    of: int
    preview: Callable[[int], bytes | None] = field(repr=False)
    """The preview of the n-th picture of the batch: a small JPEG, or None where this pipeline
    has none. Costs a millisecond; only valid inside the listener."""


def sampler(scheduler: Any) -> str:
    """A scheduler, by the name that A1111 uses."""
    name = type(scheduler).__name__
    return SAMPLERS.get(name, name.removesuffix("Scheduler"))


@contextlib.contextmanager
def listening(
    scheduler: Any,
    pipe: Any,
    hear: Callable[[Step], None],
    preview: Callable[[Any, int], bytes | None],
) -> Iterator[None]:
    """Hears each step by wrapping the scheduler's `step`: every pipeline calls it, also those
    without callbacks, and it alone sees what the finished picture would be.

    pipe: who calls it. preview: the n-th picture of latents without noise.
    """
    original = scheduler.step
    done = 0

    @functools.wraps(original)  # pipelines look at its signature
    def step(model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal done
        result = original(model_output, timestep, sample, *args, **kwargs)
        done += 1

        def shown(index: int) -> bytes | None:
            return preview(_clean_latents(scheduler, model_output, sample, result), index)

        # From a picture only the last of the scheduler's steps are done.
        steps = getattr(pipe, "num_timesteps", None) or len(scheduler.timesteps)
        hear(Step(done, max(done, steps), shown))
        return result

    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step  # the class's own is there again


def _clean_latents(scheduler: Any, output: Any, sample: Any, result: Any) -> Any:
    """What the picture would be if this step's prediction were right; where the scheduler does
    not tell, the latents as they are after the step, noise and all."""
    clean = getattr(result, "pred_original_sample", None)
    if clean is None and isinstance(result, tuple) and len(result) > 1:
        clean = result[1]
    if clean is not None and clean.shape == sample.shape:
        return clean
    if type(scheduler).__name__ in MULTISTEP and scheduler.model_outputs[-1] is not None:
        return scheduler.model_outputs[-1]
    if type(scheduler).__name__.startswith("FlowMatch") and scheduler.step_index:
        return sample - scheduler.sigmas[scheduler.step_index - 1].to(sample.device) * output
    return result[0] if isinstance(result, tuple) else result.prev_sample
