"""`easel dataset`: what authors let others train on, given away; and what they took back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from fedi import ids
from fedi.cli import context
from fedi.database.tables import DatasetExport
from fedi.social import audit
from fedi.social.paging import MAX_PAGE, Page
from fedi.social.training import grants as granting
from fedi.social.training import ledger
from fedi.studio.dataset import cards, exporting, marking, withdrawals

app = typer.Typer(
    help="Pictures that their authors let others train on, and who got them.",
    no_args_is_help=True,
)

Purpose = Annotated[
    str, typer.Option("--for", help="What it is for, in words: authors are shown them.")
]
Sensitive = Annotated[
    bool, typer.Option("--sensitive", help="Also posts that are sensitive or have a warning.")
]


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where it goes: a folder that is made.")],
    purpose: Purpose,
    recipient: Annotated[str, typer.Option("--to", help="Who gets it.")] = "",
    sensitive: Sensitive = False,
) -> None:
    """Write all that may be trained on as WebDataset shards, with a card and a manifest."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Pictures", total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        try:
            made, url = context.run(_export(folder, purpose, recipient, sensitive, report))
        except OSError as error:
            raise context.CommandError(f"{folder} cannot be written: {error}.") from error
    typer.echo(f"Export {made.id}: {made.items} pictures in {folder}.")
    typer.echo(f"What is withdrawn from now on: {url}")


@app.command()
def exports() -> None:
    """List what was given away, to whom and what for, the latest first."""
    rows = context.run(_list(ledger.FILES))
    if not rows:
        typer.echo("Nothing was given away yet.")
        return
    table = Table(_number(), "made", "pictures", "to", "for")
    for row in rows:
        made = f"{row.created_at:%Y-%m-%d %H:%M}"
        table.add_row(str(row.id), made, str(row.items), row.recipient, row.purpose)
    Console().print(table)


@app.command()
def withdrawn(
    since: Annotated[
        str, typer.Option("--since", help="The number of an export; without one, all.")
    ] = "",
) -> None:
    """Print the signed list of what was withdrawn, each page of it as a line of JSON."""
    for page in context.run(_withdrawn(since)):
        typer.echo(json.dumps(page, ensure_ascii=False))


@app.command()
def grant(
    name: Annotated[str, typer.Argument(help="Who gets it: authors are shown the name.")],
    purpose: Purpose,
    sensitive: Sensitive = False,
) -> None:
    """Let somebody listen to what may be trained on, and print the token for it, once."""
    secret, url = context.run(_grant(name, purpose, sensitive))
    typer.echo(f"{name} may listen at {url}/api/easel/v1/dataset/stream with this token:")
    typer.echo(secret)


@app.command()
def grants() -> None:
    """List who may listen, what for, and how much they were told."""
    rows = context.run(_list(ledger.STREAM))
    if not rows:
        typer.echo("Nobody was ever let listen.")
        return
    table = Table(_number(), "to", "since", "until", "pictures", "for")
    for row in rows:
        until = f"{row.revoked_at:%Y-%m-%d}" if row.revoked_at else ""
        since = f"{row.created_at:%Y-%m-%d}"
        table.add_row(str(row.id), row.recipient, since, until, str(row.items), row.purpose)
    Console().print(table)


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Who may not listen any more.")]) -> None:
    """Let somebody listen no more, at once."""
    context.run(_revoke(name))
    typer.echo(f"{name} hears nothing any more. What they got stays written down.")


async def _export(
    folder: Path, purpose: str, recipient: str, sensitive: bool, report: exporting.Report
) -> tuple[DatasetExport, str]:
    async with context.opened() as easel:
        made = await exporting.export(
            easel, folder, purpose=purpose, recipient=recipient, sensitive=sensitive, report=report
        )
        async with easel.database.write() as tx:
            await audit.note(tx, None, "dataset.export", recipient or purpose, made.id)
        return made, cards.withdrawals(easel.settings.instance, made)


async def _list(kind: str) -> list[DatasetExport]:
    async with context.opened() as easel, easel.database.read() as session:
        return await ledger.exports(session, kind, Page(MAX_PAGE))


async def _withdrawn(since: str) -> list[dict[str, Any]]:
    async with context.opened() as easel:
        export = None
        if since:
            async with easel.database.read() as session:
                export = await ledger.find(session, ids.parse(since))
        await marking.catch_up(easel)
        pages, after = [], 0
        while True:
            page, last = await withdrawals.page(easel, export, after)
            pages.append(page)
            if last is None:
                return pages
            after = last


async def _grant(name: str, purpose: str, sensitive: bool) -> tuple[str, str]:
    async with context.opened() as easel:
        async with easel.database.write() as tx:
            made, secret = await granting.grant(tx, name, purpose=purpose, sensitive=sensitive)
            await audit.note(tx, None, "dataset.grant", made.recipient, made.id)
        return secret, easel.settings.instance.url


async def _revoke(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        made = await granting.revoke(tx, name)
        await audit.note(tx, None, "dataset.revoke", made.recipient, made.id)


def _number() -> Column:
    return Column("number", no_wrap=True, min_width=18)  # the other commands need it whole
