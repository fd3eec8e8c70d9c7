"""`easel account waiting`, `approve`, `reject` and `role`: who comes in, and who runs this."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.cli.accounts import Name, local
from fedi.cli.carrying import app
from fedi.database import Session
from fedi.database.tables import Account, Login
from fedi.social import accounts, audit, registration, roster
from fedi.social.errors import NotFound

__all__ = ["app"]

LISTED = 1000  # who wait, the first of them


@app.command()
def waiting() -> None:
    """List those who wait to be let in."""
    rows = context.run(_waiting())
    if not rows:
        typer.echo("Nobody waits.")
        return
    table = Table("name", "since", "email", "why")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


async def _waiting() -> list[tuple[str, str, str, str]]:
    async with context.opened() as easel, easel.database.read() as session:
        found = await roster.asking(session, limit=LISTED)
        return [
            (account.username, f"{login.created_at:%Y-%m-%d}", login.email or "", login.reason)
            for account, login in found
        ]


@app.command()
def approve(name: Name) -> None:
    """Let somebody in who asked."""
    context.run(_approve(name))
    typer.echo(f"{name} is in.")


async def _approve(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        account, login = await _who_waits(tx, name)
        await registration.approve(tx, account, login)
        await audit.note(tx, None, "account.approve", account.acct, account.id)


@app.command()
def reject(name: Name) -> None:
    """Turn somebody away who asked; nothing stays of them, and their name is free."""
    context.run(_reject(name))
    typer.echo(f"{name} is turned away.")


async def _reject(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        account, login = await _who_waits(tx, name)
        await audit.note(tx, None, "account.reject", account.acct, account.id)
        await registration.turn_away(tx, account, login)


@app.command()
def role(
    name: Name, role: Annotated[str, typer.Argument(help="user, moderator or admin.")]
) -> None:
    """Say what somebody may do here."""
    context.run(_role(name, role))
    typer.echo(f"{name}: {role}.")


async def _role(name: str, role: str) -> None:
    if role not in accounts.ROLES:
        raise context.CommandError(f"A role is one of {', '.join(accounts.ROLES)}.")
    async with context.opened() as easel, easel.database.write() as tx:
        account = await local(tx, name)
        login = await tx.get_one(Login, account.id)
        login.role = role
        tx.add(login)
        await audit.note(tx, None, "account.role", account.acct, account.id, role=role)


async def _who_waits(session: Session, name: str) -> tuple[Account, Login]:
    account = await accounts.find_local(session, name.removeprefix("@"))
    login = await session.get(Login, account.id) if account is not None else None
    if account is None or login is None or login.approved_at is not None:
        raise NotFound(f"Nobody of the name {name} waits to be let in.")
    return account, login
