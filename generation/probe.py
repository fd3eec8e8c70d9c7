"""What this machine can paint with, asked in a process of its own: `python -m generation.probe`.

Prints one line: `ok`, `warning` or `problem`, a space, and one plain sentence.
"""

from __future__ import annotations

import argparse

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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m generation.probe", description=__doc__)
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    print(probe(parser.parse_args().device))
