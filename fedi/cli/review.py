"""`easel review`: the pictures that wait for a moderator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from fedi.cli import context
from fedi.database.tables import Account, Painting
from fedi.studio import paintings, reviews

app = typer.Typer(help="The pictures that wait for a moderator.", no_args_is_help=True)

LISTED = 50  # pictures listed at most, the oldest first
PROMPT_SHOWN = 60  # characters

Number = Annotated[int, typer.Argument(help="Its number, as `easel review list` shows it.")]


@app.command("list")
def list_waiting() -> None:
    """List the pictures that wait, the oldest first."""
    rows = context.run(_waiting())
    if not rows:
        typer.echo("No picture waits for a review.")
        return
    number = Column("picture", no_wrap=True, min_width=18)  # the other commands need it whole
    table = Table(number, "since", "by", "score", "prompt")
    for painting, author in rows:
        prompt = " ".join(str(painting.recipe.get("prompt", "")).split())
        table.add_row(
            str(painting.id),
            f"{painting.finished_at:%Y-%m-%d %H:%M}",
            author.username,
            _score(painting),
            prompt if len(prompt) <= PROMPT_SHOWN else f"{prompt[:PROMPT_SHOWN]}…",
        )
    Console().print(table)


@app.command()
def save(
    picture: Number,
    file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
) -> None:
    """Write a picture into a file, to look at it."""
    content = context.run(_content(picture))
    try:
        file.write_bytes(content)
    except OSError as error:
        raise context.CommandError(f"{file} cannot be written ({error.strerror}).") from error
    typer.echo(f"The picture {picture} is in {file}.")


@app.command()
def approve(
    picture: Number,
    sensitive: Annotated[
        bool | None,
        typer.Option(
            "--sensitive/--not-sensitive",
            help="How it is marked; without this as the rules and the classifier said.",
        ),
    ] = None,
) -> None:
    """Let a picture be shown. Its post publishes itself."""
    painting = context.run(_approve(picture, sensitive))
    if painting.state == paintings.FAILED:
        typer.echo(f"{painting.error} Its author is told.")
        return
    marked = ", marked sensitive" if painting.sensitive else ""
    typer.echo(f"The picture {picture} is shown{marked}. Its author is told.")


@app.command()
def refuse(
    picture: Number,
    reason: Annotated[str, typer.Option(help="Why, in one sentence, for its author.")] = "",
) -> None:
    """Do not let a picture be shown. It is removed."""
    context.run(_refuse(picture, reason))
    typer.echo(f"The picture {picture} is refused and removed. Its author is told.")


def _score(painting: Painting) -> str:
    score = (painting.judgement or {}).get("score")
    return "not judged" if score is None else f"{score:.2f}"


async def _waiting() -> list[tuple[Painting, Account]]:
    async with context.opened() as easel, easel.database.read() as session:
        return await reviews.waiting(session, limit=LISTED)


async def _content(painting_id: int) -> bytes:
    async with context.opened() as easel:
        async with easel.database.read() as session:
            painting = await reviews.find(session, painting_id)
        return (await reviews.picture(easel.storage, painting))[0]


async def _approve(painting_id: int, sensitive: bool | None) -> Painting:
    async with context.opened() as easel:
        return await reviews.approve(easel, painting_id, sensitive=sensitive)


async def _refuse(painting_id: int, reason: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await reviews.refuse(tx, painting_id, reason)
