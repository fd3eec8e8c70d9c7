"""`easel jobs`: what waits, what failed, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.jobs import dead_letters

app = typer.Typer(help="What waits to be done, and what failed.", no_args_is_help=False)

LISTED = 50  # dead letters shown at most


@app.callback(invoke_without_command=True)
def overview(ctx: typer.Context) -> None:
    """Show how many jobs wait, run and are dead, and the dead ones with their reasons."""
    if ctx.invoked_subcommand is None:
        context.run(_overview())


@app.command()
def retry(
    job: Annotated[int | None, typer.Argument(help="The dead job; without it, all.")] = None,
) -> None:
    """Try dead jobs again."""
    context.run(_retry(job))


@app.command()
def drop(
    job: Annotated[int | None, typer.Argument(help="The dead job; without it, all.")] = None,
) -> None:
    """Forget dead jobs."""
    context.run(_drop(job))


async def _overview() -> None:
    async with context.opened() as easel, easel.database.read() as session:
        counts = await dead_letters.counts(session)
        dead = await dead_letters.newest(session, limit=LISTED)
    console = Console()
    if not counts:
        console.print("Nothing waits, and nothing failed.")
        return
    table = Table("kind", "state", "count")
    for kind, state, count in counts:
        table.add_row(kind, state, str(count))
    console.print(table)
    if dead:
        letters = Table("dead job", "kind", "for", "attempts", "reason", title="Dead letters")
        for job in dead:
            letters.add_row(str(job.id), job.kind, job.lane, str(job.attempts), job.error)
        console.print(letters)
        console.print("`easel jobs retry [ID]` tries again, `easel jobs drop [ID]` forgets.")


async def _retry(job: int | None) -> None:
    async with context.opened() as easel:
        async with easel.database.write() as tx:
            count = await dead_letters.retry(tx, job)
        _tell(count, job, "waits again")


async def _drop(job: int | None) -> None:
    async with context.opened() as easel:
        async with easel.database.write() as tx:
            count = await dead_letters.drop(tx, job)
        _tell(count, job, "is forgotten")


def _tell(count: int, job: int | None, what: str) -> None:
    if job is not None and not count:
        raise context.CommandError(f"There is no dead job {job}.")
    typer.echo(f"{count} dead job{'' if count == 1 else 's'}: {what}.")
