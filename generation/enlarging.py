"""Pictures made larger after they are painted, or long after."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec
from PIL import Image

from generation import inputs
from generation.errors import PaintError, Stopped
from generation.protocol import Finished, Progress
from generation.recipe import MAX_UPSCALED_MEGAPIXELS, RecipeError

if TYPE_CHECKING:
    from generation.aides import Aides
    from generation.worker import Task

log = logging.getLogger("generation")

STEPS = 100  # what is told of the progress: per cent
NOTE = "Making it larger."


def larger(
    picture: Image.Image, times: int | None, task: Task, aides: Aides
) -> tuple[Image.Image, str]:
    """A painted picture `times` as large, and the name of what made it so; as it is for None.

    task: is told how far it is. Raises Stopped when it is cancelled, PaintError, RecipeError.
    """
    if not times:
        return picture, ""
    megapixels = picture.width * picture.height * times**2 / 1e6
    if megapixels > MAX_UPSCALED_MEGAPIXELS:
        raise RecipeError(
            f"{times} times {picture.width} × {picture.height} pixels is too large: at most "
            f"{MAX_UPSCALED_MEGAPIXELS:g} megapixels are possible."
        )
    return aides.enlarge(picture, times, _listener(task, "finishing"))


def enlarged(task: Task, aides: Aides) -> tuple[Finished, bytes]:
    """What came of a task that only makes a picture larger, looked at. Raises as `larger`."""
    recipe, began = task.recipe, time.monotonic()
    small = inputs.to_enlarge(recipe, task.pictures)
    times = round((recipe.upscale or 1) * (recipe.width or small.width) / small.width)
    if times < 2:
        raise RecipeError("The picture has that size already.")
    log.info("enlarging %s: %s × %s, %s times", task.painting, *small.size, times)
    listen = _listener(task, "painting")
    listen(0.0)
    picture, upscaler = aides.enlarge(small, times, listen)
    seconds = time.monotonic() - began
    log.info("enlarging %s: done in %.1f s", task.painting, seconds)
    finished = Finished(
        painting=task.painting,
        media_type="image/png",
        width=picture.width,
        height=picture.height,
        recipe=msgspec.structs.replace(recipe, enlarge=""),
        model="",
        model_version="",
        sampler="",
        seconds=seconds,
        upscaler=upscaler,
    )
    task.sign()
    content = png(picture)
    return aides.look(finished, content, task.describe), content


def looked_at(
    finished: Finished, picture: bytes, task: Task, aides: Aides
) -> tuple[Finished, bytes]:
    """A picture that was painted elsewhere, as large as its recipe wants it, and looked at. Raises
    as `larger`."""
    if finished.recipe.upscale:
        image = Image.open(io.BytesIO(picture)).convert("RGB")
        image, upscaler = larger(image, finished.recipe.upscale, task, aides)
        finished = msgspec.structs.replace(
            finished, width=image.width, height=image.height, upscaler=upscaler
        )
        picture = png(image)
    task.sign()
    return aides.look(finished, picture, task.describe), picture


def work(task: Task, aides: Aides) -> Callable[[], None]:
    """A task that only makes a picture larger, to be done in another thread. Never raises."""

    def enlarge() -> None:
        if task.stopped():
            return
        try:
            finished, picture = enlarged(task, aides)
        except Stopped:
            task.stopped()
        except (PaintError, RecipeError) as error:
            task.fail(str(error), retry=isinstance(error, PaintError) and error.retry)
        except Exception:
            log.exception("enlarging %s failed", task.painting)
            task.fail("The painter failed at this picture.", retry=True)
        else:
            task.end(finished, picture)

    return enlarge


def png(picture: Image.Image) -> bytes:
    """For the way to the server, which packs it well."""
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _listener(task: Task, stage: Literal["painting", "finishing"]) -> Callable[[float], None]:
    began = time.monotonic()

    def listen(share: float) -> None:
        task.sign()
        if task.stop.is_set():
            raise Stopped
        told = Progress(
            painting=task.painting,
            stage=stage,
            step=round(share * STEPS),
            of=STEPS,
            elapsed_s=time.monotonic() - began,
            note=NOTE,
        )
        task.send(told, b"")

    return listen
