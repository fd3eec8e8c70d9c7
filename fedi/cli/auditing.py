"""`easel audit`: what moderators and the command line did."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.social import audit as kept
from fedi.social.paging import MAX_PAGE, Page


def audit(
    by: Annotated[str, typer.Option(help="Only what this moderator did.")] = "",
    about: Annotated[str, typer.Option(help="Only what was done to this: a handle, …")] = "",
    number: Annotated[int, typer.Option(help="How many, the newest.", min=1, max=MAX_PAGE)] = 40,
) -> None:
    """List what was done in the name of this instance, the newest first."""
    rows = context.run(_audit(by, about, number))
    if not rows:
        typer.echo("Nothing was done yet.")
        return
    table = Table("when", "who", "what", "to", "more")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


async def _audit(by: str, about: str, number: int) -> list[tuple[str, str, str, str, str]]:
    async with context.opened() as easel, easel.database.read() as session:
        found = await kept.newest(session, Page(limit=number), actor=by, target=about)
        return [
            (
                f"{row.created_at:%Y-%m-%d %H:%M}",
                row.actor or "the command line",
                row.action,
                row.target,
                ", ".join(f"{name}: {value}" for name, value in row.details.items()),
            )
            for row in found
        ]
