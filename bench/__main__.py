"""Measure everything: `make bench`; or some of it: `python -m bench federation painting`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    federation,
    for_you,
    painting,
    queue,
    server,
    signatures,
    starter,
    streaming,
    timelines,
    trends,
)

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    console = Console()
    table = Table("figure", "value", "to reach", "", "what")
    results: dict[str, float] = {}
    for module in (
        signatures, queue, server, starter, painting, federation, timelines, streaming, trends,
        for_you,
    ):  # fmt: skip
        name = module.__name__.removeprefix("bench.")
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        console.print(f"Measuring {name}")
        for figure in module.measure():
            console.print(f"{figure.key} {figure.value:.3g}")
            results[figure.key] = round(figure.value, 3)
            bound = "≥" if figure.larger_is_better else "≤"
            table.add_row(
                figure.key,
                f"{figure.value:.3g}",
                f"{bound} {figure.goal:g}",
                "✓" if figure.reached else "✗",
                figure.what,
            )
    console.print(table)
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    console.print(f"Written to {RESULTS.parent.name}/{RESULTS.name}")


if __name__ == "__main__":
    main()
