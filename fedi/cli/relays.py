"""`easel relay`: servers that pass public posts on."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import col, select

from fedi.cli import context
from fedi.database.tables import Relay
from fedi.federation import subscriptions

app = typer.Typer(help="Relays: public posts of many servers.", no_args_is_help=True)

Address = Annotated[
    str, typer.Argument(help="Its inbox (https://relay.example/inbox), or its actor.")
]


@app.command()
def add(address: Address) -> None:
    """Ask a relay to take this instance."""
    relay = context.run(_add(address))
    typer.echo(f"Asked {relay.inbox_uri} ({relay.style}); `easel relay list` shows its answer.")


@app.command()
def remove(address: Address) -> None:
    """Leave a relay."""
    context.run(_remove(address))
    typer.echo(f"Left {address}.")


@app.command("list")
def list_relays() -> None:
    """Show the relays, and whether they took this instance."""
    rows = context.run(_list())
    if not rows:
        typer.echo("There are no relays: `easel relay add ADDRESS` asks one.")
        return
    table = Table("relay", "style", "state", "since")
    for row in rows:
        address = row.actor_uri if row.style == "litepub" else row.inbox_uri
        table.add_row(address, row.style, row.state, f"{row.created_at:%Y-%m-%d}")
    Console().print(table)


async def _add(address: str) -> Relay:
    async with context.opened() as easel:
        return await subscriptions.add(easel, address)


async def _remove(address: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await subscriptions.remove(tx, address)


async def _list() -> list[Relay]:
    async with context.opened() as easel, easel.database.read() as session:
        return list((await session.exec(select(Relay).order_by(col(Relay.id)))).all())
