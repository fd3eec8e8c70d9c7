"""What the commands about models share: troubles in words, and a bar while one waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from fedi.cli import context
from generation import parts


@contextmanager
def in_words() -> Iterator[None]:
    """What cannot be done, as one plain sentence."""
    try:
        yield
    except parts.Unusable as error:
        raise context.CommandError(str(error)) from error
    except ImportError as error:
        raise context.CommandError(
            "Painting is not installed here: pip install -c constraints.txt 'easel[paint]'."
        ) from error


@contextmanager
def bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many bytes are here, and of how many."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task(f"Fetching {name}", total=None)
        yield lambda done, size: progress.update(task, completed=done, total=size)
