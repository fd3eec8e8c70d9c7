"""The process in which a style is learned, and what it says at a terminal."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fedi.cli import context

TOLD_PERCENT = 5  # where nobody watches a bar, a line each so many per cent of the steps


def learn(folder: Path) -> str:
    """Learn the style of a training's folder, to its end or until it is stopped.

    Returns:
        the name of the LoRA; empty if it was stopped, and can go on.

    Raises:
        CommandError: it cannot be learned; the sentence says why.
    """
    # -P: what lies in the folder that this was started in is not imported.
    command = [sys.executable, "-P", "-m", "generation.style", str(folder)]
    last: dict[str, Any] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, _passed(process):
        assert process.stdout is not None
        with _shown() as show:
            for line in process.stdout:
                last = json.loads(line)
                show(last)
    if "error" in last:
        raise context.CommandError(last["error"])
    if process.returncode or not last.keys() & {"done", "stopped"}:
        raise context.CommandError(
            f"The training ended with status {process.returncode}; --resume goes on where it was."
        )
    return str(last.get("done", ""))


@contextlib.contextmanager
def _passed(process: subprocess.Popen[str]) -> Iterator[None]:
    """Signals to stop are the other process's, which keeps what it has before it ends."""
    before = {
        number: signal.signal(number, lambda number, frame: process.send_signal(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _shown() -> Iterator[Any]:
    """Shows what is said: as a bar at a terminal, else as a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("Learning", total=None)

        def show(said: dict[str, Any]) -> None:
            if said.get("note"):
                progress.console.print(said["note"])
            elif "sample" in said:
                progress.console.print(f"A sample: {said['sample']}")
            elif "step" in said:
                words = f"Learning, loss {said['loss']:.4f}"
                progress.update(task, description=words, completed=said["step"], total=said["of"])

        yield show


class _Lines:
    def __init__(self) -> None:
        self._told = -1

    def __call__(self, said: dict[str, Any]) -> None:
        if said.get("note"):
            typer.echo(said["note"], err=True)
        elif "sample" in said:
            typer.echo(f"A sample: {said['sample']}", err=True)
        elif "step" in said:
            percent = 100 * said["step"] // said["of"]
            if percent // TOLD_PERCENT > self._told:
                self._told = percent // TOLD_PERCENT
                typer.echo(
                    f"Step {said['step']} of {said['of']}, loss {said['loss']:.4f}", err=True
                )
