"""`easel federation`: how other servers are doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import case, func, or_, update
from sqlmodel import col, select

from fedi.cli import context
from fedi.database import Session
from fedi.database.tables import Account, Job, PeerHost
from fedi.federation import written_hosts

app = typer.Typer(help="How other servers are doing.", no_args_is_help=False)

LISTED = 100  # hosts shown at most, those in trouble first
REASONS = 5  # of the dead deliveries of one host

Name = Annotated[str, typer.Argument(help="The host, such as pictures.example.")]


@dataclass(frozen=True)
class Line:
    """A host, and what waits for it."""

    host: str
    row: PeerHost | None
    waiting: int
    dead: int

    @property
    def state(self) -> str:
        if self.row is None:
            return "new"
        if self.row.rested_at is not None:
            return "rested"
        if self.row.open_until is not None:
            return f"left alone until {_when(self.row.open_until)}"
        return "failing" if self.row.failing_since is not None else "well"


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


async def _lines(session: Session, name: str | None = None) -> list[Line]:
    counted = select(
        col(Job.lane),
        func.sum(case((col(Job.state) == "dead", 0), else_=1)),
        func.sum(case((col(Job.state) == "dead", 1), else_=0)),
    ).where(col(Job.kind) == "deliver")
    known = select(PeerHost)
    if name is None:
        known = known.where(
            or_(
                col(PeerHost.failing_since).is_not(None),
                col(PeerHost.open_until).is_not(None),
                col(PeerHost.rested_at).is_not(None),
            )
        )
    else:
        counted = counted.where(col(Job.lane) == name)
        known = known.where(col(PeerHost.host) == name)
    jobs = {
        lane: (int(waiting), int(dead))
        for lane, waiting, dead in (await session.execute(counted.group_by(col(Job.lane)))).all()
    }
    rows = {row.host: row for row in (await session.exec(known)).all()}
    missing = sorted(set(jobs) - set(rows))[:LISTED]
    if missing:
        others = await session.exec(select(PeerHost).where(col(PeerHost.host).in_(missing)))
        rows |= {row.host: row for row in others.all()}
    lines = [Line(host, rows.get(host), *jobs.get(host, (0, 0))) for host in {*rows, *jobs}]
    return sorted(lines, key=lambda line: (line.state == "well", -line.waiting, line.host))


async def _overview() -> None:
    async with context.opened() as easel, easel.database.read() as session:
        lines = await _lines(session)
    console = Console()
    if not lines:
        console.print("Nothing waits for anybody, and all hosts are well.")
        return
    table = Table("host", "waiting", "given up", "last success", "failing since", "state", "why")
    for line in lines[:LISTED]:
        row = line.row
        table.add_row(
            line.host,
            str(line.waiting),
            str(line.dead),
            _when(row.delivered_at if row else None),
            _when(row.failing_since if row else None),
            line.state,
            row.error if row else "",
        )
    console.print(table)
    if len(lines) > LISTED:
        console.print(f"… and {len(lines) - LISTED} more.")


async def _host(name: str) -> None:
    async with context.opened() as easel, easel.database.read() as session:
        lines = await _lines(session, name)
        query = select(func.count()).where(col(Account.domain) == name)
        people = int((await session.execute(query)).scalar() or 0)
        dead = await session.exec(
            select(Job)
            .where(Job.kind == "deliver", Job.lane == name, Job.state == "dead")
            .order_by(col(Job.run_at).desc())
            .limit(REASONS)
        )
        reasons = [job.error for job in dead.all()]
    if not lines and not people:
        raise context.CommandError(f"Nothing is known of {name}.")
    line = lines[0] if lines else Line(name, None, 0, 0)
    row = line.row
    table = Table(show_header=False, title=name)
    for label, value in (
        ("state", line.state),
        ("people known", str(people)),
        ("deliveries waiting", str(line.waiting)),
        ("deliveries given up", str(line.dead)),
        ("last success", _when(row.delivered_at if row else None)),
        ("last signed request", _when(row.seen_at if row else None)),
        ("last failure", _when(row.failed_at if row else None)),
        ("failing since", _when(row.failing_since if row else None)),
        ("failures in a row", str(row.failures if row else 0)),
        ("why", row.error if row else ""),
        *(("given up because", reason) for reason in reasons),
    ):
        table.add_row(label, value)
    Console().print(table)


async def _retry(name: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        known = await written_hosts.retry(tx, name)
        result = await tx.execute(
            update(Job)
            .where(col(Job.kind) == "deliver", col(Job.lane) == name, col(Job.state) != "running")
            .values(
                state="ready",
                due=False,
                run_at=tx.now,
                attempts=case((col(Job.state) == "dead", 0), else_=col(Job.attempts)),
            )
        )
        count = int(result.rowcount)  # type: ignore[attr-defined]
    if not known and not count:
        raise context.CommandError(f"Nothing is known of {name}, and nothing waits for it.")
    typer.echo(f"{count} {'delivery' if count == 1 else 'deliveries'} to {name} will be tried.")


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment is not None else "never"
