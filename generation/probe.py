"""What this machine can paint with, asked in a process of its own: `python -m generation.probe`.

Prints one line: `ok`, `warning` or `problem`, a space, and one plain sentence; with `--json` an
object that says what the device is and how much memory it has, or what is in the way.
"""

from __future__ import annotations

import argparse
import json

GIGABYTE = 1e9


def probe(device: str) -> str:
    """The line for a device as the settings name it ("auto", "cuda", "mps" or "cpu")."""
    try:
        import diffusers
        import torch
        import transformers

        from generation import devices
    except ImportError as error:
        return f"problem The libraries for painting cannot be loaded: {error}."
    try:
        place, _ = devices.choose(device)
    except devices.NoDevice as error:
        return f"problem {error}"
    versions = (
        f"torch {torch.__version__}, diffusers {diffusers.__version__}, "
        f"transformers {transformers.__version__}"
    )
    if place.type == "cuda":
        free, total = torch.cuda.mem_get_info(place)
        name = torch.cuda.get_device_name(place)
        memory = f"{free / GIGABYTE:.0f} of {total / GIGABYTE:.0f} GB free"
        return f"ok {name} with {memory} ({versions})."
    if place.type == "mps":
        return f"ok The Apple GPU of this machine ({versions})."
    return (
        "warning There is no graphics card that torch can use: painting on the processor is slow "
        f"with real models ({versions})."
    )


def measure(device: str) -> dict[str, object]:
    """A device as `devices.Memory` has it, or the `trouble` that there is with it.

    device: as for `probe`.
    """
    try:
        import diffusers  # noqa: F401  (nothing is painted without it)

        from generation import devices

        found = devices.memory(device)
    except ImportError as error:
        return {"trouble": f"The libraries for painting cannot be loaded: {error}."}
    except devices.NoDevice as error:
        return {"trouble": str(error)}
    return {
        "name": found.name,
        "gigabytes": found.gigabytes,
        "bytes_per_weight": found.bytes_per_weight,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m generation.probe", description=__doc__)
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    print(json.dumps(measure(options.device)) if options.json else probe(options.device))
