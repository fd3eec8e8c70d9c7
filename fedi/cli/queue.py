"""`easel queue`: the pictures that wait, and who paints what."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from fedi.cli import context
from fedi.database.tables import Painting
from fedi.social.errors import NotFound
from fedi.studio import paintings, standing
from fedi.studio.standing import Standing

app = typer.Typer(help="The pictures that wait, and who paints what.", no_args_is_help=False)

LISTED = 50  # waiting pictures shown at most; `--limit` shows more


@app.callback(invoke_without_command=True)
def overview(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many waiting pictures to list.")] = LISTED,
) -> None:
    """Show what is being painted and by whom, what waits, how many are before it, and when it
    may be finished. Prompts are not shown: they are their authors' own."""
    if ctx.invoked_subcommand is None:
        found, waiting = context.run(_line(limit))
        _show(found, waiting)


@app.command()
def cancel(
    painting: Annotated[int, typer.Argument(help="Its number, as `easel queue` shows it.")],
) -> None:
    """Cancel a picture, wherever it stands. The post that it was for is not made."""
    state = context.run(_cancel(painting))
    if state != paintings.CANCELLED:
        raise context.CommandError(f"The picture {painting} has ended already: {state}.")
    typer.echo(f"The picture {painting} is cancelled.")


async def _line(limit: int) -> tuple[list[Standing], int]:
    async with context.opened() as easel, easel.database.read() as session:
        return await standing.line(session, limit=limit)


def _show(found: list[Standing], waiting: int) -> None:
    console = Console()
    begun = [one for one in found if one.painting.state == paintings.PAINTING]
    listed = found[len(begun) :]
    if begun:
        table = Table(_number(), "for", "model", "painter", "step", "left", title="Being painted")
        for one in begun:
            table.add_row(*_told(one), one.painter, _steps(one.painting), _duration(one))
        console.print(table)
    if listed:
        table = Table(_number(), "for", "model", "before it", "done in", title="Waiting")
        for one in listed:
            table.add_row(*_told(one), str(one.position.ahead), _duration(one))
        console.print(table)
    if waiting > len(listed):
        console.print(f"And {waiting - len(listed)} more wait.")
    if not found:
        console.print("Nothing waits, and nothing is being painted.")


def _number() -> Column:
    return Column("picture", no_wrap=True, min_width=18)  # it is what `cancel` needs whole


def _told(one: Standing) -> tuple[str, str, str]:
    return str(one.painting.id), one.username, one.painting.model or "any"


def _steps(painting: Painting) -> str:
    return f"{painting.step} of {painting.steps or '?'}"


def _duration(one: Standing) -> str:
    seconds = one.position.seconds
    if seconds is None:
        return "unknown"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"


async def _cancel(painting_id: int) -> str:
    async with context.opened() as easel, easel.database.write() as tx:
        painting = await tx.get(Painting, painting_id)
        if painting is None:
            raise NotFound(f"There is no picture {painting_id}.")
        return (await paintings.cancel(tx, painting)).state
