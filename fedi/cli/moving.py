"""`easel account move` and `easel account alias`: from one server to another."""

from __future__ import annotations

from typing import Annotated

import typer

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from fedi.cli import context
from fedi.cli.accounts import Name, app, local
from fedi.database.tables import Account
from fedi.federation import remote
from fedi.runtime import Easel
from fedi.social import accounts, moves

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
        if action == "list":
            async with easel.database.read() as session:
                return (await local(session, name)).also_known_as
        if action == "add":
            found = await remote.resolve(easel, other)
            async with easel.database.write() as tx:
                await moves.add_alias(tx, await local(tx, name), found)
            return [f"{name} is also {found.acct}."]
        async with easel.database.write() as tx:
            known = await accounts.by_handle(tx, other)
            await moves.remove_alias(tx, await local(tx, name), known.uri if known else other)
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
        target = await _fresh(easel, await remote.resolve(easel, whom))
        async with easel.database.write() as tx:
            current = await accounts.by_id(tx, target.id)
            assert current is not None
            await moves.move_local(tx, await local(tx, name), current)
        return target.acct


async def _fresh(easel: Easel, target: Account) -> Account:
    """The new account as its server shows it now: its aliases may be minutes old.

    Raises:
        CommandError: it does not answer.
    """
    if origin.origin(target.uri) == easel.settings.instance.url:
        return target
    try:
        return await remote.fetch(easel, target.uri, fresh=True)
    except (FetchError, Malformed) as error:
        raise context.CommandError(f"{target.acct} cannot be read: {error.reason}") from error


__all__ = ["app"]
