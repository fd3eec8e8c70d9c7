"""A diffusers text-to-image pipeline: load it, run a batch, report each step.

Everything that diffusers can load from a `model_index.json` and that takes a prompt works; what
differs between families is read from the pipeline itself. Imports torch when first used.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from generation import catalogue, devices, loading
from generation.catalogue import Model
from generation.errors import PaintError, plainly
from generation.preview import Previews
from generation.recipe import Recipe

if TYPE_CHECKING:
    import torch

log = logging.getLogger("generation")

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


@dataclass(frozen=True)
class Step:
    """`step` of `of` steps are done."""

    step: int
    of: int
    preview: Callable[[int], bytes | None] = field(repr=False)
    """The preview of the n-th picture of the batch: a small JPEG, or None where this pipeline
    has none. Costs a millisecond; only valid inside the listener."""


@dataclass(frozen=True)
class Painted:
    """A finished picture: PNG bytes, its size in pixels, and the recipe as really used."""

    png: bytes
    width: int
    height: int
    recipe: Recipe


class Pipeline:
    """A loaded model. Not safe for two threads at once."""

    def __init__(self, pipe: Any, model: Model, version: str, device: torch.device) -> None:
        self.model = model
        self.version = version
        self.device = device
        self._pipe = pipe
        self._takes = inspect.signature(type(pipe).__call__).parameters
        self._previews: Previews | None = None

    @classmethod
    def load(
        cls, model: Model, *, device: str = "auto", note: Callable[[str], None] | None = None
    ) -> Pipeline:
        """Loads a model, downloading what is missing of one from the hub.

        device: "auto", "cuda", "mps" or "cpu". note: is told, in plain words, what is happening.
        Raises PaintError.
        """
        note = note or log.info
        note("Starting up.")
        try:
            import diffusers  # noqa: F401

            loading.quieten()
        except ImportError as error:
            raise PaintError("Painting is not installed here: easel[paint] is missing.") from error
        place, dtype = devices.choose(device)
        files = loading.find(model, note)
        note(f"Loading {model.name}.")
        pipe = loading.read(model, files, dtype)
        with plainly(model):
            pipe.to(place)
        if place.type == "cpu":
            devices.limit_threads(loading.weights(pipe))
        return cls(pipe, loading.described(model, pipe), files.version, place)

    @property
    def sampler(self) -> str:
        """The scheduler, by the name that A1111 uses."""
        name = type(self._pipe.scheduler).__name__
        return SAMPLERS.get(name, name.removesuffix("Scheduler"))

    def complete(self, recipe: Recipe) -> Recipe:
        """The recipe with every field filled. Raises RecipeError for what this model cannot do."""
        return recipe.resolved(self.model).seeded()

    def paint(
        self, recipes: Sequence[Recipe], listen: Callable[[Step], None] | None = None
    ) -> list[Painted]:
        """Paints recipes of one `batch_key` as one batch, each with its own seed.

        listen: called after each step, in this thread; what it raises stops the painting, and
        leaves the pipeline as it was. Raises PaintError, RecipeError.
        """
        import torch

        wanted = [self.complete(recipe) for recipe in recipes]
        first = wanted[0]
        if len({batch_key(recipe) for recipe in wanted}) > 1:
            raise ValueError("recipes of different batch keys cannot be painted as one batch")
        arguments: dict[str, Any] = {
            "prompt": [w.prompt for w in wanted],
            # Seeded on the CPU, so that a seed means the same noise on every device.
            "generator": [torch.Generator().manual_seed(w.seed or 0) for w in wanted],
            "num_inference_steps": first.steps,
            "width": first.width,
            "height": first.height,
            self._guidance_argument(): first.guidance,
        }
        if first.negative_prompt:
            if "negative_prompt" not in self._takes:
                raise PaintError(f"{self.model.name} takes no negative prompt.")
            arguments["negative_prompt"] = [w.negative_prompt for w in wanted]
        arguments = {name: value for name, value in arguments.items() if name in self._takes}
        with self._listening(listen, first), plainly(self.model), torch.inference_mode():
            result = self._pipe(**arguments)
        held = getattr(result, "nsfw_content_detected", None) or [False] * len(wanted)
        return [
            self._finish(image, recipe, bool(unsafe))
            for image, recipe, unsafe in zip(result.images, wanted, held, strict=True)
        ]

    def _guidance_argument(self) -> str:
        family = catalogue.family_of(type(self._pipe).__name__)
        return family.guidance_argument if family else "guidance_scale"

    def _finish(self, image: Any, recipe: Recipe, unsafe: bool) -> Painted:
        if unsafe:  # diffusers hands out a black picture then; we say so instead
            raise PaintError(f"The safety checker of {self.model.name} held the picture back.")
        image = image.convert("RGB")
        if image.getbbox() is None:
            raise PaintError(
                f"{self.model.name} made an all-black picture: its numbers overflowed."
            )
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=1)  # for the way to the server, which packs it well
        used = msgspec.structs.replace(recipe, width=image.width, height=image.height)
        return Painted(out.getvalue(), image.width, image.height, used)

    @contextlib.contextmanager
    def _listening(self, listen: Callable[[Step], None] | None, recipe: Recipe) -> Iterator[None]:
        """Hears each step by wrapping the scheduler's `step`: every pipeline calls it, also those
        without callbacks, and it alone sees what the finished picture would be."""
        if listen is None:
            yield
            return
        scheduler = self._pipe.scheduler
        original = scheduler.step
        done = 0

        @functools.wraps(original)  # pipelines look at its signature
        def step(model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal done
            result = original(model_output, timestep, sample, *args, **kwargs)
            done += 1

            def preview(index: int) -> bytes | None:
                clean = _clean_latents(scheduler, model_output, sample, result)
                return self._preview(clean, index, recipe)

            listen(Step(done, max(done, len(scheduler.timesteps)), preview))
            return result

        scheduler.step = step
        try:
            yield
        finally:
            del scheduler.step  # the class's own is there again

    def _preview(self, latents: torch.Tensor, index: int, recipe: Recipe) -> bytes | None:
        if self._previews is None:
            self._previews = Previews.fit(self._pipe)
        assert recipe.width and recipe.height
        return self._previews.jpeg(latents, index, recipe.width, recipe.height)


def batch_key(recipe: Recipe) -> tuple[object, ...]:
    """What resolved recipes of one batch have in common; the picture of each is then what it would
    be alone. (Without a negative prompt SDXL uses zeros, which an empty one beside another is not.)
    """
    return (
        recipe.model,
        recipe.width,
        recipe.height,
        recipe.steps,
        recipe.guidance,
        bool(recipe.negative_prompt),
    )


def _clean_latents(scheduler: Any, output: Any, sample: Any, result: Any) -> Any:
    """What the picture would be if this step's prediction were right; where the scheduler does
    not tell, the latents as they are after the step, noise and all."""
    clean = getattr(result, "pred_original_sample", None)
    if clean is None and isinstance(result, tuple) and len(result) > 1:
        clean = result[1]
    if clean is not None and clean.shape == sample.shape:
        return clean
    if type(scheduler).__name__.startswith("FlowMatch") and scheduler.step_index:
        return sample - scheduler.sigmas[scheduler.step_index - 1].to(sample.device) * output
    return result[0] if isinstance(result, tuple) else result.prev_sample
