"""`easel account`: the accounts of this instance."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.database import Session
from fedi.database.tables import Account
from fedi.social import accounts, credentials, second_factor
from fedi.social.errors import NotFound

app = typer.Typer(help="Create, list and change accounts.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name in front of the @.")]


@app.command()
def create(
    name: Name,
    display_name: Annotated[str, typer.Option(help="The name as people see it.")] = "",
    email: Annotated[str | None, typer.Option(help="For signing in and for mails.")] = None,
    password: Annotated[
        str | None, typer.Option(help="Without it one is made and printed.")
    ] = None,
    role: Annotated[str, typer.Option(help="user, moderator or admin.")] = "user",
) -> None:
    """Create an account."""
    chosen = password or secrets.token_urlsafe(12)
    account = context.run(_create(name, display_name, email, chosen, role))
    typer.echo(f"Created {account.url}")
    if password is None:
        typer.echo(f"Its password is {chosen}")


async def _create(
    name: str, display_name: str, email: str | None, password: str, role: str
) -> Account:
    async with context.opened() as easel, easel.database.write() as tx:
        return await accounts.create_local(
            tx, name, display_name=display_name, password=password, email=email, role=role
        )


@app.command("list")
def list_accounts() -> None:
    """List the accounts of this instance."""
    rows = context.run(_list())
    if not rows:
        typer.echo("There is no account yet: `easel account create NAME` makes one.")
        return
    table = Table("name", "display name", "posts", "followers", "following", "since")
    for row in rows:
        table.add_row(
            row.username,
            row.display_name,
            str(row.statuses_count),
            str(row.followers_count),
            str(row.following_count),
            f"{row.created_at:%Y-%m-%d}",
        )
    Console().print(table)


async def _list() -> list[Account]:
    async with context.opened() as easel, easel.database.read() as session:
        return list(await accounts.list_local(session))


@app.command()
def password(
    name: Name,
    new: Annotated[str | None, typer.Option(help="Without it one is made and printed.")] = None,
) -> None:
    """Set a new password; everything that was signed in is signed out."""
    chosen = new or secrets.token_urlsafe(12)
    context.run(_password(name, chosen))
    typer.echo("The password is changed." if new else f"The new password is {chosen}")


async def _password(name: str, chosen: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await credentials.set_password(tx, await local(tx, name), chosen)


@app.command()
def codes(
    name: Name,
    off: Annotated[
        bool, typer.Option("--off", help="Ask for no codes any more: for who lost their device.")
    ] = False,
) -> None:
    """Say whether somebody needs one-time codes to sign in, or switch them off."""
    typer.echo(context.run(_codes(name, off)))


async def _codes(name: str, off: bool) -> str:
    async with context.opened() as easel, easel.database.write() as tx:
        account = await local(tx, name)
        if off:
            was_on = await second_factor.switch_off(tx, account)
            return f"One-time codes {'are now' if was_on else 'were already'} off for {name}."
        if not await second_factor.is_on(tx, account):
            return f"One-time codes are off for {name}."
        left = await second_factor.recovery_codes_left(tx, account)
        return f"One-time codes are on for {name}; {left} recovery codes are left."


@app.command()
def signout(name: Name) -> None:
    """End every browser and app in which somebody is signed in."""
    context.run(_signout(name))
    typer.echo(f"{name} is signed out everywhere.")


async def _signout(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await credentials.sign_out_everywhere(tx, await local(tx, name))


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an account and everything it posted, here and on other servers. For good."""
    if not yes:
        typer.confirm(f"Delete {name} and everything they posted, for good?", abort=True)
    context.run(_delete(name))
    typer.echo(f"{name} is deleted. Other servers are told as long as the server runs.")


async def _delete(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await accounts.delete_account(tx, await local(tx, name))


@app.command()
def token(
    name: Name,
    scopes: Annotated[str, typer.Option(help="What it may do.")] = "read write follow",
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
) -> None:
    """Make a bearer token for a program, and print it."""
    typer.echo(context.run(_token(name, scopes, label)))


async def _token(name: str, scopes: str, label: str) -> str:
    async with context.opened() as easel, easel.database.write() as tx:
        return await credentials.issue_token(tx, await local(tx, name), label, scopes)


async def local(session: Session, name: str) -> Account:
    """The local account of that name.

    Raises:
        NotFound: there is none.
    """
    account = await accounts.find_local(session, name.removeprefix("@"))
    if account is None:
        raise NotFound(f"There is no account {name} here.")
    return account
