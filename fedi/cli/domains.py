"""`easel domain`: which servers this instance does not talk to, or shows to fewer people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import col, select

from fedi.cli import context
from fedi.database.tables import DomainAllow, DomainRule
from fedi.social import audit, blocklists, domains

app = typer.Typer(help="Block, silence and allow other domains.", no_args_is_help=True)

Domain = Annotated[str, typer.Argument(help="The domain; what lies below it is meant, too.")]


@app.command()
def block(
    domain: Domain,
    severity: Annotated[
        str, typer.Option(help="suspend: nothing of it. silence: only for those who follow. none.")
    ] = "suspend",
    no_media: Annotated[bool, typer.Option("--no-media", help="Show no pictures.")] = False,
    no_reports: Annotated[bool, typer.Option("--no-reports", help="Hear no reports.")] = False,
    public_comment: Annotated[str, typer.Option(help="Why, for everybody.")] = "",
    private_comment: Annotated[str, typer.Option(help="Why, for moderators.")] = "",
    obfuscate: Annotated[bool, typer.Option("--obfuscate", help="Hide its name.")] = False,
) -> None:
    """Make a rule for a domain, in place of the one that it has."""
    rule = DomainRule(
        domain=domain,
        severity=severity,
        reject_media=no_media,
        reject_reports=no_reports,
        public_comment=public_comment,
        private_comment=private_comment,
        obfuscate=obfuscate,
    )
    context.run(_put([rule]))
    typer.echo(f"{domain}: {severity}.")


@app.command()
def unblock(domain: Domain) -> None:
    """Take the rule for a domain back. The follows that it cut stay cut."""
    context.run(_unblock(domain))
    typer.echo(f"There is no rule for {domain} any more.")


@app.command()
def allow(domain: Domain) -> None:
    """Talk to a domain where federation.mode is "limited"."""
    context.run(_allow(domain, True))
    typer.echo(f"{domain} is on the list.")


@app.command()
def disallow(domain: Domain) -> None:
    """Take a domain off that list."""
    context.run(_allow(domain, False))
    typer.echo(f"{domain} is not on the list any more.")


@app.command("list")
def list_domains() -> None:
    """Show all rules, and the list of those that are allowed."""
    rules, allowed = context.run(_rules())
    if not rules and not allowed:
        typer.echo("There are no rules.")
        return
    table = Table("domain", "severity", "media", "reports", "public comment", "private comment")
    for rule in rules:
        media = "no" if rule.reject_media else ""
        reports = "no" if rule.reject_reports else ""
        table.add_row(
            rule.domain, rule.severity, media, reports, rule.public_comment, rule.private_comment
        )
    if rules:
        Console().print(table)
    if allowed:
        typer.echo("Allowed: " + ", ".join(allowed))


@app.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(help="A block list in Mastodon's CSV.")],
) -> None:
    """Make the rules of a block list, each in place of the one that its domain has."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise context.CommandError(f"{file} cannot be read: {error}.") from error
    rules, complaints = blocklists.read(text)
    for complaint in complaints:
        typer.secho(complaint, fg=typer.colors.YELLOW, err=True)
    count = context.run(_put(rules))
    typer.echo(f"{count} rule{'' if count == 1 else 's'} made.")


@app.command()
def export() -> None:
    """Write all rules to the screen, as Mastodon's CSV."""
    rules, _ = context.run(_rules())
    typer.echo(blocklists.write(rules), nl=False)


async def _put(rules: list[DomainRule]) -> int:
    async with context.opened() as easel, easel.database.write() as tx:
        limited = easel.settings.federation.mode == "limited"
        return await domains.decide(tx, None, rules, limited=limited)


async def _unblock(domain: str) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        limited = easel.settings.federation.mode == "limited"
        await domains.remove(tx, domain, limited=limited)
        await audit.note(tx, None, "domain.unblock", domains.checked(domain))


async def _allow(domain: str, allowed: bool) -> None:
    async with context.opened() as easel, easel.database.write() as tx:
        limited = easel.settings.federation.mode == "limited"
        change = domains.allow if allowed else domains.disallow
        await change(tx, domain, limited=limited)
        action = "domain.allow" if allowed else "domain.disallow"
        await audit.note(tx, None, action, domains.checked(domain))


async def _rules() -> tuple[list[DomainRule], list[str]]:
    async with context.opened() as easel, easel.database.read() as session:
        rules = await session.exec(select(DomainRule).order_by(col(DomainRule.domain)))
        allowed = await session.exec(select(DomainAllow.domain).order_by(col(DomainAllow.domain)))
        return list(rules.all()), list(allowed.all())
