"""`easel database`: backing it up, taking it to PostgreSQL, giving it another address."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated

import typer

from fedi.cli import context, serve
from fedi.database import Database, backups, home
from fedi.settings import Settings

app = typer.Typer(
    help="The database: back it up, or take it elsewhere.",
    no_args_is_help=True,
)


@app.command("backup")
def back_up(
    file: Annotated[Path, typer.Argument(help="Where the copy is written.")],
) -> None:
    """Copy the SQLite into a file, whole, while the server runs."""
    database = _file(context.settings())
    if database is None:
        raise context.CommandError("That is for SQLite: PostgreSQL has pg_dump.")
    if not database.exists():
        raise context.CommandError(f"There is no database {database} yet.")
    try:
        size = backups.back_up(database, file)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise context.CommandError(f"No backup was written: {reason}.") from error
    typer.echo(f"{file} is whole: {size / 1e6:.1f} MB. Pictures are in the folder for media.")


@app.command("copy")
def copy(
    address: Annotated[
        str,
        typer.Argument(
            help="postgresql://USER:PASSWORD@HOST/NAME, an empty database.", show_default=False
        ),
    ],
) -> None:
    """Copy all of a SQLite into a PostgreSQL, with the server stopped."""
    settings = context.settings()
    database = _file(settings)
    if database is None or not database.exists():
        raise context.CommandError("There is no SQLite to copy from: look at database.url.")
    with context.database_in_words():
        rows = context.run(_copy(settings, address))
    typer.echo(f"{rows} rows are there. Now set database.url to it, and start the server.")


async def _copy(settings: Settings, address: str) -> int:
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from fedi.database import copying

    _see_that_it_is_stopped(settings)
    async with context.opened() as easel:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as bar:
            task = bar.add_task("Beginning")
            try:
                return await copying.copy(
                    easel.database,
                    address,
                    lambda name, rows: bar.update(task, description=f"{name}: {rows}"),
                )
            except copying.NotCopied as error:
                raise context.CommandError(str(error)) from error


@app.command("readdress")
def readdress() -> None:
    """Give all that was made while trying things the address in instance.url."""
    settings = context.settings()
    with context.database_in_words():
        old, rows = context.run(_readdress(settings))
    typer.echo(
        f"What was at {old} is at {settings.instance.url} now: {rows} rows were changed."
        if rows
        else f"The database is that of {settings.instance.url} already."
    )


async def _readdress(settings: Settings) -> tuple[str, int]:
    from fedi.database.migrations import migrate

    _see_that_it_is_stopped(settings)
    await migrate(settings.database.url)
    database = Database(settings.database, settings.instance)
    try:
        async with database.write() as tx:
            old = await home.address(tx)
            if old is None or old == settings.instance.url:
                return settings.instance.url, 0
            if not home.movable(old):
                raise context.CommandError(
                    f"Other servers know everybody here by {old}: nothing can tell them another "
                    "address. People can move one by one, as to any other server: "
                    "`easel account move`."
                )
            return old, await home.move(tx, old)
    finally:
        await database.close()


def _file(settings: Settings) -> Path | None:
    """The file of the database, if it is a SQLite."""
    url = settings.database.url
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def _see_that_it_is_stopped(settings: Settings) -> None:
    try:
        serve.listen(settings).close()
    except context.CommandError as error:
        raise context.CommandError("Stop the server first: it would go on writing.") from error
