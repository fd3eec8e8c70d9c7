"""`easel settings`: the settings that need no restart."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from fedi import adjustments
from fedi.cli import context
from fedi.settings import toml_value
from fedi.social import adjusting as changing
from fedi.social import audit

app = typer.Typer(
    help="The settings that can be changed while the server runs.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Such as registrations.mode; `list` shows them.")]


@app.command("list")
def list_settings() -> None:
    """Show them, and which of them come before those of the settings file (*)."""
    table = Table("", "name", "value", "in the file")
    for name, changed, held, usual in context.run(_list()):
        mark = "*" if changed else "!" if adjustments.fixed(name) else ""
        table.add_row(mark, name, toml_value(held), toml_value(usual) if changed else "")
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table)
    if any(adjustments.fixed(name) for name in adjustments.names()):
        typer.echo("What is marked with ! is set by the environment.")


async def _list() -> list[tuple[str, bool, Any, Any]]:
    async with context.opened() as easel:
        return [
            (name, held != usual, held, usual)
            for name in adjustments.names()
            for held, usual in [
                (adjustments.value(easel.settings, name), adjustments.value(easel.base, name))
            ]
        ]


@app.command("set")
def set_(
    name: Name,
    value: Annotated[str, typer.Argument(help="Entries of a list are separated by commas.")],
) -> None:
    """Change one; a running server takes it over within seconds."""
    if name not in set(adjustments.names()):
        raise context.CommandError(
            f"{name} is no setting that can be changed while the server runs: "
            "`easel settings list` shows them."
        )
    is_list = adjustments.field(name).annotation == list[str]
    said = [one.strip() for one in value.split(",") if one.strip()] if is_list else value
    held = context.run(change(name, said))
    typer.echo(f"{name} = {toml_value(held)}")


@app.command()
def unset(name: Name) -> None:
    """Let one be as the settings file has it."""
    typer.echo(f"{name} = {toml_value(context.run(change(name, None)))}")


async def change(name: str, value: Any) -> Any:
    """Change one; None: as the file has it. Returns what holds then."""
    async with context.opened() as easel:
        async with easel.database.write() as tx:
            if await changing.change(tx, easel.base, {name: value}):
                await audit.note(tx, None, "setting.change", name)
        await easel.adjust()
        return adjustments.value(easel.settings, name)
