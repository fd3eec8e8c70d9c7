"""The `easel` command. Each subcommand calls the functions that the pages call."""

# ruff: noqa: E402  (the imports are what is made quick)

from __future__ import annotations

import gc

gc.disable()  # nothing that is imported is garbage: looking for it takes a sixth of the start

import sys
from pathlib import Path
from typing import Annotated

import typer

from fedi import __version__
from fedi.cli import (
    adjusting,
    announcements,
    auditing,
    context,
    database,
    dataset,
    doctor,
    domains,
    emoji,
    federation,
    invitations,
    jobs,
    letting_in,
    media,
    models,
    moderation,
    painters,
    painting,
    people,
    queue,
    relays,
    review,
    rules,
    serve,
    style,
    trends,
    verify,
)
from fedi.settings import SettingsError
from fedi.social.errors import SocialError

gc.enable()

app = typer.Typer(
    name="easel",
    help="A self-hosted, federated social network for AI-made images.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("migrate")(serve.migrate_database)
app.add_typer(letting_in.app, name="account")  # `account`, with who asked to come and who moves
app.add_typer(invitations.app, name="invite")
app.command("audit")(auditing.audit)
app.command("post")(people.post)
app.command("follow")(people.follow)
app.command("report")(moderation.report)
app.command("reports")(moderation.list_reports)
app.command("moderate")(moderation.moderate)
app.command("quotes")(moderation.quotes)
app.add_typer(announcements.app, name="announcement")
app.add_typer(jobs.app, name="jobs")
app.add_typer(database.app, name="database")
app.add_typer(federation.app, name="federation")
app.add_typer(domains.app, name="domain")
app.add_typer(painters.app, name="painters")
app.add_typer(painters.app, name="painter", hidden=True)  # as it was called first
app.add_typer(relays.app, name="relay")
app.add_typer(rules.app, name="rules")
app.add_typer(adjusting.app, name="settings")
app.add_typer(emoji.app, name="emoji")
app.add_typer(queue.app, name="queue")
app.add_typer(review.app, name="review")
app.add_typer(trends.app, name="trends")
app.add_typer(dataset.app, name="dataset")
app.command("paint")(painting.paint)
app.add_typer(media.app, name="media")
app.add_typer(models.app, name="models")
app.add_typer(style.app, name="style")
app.command("verify")(verify.verify)
app.command("doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"easel {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The settings file.", envvar="EASEL_CONFIG"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    context.config = config


def main() -> None:
    """Run the command line; known mistakes end in one plain sentence, not in a traceback."""
    try:
        app()
    except (SettingsError, SocialError, context.CommandError) as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
