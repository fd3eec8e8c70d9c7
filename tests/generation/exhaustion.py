"""Memory that runs out, at the place where it does: in a real network's forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def exhausted(
    kind: str, *, times: int = 2**30, when: Callable[[Any], bool] = lambda inputs: True
) -> Iterator[list[int]]:
    """The allocator finds no memory for networks of a class, so many times.

    when: is given the network's arguments. Yields a list that grows with each time.
    """
    happened: list[int] = []

    def before(module: torch.nn.Module, inputs: Any) -> None:
        if type(module).__name__ == kind and len(happened) < times and when(inputs):
            happened.append(len(happened))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    handle = torch.nn.modules.module.register_module_forward_pre_hook(before)
    try:
        yield happened
    finally:
        handle.remove()
