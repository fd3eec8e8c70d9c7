"""Measure painting on a card: `python -m bench.gpu`, some ten minutes and 60 GB of disk.

For each case: pictures per second of bare eager diffusers, one by one; of the painter, one by one;
of the painter while 32 requests of different people wait; the memory at the worst moment; and the
share of what the card's tensor cores were seen to do.
"""

from __future__ import annotations

import argparse
import json
import queue
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import real_models
from generation import catalogue, memory, protocol
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from generation.worker import Settings, Task, Worker

WAITING = 32
ROUNDS = 8  # pictures one by one
MATRIX, PRODUCTS = 8192, 50  # for the ceiling: sides, and how many are multiplied
LIMIT_S = 900.0  # for a picture, compiling included
RESULTS = Path(__file__).parent / "gpu.json"


@dataclass(frozen=True)
class Case:
    """What is measured.

    Args:
        name: in the table.
        make: the pipeline, with random weights.
        side: of the picture, in pixels.
        steps: as the pipeline counts them.
        teraflop: for one picture whose words are known: steps and decoding.
        speed_up: to reach, over eager diffusers.
        share: of the ceiling to reach; 0: none.
    """

    name: str
    make: Callable[[], Any]
    side: int
    steps: int
    guidance: float
    teraflop: float
    speed_up: float
    share: float


# Teraflops were counted by torch on the same configurations: 1.59 and 6.76 for a step of SDXL, 2.52
# and 10.47 for its decoder, 34.8 for one of klein and 56.5 for one of Z-Image, which makes eight.
CASES = (
    Case("sdxl-512", real_models.sdxl_pipeline, 512, 4, 0.0, 4 * 1.59 + 2.52, 2.5, 0.0),
    Case("sdxl-1024", real_models.sdxl_pipeline, 1024, 4, 0.0, 4 * 6.76 + 10.47, 1.0, 0.0),
    Case("klein-4b-1024", real_models.klein_pipeline, 1024, 4, 1.0, 4 * 34.8 + 10.5, 1.25, 0.45),
    Case("z-image-1024", real_models.z_image_pipeline, 1024, 9, 0.0, 8 * 56.5 + 10.5, 1.25, 0.45),
)


@dataclass(frozen=True)
class Measured:
    """Pictures per second, three times; gigabytes; and the share of the ceiling, 0 to 1."""

    name: str
    eager: float
    painter: float
    waiting: float
    gigabytes: float
    share: float

    @property
    def speed_up(self) -> float:
        return self.waiting / self.eager


def measure(case: Case, folder: Path, *, device: str, ceiling: float, rounds: int) -> Measured:
    """One case. folder: of its pipeline. ceiling: teraflops a second."""
    eager = _eager(case, folder, device, rounds)
    memory.release()
    painter, gigabytes = _painter(case, folder, device, rounds)
    memory.release()
    waiting = _waiting(case, folder, device)
    return Measured(
        case.name, eager, painter, waiting, gigabytes, case.teraflop * waiting / ceiling
    )


def ceiling(device: str, side: int = MATRIX, products: int = PRODUCTS) -> float:
    """Teraflops a second of bf16 that a device's matrix products reach."""
    import torch

    one, other = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    one @ other
    _wait(device)
    began = time.perf_counter()
    for _ in range(products):
        one @ other
    _wait(device)
    return 2 * side**3 * products / (time.perf_counter() - began) / 1e12


def recipe(case: Case, number: int) -> Recipe:
    """Always the same words, as a remix has; what text encoders cost is not measured here."""
    return Recipe(
        prompt="a lighthouse in a storm",
        seed=number,
        width=case.side,
        height=case.side,
        steps=case.steps,
        guidance=case.guidance,
    )


def _eager(case: Case, folder: Path, device: str, rounds: int) -> float:
    import torch
    from diffusers import DiffusionPipeline

    pipe: Any = DiffusionPipeline.from_pretrained(
        folder, dtype=torch.bfloat16 if device != "cpu" else torch.float32, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device)

    def paint(number: int) -> None:
        pipe(
            prompt=["a lighthouse in a storm"],
            generator=[torch.Generator().manual_seed(number)],
            width=case.side,
            height=case.side,
            num_inference_steps=case.steps,
            guidance_scale=case.guidance,
        )

    paint(0)
    began = time.perf_counter()
    for number in range(rounds):
        paint(number)
    return rounds / (time.perf_counter() - began)


def _painter(case: Case, folder: Path, device: str, rounds: int) -> tuple[float, float]:
    import torch

    pipeline = Pipeline.load(catalogue.find(str(folder)), device=device)
    pipeline.paint([recipe(case, 0)])
    began = time.perf_counter()
    for number in range(rounds):
        assert pipeline.paint([recipe(case, number)])[0].png
    rate = rounds / (time.perf_counter() - began)
    cuda = device.startswith("cuda")
    return rate, torch.cuda.max_memory_allocated() / 1e9 if cuda else 0.0


def _waiting(case: Case, folder: Path, device: str) -> float:
    """With batches, previews and packing, as when 32 people ask at the same moment."""
    ended: queue.Queue[protocol.FromPainter] = queue.Queue()

    def send(message: protocol.FromPainter, data: bytes) -> None:
        if not isinstance(message, protocol.Progress):
            ended.put(message)

    worker = Worker([catalogue.find(str(folder))], device, Settings())

    def paint(count: int) -> float:
        began = time.perf_counter()
        for number in range(count):
            worker.submit(Task(str(number), recipe(case, number), send))
        for _ in range(count):
            message = ended.get(timeout=LIMIT_S)
            if not isinstance(message, protocol.Finished):
                raise RuntimeError(f"{case.name} was not painted: {message}")
        return time.perf_counter() - began

    paint(1)
    paint(WAITING)  # batches are compiled, too
    seconds = paint(WAITING)
    worker.close(LIMIT_S)
    return WAITING / seconds


def _wait(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()


def main() -> None:
    import torch
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no graphics card that torch can use")
    most = ceiling(options.device)
    console = Console()
    console.print(f"{torch.cuda.get_device_name()}: {most:.0f} Tflop/s of bf16 seen")
    table = Table("case", "eager /s", "painter /s", "32 waiting /s", "×", "GB", "of ceiling", "")
    results: dict[str, dict[str, Any]] = {}
    for case in CASES:
        if options.case and case.name not in options.case:
            continue
        with tempfile.TemporaryDirectory() as place:
            folder = real_models.save(case.make, Path(place) / case.name, options.device)
            memory.release()
            found = measure(case, folder, device=options.device, ceiling=most, rounds=ROUNDS)
        reached = found.speed_up >= case.speed_up and found.share >= case.share
        table.add_row(
            case.name,
            *(f"{value:.2f}" for value in (found.eager, found.painter, found.waiting)),
            f"{found.speed_up:.2f} (≥ {case.speed_up:g})",
            f"{found.gigabytes:.1f}",
            f"{found.share:.0%}" + (f" (≥ {case.share:.0%})" if case.share else ""),
            "✓" if reached else "✗",
        )
        results[case.name] = asdict(found)
        document = {"card": torch.cuda.get_device_name(), "ceiling": most, "cases": results}
        RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    console.print(table)


if __name__ == "__main__":
    main()
