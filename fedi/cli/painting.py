"""`easel paint`: paint for an instance, from this machine."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from fedi.cli import context

NEEDED = ("torch", "diffusers", "transformers")
INSTALL = "pip install -c constraints.txt 'easel[paint]'"
ENDPOINT_TOKEN = "EASEL_ENDPOINT_TOKEN"  # the variable


def paint(
    server: Annotated[str, typer.Option(help="The instance to paint for: https://easel.example")],
    token: Annotated[
        str, typer.Option(help="The token of this painter.", envvar="EASEL_PAINTER_TOKEN")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="A file that holds the token of this painter.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A name from the catalogue, a hub id, or a folder; several times for several "
            "models, the first is the usual one."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "auto",
    batch: Annotated[
        int, typer.Option(help="Pictures painted at once at most; 0 decides by the card.")
    ] = 0,
    unload: Annotated[
        float | None, typer.Option(help="Free the memory after so many seconds without work.")
    ] = None,
    compile: Annotated[bool, typer.Option(help="Compile models on a card.")] = True,
    classifier: Annotated[
        str, typer.Option(help="The model that looks at each picture: a name, auto or none.")
    ] = "auto",
    describer: Annotated[
        str, typer.Option(help="The model that describes pictures: a name, auto or none.")
    ] = "auto",
    language_model: Annotated[
        str, typer.Option(help="The model that helps with words: a name, auto or none.")
    ] = "auto",
    upscaler: Annotated[
        str, typer.Option(help="The model that makes pictures larger: a name, auto or none.")
    ] = "auto",
    recogniser: Annotated[
        str, typer.Option(help="The model that sees what pictures show: a name, auto or none.")
    ] = "auto",
    endpoint: Annotated[
        str,
        typer.Option(
            help="An OpenAI-compatible images endpoint that paints instead of this machine: "
            "http://host:8000/v1. --model then says with which of its models; without, with all."
        ),
    ] = "",
    endpoint_token_file: Annotated[
        Path | None,
        typer.Option(help=f"A file that holds the endpoint's token; else ${ENDPOINT_TOKEN}."),
    ] = None,
    at_once: Annotated[
        int, typer.Option(min=1, max=64, help="How many pictures an endpoint is asked for at once.")
    ] = 4,
) -> None:
    """Paint for an instance, from this machine; it needs no open port."""
    models = [name for name in model or [] if name]
    secret = _secret(token_file) or token
    if not secret:
        raise context.CommandError(
            "There is no token: set EASEL_PAINTER_TOKEN or give --token-file; "
            "`easel painters token NAME` makes one on the server."
        )
    if not endpoint:
        _check_machine(models, device)
    from generation import fast, painter, worker

    painter.log_to_stderr()
    raise typer.Exit(
        painter.run(
            server=server,
            token=secret,
            models=models,
            device=device,
            settings=worker.Settings(
                batch=batch, unload=unload, fast=fast.Options(compile=compile)
            ),
            classifier=classifier,
            describer=describer,
            language_model=language_model,
            upscaler=upscaler,
            recogniser=recogniser,
            endpoint=endpoint,
            endpoint_token=_secret(endpoint_token_file) or os.environ.get(ENDPOINT_TOKEN, ""),
            at_once=at_once,
        )
    )


def _secret(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8").strip() if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise context.CommandError(f"The token cannot be read: {error}.") from error


def _check_machine(models: list[str], device: str) -> None:
    """Say what this machine lacks before it takes anybody's picture.

    Raises:
        CommandError: painting is not installed, there is no such device, or it is too small.
    """
    if not all(map(find_spec, NEEDED)):
        raise context.CommandError(
            f"Painting is not installed here: {INSTALL} (or give an --endpoint that paints)."
        )
    from generation import catalogue, devices

    try:
        known = [catalogue.find(name) for name in models]
        memory = devices.memory(device)
    except ValueError as error:  # no such model, no such device
        raise context.CommandError(f"{str(error).rstrip('.')}.") from error
    for one in known:
        if memory.fit(one.memory_gb, one.low_memory_gb) == "no":
            least = one.low_memory_gb or one.memory_gb or 0
            if memory.bytes_per_weight > 2:  # on the processor, where nothing can be moved out
                least = 2 * (one.memory_gb or 0)
            raise context.CommandError(
                f"{one.name} needs {least:.0f} GB and does not fit into the "
                f"{memory.gigabytes:.0f} GB of {memory.name}: `easel models list` shows what does."
            )
