"""A diffusers text-to-image pipeline: load it, run a batch, report each step.

Everything that diffusers can load from a `model_index.json` and that takes a prompt works; what
differs between families is read from the pipeline itself. Imports torch when first used.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from generation import (
    batching,
    devices,
    embeddings,
    families,
    fast,
    helpers,
    loading,
    memory,
    steps,
)
from generation.catalogue import Model
from generation.errors import PaintError, TooManyAtOnce, full, out_of_memory, plainly
from generation.modes import Modes
from generation.preview import Previews
from generation.recipe import Recipe
from generation.steps import Step as Step  # as who paints with a pipeline knows it

if TYPE_CHECKING:
    import torch
    from PIL import Image

log = logging.getLogger("generation")


@dataclass(frozen=True)
class Painted:
    """A finished picture, and its recipe as really used."""

    image: Image.Image = field(repr=False)
    recipe: Recipe

    @property
    def width(self) -> int:
        """Pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.image.height

    @functools.cached_property
    def png(self) -> bytes:
        """The picture as PNG, made when it is first asked for: some 50 ms for a megapixel, which
        another thread can spend."""
        out = io.BytesIO()
        # For the way to the server, which packs it well.
        self.image.save(out, "PNG", compress_level=1)
        return out.getvalue()


class Pipeline:
    """A loaded model. Not safe for two threads at once.

    make_room: frees what others hold of the device's memory, and says whether that was anything;
    asked when memory runs out.
    """

    def __init__(
        self,
        model: Model,
        files: loading.Files,
        place: tuple[torch.device, torch.dtype],
        *,
        options: fast.Options | None = None,
        ladder: tuple[memory.Rung, ...] | None = None,
        remembered: int = embeddings.MAX_BYTES,
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self.device, self._dtype = place
        self.version = files.version
        self._files = files
        self._options = options or fast.Options()
        self._ladder = ladder or memory.ladder(self.device)
        self._rung = -1
        self._words = embeddings.Embeddings(remembered)
        self._appetite = memory.Appetite()
        self._make_room = make_room
        self._previews: Previews | None = None
        self._modes: Modes | None = None
        self.model = model
        self._compiled = False
        self.weights = 0  # bytes
        self._pipe = self._settled()
        self.model = loading.described(model, self._pipe)
        if self.device.type == "cpu":
            devices.limit_threads(loading.weights(self._pipe))

    @classmethod
    def load(
        cls,
        model: Model,
        *,
        device: str = "auto",
        note: Callable[[str], None] | None = None,
        **settings: Any,
    ) -> Pipeline:
        """Loads a model, downloading what is missing of one from the hub.

        device: "auto", "cuda", "mps" or "cpu". note: is told, in plain words, what is happening.
        settings: as for the class. Raises PaintError.
        """
        note = note or log.info
        note("Starting up.")
        try:
            import diffusers  # noqa: F401

            loading.quieten()
        except ImportError as error:
            raise PaintError("Painting is not installed here: easel[paint] is missing.") from error
        place = devices.choose(device)
        files = loading.find(model, note)
        note(f"Loading {model.name}.")
        pipeline = cls(model, files, place, **settings)
        if pipeline._compiled:
            pipeline._warm_up(note)
        return pipeline

    @property
    def sampler(self) -> str:
        """The scheduler, by the name that A1111 uses."""
        return steps.sampler(self._pipe.scheduler)

    @property
    def rung(self) -> memory.Rung:
        """How the model lies in memory."""
        return self._ladder[self._rung]

    def complete(self, recipe: Recipe) -> Recipe:
        """The recipe with every field filled. Raises RecipeError for what this model cannot do."""
        return recipe.resolved(self.model).seeded()

    def at_once(self, recipe: Recipe | None = None, *, wanted: int = 0) -> int:
        """How many pictures of a recipe's size are best painted as one batch.

        recipe: None for one of the model's usual size. wanted: what the host says; 0: nothing.
        """
        recipe = recipe or Recipe(prompt="", width=self.model.width, height=self.model.height)
        size = recipe.megapixels() or 1.0
        if wanted:
            most = min(wanted, batching.MAX_BATCH)
        else:
            most = batching.usual(self.device.type, fast.convolutional(self._pipe), size)
            if self.device.type == "cuda" and not self._appetite.known:
                most = 1  # until one was measured
        return min(most, self._appetite.most(size, memory.free(self.device)))

    def paint(
        self,
        recipes: Sequence[Recipe],
        listen: Callable[[Step], None] | None = None,
        pictures: Mapping[str, bytes] | None = None,
    ) -> list[Painted]:
        """Paints recipes of one batch key as one batch, each with its own seed.

        listen: called after each step, in this thread; what it raises stops the painting, and
        leaves the pipeline as it was. When memory runs out and something can be done about it, the
        steps begin anew. pictures: the files that the recipes begin with, by their names in them.
        Raises TooManyAtOnce if fewer may fit, PaintError, RecipeError.
        """
        wanted = [self.complete(recipe) for recipe in recipes]
        if len({batching.key(recipe) for recipe in wanted}) > 1:
            raise ValueError("recipes of different batch keys cannot be painted as one batch")
        if self._pipe is None:  # the last time it ran out of memory, it could not be read again
            self._pipe = self._settled()
        while True:
            gauge = memory.Gauge(self.device)
            heard = _Heard(listen)
            try:
                painted = self._paint(wanted, heard, pictures or {})
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                log.warning("%s: %s", self.model.name, str(error).split("\n")[0])
            else:
                size = wanted[0].megapixels()
                self._appetite.took(len(wanted), size, gauge.extra())
                return painted
            # Here, and not above, where the error still holds on to all that was begun.
            self._make_do(wanted, decoding=heard.done)

    def _make_do(self, wanted: list[Recipe], *, decoding: bool) -> None:
        """Does something about memory that ran out. Raises where nothing is left to be done.

        decoding: whether all steps were done by then.
        """
        memory.release()
        if len(wanted) > 1:
            self._appetite.failed(len(wanted), wanted[0].megapixels())
            raise TooManyAtOnce(
                f"There is too little memory for {len(wanted)} pictures at once.", retry=True
            )
        if self._make_room():
            log.warning("%s: the other models make room", self.model.name)
        elif decoding and memory.tile(self._pipe):
            log.warning("%s: decodes in tiles from now on", self.model.name)
        elif self._rung + 1 < len(self._ladder):
            # All that holds on to the old one, or its weights would stay where they are.
            self._pipe = self._modes = self._previews = None
            memory.release()
            self._rung += 1
            self._pipe = self._settled()
            log.warning("%s: painted in %s from now on", self.model.name, self.rung)
        else:
            raise full(self.model)

    def _settled(self) -> Any:
        """The pipeline, read and in its place: on this rung, or on the first below that bears it.

        Raises PaintError.
        """
        while True:
            pipe = loading.read(self.model, self._files, self._dtype)
            size = memory.sizes(pipe)
            if self._rung < 0:
                free = memory.free(self.device)
                self._rung = memory.choose(self.model, size, free, self._ladder)
            try:
                with self._plainly():
                    memory.place(pipe, self.rung, self.device)
                    self._compiled = fast.prepare(
                        pipe, self.device, self._options, whole=self.rung == "whole"
                    )
            except (RuntimeError, MemoryError) as error:
                log.warning("%s: %s", self.model.name, str(error).split("\n")[0])
            else:
                self.weights = size.whole
                self._words.attach(pipe)
                self._previews = None
                self._modes = Modes(pipe, self.model.name)
                return pipe
            del pipe
            memory.release()
            if self._make_room():
                continue
            if self._rung + 1 == len(self._ladder):
                raise full(self.model)
            self._rung += 1

    def _warm_up(self, note: Callable[[str], None]) -> None:
        """Compiles for the sizes that people ask for. What fails here fails again where somebody
        can be told.

        note: is told before each, so that a long warm-up is not taken for a hang.
        """
        for width, height in fast.warm_sizes(self.model):
            note(f"Warming up for {width} × {height}.")
            try:
                few = fast.WARM_STEPS
                self.paint([Recipe(prompt="", seed=0, width=width, height=height, steps=few)])
            except PaintError as error:
                log.warning("warming up: %s", error)
                return

    def _paint(
        self, wanted: list[Recipe], heard: _Heard, pictures: Mapping[str, bytes]
    ) -> list[Painted]:
        import torch

        first = wanted[0]
        assert self._modes is not None
        way = self._modes.way(first, len(wanted), pictures)
        arguments: dict[str, Any] = {
            "prompt": [w.prompt for w in wanted],
            # Seeded on the CPU, so that a seed means the same noise on every device.
            "generator": [torch.Generator().manual_seed(w.seed or 0) for w in wanted],
            "num_inference_steps": first.steps,
            "width": first.width,
            "height": first.height,
            self._guidance_argument(): first.guidance,
            "use_pe": False,  # ERNIE-Image's rewriter of prompts (`parts.UNUSED`)
        }
        if first.negative_prompt:
            if "negative_prompt" not in way.takes:
                raise PaintError(f"{self.model.name} takes no negative prompt.")
            arguments["negative_prompt"] = [w.negative_prompt for w in wanted]
        arguments = {name: value for name, value in arguments.items() if name in way.takes}
        # Weights that are moved in inference mode are no parameters any more.
        without_grad = torch.inference_mode if self.rung == "whole" else torch.no_grad
        shown = functools.partial(self._preview, recipe=first)
        hearing = steps.listening(self._pipe.scheduler, way.pipe, heard.hear, shown)
        with hearing, self._plainly(), without_grad():
            result = way.pipe(**arguments, **way.arguments)
        held = getattr(result, "nsfw_content_detected", None) or [False] * len(wanted)
        return [
            self._finish(way.inputs.kept(image), recipe, bool(unsafe))
            for image, recipe, unsafe in zip(result.images, wanted, held, strict=True)
        ]

    @contextlib.contextmanager
    def _plainly(self) -> Iterator[None]:
        """Errors in plain words, but for those that something can be done about."""
        full: BaseException | None = None
        with plainly(self.model):
            try:
                yield
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                full = error
        if full is not None:
            raise full

    def _guidance_argument(self) -> str:
        family = families.family_of(type(self._pipe).__name__)
        return family.guidance_argument if family else "guidance_scale"

    def _finish(self, image: Any, recipe: Recipe, unsafe: bool) -> Painted:
        if unsafe:  # diffusers hands out a black picture then; we say so instead
            raise PaintError(f"The safety checker of {self.model.name} held the picture back.")
        image = image.convert("RGB")
        if image.getbbox() is None:
            raise PaintError(
                f"{self.model.name} made an all-black picture: its numbers overflowed."
            )
        used = msgspec.structs.replace(recipe, width=image.width, height=image.height)
        return Painted(image, used)

    def _preview(self, latents: torch.Tensor, index: int, recipe: Recipe) -> bytes | None:
        if self._previews is None:
            self._previews = Previews.fit(self._pipe, helpers.folders("preview"))
        assert recipe.width and recipe.height
        return self._previews.jpeg(latents, index, recipe.width, recipe.height)


class _Heard:
    """Passes steps on, and remembers whether the last one was heard."""

    def __init__(self, listen: Callable[[Step], None] | None) -> None:
        self._listen = listen
        self.done = False

    def hear(self, step: Step) -> None:
        self.done = step.step == step.of
        if self._listen is not None:
            self._listen(step)
