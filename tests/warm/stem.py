"""The process that is forked for each `easel` command. See `tests/warm/__init__.py`."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import os
import secrets
import select
import signal
import socket
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import NoReturn

import fedi.app
import fedi.cli
from fedi.database import relay

SIGNALS = {b"T": signal.SIGTERM, b"I": signal.SIGINT, b"K": signal.SIGKILL}


@dataclass(frozen=True, slots=True)
class Request:
    """What a twig hands over."""

    folder: str
    arguments: list[str]
    environment: dict[str, str]
    files: list[int]  # its standard input, output and errors


def read(twig: socket.socket) -> Request:
    head, files, _, _ = socket.recv_fds(twig, 4, 3)
    size = int.from_bytes(head, "big")
    said = b""
    while len(said) < size:
        piece = twig.recv(size - len(said))
        if not piece:
            raise ConnectionError("a command ended before it began")
        said += piece
    folder, count, *rest = said.decode("utf-8", "surrogateescape").split("\0")
    environment = dict(entry.split("=", 1) for entry in rest[int(count) :])
    return Request(folder, rest[: int(count)], environment, files)


def become(request: Request) -> NoReturn:
    """Be the command, and end with its status."""
    status = 1
    try:
        for number, file in enumerate(request.files):
            os.dup2(file, number)
            os.close(file)
        sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False))  # noqa: SIM115
        sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False))  # noqa: SIM115
        sys.stderr = io.TextIOWrapper(open(2, "wb", closefd=False), write_through=True)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(request.environment)
        os.chdir(request.folder)
        sys.argv = ["easel", *request.arguments]
        relay.PROCESS = secrets.token_hex(8)  # each process has a name of its own
        fedi.cli.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def run(listener: socket.socket) -> None:
    """Fork until whoever started this is gone."""
    twigs: dict[int, socket.socket] = {}  # by the process's file
    pids: dict[int, int] = {}
    while True:
        by_twig = {twig.fileno(): file for file, twig in twigs.items()}
        ready, _, _ = select.select([0, listener, *twigs, *by_twig], [], [])
        for one in ready:
            if one == 0:
                for pid in pids.values():
                    os.kill(pid, signal.SIGKILL)
                return
            if one is listener:
                twig, _ = listener.accept()
                try:
                    request = read(twig)
                except OSError:
                    twig.close()
                    continue
                pid = os.fork()
                if pid == 0:
                    for each in (listener, twig, *twigs.values()):
                        each.close()
                    for file in twigs:
                        os.close(file)
                    become(request)
                for file in request.files:
                    os.close(file)
                file = os.pidfd_open(pid)
                twigs[file], pids[file] = twig, pid
            elif one in by_twig and by_twig[one] in twigs:
                letter = twigs[by_twig[one]].recv(1)
                os.kill(pids[by_twig[one]], SIGNALS.get(letter, signal.SIGKILL))
                if not letter:  # the twig was killed: its end needs no telling
                    twigs[by_twig[one]].close()
                    _buried(twigs, pids, by_twig[one])
            elif one in twigs:
                twig = twigs[one]
                status = _buried(twigs, pids, one)
                with contextlib.suppress(OSError):  # killed meanwhile
                    twig.send(status.to_bytes(4, "big", signed=True))
                twig.close()


def _buried(twigs: dict[int, socket.socket], pids: dict[int, int], file: int) -> int:
    """Forget a process that has ended, or is about to; its exit status, or minus its signal."""
    del twigs[file]
    os.close(file)
    return os.waitstatus_to_exitcode(os.waitpid(pids.pop(file), 0)[1])


def main() -> None:
    path, *modules = sys.argv[1:]
    for name in modules:
        importlib.import_module(name)
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    print("ready", flush=True)
    # What it prints belongs to nobody: its commands have the files of whoever runs them.
    run(listener)


if __name__ == "__main__":
    main()
