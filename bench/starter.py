"""How long a newcomer waits for a picture of the starter model, without a graphics card."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from bench.measure import ROUNDS, Figure

LIMIT_S = 300.0
PROMPT = "a red sailboat on the beach"

# In a process of its own, which keeps torch's memory and its number of threads to itself.
_PAINT = f"""
import time
from generation import catalogue
from generation.pipeline import Pipeline
from generation.recipe import Recipe
pipeline = Pipeline.load(catalogue.find("starter"), device="cpu")
for seed in range({ROUNDS}):
    began = time.perf_counter()
    pipeline.paint([Recipe(prompt={PROMPT!r}, seed=seed)])
    print(time.perf_counter() - began)
"""


def measure() -> list[Figure]:
    """`starter_s`: one picture of 256 × 256 pixels on the processor, the median of some."""
    # As many threads as a painter takes by itself.
    environment = {name: v for name, v in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", _PAINT],
        capture_output=True,
        check=True,
        env=environment,
        text=True,
        timeout=LIMIT_S,
    )
    seconds = statistics.median(float(line) for line in done.stdout.split())
    what = "one picture of the starter on the processor, seconds, median"
    return [Figure("starter_s", seconds, 20, False, what)]
