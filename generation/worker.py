"""The thread that paints, one batch after another, so that the painter's connection stays alive
while it does; and the one that packs what is painted, while the next batch is painted already."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from generation import batching, enlarging, watchdog
from generation.aides import Aides
from generation.catalogue import Model, UnknownModel
from generation.devices import NoDevice
from generation.errors import PaintError, Stopped, TooManyAtOnce, card_is_lost
from generation.models import Models
from generation.protocol import Cancelled, Failed, Finished, FromPainter, Progress
from generation.recipe import Recipe, RecipeError

if TYPE_CHECKING:
    from generation.fast import Options
    from generation.pipeline import Painted, Pipeline, Step

log = logging.getLogger("generation")

PREVIEW_EVERY_S = 0.4  # faster ones nobody sees
WINDOW_S = 0.02  # after each picture that comes, the next of its batch is waited for so long
MAX_UNPACKED = 2 * batching.MAX_BATCH  # pictures that wait to be packed; then painting waits


@dataclass
class Task:
    """A painting to make, and where to tell of it. `send` may be called from any thread.

    pictures: the files that the recipe begins with, by their names in it.
    """

    painting: str
    recipe: Recipe
    send: Callable[[FromPainter, bytes], None] = field(repr=False)
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)
    describe: str | None = None  # as in `protocol.Paint`
    over: bool = False  # how it ended was told
    sign: Callable[[], None] = field(default=lambda: None, repr=False)  # its packing goes on

    def end(self, message: FromPainter, data: bytes = b"") -> None:
        """Tells how it ended, once."""
        if not self.over:
            self.over = True
            self.send(message, data)

    def fail(self, reason: str, *, retry: bool = False) -> None:
        log.warning("painting %s: %s", self.painting, reason)
        self.end(Failed(painting=self.painting, reason=reason, retry=retry))

    def stopped(self) -> bool:
        """Whether it is not wanted any more, which is told then."""
        if self.stop.is_set() and not self.over:
            log.info("painting %s: cancelled", self.painting)
            self.end(Cancelled(painting=self.painting))
        return self.over


@dataclass(frozen=True)
class Settings:
    """How a painter works.

    batch: pictures at once at most; 0 decides by card, model and size. unload: seconds without
    work after which the models leave memory, or None. patience: as for `watchdog.step_limit`.
    """

    batch: int = 0
    unload: float | None = None
    patience: float = watchdog.PATIENCE_S
    fast: Options | None = None


class Worker:
    """Paints the tasks it is given, in order and in batches of what goes together, and tells of
    each: any number of Progress, then exactly one Finished, Failed or Cancelled.

    models: what it paints with; the first is what a recipe without a model means.
    opened: is told, in the painting thread, how many pictures the next batch may have: 0 while one
    is painted.
    lost: is told that only a new process can go on: one of the threads gives no sign any more, or
    the card failed.
    aides: look at what it painted.
    """

    def __init__(
        self,
        models: Sequence[Model],
        device: str,
        settings: Settings | None = None,
        *,
        aides: Aides | None = None,
        opened: Callable[[int], None] = lambda slots: None,
        lost: Callable[[str], None] = log.error,
    ) -> None:
        self._settings = settings or Settings()
        self._aides = aides or Aides(device)
        self._models = Models(models, device, self._settings.fast, make_room=self._aides.make_room)
        self._opened = opened
        self._lost = lost
        self._watchdog = watchdog.Watchdog(lost)
        self._packing_watchdog = watchdog.Watchdog(lost)
        # Which device “auto” is, only torch can say; there, it may be the slowest.
        slowest = "cpu" if device == "auto" else device
        self._packing_limit = watchdog.packing_limit(self._settings.patience, slowest)
        self.slots = 1  # what `opened` was told last; one until a model is loaded
        self._next_slots = 1
        self._waiting: list[Task] = []
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._unpacked: queue.Queue[Callable[[], None] | None] = queue.Queue(MAX_UNPACKED)
        # Daemons: a load of many seconds cannot be interrupted, and must not keep the process.
        self._thread = threading.Thread(target=self._run, name="painting", daemon=True)
        self._packing = threading.Thread(target=self._pack, name="packing", daemon=True)
        self._thread.start()
        self._packing.start()

    def submit(self, task: Task) -> None:
        """Queues a task; to cancel it, set its `stop`."""
        self._tasks.put(task)

    def close(self, seconds: float) -> bool:
        """Ends the threads after what they are doing; whether they ended within so many seconds."""
        until = time.monotonic() + seconds
        self._tasks.put(None)
        for thread in (self._thread, self._packing):
            thread.join(max(0.0, until - time.monotonic()))
        return not self._packing.is_alive()

    def _run(self) -> None:
        while self._collect():
            self._open(0)
            self._paint_next()
            self._open(self._next_slots)
        self._unpacked.put(None)

    def _pack(self) -> None:
        while (work := self._unpacked.get()) is not None:
            with self._packing_watchdog.over("packing", self._packing_limit):
                work()

    def _open(self, slots: int) -> None:
        if slots != self.slots:
            self.slots = slots
            self._opened(slots)

    def _collect(self) -> bool:
        """Waits until there is something to paint, and a moment longer for what goes with it;
        False when it is over."""
        wait = None if not self._waiting else 0.0
        unloading = self._settings.unload
        while True:
            try:
                task = self._tasks.get(timeout=unloading if wait is None else wait)
            except queue.Empty:
                if wait is not None:
                    return True
                unloading = None
                if self._models.unload():
                    self._next_slots = 1
                    self._open(1)
                continue
            if task is None:
                return False
            self._waiting.append(task)
            wait = WINDOW_S if len(self._waiting) < self.slots else 0.0

    def _paint_next(self) -> None:
        """Paints the first of what waits, and what can be painted with it. Never raises."""
        first = self._waiting[0]
        try:
            if first.stopped():
                return
            if first.recipe.enlarge:
                first.sign = self._packing_watchdog.sign
                self._unpacked.put(enlarging.work(first, self._aides))
                return
            pipeline = self._loaded(first)
            batch = self._batch(first, pipeline)
        except Exception as error:
            self._failed(first, error)
            return
        finally:
            if first in self._waiting:
                self._waiting.remove(first)
        self._attempt(batch, pipeline)

    def _attempt(self, batch: list[Task], pipeline: Pipeline) -> None:
        try:
            self._paint(batch, pipeline)
        except TooManyAtOnce as error:
            log.info("%s", error)
            self._waiting[:0] = [task for task in batch if not task.stopped()]
        except Exception as error:
            if isinstance(error, PaintError) and len(batch) > 1 and not card_is_lost(error):
                for task in batch:  # one of them is at fault: each for itself
                    self._attempt([task], pipeline)
                return
            for task in batch:
                self._failed(task, error)
            if card_is_lost(error):
                self._lost("the card failed")

    def _failed(self, task: Task, error: Exception) -> None:
        if isinstance(error, Stopped):
            task.stopped()
        elif isinstance(error, PaintError | RecipeError | UnknownModel | NoDevice):
            task.fail(str(error), retry=isinstance(error, PaintError) and error.retry)
        elif isinstance(error, ImportError):
            log.error("the libraries for painting cannot be loaded", exc_info=error)
            task.fail("The painter cannot paint: easel[paint] is not installed there.")
        else:
            log.error("painting %s failed", task.painting, exc_info=error)
            task.fail("The painter failed at this picture.", retry=True)

    def _batch(self, first: Task, pipeline: Pipeline) -> list[Task]:
        """The first that waits and what goes with it, out of the line."""
        first.recipe = pipeline.complete(first.recipe)
        most = pipeline.at_once(first.recipe, wanted=self._settings.batch)
        batch: list[Task] = []
        for task in list(self._waiting):
            if len(batch) == most:
                break
            if task.stopped():
                self._waiting.remove(task)
                continue
            try:
                if self._models.find(task.recipe.model).key != pipeline.model.key:
                    continue
                recipe = pipeline.complete(task.recipe)
            except (PaintError, RecipeError, UnknownModel):
                continue  # told when its turn comes
            if batching.key(recipe) == batching.key(first.recipe):
                task.recipe = recipe
                batch.append(task)
                self._waiting.remove(task)
        return batch

    def _paint(self, batch: list[Task], pipeline: Pipeline) -> None:
        if all([task.stopped() for task in batch]):
            return
        recipe = batch[0].recipe
        log.info(
            "painting %s: %s × %s, %s steps, %s",
            ", ".join(task.painting for task in batch),
            *(recipe.width, recipe.height, recipe.steps, pipeline.model.name),
        )
        began = time.monotonic()
        previewed = 0.0

        def listen(step: Step) -> None:
            nonlocal previewed
            self._watchdog.sign()
            if all([task.stopped() for task in batch]):
                raise Stopped
            now = time.monotonic()
            shown = step.step < step.of and now - previewed >= PREVIEW_EVERY_S
            for number, task in enumerate(batch):
                if task.over:
                    continue
                preview = (step.preview(number) or b"") if shown else b""
                tell(task, "painting", step.step, step.of, since=began, preview=preview)
                if step.step == step.of:
                    tell(task, "finishing", step.step, step.of, since=began)
            if shown:
                previewed = time.monotonic()
            if step.step == step.of:  # the next batch gathers while this one is decoded
                self._open(self._next_slots)

        limit = watchdog.step_limit(
            self._settings.patience,
            device=pipeline.device.type,
            gigabytes=pipeline.weights / 1e9,
            megapixels=recipe.megapixels(),
            pictures=len(batch),
        )
        with self._watchdog.over("painting", limit):
            # All begin with the same pictures, by the names of their contents.
            painted = pipeline.paint([task.recipe for task in batch], listen, batch[0].pictures)
        self._next_slots = pipeline.at_once(recipe, wanted=self._settings.batch)
        seconds = time.monotonic() - began
        for task, picture in zip(batch, painted, strict=True):
            if not task.stopped():
                task.sign = self._packing_watchdog.sign
                self._unpacked.put(_packing(task, picture, pipeline, seconds, self._aides))

    def _loaded(self, task: Task) -> Pipeline:
        model = self._models.find(task.recipe.model)
        if (pipeline := self._models.loaded(model)) is not None:
            return self._models.load(model, log.info)

        def note(text: str) -> None:
            self._watchdog.sign()
            if text:
                log.info("painting %s: %s", task.painting, text)
                tell(task, "loading", note=text)
            if task.stop.is_set():
                raise Stopped

        limit = watchdog.load_limit(model.memory_gb or 0.0)
        with self._watchdog.over("loading", limit):
            pipeline = self._models.load(model, note)
        self._next_slots = pipeline.at_once(wanted=self._settings.batch)
        return pipeline


def _packing(
    task: Task, painted: Painted, pipeline: Pipeline, seconds: float, aides: Aides
) -> Callable[[], None]:
    """What is left to be done when a picture is painted, for another thread."""
    name, version, sampler = pipeline.model.name, pipeline.version, pipeline.sampler

    def pack() -> None:
        try:
            picture, upscaler = enlarging.larger(painted.image, painted.recipe.upscale, task, aides)
            png = painted.png if picture is painted.image else enlarging.png(picture)
        except Stopped:
            task.stopped()
            return
        except (PaintError, RecipeError) as error:
            task.fail(str(error), retry=isinstance(error, PaintError) and error.retry)
            return
        except Exception:
            log.exception("packing %s failed", task.painting)
            task.fail("The painter failed at this picture.", retry=True)
            return
        if task.stopped():
            return
        task.sign()
        log.info("painting %s: done in %.1f s", task.painting, seconds)
        finished = Finished(
            painting=task.painting,
            media_type="image/png",
            width=picture.width,
            height=picture.height,
            recipe=painted.recipe,
            model=name,
            model_version=version,
            sampler=sampler,
            seconds=seconds,
            upscaler=upscaler,
        )
        task.end(aides.look(finished, png, task.describe), png)

    return pack


def tell(
    task: Task,
    stage: Literal["loading", "painting", "finishing"],
    step: int = 0,
    of: int = 0,
    *,
    since: float | None = None,
    note: str = "",
    preview: bytes = b"",
) -> None:
    """Says how far a task is."""
    progress = Progress(
        painting=task.painting,
        stage=stage,
        step=step,
        of=of,
        elapsed_s=0.0 if since is None else time.monotonic() - since,
        note=note,
    )
    task.send(progress, preview)
