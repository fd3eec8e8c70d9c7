"""`easel verify`: what picture files say of themselves, and whether their signatures hold.

Exit codes: 0, every file is unaltered since somebody signed it who is known here or was named by
`--trust`; 1, that cannot be said of one of them; 2, one of them cannot be read at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from activitypub.client import Client
from activitypub.network import AddressPolicy
from fedi import __version__
from fedi.cli import context
from fedi.clock import Clock
from fedi.settings import Settings
from fedi.social import seals
from fedi.studio import authorities
from fedi.studio.authorities import Unavailable
from generation import apart, certificates, statements
from generation.certificates import CertificateError
from generation.provenance import ProvenanceError
from generation.statements import Statement

HOLDS, DOUBTFUL, UNREADABLE = 0, 1, 2  # exit codes

Verdict = Literal[
    "here", "other", "unknown", "altered", "expired", "refused", "damaged", "stripped", "none"
]


def verify(
    files: Annotated[list[Path], typer.Argument(help="Pictures: PNG, JPEG, WebP, GIF or AVIF.")],
    trust: Annotated[
        list[str] | None,
        typer.Option(
            help="Whose signatures count besides this instance's: a certificate (a PEM file), or "
            "the domain of another Easel, which is asked for its own."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say it in JSON.")] = False,
) -> None:
    """Say what pictures say of themselves, and whether their signatures hold.

    Ends with 0 if every file is unaltered since somebody known signed it, with 1 if not, and with
    2 if one cannot be read.
    """
    try:
        here, known = context.run(_known(trust or []))
    except context.CommandError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        raise typer.Exit(UNREADABLE) from error
    worst, told = HOLDS, []
    for file in files:
        try:
            said = statements.read(_content(file), known)
        except (OSError, ProvenanceError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            worst = UNREADABLE
            told.append({"file": str(file), "error": reason})
            if not as_json:
                typer.secho(f"{file}: {reason}", fg=typer.colors.RED, err=True)
            continue
        verdict = _verdict(said, here)
        worst = max(worst, HOLDS if verdict in {"here", "other"} else DOUBTFUL)
        if as_json:
            told.append(_document(file, verdict, said, here))
        else:
            _show(file, said, here)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    raise typer.Exit(worst)


def _content(file: Path) -> bytes:
    if file.stat().st_size > apart.MAX_BYTES:
        raise ProvenanceError("This file is too large to be looked at.")
    return file.read_bytes()


async def _known(trust: list[str]) -> tuple[str, dict[str, str]]:
    """The name of this instance, and the authorities that count by their names.

    Raises:
        CommandError: one of `trust` is none.
    """
    settings = context.settings()
    here = settings.instance.domain
    known: dict[str, str] = {}
    if _has_database(settings):
        async with context.opened() as easel, easel.database.read() as session:
            if ours := await seals.authority(session):
                known[here] = ours
    own = known.get(here)
    for wanted in trust:
        pem = await _trusted(wanted, settings)
        name = certificates.name_of(pem) or wanted
        # Who calls themselves as we do, or as another does, is somebody else all the same.
        while known.get(name, own if name == here else pem) != pem:
            name += " (--trust)"
        known[name] = pem
    return here, known


def _has_database(settings: Settings) -> bool:
    """A file can be looked at where no server ever ran; none is begun for it."""
    kind, _, path = settings.database.url.partition(":///")
    return not kind.startswith("sqlite") or Path(path).exists()


async def _trusted(name: str, settings: Settings) -> str:
    try:
        if Path(name).is_file():
            return certificates.checked_authority(Path(name).read_text("utf-8"))
        policy = AddressPolicy(allow_private=settings.federation.allow_private_addresses)
        async with Client(policy, user_agent=f"Easel/{__version__}", now=Clock().now) as client:
            return await authorities.fetch(client, name)
    except (CertificateError, UnicodeDecodeError, Unavailable) as error:
        raise context.CommandError(f"--trust {name}: {error}") from error


def _verdict(said: Statement, here: str) -> Verdict:
    state = said.manifest.state
    if state == "valid":
        vouched = said.manifest.vouched
        return "here" if vouched == here else "other" if vouched else "unknown"
    return "stripped" if said.stripped else state


def _document(file: Path, verdict: Verdict, said: Statement, here: str) -> dict[str, Any]:
    label = said.label
    return {
        "file": str(file),
        "verdict": verdict,
        "sentence": statements.sentence(said, here),
        "label": msgspec.to_builtins(label),
        "metadata": msgspec.to_builtins(said.said),
        "credentials": msgspec.to_builtins(said.manifest),
    }


def _show(file: Path, said: Statement, here: str) -> None:
    metadata, manifest, label = said.said, said.manifest, said.label
    settings = [f"{name}: {value}" for name, value in metadata.fields.items()]
    table = Table(show_header=False, box=None, title=str(file), title_justify="left")
    for name, value in (
        ("signature", statements.sentence(said, here)),
        ("why", ", ".join(manifest.codes)),
        ("made by", label.source_type.rpartition("/")[2]),
        ("model", f"{label.system} {label.version}".strip()),
        ("with", metadata.software or manifest.software),
        ("for", metadata.creator),
        ("description", metadata.description),
        ("prompt", metadata.ai_prompt or metadata.prompt or manifest.prompt),
        ("settings", ", ".join(settings)),
        ("made from", metadata.source or ", ".join(manifest.parents)),
        ("training", manifest.training or metadata.mining.rpartition("/")[2]),
    ):
        if value:
            table.add_row(name, _printable(value))
    Console(markup=False, highlight=False).print(table)


def _printable(value: str) -> str:
    """A stranger's words, without what would steer a terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in value)
