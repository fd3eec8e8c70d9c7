"""`easel account export`, `import` and `archive`: what people bring with them and take away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from fedi.cli import context
from fedi.cli.accounts import Name, local
from fedi.cli.moving import app
from fedi.social.carrying import KINDS, bringing, sheets, taking


def _kind(name: str) -> sheets.Kind:
    found = next((kind for kind in KINDS if kind == name), None)
    if found is None:
        raise context.CommandError(f"The list is one of {', '.join(KINDS)}.")
    return found


@app.command()
def export(
    name: Name,
    which: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.")],
    file: Annotated[Path | None, typer.Argument(help="Without it, it is printed.")] = None,
) -> None:
    """Write a list of somebody's as CSV, as Mastodon does."""
    kind = _kind(which)
    if file is None:
        context.run(_export(name, kind, lambda piece: typer.echo(piece, nl=False)))
        return
    with file.open("w", encoding="utf-8", newline="") as out:
        context.run(_export(name, kind, out.write))


async def _export(name: str, kind: sheets.Kind, write: Callable[[str], object]) -> None:
    async with context.opened() as easel:
        async with easel.database.read() as session:
            account = await local(session, name)
        async for piece in taking.export(easel.database, account, kind):
            write(piece)


@app.command("import")
def import_list(
    name: Name,
    which: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="What is not in the list goes.")
    ] = False,
) -> None:
    """Take in a CSV of Mastodon's, as long as the server runs; follows go out some a minute."""
    entries = sheets.read(_kind(which), file.read_bytes())
    context.run(_import(name, _kind(which), entries, overwrite))
    typer.echo(f"{len(entries)} lines are taken in as long as the server runs.")


async def _import(
    name: str, kind: sheets.Kind, entries: list[sheets.Entry], overwrite: bool
) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await bringing.begin(tx, await local(tx, name), kind, entries, overwrite=overwrite)


@app.command()
def imports(name: Name) -> None:
    """Show how far the lists of somebody are taken in, and what could not be."""
    for line in context.run(_imports(name)):
        typer.echo(line)


async def _imports(name: str) -> list[str]:
    lines = []
    async with context.opened() as easel, easel.database.read() as session:
        for brought in await bringing.of_account(session, await local(session, name)):
            how = "done" if brought.finished_at else "under way"
            lines.append(
                f"{brought.kind}, {brought.created_at:%Y-%m-%d %H:%M}: {brought.done} of "
                f"{brought.total} ({how}), {brought.failed} failed"
            )
            lines += [
                f"  {sheets.subject(line.entry)}: {line.error}"
                for line in await bringing.failed(session, brought)
            ]
    return lines or ["Nothing was brought."]


@app.command()
def archive(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A .zip that is not there yet.")],
) -> None:
    """Write all that somebody posted, with its pictures, into one file (ActivityStreams)."""
    if file.exists():
        raise context.CommandError(f"{file} is there already.")
    count = context.run(_archive(name, file))
    typer.echo(f"{count} posts are in {file}.")


async def _archive(name: str, file: Path) -> int:
    from fedi.federation import archiving  # the documents of the web: only this needs them

    async with context.opened() as easel:
        async with easel.database.read() as session:
            account = await local(session, name)
        return await archiving.write(easel, account, file)


__all__ = ["app"]
