"""`easel federation`: how other servers are doing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.federation import health
from fedi.federation.health import Health

app = typer.Typer(help="How other servers are doing.", no_args_is_help=False)

LISTED = 100  # hosts shown at most, those in trouble first

Name = Annotated[str, typer.Argument(help="The host, such as pictures.example.")]


@app.callback(invoke_without_command=True)
def overview(ctx: typer.Context) -> None:
    """Show the hosts that something waits for, and those in trouble, with the reason."""
    if ctx.invoked_subcommand is None:
        context.run(_overview())


@app.command()
def host(name: Name) -> None:
    """Show all that is known of one host."""
    context.run(_host(name.lower()))


@app.command()
def retry(name: Name) -> None:
    """Try all that waits for a host, or was given up, again and at once."""
    context.run(_retry(name.lower()))


async def _overview() -> None:
    async with context.opened() as easel, easel.database.read() as session:
        lines, total = await health.listed(session, limit=LISTED)
    console = Console()
    if not lines:
        console.print("Nothing waits for anybody, and all hosts are well.")
        return
    table = Table("host", "waiting", "given up", "last success", "failing since", "state", "why")
    for line in lines:
        row = line.row
        table.add_row(
            line.host,
            str(line.waiting),
            str(line.dead),
            _when(row.delivered_at if row else None),
            _when(row.failing_since if row else None),
            _state(line),
            row.error if row else "",
        )
    console.print(table)
    if total > len(lines):
        console.print(f"… and {total - len(lines)} more.")


async def _host(name: str) -> None:
    async with context.opened() as easel, easel.database.read() as session:
        known = await health.find(session, name)
    if known is None:
        raise context.CommandError(f"Nothing is known of {name}.")
    line = known.health
    row = line.row
    table = Table(show_header=False, title=name)
    for label, value in (
        ("state", _state(line)),
        ("people known", str(known.people)),
        ("deliveries waiting", str(line.waiting)),
        ("deliveries given up", str(line.dead)),
        ("last success", _when(row.delivered_at if row else None)),
        ("last signed request", _when(row.seen_at if row else None)),
        ("last failure", _when(row.failed_at if row else None)),
        ("failing since", _when(row.failing_since if row else None)),
        ("failures in a row", str(row.failures if row else 0)),
        ("why", row.error if row else ""),
        *(("given up because", reason) for reason in known.reasons),
    ):
        table.add_row(label, value)
    Console().print(table)


async def _retry(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        count = await health.retry(tx, name)
    if count is None:
        raise context.CommandError(f"Nothing is known of {name}, and nothing waits for it.")
    typer.echo(f"{count} {'delivery' if count == 1 else 'deliveries'} to {name} will be tried.")


def _state(line: Health) -> str:
    if line.state == "alone":
        return f"left alone until {_when(line.alone_until)}"
    return line.state


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment is not None else "never"
