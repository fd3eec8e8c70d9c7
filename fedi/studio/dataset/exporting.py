"""A dataset in files: shards, a card, and a manifest with the digest of each.

It is made in a folder of its own and gets its name when all of it is on the disk: whatever breaks
it off leaves nothing that looks whole. What is in it is written down before, and from then on stays
written down, whatever becomes of the folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from fedi import __version__, logs
from fedi.database import Session
from fedi.database.tables import DatasetExport, MediaAttachment
from fedi.runtime import Easel
from fedi.social.errors import Invalid
from fedi.social.training import ledger, offers, pseudonyms, standing
from fedi.social.training.ledger import Gone
from fedi.storage import Missing
from fedi.studio import gate
from fedi.studio.dataset import cards, samples, shards
from fedi.studio.dataset.cards import Contents
from fedi.studio.dataset.samples import Offered
from fedi.studio.dataset.shards import Shards, Written

MANIFEST = "manifest.json"
UNFINISHED = "not-finished"  # lies in a folder that is being made, and in no other
PAGE = 100  # pictures that are read of the database at once

Report = Callable[[int, int], None]

log = logs.get(__name__)


async def export(
    easel: Easel,
    folder: Path,
    *,
    purpose: str,
    recipient: str = "",
    by: str = "",
    sensitive: bool = False,
    report: Report = lambda done, total: None,
) -> DatasetExport:
    """Write all that is offered into a folder.

    Args:
        folder: must not be there yet, or be empty.
        purpose, recipient: what for, and to whom: authors are shown it.
        by: who gives it away; empty: the command line.
        sensitive: whether posts with a warning are among it.
        report: is told how many pictures are done, and of how many.

    Raises:
        Invalid: the folder is not empty, or it is not said what for.
        OSError: it cannot be written.
    """
    part = await asyncio.to_thread(_prepare, folder)
    async with easel.database.write() as tx:
        made = ledger.begin(
            tx, ledger.FILES, recipient=recipient, purpose=purpose, by=by, sensitive=sensitive
        )
    try:
        given, contents, files = await _fill(easel, part, sensitive, report)
        files.append(await asyncio.to_thread(_card, part, easel, made, contents))
        manifest = _manifest(easel, made, contents, files)
        whole = await asyncio.to_thread(shards.write, part, MANIFEST, manifest)
        async with easel.database.write() as tx:
            await ledger.hold(tx)
            row = await tx.get_one(DatasetExport, made.id)
            row.items, row.digest, row.finished_at = contents.samples, whole.sha256, tx.now
            tx.add(row)
            await ledger.record(tx, row, given)
            # Who took it back, or narrowed the terms, while it was written is on the list at once.
            await ledger.withdraw(tx, export_id=row.id)
            await ledger.withdraw_narrowed(tx, row, given)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        async with easel.database.write() as tx:
            row = await tx.get_one(DatasetExport, made.id)
            await tx.delete(row)
        raise
    await asyncio.to_thread(_finish, part, folder)
    return row


async def _fill(
    easel: Easel, part: Path, sensitive: bool, report: Report
) -> tuple[list[Gone], Contents, list[Written]]:
    contents = Contents()
    given: list[Gone] = []
    async with easel.database.read() as session:
        total = await _count(session, sensitive)
    key = await pseudonyms.secret(easel)
    report(0, total)
    with Shards(part) as out:
        async for found in _offered(easel, sensitive):
            try:
                content = await samples.picture(easel, found, gate.of(easel).job())
            except Missing:
                log.warning("picture_missing", media=found.id)
                continue
            # To read the file took time: what is said of it is what holds now.
            now = await _as_it_stands(easel, found, sensitive, key)
            if now is None:
                continue
            (media, status, author), document = now
            said = samples.with_file(document, content)
            await asyncio.to_thread(out.add, said, content)
            contents.count(said)
            terms = standing.terms(author, status)
            given.append(Gone(media, status, said["key"], said["sha256"], terms))
            report(len(given), max(total, len(given)))
    return given, contents, out.written


async def _count(session: Session, sensitive: bool) -> int:
    among = offers.offered(sensitive=sensitive).with_only_columns(col(MediaAttachment.id))
    return (await session.exec(select(func.count()).select_from(among.subquery()))).one()


async def _offered(easel: Easel, sensitive: bool) -> AsyncIterator[MediaAttachment]:
    last = 0
    while True:
        query = (
            offers.offered(sensitive=sensitive)
            .where(col(MediaAttachment.id) > last)
            .order_by(col(MediaAttachment.id))
            .limit(PAGE)
        )
        async with easel.database.read() as session:
            found = [media for media, _, _ in (await session.exec(query)).all()]
        for media in found:
            yield media
        if len(found) < PAGE:
            return
        last = found[-1].id


async def _as_it_stands(
    easel: Easel, read: MediaAttachment, sensitive: bool, key: bytes
) -> tuple[Offered, dict[str, Any]] | None:
    """A picture whose file was read, and what is said of it, as it stands; None if it is not
    offered any more, or has another file."""
    query = offers.offered(sensitive=sensitive).where(col(MediaAttachment.id) == read.id)
    async with easel.database.read() as session:
        row = (await session.exec(query)).first()
        if row is None or row[0].file != read.file:
            return None
        found: Offered = (row[0], row[1], row[2])
        [document] = await samples.documents(session, easel.settings.instance, [found], key)
    return found, document


def _manifest(easel: Easel, made: DatasetExport, contents: Contents, files: list[Written]) -> str:
    said = {
        "export": str(made.id),
        "instance": easel.settings.instance.url,
        "software": f"Easel {__version__}",
        "made_at": made.created_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "recipient": made.recipient,
        "purpose": made.purpose,
        "sensitive": made.sensitive,
        "samples": contents.samples,
        "withdrawn": cards.withdrawals(easel.settings.instance, made),
        "files": [asdict(file) for file in files],
    }
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def _card(part: Path, easel: Easel, made: DatasetExport, contents: Contents) -> Written:
    return shards.write(part, cards.NAME, cards.card(easel.settings.instance, made, contents))


def _prepare(folder: Path) -> Path:
    """The folder that it is made in, empty, whatever an earlier time left behind."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Invalid(f"{folder} is there already, and not empty.")
    part = folder.with_name(f".{folder.name}.part")
    if part.exists():
        if not (part / UNFINISHED).exists():
            raise Invalid(f"{part} is in the way.")
        shutil.rmtree(part)
    part.mkdir(parents=True)
    (part / UNFINISHED).touch()
    return part


def _finish(part: Path, folder: Path) -> None:
    (part / UNFINISHED).unlink()
    try:
        os.replace(part, folder)
    except OSError:
        (part / UNFINISHED).touch()  # the next one to this place removes it
        raise
    for place in (folder, folder.parent):  # the names are on the disk, too
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
