"""A painter's hand that has the pictures made by an endpoint, several at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePosixPath

from generation import catalogue, enlarging, watchdog
from generation.abilities import Abilities
from generation.aides import Aides
from generation.catalogue import Model, UnknownModel
from generation.endpoint.client import Endpoint, TokenRefused, Unreachable
from generation.endpoint.messages import EndpointError
from generation.errors import PaintError
from generation.protocol import Cancelled, Failed, Finished, FromPainter, Progress
from generation.recipe import Recipe, RecipeError
from generation.worker import Task

log = logging.getLogger("generation")

AT_ONCE = 4  # pictures; vLLM-Omni and SGLang-Diffusion make a batch of what waits together
TELL_EVERY_S = 5.0  # a picture is said to be under way so often; how far it is, nobody knows
_WORDS_ONLY = frozenset(
    ("prompt", "negative_prompt", "model", "seed", "width", "height", "steps", "guidance")
)


class Fleet:
    """Hands tasks to an endpoint.

    models: which of its models to paint with, the default first, by catalogue names or as the
    endpoint calls them; empty is all. at_once: how many pictures are asked for at the same time.
    aides: look at what came of it, on this machine. patience: as for `watchdog.step_limit`.
    lost: is told that only a new process can go on: looking at a picture gave no sign any more.
    """

    alike = False

    def __init__(
        self,
        endpoint: Endpoint,
        models: Sequence[str] = (),
        at_once: int = AT_ONCE,
        aides: Aides | None = None,
        *,
        patience: float = watchdog.PATIENCE_S,
        lost: Callable[[str], None] = log.error,
    ) -> None:
        self._endpoint = endpoint
        self._aides = aides
        self._watchdog = watchdog.Watchdog(lost)
        # Helpers may work on a card or on the processor, which nobody knows before.
        self._limit = watchdog.packing_limit(patience, "cpu")
        self._looking = asyncio.Lock()  # one picture at a time: the helpers are one
        self._wanted = tuple(name for name in models if name)
        self._models: dict[str, tuple[str, Model]] = {}  # by our name: theirs, and what we know
        self._running: dict[int, asyncio.Task[None]] = {}  # by the identity of a task
        self._lost = asyncio.Event()
        self.slots = at_once
        self.device = f"endpoint {endpoint.host}"

    def listen(self, opened: Callable[[int], None]) -> None:
        pass  # it takes as many all the time

    async def open(self) -> tuple[str, ...]:
        """As `Hand.open`. Raises Unreachable; ValueError for a token that the endpoint does not
        know, and for a model that it does not have."""
        self._lost = asyncio.Event()
        try:
            offered = await self._endpoint.models()
        except EndpointError as error:
            raise Unreachable(str(error)) from error
        except TokenRefused as error:
            raise ValueError(str(error)) from error
        if not (offered or self._wanted):
            raise ValueError("The endpoint does not say what it paints with: name a model.")
        # An endpoint that does not say has what its host says it has.
        theirs = {_known(name).key: name for name in offered or self._wanted}
        wanted = [_known(name).key for name in self._wanted] or list(theirs)
        for key in wanted:
            if key not in theirs:
                has = ", ".join(offered)
                raise ValueError(f"The endpoint does not paint with {key}; it has {has}.")
        self._models = {key: (theirs[key], _known(theirs[key])) for key in wanted}
        return tuple(self._models)

    def abilities(self) -> Abilities:
        return Abilities(can=dict.fromkeys(self._models, ()), loras=())

    async def lost(self) -> None:
        await self._lost.wait()

    def submit(self, task: Task) -> None:
        running = asyncio.get_running_loop().create_task(self._paint(task))
        self._running[id(task)] = running
        running.add_done_callback(lambda _: self._running.pop(id(task), None))

    def stop(self, task: Task) -> None:
        task.stop.set()
        if id(task) in self._running:
            self._running[id(task)].cancel()

    def close(self, seconds: float) -> bool:
        return True  # what runs ends with its loop

    async def _paint(self, task: Task) -> None:
        try:
            message, picture = await self._outcome(task)
        except asyncio.CancelledError:
            log.info("painting %s: cancelled", task.painting)
            task.send(Cancelled(painting=task.painting), b"")
            raise
        except (Unreachable, TokenRefused) as error:
            # The picture is not to blame: it goes back with the connection to the server.
            log.error("%s", error)
            self._lost.set()
            return
        task.send(message, picture)

    async def _outcome(self, task: Task) -> tuple[FromPainter, bytes]:
        try:
            return await self._made(task)
        except (EndpointError, RecipeError, PaintError) as error:
            log.warning("painting %s: %s", task.painting, error)
            retry = not isinstance(error, RecipeError) and error.retry
            return Failed(painting=task.painting, reason=str(error), retry=retry), b""
        except (Unreachable, TokenRefused):
            raise
        except Exception:
            log.exception("painting %s failed", task.painting)
            reason = "The painter failed at this picture."
            return Failed(painting=task.painting, reason=reason, retry=True), b""

    async def _made(self, task: Task) -> tuple[FromPainter, bytes]:
        if task.recipe.enlarge and self._aides is not None:
            return await self._looked(task, partial(enlarging.enlarged, task, self._aides))
        name, model = self._model_of(task.recipe)
        for field in task.recipe.document():
            if field not in _WORDS_ONLY and (field != "upscale" or self._aides is None):
                raise RecipeError(f"{model.name} paints from words only here, without “{field}”.")
        recipe = task.recipe.resolved(model).seeded()
        log.info("painting %s: %s, by %s", task.painting, model.name, self._endpoint.host)
        began = time.monotonic()

        def tell(note: str) -> None:
            progress = Progress(
                painting=task.painting,
                stage="painting",
                elapsed_s=time.monotonic() - began,
                note=note,
            )
            task.send(progress, b"")

        async def keep_telling() -> None:
            while True:
                tell("An endpoint is painting; it does not say how far it is.")
                await asyncio.sleep(TELL_EVERY_S)

        telling = asyncio.create_task(keep_telling())
        try:
            made = await self._endpoint.paint(recipe, name, model, tell)
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
        log.info("painting %s: done in %.1f s", task.painting, made.seconds)
        finished = Finished(
            painting=task.painting,
            media_type="image/png",
            width=made.width,
            height=made.height,
            recipe=made.recipe,
            model=model.name,
            model_version="",  # an endpoint does not say
            sampler="",
            seconds=made.seconds,
        )
        if self._aides is not None:
            look = partial(enlarging.looked_at, finished, made.png, task, self._aides)
            return await self._looked(task, look)
        return finished, made.png

    async def _looked(
        self, task: Task, look: Callable[[], tuple[Finished, bytes]]
    ) -> tuple[Finished, bytes]:
        """What the helpers make of a picture, in a thread that is watched."""

        def watched() -> tuple[Finished, bytes]:
            with self._watchdog.over("looking", self._limit):
                return look()

        async with self._looking:
            task.sign = self._watchdog.sign
            return await asyncio.to_thread(watched)

    def _model_of(self, recipe: Recipe) -> tuple[str, Model]:
        if not recipe.model:
            return next(iter(self._models.values()))
        key = _known(recipe.model).key
        if key not in self._models:
            raise RecipeError(f"This painter does not have the model {recipe.model}.")
        return self._models[key]


def _known(name: str) -> Model:
    """What the catalogue knows of a model that an endpoint names, or nothing more than its name."""
    if not catalogue.is_folder(name):  # a folder would be one of that other machine
        with contextlib.suppress(UnknownModel):
            return catalogue.find(name)
    return Model(key=name, name=PurePosixPath(name).name, source=name)
