"""A server at rest: how soon it answers, and how much memory it holds."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import ROUNDS, Figure

SETTLE_S = 3.0  # until the start's garbage is gone
START_LIMIT_S = 60.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def measure() -> list[Figure]:
    """`first_answer_s` (start to first 200, database there) and `idle_rss_mb`."""
    port = free_port()  # one for all: a database belongs to one address
    with tempfile.TemporaryDirectory() as folder:
        start(Path(folder), port)  # makes the database, and warms the disk's cache
        rounds = [start(Path(folder), port) for _ in range(ROUNDS)]
    return [
        Figure(
            "first_answer_s",
            min(first for first, _ in rounds),
            1.5,
            False,
            "start to first 200, seconds",
        ),
        Figure(
            "idle_rss_mb",
            min(memory for _, memory in rounds),
            120,
            False,
            "memory of the idle server, MB",
        ),
    ]


def start(folder: Path, port: int) -> tuple[float, float]:
    """Start a server, ask until it answers, let it settle.

    Returns:
        Seconds to the first 200, and resident megabytes of the server and its children.
    """
    began = time.perf_counter()
    with process(folder, port, f"http://localhost:{port}") as server:
        answer(server, port)
        first = time.perf_counter() - began
        time.sleep(SETTLE_S)
        return first, sum(resident_mb(pid) for pid in family(server.pid))


@contextmanager
def process(folder: Path, port: int, url: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`easel serve` while the context lasts, with its database and files in a folder, and `more`
    settings as variables of its environment."""
    config = folder / "config.toml"  # empty: the settings of whoever measures are not measured
    config.touch()
    environment = {
        **os.environ,
        "EASEL_CONFIG": str(config),
        "EASEL_INSTANCE__URL": url,
        "EASEL_SERVER__PORT": str(port),
        "EASEL_DATABASE__URL": f"sqlite:///{folder / 'easel.db'}",
        "EASEL_MEDIA__FOLDER": str(folder / "media"),
        "EASEL_FEDERATION__ALLOW_PRIVATE_ADDRESSES": "true",
        "EASEL_LOG__LEVEL": "error",
        **more,
    }
    server = subprocess.Popen([sys.executable, "-m", "fedi.cli", "serve"], env=environment)
    try:
        yield server
    finally:
        server.terminate()
        server.wait()


def answer(server: subprocess.Popen[bytes], port: int, *, any_status: bool = False) -> None:
    """Ask a server until it answers 200, or anything at all.

    Raises:
        RuntimeError: it ended, or does not answer.
    """
    began = time.perf_counter()
    while True:
        if server.poll() is not None or time.perf_counter() - began > START_LIMIT_S:
            raise RuntimeError("the server did not start")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/about")
            with connection.getresponse() as response:
                if response.status == 200 or any_status:
                    return
        except OSError:
            time.sleep(0.01)
        finally:
            connection.close()


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    pids = [pid]
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if children.exists():
        for child in children.read_text().split():
            pids += family(int(child))
    return pids


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
