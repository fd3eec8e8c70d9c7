"""What can go wrong, and how it is said."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generation.catalogue import Model

log = logging.getLogger("generation")

MAX_REASON = 300  # characters of a library's error that are passed on


class PaintError(Exception):
    """A picture that could not be painted; the message is one plain sentence.

    retry: whether trying again, here or elsewhere, may help.
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class TooManyAtOnce(PaintError):
    """A batch that needs more memory than there is; fewer may fit."""


class Stopped(Exception):
    """Raised by a step's listener to stop the painting there."""


def out_of_memory(error: BaseException) -> bool:
    """Whether a library's error means that memory is full, on the card or on the machine."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError)
        and ("DefaultCPUAllocator" in str(error) or "error: out of memory" in str(error))
    )


def card_is_lost(error: BaseException | None) -> bool:
    """Whether the card failed in a way after which only a new process can use it."""
    import torch

    while error is not None:
        if isinstance(error, torch.AcceleratorError) and not out_of_memory(error):
            return True
        error = error.__cause__
    return False


def full(model: Model) -> PaintError:
    """What is said when nothing more can be done about it."""
    return PaintError(f"There is too little memory for {model.name} at this size.", retry=True)


@contextlib.contextmanager
def plainly(model: Model) -> Iterator[None]:
    """Turns the libraries' errors into one sentence that names the model."""
    try:
        yield
    except (
        OSError,
        ValueError,
        TypeError,
        RuntimeError,
        ImportError,
        AttributeError,
        MemoryError,
    ) as error:
        if out_of_memory(error):
            raise full(model) from error
        log.exception("%s failed", model.name)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PaintError(f"{model.name} failed: {reason[:MAX_REASON]}") from error
