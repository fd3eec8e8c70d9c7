"""What `easel models` does with LoRAs."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table

from fedi.cli import context, downloads, style
from fedi.studio import stock
from generation import lora_files
from generation.catalogue import CATALOGUE
from generation.lora_files import ENDING, Record
from generation.parts import Unusable
from generation.style import brief


def table() -> Table | None:
    """Those that are here; None if there are none."""
    here = lora_files.all_here()
    if not here:
        return None
    table = Table("LoRA", "for", "licence", "on disk")
    for record in here:
        size = stock.told(record.path.stat().st_size)
        table.add_row(record.name, record.family or "unknown", record.licence, size)
    return table


def named(name: str) -> list[Record]:
    """The LoRAs that are here and that somebody at a terminal means by this name; the names of the
    catalogue are those of models."""
    if name in CATALOGUE:
        return []
    try:
        return lora_files.known(name)
    except ImportError:
        return []  # nothing is here where painting is not installed


def tell(record: Record) -> None:
    """Say what is known of one that is here."""
    typer.echo(record.name)
    for title, text in (
        ("for", record.family or "unknown"),
        ("made from", record.base),
        ("source", record.source or str(record.path)),
        ("licence", record.licence or "unknown"),
        ("on disk", stock.told(record.path.stat().st_size)),
    ):
        if text:
            typer.echo(f"{title + ':':13}{text}")


def pull(name: str, file: str, base: str) -> None:
    """Fetch one from the hub, or take it from a file."""
    with downloads.in_words():
        path = Path(name).expanduser()
        if name.endswith(ENDING) and path.is_file():
            record = lora_files.take(path, base)
        else:
            meant = lora_files.on_hub(name)
            if meant is None:
                raise Unusable(
                    f"There is no LoRA “{name[:80]}”: give a hub id (owner/name), or a "
                    f"{ENDING} file."
                )
            source, chosen = meant
            offer = lora_files.offer(source, file or chosen)
            with downloads.bar(name) as progress:
                record = lora_files.pull(offer, base, progress)
    typer.echo(f"{record.name} is here: {stock.told(record.path.stat().st_size)}")
    typer.echo(f"It is for models of the family {record.family}.")
    if record.licence:
        typer.echo(f"Its licence is {record.licence}.")
    typer.echo(f'A recipe names it so: "loras": [{{"name": "{record.name}", "weight": 1}}]')


def remove(records: list[Record], name: str, *, yes: bool) -> None:
    """Remove one that was pulled, or learned."""
    if len(records) > 1:
        there = ", ".join(record.name for record in records)
        raise context.CommandError(f"{name} has several LoRAs: name one of {there}.")
    [record] = records
    if not yes:
        size = stock.told(record.path.stat().st_size)
        typer.confirm(f"Remove {record.name}, {size}?", abort=True)
    with downloads.in_words():
        learned_here = brief.learned(record.name) is not None
        freed = lora_files.remove(record)
    if learned_here:
        context.run(style.note_removal(record.name))
    typer.echo(f"{record.name} is removed: {stock.told(freed)} are free again.")
