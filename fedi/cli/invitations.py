"""`easel invite`: codes by which people may make accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.database.tables import Invite
from fedi.social import audit, invites

app = typer.Typer(help="Invite people to make an account here.", no_args_is_help=True)


@app.command()
def create(
    uses: Annotated[int | None, typer.Option(help="How many may come by it.")] = 1,
    any_number: Annotated[
        bool, typer.Option("--any-number", help="As many may come as like.")
    ] = False,
    days: Annotated[int | None, typer.Option(help="For how many days; for good, without.")] = None,
    comment: Annotated[str, typer.Option(help="Whom it is for.")] = "",
) -> None:
    """Make an invitation, and print the address where it is used."""
    address, closed = context.run(_create(None if any_number else uses, days, comment))
    typer.echo(address)
    if closed:
        typer.echo('It opens nothing as long as registrations.mode is "closed".', err=True)


async def _create(uses: int | None, days: int | None, comment: str) -> tuple[str, bool]:
    lasts = None if days is None else timedelta(days=days)
    async with context.opened() as easel:
        async with easel.database.write() as tx:
            made = await invites.create(tx, uses=uses, lasts=lasts, comment=comment)
            await audit.note(tx, None, "invite.create", made.code, made.id)
        settings = easel.settings
        address = invites.address(made, settings.instance.url)
        return address, settings.registrations.mode == "closed"


@app.command("list")
def list_invites() -> None:
    """List the invitations."""
    rows = context.run(_list())
    if not rows:
        typer.echo("There is no invitation: `easel invite create` makes one.")
        return
    table = Table("code", "used", "until", "state", "for")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


async def _list() -> list[tuple[str, str, str, str, str]]:
    async with context.opened() as easel, easel.database.read() as session:
        return [
            (
                row.code,
                f"{row.uses} of {row.max_uses}" if row.max_uses else f"{row.uses}",
                f"{row.expires_at:%Y-%m-%d %H:%M}" if row.expires_at else "for good",
                _state(row, holds=invites.holds(row, session.now)),
                row.comment,
            )
            for row in await invites.every(session)
        ]


def _state(invite: Invite, *, holds: bool) -> str:
    if invite.revoked_at is not None:
        return "revoked"
    return "holds" if holds else "over"


@app.command()
def revoke(code: Annotated[str, typer.Argument(help="The code, as the list has it.")]) -> None:
    """Let nobody come by an invitation any more."""
    context.run(_revoke(code))
    typer.echo(f"{code} opens nothing any more.")


async def _revoke(code: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        row = await invites.revoke(tx, code)
        await audit.note(tx, None, "invite.revoke", row.code, row.id)
