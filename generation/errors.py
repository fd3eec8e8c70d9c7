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


class Stopped(Exception):
    """Raised by a step's listener to stop the painting there."""


@contextlib.contextmanager
def plainly(model: Model) -> Iterator[None]:
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
