"""`easel announcement`: what the host tells everybody here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from fedi.cli import context
from fedi.social import announcements

app = typer.Typer(
    help="What everybody here is told, at home and by their apps.", no_args_is_help=True
)

SHOWN = 60  # characters of an announcement in the list


@app.command()
def publish(
    text: Annotated[str, typer.Argument(help="What to tell, in Markdown.")],
    ends: Annotated[
        datetime | None, typer.Option(help="Until when it is shown (UTC); without it, for good.")
    ] = None,
) -> None:
    """Tell everybody something."""
    until = ends.replace(tzinfo=UTC) if ends is not None else None
    number = context.run(_publish(text, until))
    typer.echo(f"The announcement {number} is published.")


@app.command("list")
def list_announcements() -> None:
    """List what is told now, the newest first."""
    rows = context.run(_listed())
    if not rows:
        typer.echo("Nothing is announced.")
        return
    table = Table(Column("announcement", no_wrap=True), "since", "until", "text")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@app.command()
def remove(
    announcement: Annotated[
        int, typer.Argument(help="Its number, as `easel announcement list` shows it.")
    ],
) -> None:
    """Take an announcement back."""
    context.run(_remove(announcement))
    typer.echo(f"The announcement {announcement} is taken back.")


async def _publish(words: str, ends_at: datetime | None) -> int:
    async with context.opened() as easel, easel.database.write() as tx:
        return (await announcements.publish(tx, words, ends_at=ends_at)).id


async def _listed() -> list[tuple[str, str, str, str]]:
    async with context.opened() as easel, easel.database.read() as session:
        found = []
        for row in await announcements.listed(session):
            words = " ".join(row.source.split())
            found.append(
                (
                    str(row.id),
                    f"{row.published_at:%Y-%m-%d %H:%M}",
                    f"{row.ends_at:%Y-%m-%d %H:%M}" if row.ends_at is not None else "",
                    words if len(words) <= SHOWN else f"{words[:SHOWN]}…",
                )
            )
        return found


async def _remove(number: int) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await announcements.remove(tx, number)
