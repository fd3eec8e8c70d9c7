"""`easel painters`: the machines that paint for this instance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from fedi.cli import context
from fedi.studio import cards, fleet
from fedi.studio import painters as studio_painters
from fedi.studio.fleet import Member
from generation import abilities
from generation.abilities import Abilities

app = typer.Typer(help="Machines that paint for this instance.", no_args_is_help=True)


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="What you call that machine.")],
) -> None:
    """Make a token for a painter on another machine, and print how to start it there. One that
    the painter had before is worth nothing any more."""
    secret, url = context.run(_token(name))
    typer.echo(f"EASEL_PAINTER_TOKEN={secret} easel paint --server {url}")


async def _token(name: str) -> tuple[str, str]:
    async with context.opened() as easel:
        async with easel.database.write() as tx:
            secret = await studio_painters.issue_token(tx, name)
        return secret, easel.settings.instance.url


@app.command("list")
def list_painters() -> None:
    """List the painters: what they paint with and from, what judges their pictures, since when
    they are connected, what each is doing, and how many pictures it finished within the last
    hour."""
    members = context.run(_list())
    if not members:
        typer.echo("No painter has ever connected.")
        return
    picture = Column("painting", no_wrap=True, min_width=18)  # as `easel queue` shows it
    table = Table("name", "device", "models", "connected", picture, "step", "last hour")
    for member in members:
        painter = member.painter
        table.add_row(
            painter.name,
            painter.device,
            ", ".join(painter.models),
            _connected(member),
            "\n".join(str(painting.id) for painting in member.doing) or "nothing",
            "\n".join(f"{painting.step} of {painting.steps or '?'}" for painting in member.doing),
            str(member.last_hour),
        )
    Console().print(table)
    for member in members:
        typer.echo(f"{member.painter.name}: {_can(cards.remembered(member.painter.abilities))}.")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Its name, as `easel painters list` shows it.")],
) -> None:
    """Shut a painter out at once. What it was painting goes to another."""
    given_back = context.run(_remove(name))
    typer.echo(f"{name} is removed.")
    if given_back:
        typer.echo(f"{given_back} of its pictures went back to the queue.")


async def _list() -> list[Member]:
    async with context.opened() as easel, easel.database.read() as session:
        return await fleet.members(session, easel.settings.painting)


async def _remove(name: str) -> int:
    async with context.opened() as easel, easel.database.write() as tx:
        return await fleet.remove(tx, name)


def _can(can: Abilities) -> str:
    if can == abilities.NOTHING_TOLD:
        return "what it can do is not told yet"
    helps = [f"judges ({can.judges})" if can.judges else "does not judge"]
    helps += [f"describes ({can.describes})"] if can.describes else []
    helps += [f"sees what pictures show ({can.recognises})"] if can.recognises else []
    return "; ".join([f"paints from {abilities.told(can)}", *helps])


def _connected(member: Member) -> str:
    if member.connected_since is not None:
        return f"since {_moment(member.connected_since)}"
    seen = member.painter.seen_at
    return f"last seen {_moment(seen)}" if seen else "never"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
