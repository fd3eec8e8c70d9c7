"""What the server costs a picture: through all of it, against the same pipeline called bare."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import server
from bench.measure import ROUNDS, Figure
from fedi.runtime import Easel
from fedi.settings import Settings
from fedi.social import accounts, credentials

STEPS = 20
STEP_S = 0.3  # at least; the picture is made as large as that takes on this machine
# Pixels. The time of a step grows with the fourth power of the side: in steps of 32 it goes from
# half of what is wanted to three times as much, and the rounds take five minutes.
SIDES = range(64, 1025, 16)
LIMIT_S = 300.0  # for one picture, and for loading torch
GUIDANCE = 7.5
PATH = "/api/easel/v1/paintings"


def measure() -> list[Figure]:
    """`paint_overhead`: from the request of an app until it is told that the picture is there,
    with the painter a process of its own, previews, metadata, signature and storage, divided by
    the time that the bare pipeline takes in a process that does nothing else."""
    from generation import random_weights

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = random_weights.build("stable-diffusion", folder / "model")
        ratio = overhead(folder, model)
    return [
        Figure(
            "paint_overhead",
            ratio,
            1.05,
            False,
            f"a picture of {STEPS} steps of {STEP_S} s through the server, against bare diffusers",
        )
    ]


def overhead(
    folder: Path, model: Path, step_s: float = STEP_S, steps: int = STEPS, rounds: int = ROUNDS
) -> float:
    """How many times the bare pipeline's time a picture takes.

    Args:
        folder: for the server.
        model: the pipeline's.
        step_s: seconds that a step takes at least.
    """
    with _Bare(model, step_s, steps) as bare:
        port = server.free_port()
        url = f"http://localhost:{port}"
        token = asyncio.run(_prepare(folder, url))
        (folder / "config.toml").write_text(
            f'[painting]\nmodel = "{model}"\ndevice = "cpu"\nmax_megapixels = 4\n'
        )
        with server.process(folder, port, url) as process:
            server.answer(process, port)
            ours, theirs = [], []
            _painted(port, token, bare.side, steps)  # the painter starts, the model is loaded
            bare.paint()
            for _ in range(rounds):  # in turn, so that both see the same machine
                theirs.append(bare.paint())
                ours.append(_painted(port, token, bare.side, steps))
    return min(ours) / min(theirs)


class _Bare:
    """A process that has the pipeline loaded, and paints when told."""

    def __init__(self, model: Path, step_s: float, steps: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.painting", str(model), str(step_s), str(steps)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.side = int(self._line())

    def __enter__(self) -> _Bare:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def paint(self) -> float:
        """Seconds that one picture took."""
        assert self._process.stdin is not None
        self._process.stdin.write("paint\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the bare pipeline ended")
        return line


async def _prepare(folder: Path, url: str) -> str:
    """A database with somebody who paints; her token."""
    settings = Settings.model_validate(
        {
            "instance": {"url": url},
            "database": {"url": f"sqlite:///{folder / 'easel.db'}"},
            "media": {"folder": folder / "media"},
        }
    )
    easel = await Easel.open(settings)
    try:
        async with easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
            return await credentials.issue_token(tx, alice, "bench")
    finally:
        await easel.close()


def _painted(port: int, token: str, side: int, steps: int) -> float:
    """Seconds from the request until the picture is told to be there."""
    recipe = {"prompt": "a lighthouse", "seed": 7, "width": side, "height": side}
    recipe |= {"steps": steps, "guidance": GUIDANCE}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    host = {"Host": f"localhost:{port}"}
    began = time.perf_counter()
    connection.request("POST", PATH, json.dumps({"recipe": recipe}), headers | host)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status != 201:
        raise RuntimeError(f"the picture was refused: {body}")
    connection.request("GET", f"{PATH}/{body['id']}/events", headers=headers | host)
    stream = connection.getresponse()
    while line := stream.readline():
        if line.startswith(b"event: ") and line[7:].strip() in (b"done", b"failed", b"cancelled"):
            if line[7:].strip() != b"done":
                raise RuntimeError("the picture was not painted")
            seconds = time.perf_counter() - began
            stream.close()
            connection.close()
            return seconds
    raise RuntimeError("the server stopped telling")


def bare(model: Path, step_s: float, steps: int) -> None:
    """The other process: says how large a picture is whose steps take so long, then paints one
    for each line that it reads, and says how many seconds each took."""
    import torch
    from diffusers import DiffusionPipeline

    from generation import devices, loading

    pipe: Any = DiffusionPipeline.from_pretrained(model, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    devices.limit_threads(loading.weights(pipe))  # as many as the painter takes

    def paint(side: int, steps: int) -> float:
        began = time.perf_counter()
        pipe(
            prompt=["a lighthouse"],
            generator=[torch.Generator().manual_seed(7)],
            width=side,
            height=side,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
        )
        return time.perf_counter() - began

    paint(SIDES[0], 1)

    def step(side: int) -> float:
        """What three steps take beside one, so that words and decoding do not count; the better
        of two tries, as whatever runs beside it only adds."""
        few, more = (min(paint(side, count) for _ in range(2)) for count in (1, 3))
        return (more - few) / 2

    side = next((side for side in SIDES if step(side) >= step_s), SIDES[-1])
    print(side, flush=True)
    for _ in sys.stdin:
        print(paint(side, steps), flush=True)


if __name__ == "__main__":
    bare(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
