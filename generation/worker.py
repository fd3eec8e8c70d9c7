"""The thread that paints, one picture after another, so that the painter's connection stays alive
while it does."""

from __future__ import annotations

import gc
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from generation import catalogue
from generation.catalogue import Model, UnknownModel
from generation.protocol import (
    Cancelled,
    Failed,
    Finished,
    FromPainter,
    Progress,
)
from generation.recipe import Recipe, RecipeError

if TYPE_CHECKING:
    from generation.pipeline import Pipeline, Step

log = logging.getLogger("generation")

PREVIEW_EVERY_S = 0.4  # faster ones nobody sees


@dataclass
class Task:
    """A painting to make, and where to tell of it. `send` may be called from any thread."""

    painting: str
    recipe: Recipe
    send: Callable[[FromPainter, bytes], None] = field(repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)


class Worker:
    """Paints the tasks it is given, in order, and tells of each: any number of Progress, then
    exactly one Finished, Failed or Cancelled.

    models: what it paints with; the first is what a recipe without a model means. The last one
    used stays loaded.
    """

    def __init__(self, models: Sequence[Model], device: str) -> None:
        self._models = {model.key: model for model in models}
        self._default = models[0]
        self._device = device
        self._pipeline: Pipeline | None = None
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        # A daemon: a load of many seconds cannot be interrupted, and must not keep the process.
        self._thread = threading.Thread(target=self._run, name="painting", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> None:
        """Queues a task; to cancel it, set its `stop`."""
        self._tasks.put(task)

    def close(self, seconds: float) -> bool:
        """Ends the thread after what it is doing; whether it ended within so many seconds."""
        self._tasks.put(None)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            message, picture = self._outcome(task)
            task.send(message, picture)

    def _outcome(self, task: Task) -> tuple[FromPainter, bytes]:
        if task.stop.is_set():
            return Cancelled(painting=task.painting), b""
        try:
            # The first import of torch and diffusers takes seconds: no server pays for it, and
            # no painter before there is something to paint.
            from generation.devices import NoDevice
            from generation.errors import PaintError, Stopped
        except ImportError:
            log.exception("the libraries for painting cannot be loaded")
            reason = "The painter cannot paint: easel[paint] is not installed there."
            return Failed(painting=task.painting, reason=reason), b""
        try:
            return self._paint(task)
        except Stopped:
            log.info("painting %s: cancelled", task.painting)
            return Cancelled(painting=task.painting), b""
        except (PaintError, RecipeError, UnknownModel, NoDevice) as error:
            log.warning("painting %s: %s", task.painting, error)
            retry = isinstance(error, PaintError) and error.retry
            return Failed(painting=task.painting, reason=str(error), retry=retry), b""
        except Exception:
            log.exception("painting %s failed", task.painting)
            reason = "The painter failed at this picture."
            return Failed(painting=task.painting, reason=reason, retry=True), b""

    def _paint(self, task: Task) -> tuple[FromPainter, bytes]:
        from generation.errors import Stopped

        pipeline = self._loaded(task)
        recipe = pipeline.complete(task.recipe)
        log.info(
            "painting %s: %s × %s, %s steps, %s",
            *(task.painting, recipe.width, recipe.height, recipe.steps, pipeline.model.name),
        )
        began = time.monotonic()
        previewed = 0.0

        def listen(step: Step) -> None:
            nonlocal previewed
            if task.stop.is_set():
                raise Stopped
            now = time.monotonic()
            preview = b""
            if step.step < step.of and now - previewed >= PREVIEW_EVERY_S:
                preview = step.preview(0) or b""
                previewed = time.monotonic()
            task.send(
                Progress(
                    painting=task.painting,
                    stage="painting",
                    step=step.step,
                    of=step.of,
                    elapsed_s=now - began,
                ),
                preview,
            )
            if step.step == step.of:
                self._tell(task, "finishing", step=step.step, of=step.of, since=began)

        painted = pipeline.paint([recipe], listen)[0]
        if task.stop.is_set():
            raise Stopped
        seconds = time.monotonic() - began
        log.info("painting %s: done in %.1f s", task.painting, seconds)
        finished = Finished(
            painting=task.painting,
            media_type="image/png",
            width=painted.width,
            height=painted.height,
            recipe=painted.recipe,
            model=pipeline.model.name,
            model_version=pipeline.version,
            sampler=pipeline.sampler,
            seconds=seconds,
        )
        return finished, painted.png

    def _loaded(self, task: Task) -> Pipeline:
        from generation.errors import PaintError, Stopped
        from generation.pipeline import Pipeline

        wanted = self._default
        if task.recipe.model:
            key = catalogue.find(task.recipe.model).key
            if key not in self._models:
                raise PaintError(f"This painter does not have the model {task.recipe.model}.")
            wanted = self._models[key]
        if self._pipeline is not None and self._pipeline.model.key == wanted.key:
            return self._pipeline
        if self._pipeline is not None:
            self._pipeline = None  # its memory is needed for the next
            gc.collect()

        def note(text: str) -> None:
            log.info("painting %s: %s", task.painting, text)
            self._tell(task, "loading", note=text)
            if task.stop.is_set():
                raise Stopped

        self._pipeline = Pipeline.load(wanted, device=self._device, note=note)
        return self._pipeline

    def _tell(
        self,
        task: Task,
        stage: Literal["loading", "finishing"],
        *,
        step: int = 0,
        of: int = 0,
        since: float | None = None,
        note: str = "",
    ) -> None:
        progress = Progress(
            painting=task.painting,
            stage=stage,
            step=step,
            of=of,
            elapsed_s=0.0 if since is None else time.monotonic() - since,
            note=note,
        )
        task.send(progress, b"")
