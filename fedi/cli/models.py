"""`easel models`: which models there are, which are here, which one paints, and which ones help."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi import settings as settings_module
from fedi import settings_file
from fedi.cli import adjusting, context, downloads, loras
from fedi.settings import toml_value
from fedi.studio import stock
from generation import catalogue, devices, helpers, hub, parts
from generation.catalogue import Kind, Model
from generation.devices import Memory
from generation.fetching import Unavailable

app = typer.Typer(help="The models that paint, and those that help.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(help="A name from the catalogue, a hub id (owner/name), or a folder.")
]
FITS = {
    "whole": "yes",
    "parts": "in parts",
    "no": "no",
    "unknown": "unknown",
}


@app.command("list")
def list_models() -> None:
    """List the catalogue and what else is here: licence, size, and whether it fits this card."""
    memory = _memory()
    chosen = [model for kind in stock.SETTINGS if (model := _chosen(kind)) is not None]
    models = {**catalogue.CATALOGUE, **helpers.HELPERS}
    models |= {model.key: model for model in chosen if model.key not in models}
    with suppress(ImportError):  # nothing is here where painting is not installed
        for found in hub.all_here():
            if helpers.listed(found.source) is None:
                models.setdefault(found.key, helpers.described(found))
    used = {model.key for model in chosen}
    table = Table("", "name", "for", "licence", "download", "memory", "fits", "on disk")
    for model in models.values():
        size = hub.size_here(model) if stock.is_here(model) else 0
        model = stock.weigh(model, size) if size else model
        table.add_row(
            "*" if model.key in used else "",
            model.key,
            ", ".join(model.kinds),
            model.licence,
            _gb(model.download_gb),
            stock.memory(model),
            FITS[memory.fit(model.memory_gb, model.low_memory_gb)] if memory else "",
            stock.told(size) if size else "",
        )
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table)
    with suppress(ImportError):
        if (own := loras.table()) is not None:
            console.print(own)
    if memory is not None:
        typer.echo(f"This machine paints on {memory.name}, {memory.gigabytes:.0f} GB.")
    typer.echo("`easel models info NAME` says more, `easel models default NAME` chooses one (*).")
    typer.echo(
        "Those that help are used as soon as they are pulled, unless the settings say which."
    )


@app.command()
def info(name: Name) -> None:
    """Say what is known of a model, asking the hub what it would take to fetch it."""
    if found := loras.named(name):
        for record in found:
            loras.tell(record)
        return
    model = _find(name)
    licence, rows = model.licence, []
    if model.local:
        with downloads.in_words():
            parts.of_folder(model.name, Path(model.source), model.variant)
        size = hub.size_here(model)
        rows.append(("on disk", stock.told(size)))
        model = stock.weigh(model, size)
    elif model.key != catalogue.STARTER.key:
        rows.append(("on disk", stock.told(hub.size_here(model)) if stock.is_here(model) else "no"))
        try:
            with downloads.in_words():
                offer = hub.offer(model)
        except context.CommandError as error:
            if not isinstance(error.__cause__, Unavailable):
                raise
            rows.append(("to download", f"{_gb(model.download_gb) or 'unknown'}. {error}"))
        else:
            licence = licence or offer.licence
            model = stock.weigh(model, offer.size)
            rows.append(("to download", f"{stock.told(offer.missing)} of {stock.told(offer.size)}"))
            if offer.gated:
                rows.append(("gated", "its licence must be accepted on the hub; set HF_TOKEN"))
    memory = _memory()
    if memory is not None:
        fit = FITS[memory.fit(model.memory_gb, model.low_memory_gb)]
        rows.append(("fits here", f"{fit} ({memory.name}, {memory.gigabytes:.0f} GB)"))
    typer.echo(model.name)
    if model.note:
        typer.echo(model.note)
    commercial = {True: "commercial use allowed", False: "no commercial use", None: ""}
    told = ", ".join(filter(None, (licence or "unknown", commercial[model.commercial])))
    for title, text in [
        ("for", ", ".join(model.kinds)),
        ("source", model.source),
        ("adapter", model.adapter.source if model.adapter else ""),
        ("licence", told),
        ("memory", stock.memory(model)),
        *rows,
        ("needs", model.needs),
        ("good at", _habits(model)),
        ("paints from", stock.abilities(model) if "painting" in model.kinds else ""),
    ]:
        if text:
            typer.echo(f"{title + ':':13}{text}")


@app.command()
def pull(
    name: Name,
    lora: Annotated[
        bool, typer.Option("--lora", help="It is a LoRA: a hub id, or a .safetensors file.")
    ] = False,
    file: Annotated[str, typer.Option(help="Of a LoRA: which of its files.")] = "",
    base: Annotated[
        str, typer.Option("--for", help="Of a LoRA: the model that it was made for, if need be.")
    ] = "",
) -> None:
    """Fetch a model from the hub; a broken download goes on where it stopped."""
    if lora:
        loras.pull(name, file, base)
        return
    if file or base:
        raise context.CommandError("--file and --for are for LoRAs: say --lora, too.")
    model = _find(name)
    if model.key == catalogue.STARTER.key:
        typer.echo(f"{model.name} comes with Easel: there is nothing to fetch.")
        return
    if model == helpers.OWN_UPSCALER:
        typer.echo(f"{model.name} comes with Easel: there is nothing to fetch.")
        return
    with downloads.in_words():
        if model.local:
            parts.of_folder(model.name, Path(model.source), model.variant)
            typer.echo(f"{model.name} is a folder of yours: there is nothing to fetch.")
            return
        with downloads.bar(model.name) as progress:
            pulled = hub.pull(model, progress)
    typer.echo(f"{model.name} is here: {stock.told(hub.size_here(model))} in {pulled.folder}")
    if model.licence:
        typer.echo(f"Its licence is {model.licence}.")
    model = helpers.described(model)  # of an unlisted one its files say what it is for
    if model.needs and find_spec(model.needs) is None:
        typer.echo(f"It needs the package {model.needs}: pip install {model.needs}")
    for kind in model.kinds:
        chosen = _chosen(kind)
        if kind not in stock.SETTINGS:
            typer.echo(f"It {stock.DOES[kind]}, where it fits, from the painter's next start on.")
        elif chosen is None or chosen.key != model.key:
            typer.echo(f"`easel models default {name}` makes it the one that {stock.DOES[kind]}.")
        elif kind != "painting":
            typer.echo(f"It {stock.DOES[kind]} from the painter's next start on.")


@app.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a model or a LoRA that was fetched from this disk."""
    if found := loras.named(name):
        loras.remove(found, name, yes=yes)
        return
    model = _find(name)
    if model == helpers.OWN_UPSCALER:
        raise context.CommandError(f"{model.name} comes with Easel, and goes with it.")
    with downloads.in_words():
        size = 0 if model.local else hub.size_here(model)
        if not model.local and not size:
            typer.echo(f"{model.name} is not here.")
            return
        if not yes and not model.local:
            others = [
                other.key
                for other in (*catalogue.CATALOGUE.values(), *helpers.HELPERS.values())
                if other != model and other.source == model.source and stock.is_here(other)
            ]
            if others:
                typer.echo(f"Its weights are also those of {', '.join(others)}.")
            for kind, does in stock.DOES.items():
                if kind in model.kinds and model == _chosen(kind):
                    typer.echo(f"It is the model that {does} here.")
            typer.confirm(f"Remove {model.name}, {stock.told(size)}?", abort=True)
        freed = hub.remove(model)
    typer.echo(f"{model.name} is removed: {stock.told(freed)} are free again.")


@app.command()
def default(name: Name) -> None:
    """Make a model the one that paints, or that helps, in the settings file."""
    model = _find(name)
    value = model.source if model.local and helpers.listed(name) is None else model.key
    with downloads.in_words():
        if model.local:
            parts.of_folder(model.name, Path(model.source), model.variant)
    for kind in model.kinds:
        if kind not in stock.SETTINGS:
            raise context.CommandError(
                f"{model.name} need not be chosen: it {stock.DOES[kind]}, where it fits."
            )
        if kind == "painting" and _is_chosen_while_running():
            context.run(adjusting.change("painting.model", value))
            typer.echo(f"{model.name} paints from now on: what a page chose before, it replaces.")
            continue
        _set(kind, value)
        section, entry = stock.SETTINGS[kind]
        typer.echo(
            f"{model.name} {stock.DOES[kind]} from the next start on: {section}.{entry} says so."
        )
        variable = f"EASEL_{section}__{entry}".upper()
        if os.environ.get(variable):
            typer.echo(f"But {variable} is set, and comes before it.")
    if not model.local and model.key != catalogue.STARTER.key and not stock.is_here(model):
        typer.echo(f"It is not here yet: `easel models pull {name}` fetches it now.")


def _is_chosen_while_running() -> bool:
    """Whether a page or `easel settings` said what paints, which comes before the file."""
    return context.adjusted().painting.model != context.settings().painting.model


def _set(kind: Kind, value: str) -> None:
    """Write into the settings file which model is used for something."""
    section, entry = stock.SETTINGS[kind]
    path = settings_module.file_in_use(context.config)
    line = f"[{section}]\n{entry} = {toml_value(value)}"
    if path is None:
        raise context.CommandError(f"There is no settings file. Write into config.toml:\n{line}")
    context.settings()  # what is not valid now is not made worse
    try:
        settings_file.change(path, section, entry, value)
    except settings_file.NotSafe as error:
        raise context.CommandError(
            f"{path} is written in a way that cannot be changed safely. Write into it:\n{line}"
        ) from error
    except OSError as error:
        raise context.CommandError(
            f"{path} cannot be written ({error.strerror}). Write into it:\n{line}"
        ) from error


# -- what the commands share ------------------------------------------------------------------


def _find(name: str) -> Model:
    if (helper := helpers.listed(name)) is not None:
        return helper
    try:
        return helpers.described(catalogue.find(name))
    except catalogue.UnknownModel as error:
        raise context.CommandError(f"{error}.") from error


def _chosen(kind: Kind = "painting") -> Model | None:
    """The model that the settings name for something, or that is used where they leave it open."""
    return stock.chosen(context.adjusted(), kind)


def _memory() -> Memory | None:
    """This machine's memory for models, or None if it does not paint."""
    painting = context.settings().painting
    if not painting.local:
        return None
    try:
        return devices.memory(painting.device)
    except (ImportError, devices.NoDevice):
        return None  # `easel doctor` tells


def _habits(model: Model) -> str:
    told = []
    if model.width and model.height:
        told.append(f"{model.width} × {model.height} pixels, sides by {model.multiple}")
    if model.steps is not None:
        told.append(f"{model.steps} steps")
    if model.guidance is not None:
        told.append(f"guidance {model.guidance:g}")
    return ", ".join(told)


def _gb(size: float | None) -> str:
    return "" if size is None else f"{size:g} GB"
