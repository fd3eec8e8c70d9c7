"""`easel emoji`: the small pictures that stand for shortcodes in what people here write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.database.tables import CustomEmoji
from fedi.social import emojis
from fedi.studio import faces

app = typer.Typer(help="The emoji of this instance.", no_args_is_help=True)

Shortcode = Annotated[str, typer.Argument(help="Such as easel, for :easel:.")]


@app.command()
def add(
    shortcode: Shortcode,
    file: Annotated[
        Path, typer.Argument(help="A PNG, GIF, WebP or JPEG.", exists=True, dir_okay=False)
    ],
    category: Annotated[str, typer.Option(help="Under which apps show it.")] = "",
) -> None:
    """Add an emoji, or give one another picture."""
    code = emojis.check(shortcode)
    context.run(_add(code, file.read_bytes(), category))
    typer.echo(f":{code}: can be written now.")


async def _add(code: str, content: bytes, category: str) -> None:
    async with context.opened() as easel:
        file, still, media_type = await faces.store_emoji(easel.storage, content)
        async with easel.database.write() as tx:
            await emojis.put(tx, code, file, still, media_type, category)


@app.command("list")
def list_emoji() -> None:
    """Show the emoji."""
    rows = context.run(_list())
    if not rows:
        typer.echo("There are none: `easel emoji add SHORTCODE FILE` adds one.")
        return
    table = Table("emoji", "category", "type", "since")
    for row in rows:
        table.add_row(
            f":{row.shortcode}:", row.category, row.media_type, f"{row.updated_at:%Y-%m-%d}"
        )
    Console().print(table)


async def _list() -> list[CustomEmoji]:
    async with context.opened() as easel, easel.database.read() as session:
        return list(await emojis.every(session))


@app.command()
def remove(shortcode: Shortcode) -> None:
    """Take an emoji away; posts that have it keep it."""
    context.run(_remove(shortcode))
    typer.echo(f":{shortcode.strip(':')}: is gone.")


async def _remove(shortcode: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        await emojis.remove(tx, shortcode)
