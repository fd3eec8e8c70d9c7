"""`easel account move`, `alias` and `back`: from one server to another."""

from __future__ import annotations

from typing import Annotated

import typer

from fedi.cli import context
from fedi.cli.accounts import Name, app, local
from fedi.federation import moving
from fedi.social import moves

ACTIONS = ("add", "remove", "list")


@app.command()
def alias(
    name: Name,
    action: Annotated[str, typer.Argument(help="add, remove or list.")],
    other: Annotated[str, typer.Argument(help="The other account: user@host.")] = "",
) -> None:
    """Say that another account is the same person, so that it can move here."""
    if action not in ACTIONS:
        raise context.CommandError(f"The action is one of {', '.join(ACTIONS)}.")
    if action != "list" and not other:
        raise context.CommandError(f"Say which account to {action}: user@host.")
    for line in context.run(_alias(name, action, other)):
        typer.echo(line)


async def _alias(name: str, action: str, other: str) -> list[str]:
    async with context.opened() as easel:
        async with easel.database.read() as session:
            account = await local(session, name)
        if action == "list":
            return account.also_known_as
        if action == "add":
            found = await moving.alias(easel, account.id, other)
            return [f"{name} is also {found.acct}."]
        await moving.unalias(easel, account.id, other)
        return [f"{name} is not {other}."]


@app.command()
def move(
    name: Name,
    target: Annotated[str, typer.Argument(help="The new account: user@host.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Move an account to another server: its followers are asked to follow the new one."""
    if not yes:
        typer.confirm(f"Send the followers of {name} to {target}?", abort=True)
    moved = context.run(_move(name, target))
    typer.echo(f"{name} has moved to {moved}. Other servers are told as long as the server runs.")


async def _move(name: str, whom: str) -> str:
    async with context.opened() as easel:
        async with easel.database.read() as session:
            account = await local(session, name)
        return (await moving.move(easel, account.id, whom)).acct


@app.command()
def back(name: Name) -> None:
    """Use an account again that has moved away; its followers stay where they are."""
    context.run(_back(name))
    typer.echo(f"{name} is back.")


async def _back(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await moves.come_back(tx, await local(tx, name))


__all__ = ["app"]
