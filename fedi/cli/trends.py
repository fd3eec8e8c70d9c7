"""`easel trends`: what many people do something with, and whether it may be shown so."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from fedi.cli import context
from fedi.database import Session
from fedi.settings import TrendsSettings
from fedi.social.trends import items, listing, verdicts
from fedi.social.trends.items import Item
from fedi.social.trends.subjects import KINDS, Kind

app = typer.Typer(help="What trends here, and whether it may be shown so.", no_args_is_help=True)

LISTED = 20  # of each kind, those of most people first
WORDS_SHOWN = 80  # characters

OfKind = Annotated[str, typer.Argument(help=f"What it is: {', '.join(KINDS)}.")]
Number = Annotated[int, typer.Argument(help="Its number, as `easel trends list` shows it.")]


@app.command("list")
def list_trends() -> None:
    """List what trends, also what was rejected or waits, and why it does."""
    rows = context.run(_list())
    if not rows:
        typer.echo("Nothing trends just now.")
        return
    number = Column("number", no_wrap=True, min_width=18)  # the other commands need it whole
    table = Table("kind", number, "shown", "why", "what")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@app.command()
def approve(kind: OfKind, number: Number) -> None:
    """Let something be shown among what trends."""
    typer.echo(f"Shown: {context.run(_decide(kind, number, allowed=True))}")


@app.command()
def reject(kind: OfKind, number: Number) -> None:
    """Do not let something be shown among what trends. It stays wherever else it is."""
    typer.echo(f"No longer shown: {context.run(_decide(kind, number, allowed=False))}")


async def _list() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    async with context.opened() as easel, easel.database.read() as session:
        for kind in KINDS:
            found = await items.of_kind(session, None, kind, "all", limit=LISTED, offset=0)
            rows += await _rows(session, easel.settings.trends, kind, found)
    return rows


async def _rows(
    session: Session, settings: TrendsSettings, kind: Kind, found: list[Item]
) -> list[tuple[str, ...]]:
    numbers = [item.number for item in found]
    why = await listing.reasons(session, kind, numbers)
    judged = await verdicts.of(session, kind, numbers)
    shown = {True: "yes", False: "rejected", None: "waits" if settings.review else "yes"}
    return [
        (
            kind,
            str(item.number),
            shown[judged.get(item.number)],
            why[item.number].words,
            escape(_what(item)),
        )
        for item in found
    ]


def _what(item: Item) -> str:
    words = " ".join(item.words.split())
    if not words and item.post is not None:
        return item.post.url or item.post.uri  # whole: it is there to be opened
    return words if len(words) <= WORDS_SHOWN else f"{words[:WORDS_SHOWN]}…"


async def _decide(kind: str, number: int, *, allowed: bool) -> str:
    found = next((known for known in KINDS if known == kind), None)
    if found is None:
        raise context.CommandError(f"{kind} does not trend: {', '.join(KINDS)} do.")
    async with context.opened() as easel, easel.database.write() as tx:
        return await verdicts.decide(tx, None, found, number, allowed=allowed)
