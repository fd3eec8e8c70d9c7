"""`easel doctor`: looks at everything a host can get wrong, and says what to mend."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import typer
from sqlalchemy import text
from sqlmodel import col, select

from activitypub.client import FetchError
from fedi.cli import context
from fedi.cli.equipment import Finding, check_helpers, check_model, check_precision
from fedi.database.migrations import head
from fedi.database.tables import Job
from fedi.runtime import Easel
from fedi.settings import Settings, SettingsError
from fedi.social import seals
from fedi.studio import cards, fleet, painters, reviews, usage
from generation import abilities, credentials
from generation.credentials import CredentialsError
from generation.helpers import NONE

MIN_FREE_GB = 2.0
NO_ROOM_GB = 0.2
PROBE_TIMEOUT_S = 120.0  # torch takes seconds to import, more on a slow disk


SIGNS = {
    "ok": ("✓", typer.colors.GREEN),
    "warning": ("!", typer.colors.YELLOW),
    "problem": ("✗", typer.colors.RED),
}


def doctor() -> None:
    """Check the settings, the database, the address, the clock, the card and the model."""
    problems = context.run(_examine())
    if problems:
        typer.echo(f"\n{problems} thing{'' if problems == 1 else 's'} to mend.")
        raise typer.Exit(1)
    typer.echo("\nAll is well.")


async def _examine() -> int:
    problems = 0

    def show(finding: Finding) -> None:
        nonlocal problems
        problems += finding.state == "problem"
        sign, color = SIGNS[finding.state]
        typer.secho(f"{sign} {finding.subject}: ", fg=color, nl=False)
        typer.echo(finding.message)

    try:
        settings = context.settings()
    except SettingsError as error:
        show(Finding("settings", "problem", str(error)))
        return problems
    for finding in check_settings(settings):
        show(finding)
    try:
        with context.database_in_words():
            async with context.opened() as easel:
                settings = easel.settings  # with what was changed while the server ran
                for check in CHECKS:
                    async for finding in check(easel):
                        show(finding)
    except context.WrongAddress as error:
        show(Finding("settings", "problem", str(error)))
    except context.DatabaseUnusable as error:
        show(
            Finding("database", "problem", f"It cannot be used: {error.reason}. Mend database.url.")
        )
    if not settings.painting.local:
        show(Finding("painting", "ok", "This machine does not paint; it waits for painters."))
        return problems
    if settings.painting.endpoint:
        show(await check_endpoint(settings))
    else:
        show(await check_card(settings))
        show(check_model(settings))
        for finding in check_precision(settings):
            show(finding)
    for finding in check_helpers(settings):
        show(finding)
    return problems


def check_settings(settings: Settings) -> list[Finding]:
    """The settings by themselves, and the folders that they name."""
    findings = []
    instance = settings.instance
    if not instance.secure and "localhost" not in instance.domain:
        findings.append(
            Finding(
                "settings", "problem", "instance.url must begin with https:// on the open internet."
            )
        )
    elif not instance.secure:
        findings.append(
            Finding(
                "settings",
                "warning",
                f"instance.url is {instance.url}: good for trying, others cannot reach it.",
            )
        )
    else:
        findings.append(Finding("settings", "ok", f"This is {instance.url}."))
    if settings.federation.allow_private_addresses and instance.secure:
        findings.append(
            Finding(
                "settings",
                "problem",
                "federation.allow_private_addresses lets strangers reach your network: "
                "set it to false.",
            )
        )
    folder = settings.media.folder
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        findings.append(
            Finding("storage", "problem", f"{existing} cannot be written to: change its owner.")
        )
    free = shutil.disk_usage(existing).free / 1e9
    told = f"{free:.0f} GB are free for pictures."
    if free <= MIN_FREE_GB:
        told = (
            f"Only {free:.1f} GB are free: on a full disk nothing can be kept. "
            "`easel media prune` makes room."
        )
    state = "ok" if free > MIN_FREE_GB else "warning" if free > NO_ROOM_GB else "problem"
    findings.append(Finding("storage", state, told))
    return findings


async def check_database(easel: Easel) -> AsyncIterator[Finding]:
    """It answers, it is whole, and its tables are today's."""
    async with easel.database.read() as session:
        if easel.database.sqlite:
            result = (await session.execute(text("PRAGMA quick_check"))).scalar()
            if result != "ok":
                yield Finding(
                    "database", "problem", f"It is damaged ({result}): restore your last backup."
                )
                return
            yield Finding("database", "ok", f"SQLite is whole, tables at {head()}.")
            if Path(str(easel.database.url.database)).stat().st_size > 20e9:
                yield Finding(
                    "database",
                    "warning",
                    "It has grown past 20 GB: PostgreSQL would serve you better.",
                )
        else:
            version = (await session.execute(text("SHOW server_version"))).scalar()
            yield Finding("database", "ok", f"PostgreSQL {version} answers, tables at {head()}.")


async def check_address(easel: Easel) -> AsyncIterator[Finding]:
    """Our own WebFinger, asked for at the public address, as another server would."""
    instance = easel.settings.instance
    if not instance.secure and not easel.settings.federation.allow_private_addresses:
        return  # nobody can reach it, as was said of the settings
    query = f"{instance.url}/.well-known/webfinger?resource={instance.url}/actor"
    try:
        document = await easel.client.get_json(query)
    except FetchError as error:
        yield Finding(
            "address",
            "problem",
            f"{instance.url} does not answer ({error}): start the server, and let your proxy "
            "hand everything to it, Host header included.",
        )
        return
    if not any(link.get("href") == f"{instance.url}/actor" for link in document.get("links", [])):
        yield Finding(
            "address", "problem", f"Something else answers at {instance.url}: check the proxy."
        )
        return
    yield Finding("address", "ok", f"{instance.url} answers as this instance.")


async def check_clock(easel: Easel) -> AsyncIterator[Finding]:
    """Our clock; signatures depend on it."""
    synchronised = await _command("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    now = f"{easel.clock.now():%Y-%m-%d %H:%M:%S} UTC"
    if synchronised == "no":
        yield Finding(
            "clock",
            "warning",
            f"It says {now} and is not synchronised: switch on NTP, or other servers "
            "may refuse your posts.",
        )
    elif synchronised == "yes":
        yield Finding("clock", "ok", f"It says {now} and is synchronised.")
    else:
        yield Finding("clock", "ok", f"It says {now}; compare, nothing here can tell.")


async def check_jobs(easel: Easel) -> AsyncIterator[Finding]:
    """Dead letters."""
    async with easel.database.read() as session:
        dead = len((await session.exec(select(Job.id).where(col(Job.state) == "dead"))).all())
    if dead:
        yield Finding("jobs", "warning", f"{dead} failed for good: `easel jobs` tells why.")
    else:
        yield Finding("jobs", "ok", "None has failed for good.")


async def check_reviews(easel: Easel) -> AsyncIterator[Finding]:
    """Pictures that wait for a moderator, who is told nowhere else."""
    async with easel.database.read() as session:
        waiting = await reviews.count(session)
    if waiting:
        pictures = "picture waits" if waiting == 1 else "pictures wait"
        told = f"{waiting} {pictures} for a moderator: `easel review list` shows them."
        yield Finding("reviews", "warning", told)


async def check_storage(easel: Easel) -> AsyncIterator[Finding]:
    """What takes how much of the disk."""
    async with easel.database.read() as session:
        used = await usage.of(session)
    yield Finding(
        "storage",
        "ok",
        f"Pictures take {_megabytes(used.pictures)}, what they began with "
        f"{_megabytes(used.inputs)}, files of other servers {_megabytes(used.remote)}.",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


async def check_painters(easel: Easel) -> AsyncIterator[Finding]:
    """What the painters of late can do, and whether what they paint is judged."""
    async with easel.database.read() as session:
        members = await fleet.members(session, easel.settings.painting)
        since = session.now - painters.FORGOTTEN_AFTER
    for painter in (member.painter for member in members):
        if painter.seen_at is None or painter.seen_at < since or not painter.models:
            continue
        can = cards.remembered(painter.abilities)
        told = f"{painter.name} paints from {abilities.told(can)}"
        if can == abilities.NOTHING_TOLD:
            yield Finding("painters", "ok", f"What {painter.name} can do, it has not told yet.")
        elif can.judges or easel.settings.safety.classifier == NONE:
            by = f"; {can.judges} judges its pictures" if can.judges else ""
            yield Finding("painters", "ok", f"{told}{by}.")
        else:
            yield Finding(
                "painters",
                "warning",
                f"{told}, and nothing judges its pictures: only the words of a prompt decide "
                "there. `easel models pull nsfw-falconsai` on that machine fetches a classifier.",
            )


async def check_signing(easel: Easel) -> AsyncIterator[Finding]:
    """A tiny picture, signed and read back as those that are painted here."""
    name = easel.settings.instance.domain
    by = await seals.of(easel)
    async with easel.database.read() as session:
        authority = await seals.authority(session)
    try:
        found = await asyncio.to_thread(credentials.rehearse, by, {name: authority or ""})
    except (CredentialsError, ImportError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        yield Finding(
            "signing",
            "problem",
            f"No picture can be signed, so none can be kept: {reason}. Look at the clock, and "
            "install c2pa-python as constraints.txt has it.",
        )
        return
    if found.vouched != name:
        yield Finding("signing", "problem", f"A picture was signed, but: {'; '.join(found.codes)}.")
        return
    yield Finding("signing", "ok", f"Pictures are signed by {name}.")


CHECKS = (
    check_database,
    check_address,
    check_clock,
    check_jobs,
    check_storage,
    check_reviews,
    check_painters,
    check_signing,
)


async def check_card(settings: Settings) -> Finding:
    """The card, asked in a process of its own: the server never loads torch."""
    probe = await _command(
        sys.executable, "-m", "generation.probe", "--device", settings.painting.device
    )
    if probe is None:
        return Finding(
            "card",
            "problem",
            "Painting is not installed: pip install -c constraints.txt 'easel[paint]', "
            "or set painting.local to false.",
        )
    state, _, message = probe.partition(" ")
    return Finding("card", state, message)


async def check_endpoint(settings: Settings) -> Finding:
    """The endpoint that paints instead of this machine, asked for what it paints with."""
    from generation.endpoint.client import Endpoint, Unreachable
    from generation.endpoint.hand import Fleet

    painting = settings.painting
    endpoint = Endpoint(painting.endpoint, painting.endpoint_token)
    try:
        models = await Fleet(endpoint, [painting.model]).open()
    except (Unreachable, ValueError) as error:
        return Finding("endpoint", "problem", f"{error} Mend painting.endpoint.")
    return Finding("endpoint", "ok", f"{endpoint.host} paints with {', '.join(models)}.")


async def _command(*command: str) -> str | None:
    """What a command prints, or None if it is not there, fails or hangs."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return output.decode(errors="replace").strip() if process.returncode == 0 else None
