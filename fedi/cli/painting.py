"""`easel paint` and `easel painter`: machines that paint."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.database.tables import Painter
from fedi.studio import painters as studio_painters

painters = typer.Typer(help="Machines that paint for this instance.", no_args_is_help=True)


@painters.command("token")
def token(
    name: Annotated[str, typer.Argument(help="What you call that machine.")],
) -> None:
    """Make a token for a painter on another machine, and print the command to start it."""
    secret, url = context.run(_token(name))
    typer.echo(f"easel paint --server {url} --token {secret}")


async def _token(name: str) -> tuple[str, str]:
    async with context.opened() as easel:
        async with easel.database.write() as tx:
            secret = await studio_painters.issue_token(tx, name)
        return secret, easel.settings.instance.url


@painters.command("list")
def list_painters() -> None:
    """List the painters, and when each was last seen."""
    rows = context.run(_list())
    if not rows:
        typer.echo("No painter has ever connected.")
        return
    table = Table("name", "device", "models", "last seen")
    for row in rows:
        seen = f"{row.seen_at:%Y-%m-%d %H:%M}" if row.seen_at else "never"
        table.add_row(row.name, row.device, ", ".join(row.models), seen)
    Console().print(table)


async def _list() -> list[Painter]:
    async with context.opened() as easel, easel.database.read() as session:
        return list(await studio_painters.list_painters(session))


def paint(
    server: Annotated[str, typer.Option(help="The instance to paint for: https://easel.example")],
    token: Annotated[
        str, typer.Option(help="The token of this painter.", envvar="EASEL_PAINTER_TOKEN")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(help="A name from the catalogue, a hub id, or a folder; several for several."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    batch: Annotated[
        int, typer.Option(help="Pictures painted at once at most; 0 decides by the card.")
    ] = 0,
    unload: Annotated[
        float | None, typer.Option(help="Free the memory after so many seconds without work.")
    ] = None,
    compile: Annotated[bool, typer.Option(help="Compile models on a card.")] = True,
    classifier: Annotated[
        str, typer.Option(help="The model that looks at each picture: a name, auto or none.")
    ] = "auto",
    describer: Annotated[
        str, typer.Option(help="The model that describes pictures: a name, auto or none.")
    ] = "auto",
    language_model: Annotated[
        str, typer.Option(help="The model that helps with words: a name, auto or none.")
    ] = "auto",
) -> None:
    """Paint for an instance, from this machine; it needs no open port."""
    from generation import fast, painter, worker

    painter.log_to_stderr()
    settings = worker.Settings(batch=batch, unload=unload, fast=fast.Options(compile=compile))
    code = painter.run(
        server=server,
        token=token,
        models=model or (),
        device=device,
        settings=settings,
        classifier=classifier,
        describer=describer,
        language_model=language_model,
    )
    raise typer.Exit(code)
