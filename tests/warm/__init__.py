"""`easel` as a process of its own, without the seconds in which Python reads a thousand modules.

A process that has read them once (`stem.py`) is forked for each command. The command itself is a
small program (`twig.py`) that hands its arguments, environment, folder and open files over, and
stands for the process that was forked: what ends one, ends the other, with the same status. So
whatever starts and kills programs works on it as it is.

What must be seen to start by itself is still started by `sys.executable -m fedi.cli`.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def _stem(*modules: str) -> str:
    """Start the process that is forked; the path of its socket.

    Args:
        modules: what it has read beside the server and its command line.
    """
    folder = tempfile.TemporaryDirectory(prefix="easel-warm-")
    path = f"{folder.name}/socket"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.warm.stem", path, *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == b"ready\n"

    def end() -> None:
        process.communicate()
        folder.cleanup()

    atexit.register(end)
    return path


def command(*arguments: str, modules: tuple[str, ...] = ()) -> list[str]:
    """The command line that stands for `easel ARGUMENTS`.

    Args:
        modules: large ones that it will read, such as `torch`.
    """
    if not hasattr(os, "pidfd_open"):  # only Linux has it
        return [sys.executable, "-m", "fedi.cli", *arguments]
    return [sys.executable, "-I", "-S", str(HERE / "twig.py"), _stem(*modules), *arguments]


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a command as `kill -9` does. Once it is waited for, its files and ports are nobody's:
    of a process that stands for another, the other one may outlive it for a moment."""
    process.send_signal(signal.SIGUSR1)
