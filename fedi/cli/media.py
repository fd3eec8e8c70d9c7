"""`easel media`: the files of other servers that are kept here."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import select

from fedi.cli import context
from fedi.database.tables import RemoteFile
from fedi.studio.remote_files import fetching, keeping
from fedi.studio.remote_files.keeping import MB, Usage

app = typer.Typer(help="Files of other servers that are kept here.", no_args_is_help=True)


@app.command()
def usage() -> None:
    """Show how much is kept, and of what."""
    budget, found = context.run(_usage())
    table = Table("kind", "files", "MB", "cannot be had")
    for entry in found:
        table.add_row(entry.kind, str(entry.files), _megabytes(entry.bytes), str(entry.failed))
    if found:
        Console().print(table)
    kept = sum(entry.bytes for entry in found)
    typer.echo(f"{_megabytes(kept)} of {budget} MB are used.")


async def _usage() -> tuple[int, list[Usage]]:
    async with context.opened() as easel, easel.database.read() as session:
        return easel.settings.media.remote_cache_mb, await keeping.usage(session)


@app.command()
def prune(
    mb: Annotated[
        int | None, typer.Option(min=0, help="How many megabytes may stay; without it, the budget.")
    ] = None,
) -> None:
    """Remove files that were not seen for the longest time; they come back when they are seen."""
    files, freed = context.run(_prune(mb))
    typer.echo(f"{_count(files)} removed, {_megabytes(freed)} MB freed.")


async def _prune(mb: int | None) -> tuple[int, int]:
    async with context.opened() as easel:
        return await keeping.prune(easel, None if mb is None else mb * MB)


@app.command()
def refresh(
    url: Annotated[str, typer.Argument(help="The file's address on its own server.")],
) -> None:
    """Fetch a file again, such as one that was broken or has changed."""
    for kind, error in context.run(_refresh(url)):
        typer.echo(f"{kind}: {error or 'fetched anew.'}")


async def _refresh(url: str) -> list[tuple[str, str]]:
    async with context.opened() as easel:
        async with easel.database.read() as session:
            rows = (await session.exec(select(RemoteFile).where(RemoteFile.url == url))).all()
        if not rows:
            raise context.CommandError("Nobody here has seen a file of this address yet.")
        found = []
        for row in rows:
            fresh = await fetching.of(easel).refresh(row)
            found.append((row.kind, fresh.error if fresh else "it is still on its way."))
        return found


def _megabytes(size: int) -> str:
    return f"{size / MB:.1f}"


def _count(files: int) -> str:
    return f"{files} file{'' if files == 1 else 's'}"
