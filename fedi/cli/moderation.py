"""`easel report`, `reports`, `moderate` and `quotes`: what is to be looked at, done, taken back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context
from fedi.cli.accounts import local
from fedi.federation import remote
from fedi.social import accounts, moderation, reports, statuses
from fedi.social import quotes as quoting
from fedi.social.errors import NotFound
from fedi.social.moderation import ACTIONS, UNDOINGS


def report(
    name: Annotated[str, typer.Argument(help="Who reports.")],
    target: Annotated[str, typer.Argument(help="Whom: user@host.")],
    comment: Annotated[str, typer.Argument(help="Why.")],
    post: Annotated[
        list[str] | None, typer.Option(help="The address of a post that shows it.")
    ] = None,
    forward: Annotated[
        bool, typer.Option(help="Tell the server of the account; it hears not who reports.")
    ] = True,
) -> None:
    """Report an account, here and to its own server."""
    typer.echo(context.run(_report(name, target, comment, post or [], forward)))


async def _report(name: str, whom: str, comment: str, uris: list[str], forward: bool) -> str:
    async with context.opened() as easel:
        target = await remote.resolve(easel, whom)
        async with easel.database.write() as tx:
            reporter = await local(tx, name)
            posts = []
            for uri in uris:
                status = await statuses.load_by_uri(tx, reporter, uri)
                if status is None:
                    raise NotFound(f"There is no post {uri} here.")
                posts.append(status)
            made = await reports.make(tx, reporter, target, comment, posts, forward=forward)
        return (
            f"{target.acct} is reported to its server."
            if made.forwarded
            else f"{target.acct} is reported."
        )


def list_reports() -> None:
    """List the reports that nobody has dealt with."""
    rows = context.run(_list_reports())
    if not rows:
        typer.echo("There is no report.")
        return
    table = Table("when", "about", "posts", "by", "why")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


async def _list_reports() -> list[tuple[str, str, str, str, str]]:
    async with context.opened() as easel, easel.database.read() as session:
        found = []
        for row in await reports.unresolved(session):
            target = await accounts.by_id(session, row.target_account_id)
            by = await accounts.by_id(session, row.account_id)
            assert target is not None and by is not None
            when = f"{row.created_at:%Y-%m-%d %H:%M}"
            found.append((when, target.acct, str(len(row.status_ids)), by.acct, row.comment))
        return found


def moderate(
    target: Annotated[str, typer.Argument(help="Whom: a name here, or user@host.")],
    what: Annotated[str, typer.Argument(help=f"{', '.join((*ACTIONS, *UNDOINGS))}.")],
    reason: Annotated[str, typer.Option(help="Why; one of ours is told.")] = "",
) -> None:
    """Act on an account, or take back what was done to it."""
    typer.echo(context.run(_moderate(target, what, reason)))


async def _moderate(whom: str, what: str, reason: str) -> str:
    async with context.opened() as easel, easel.database.write() as tx:
        target = await accounts.by_handle(tx, whom)
        if target is None:
            raise NotFound(f"{whom} is not known here.")
        if what in ACTIONS:
            await moderation.act(tx, None, target, what, words=reason)
        elif what in UNDOINGS:
            await moderation.undo(tx, None, target, what)
        else:
            raise context.CommandError(f"Do one of {', '.join((*ACTIONS, *UNDOINGS))}.")
        return f"{target.acct}: {what}."


def quotes(
    name: Annotated[str, typer.Argument(help="Who is quoted.")],
    revoke: Annotated[
        str, typer.Option(help="The address of a post that may not quote them any more.")
    ] = "",
) -> None:
    """List the posts elsewhere that may quote an account, or take that leave back."""
    for line in context.run(_quotes(name, revoke)):
        typer.echo(line)


async def _quotes(name: str, revoke: str) -> list[str]:
    async with context.opened() as easel:
        if revoke:
            async with easel.database.write() as tx:
                await quoting.revoke(tx, await local(tx, name), revoke)
            return [f"{revoke} may not quote {name} any more. Its server is told."]
        async with easel.database.read() as session:
            stamps = await quoting.stamps(session, await local(session, name))
        return [f"{stamp.quoting_uri} quotes {status.url}" for stamp, status in stamps]
