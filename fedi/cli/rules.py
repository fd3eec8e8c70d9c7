"""`easel rules`: what is asked of everybody here."""

from __future__ import annotations

from typing import Annotated

import typer

from fedi.cli import context
from fedi.social import rules

app = typer.Typer(help="The rules of this instance.", no_args_is_help=True)


@app.command()
def add(
    text: Annotated[str, typer.Argument(help="What it says, in a sentence.")],
    hint: Annotated[str, typer.Option(help="More about it.")] = "",
) -> None:
    """Make a rule."""
    context.run(_add(text, hint))
    typer.echo("The rule holds.")


async def _add(text: str, hint: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await rules.add(tx, text, hint)


@app.command("list")
def list_rules() -> None:
    """Show the rules."""
    found = context.run(_list())
    if not found:
        typer.echo('There is no rule: `easel rules add "…"` makes one.')
    for line in found:
        typer.echo(line)


async def _list() -> list[str]:
    async with context.opened() as easel, easel.database.read() as session:
        every = enumerate(await rules.every(session), 1)
        return [
            f"{number}. {rule.text}" + (f" ({rule.hint})" if rule.hint else "")
            for number, rule in every
        ]


@app.command()
def remove(
    number: Annotated[int, typer.Argument(help="Its number, as `easel rules list` shows it.")],
) -> None:
    """Take back a rule."""
    typer.echo(f"No rule any more: {context.run(_remove(number))}")


async def _remove(number: int) -> str:
    async with context.opened() as easel, easel.database.write() as tx:
        return (await rules.remove(tx, number)).text
