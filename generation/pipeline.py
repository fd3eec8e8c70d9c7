"""A diffusers text-to-image pipeline: load it, run a batch, report each step.

Everything that diffusers can load from a `model_index.json` and that takes a prompt works; what
differs between families is read from the pipeline itself. Imports torch when first used.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import io
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from generation import catalogue, devices, hub, modes, parts
from generation.catalogue import Model
from generation.modes import Modes
from generation.preview import Previews
from generation.recipe import Recipe

if TYPE_CHECKING:
    import torch

log = logging.getLogger("generation")

DEFAULT_STEPS = 25  # for a pipeline of no family that we know and no default of its own
DEFAULT_SIDE = 1024  # pixels
FINGERPRINT_PIECE = 2**20  # bytes read from each end of a weights file
NOTED_PERCENT = 5  # a download is noted each so many per cent
MAX_REASON = 300  # characters of a library's error that are passed on
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


class PaintError(Exception):
    """A picture that could not be painted; the message is one plain sentence.

    retry: whether trying again, here or elsewhere, may help.
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class Stopped(Exception):
    """Raised by a step's listener to stop the painting there."""


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
        self._modes = Modes(pipe, model.name)
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
            import diffusers

            _quieten()
        except ImportError as error:
            raise PaintError("Painting is not installed here: easel[paint] is missing.") from error
        place, dtype = devices.choose(device)
        adapter: Path | None = None
        if model.key == catalogue.TRYOUT.key:
            from generation.random_weights import build_tryout

            note("Building the try-out model, with random weights.")
            folder = build_tryout(cache_folder() / "tryout-1")
            version = fingerprint(folder)
        elif model.local:
            folder = _folder(model)
            version = fingerprint(folder)
        else:
            pulled = _pulled(model, note)
            folder, adapter, version = pulled.folder, pulled.adapter, pulled.version
        note(f"Loading {model.name}.")
        with _plainly(model):
            pipe = diffusers.DiffusionPipeline.from_pretrained(
                folder,
                dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                variant=model.variant or None,
            )
            if model.adapter is not None and adapter is not None:
                _adapt(pipe, model.adapter, adapter)
            pipe.set_progress_bar_config(disable=True)
            pipe.to(place)
        parameters = inspect.signature(type(pipe).__call__).parameters
        if "prompt" not in parameters or getattr(pipe, "scheduler", None) is None:
            raise PaintError(f"{model.name} does not make pictures from words.")
        if place.type == "cpu":
            devices.limit_threads(_size(pipe))
        return cls(pipe, _described(model, pipe), version, place)

    @property
    def sampler(self) -> str:
        """The scheduler, by the name that A1111 uses."""
        name = type(self._pipe.scheduler).__name__
        return SAMPLERS.get(name, name.removesuffix("Scheduler"))

    def complete(self, recipe: Recipe) -> Recipe:
        """The recipe with every field filled. Raises RecipeError for what this model cannot do."""
        return recipe.resolved(self.model).seeded()

    def paint(
        self,
        recipes: Sequence[Recipe],
        listen: Callable[[Step], None] | None = None,
        pictures: Mapping[str, bytes] | None = None,
    ) -> list[Painted]:
        """Paints recipes of one `batch_key` as one batch, each with its own seed.

        listen: called after each step, in this thread; what it raises stops the painting, and
        leaves the pipeline as it was. pictures: the files that the recipes begin with, by their
        names in them. Raises PaintError, RecipeError.
        """
        import torch

        wanted = [self.complete(recipe) for recipe in recipes]
        first = wanted[0]
        if len({batch_key(recipe) for recipe in wanted}) > 1:
            raise ValueError("recipes of different batch keys cannot be painted as one batch")
        way = self._modes.way(first, len(wanted), pictures or {})
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
            if "negative_prompt" not in way.takes:
                raise PaintError(f"{self.model.name} takes no negative prompt.")
            arguments["negative_prompt"] = [w.negative_prompt for w in wanted]
        arguments = {name: value for name, value in arguments.items() if name in way.takes}
        with self._listening(listen, first, way.pipe), _plainly(self.model), torch.inference_mode():
            result = way.pipe(**arguments, **way.arguments)
        held = getattr(result, "nsfw_content_detected", None) or [False] * len(wanted)
        return [
            self._finish(way.inputs.kept(image), recipe, bool(unsafe))
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
    def _listening(
        self, listen: Callable[[Step], None] | None, recipe: Recipe, pipe: Any
    ) -> Iterator[None]:
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

            # From a picture only the last of the scheduler's steps are done.
            steps = getattr(pipe, "num_timesteps", None) or len(scheduler.timesteps)
            listen(Step(done, max(done, steps), preview))
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
        *modes.alike(recipe),
    )


def cache_folder() -> Path:
    """Where Easel keeps what it can make again: $EASEL_CACHE, or `easel` in the user's cache."""
    if place := os.environ.get("EASEL_CACHE"):
        return Path(place)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "easel"


def fingerprint(folder: Path) -> str:
    """40 hex digits that change with the weights in a folder, read from the ends of its files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(FINGERPRINT_PIECE))
            file.seek(max(0, size - FINGERPRINT_PIECE))
            digest.update(file.read(FINGERPRINT_PIECE))
    return digest.hexdigest()[:40]


def _folder(model: Model) -> Path:
    folder = Path(model.source).expanduser()
    if not folder.is_dir():
        log.error("there is no folder %s", folder)
        raise PaintError(f"The model {model.name} is not there: its folder does not exist.")
    if not (folder / "model_index.json").is_file():
        log.error("%s has no model_index.json", folder)
        raise PaintError(f"{model.name} is no diffusers model: it has no model_index.json.")
    try:
        parts.of_folder(model.name, folder, model.variant)
    except parts.Unusable as error:
        raise PaintError(str(error)) from error
    return folder


def _pulled(model: Model, note: Callable[[str], None]) -> hub.Pulled:
    """The model from the hub as it lies here, fetched first if it is not here."""
    if found := hub.here(model):
        return found
    said = -1

    def progress(done: int, size: int) -> None:
        nonlocal said
        percent = 100 * done // max(size, 1)
        if percent // NOTED_PERCENT > said:
            said = percent // NOTED_PERCENT
            note(f"Fetching {model.name}: {percent} % of {size / 1e9:.1f} GB.")

    note(f"Fetching {model.name}.")
    try:
        return hub.pull(model, progress)
    except parts.Unusable as error:
        retry = isinstance(error, hub.Unavailable) and error.retry
        # What another program fetched does, where the hub cannot be asked.
        if retry and (found := hub.here(model, "main")):
            return found
        raise PaintError(str(error), retry=retry) from error


def _adapt(pipe: Any, adapter: catalogue.Adapter, file: Path) -> None:
    pipe.load_lora_weights(str(file.parent), weight_name=file.name)
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    changed: dict[str, Any] = dict(adapter.scheduler)
    if adapter.trailing_timesteps:
        changed["timestep_spacing"] = "trailing"
    if changed:
        scheduler = pipe.scheduler
        pipe.scheduler = type(scheduler).from_config(scheduler.config, **changed)


def _described(model: Model, pipe: Any) -> Model:
    """The model with every default known, the pipeline's own where nothing else says."""
    model = catalogue.with_family(model, type(pipe).__name__)
    takes = inspect.signature(type(pipe).__call__).parameters

    def default(name: str, otherwise: Any) -> Any:
        value = takes[name].default if name in takes else None
        return value if isinstance(value, int | float) else otherwise

    latents = getattr(pipe, "default_sample_size", None)
    side = latents * pipe.vae_scale_factor if isinstance(latents, int) else DEFAULT_SIDE
    return msgspec.structs.replace(
        model,
        steps=model.steps or int(default("num_inference_steps", DEFAULT_STEPS)),
        guidance=(
            model.guidance if model.guidance is not None else float(default("guidance_scale", 1.0))
        ),
        width=model.width or side,
        height=model.height or side,
        negative_prompt=model.negative_prompt and "negative_prompt" in takes,
        can=model.can if model.family else modes.abilities(pipe),
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


def _size(pipe: Any) -> int:
    """The number of weights of all parts."""
    import torch

    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    return sum(weights.numel() for part in parts for weights in part.parameters())


def _quieten() -> None:
    """Progress bars are for terminals; elsewhere our own notes say what is happening."""
    if os.isatty(2):
        return
    import diffusers.utils.logging
    import transformers.utils.logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_progress_bar()
        library.set_verbosity_error()


@contextlib.contextmanager
def _plainly(model: Model) -> Iterator[None]:
    """Turns the libraries' errors into one sentence that names the model."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise PaintError(
            f"The graphics card has too little memory for {model.name} at this size.", retry=True
        ) from error
    except (OSError, ValueError, TypeError, RuntimeError, ImportError, AttributeError) as error:
        log.exception("%s failed", model.name)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PaintError(f"{model.name} failed: {reason[:MAX_REASON]}") from error
