"""All that somebody made here, in one file: a zip in the form of Mastodon's archives.

    actor.json      who they are; its pictures are avatar.* and header.*
    outbox.json     what they posted and boosted, the oldest first
    likes.json      the ids of what they like
    bookmarks.json  the ids of what they keep
    media/          the files of their pictures, by the addresses that outbox.json has

It is written page by page, whatever its size, either into a file of the host's or by the job
`archive` into the storage, where no address leads to it.
"""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, BinaryIO

import msgspec
from sqlalchemy import delete
from sqlmodel import col, select

from activitypub import json
from activitypub.context import CONTEXT, with_context
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Archive, Bookmark, Favourite, MediaAttachment, Status
from fedi.federation.documents.posts import announce_document, create_document
from fedi.federation.translate import outward
from fedi.jobs import Claimed, enqueue, handles
from fedi.runtime import Easel
from fedi.social import account_keys, forgetting, posts
from fedi.social.errors import TooMany
from fedi.social.visibility import visible_to
from fedi.storage import Missing, new_key

JOB = "archive"  # `{"archive_id": …}`
EVERY = timedelta(days=7)  # between two of one account, as Mastodon
PAGE = 100  # posts that are in memory at once


async def ask(tx: Transaction, account: Account) -> Archive:
    """Ask for an archive; the one before it goes.

    Raises:
        TooMany: there is one of the last days, or one is being written.
    """
    mine = select(Archive).where(Archive.account_id == account.id).order_by(col(Archive.id).desc())
    rows = (await tx.exec(mine)).all()
    if rows and (wait := rows[0].created_at + EVERY - tx.now) > timedelta():
        raise TooMany(
            f"There is an archive of the last {EVERY.days} days.", int(wait.total_seconds()) + 1
        )
    await forgetting.discard_files(tx, [row.file for row in rows if row.file])
    await tx.execute(delete(Archive).where(col(Archive.account_id) == account.id))
    archive = Archive(id=tx.new_id(), account_id=account.id, created_at=tx.now)
    tx.add(archive)
    await tx.flush()
    await enqueue(tx, JOB, {"archive_id": archive.id})
    return archive


@handles(JOB, attempts=5, at_once=1)
async def make(easel: Easel, job: Claimed) -> None:
    """Write an archive into the storage."""
    async with easel.database.read() as session:
        archive = await session.get(Archive, job.payload["archive_id"])
        account = await session.get(Account, archive.account_id) if archive is not None else None
    if archive is None or account is None or archive.file is not None:
        return
    key = new_key("zip")
    with tempfile.TemporaryFile() as file:
        await _write(easel, account, file)
        size = file.seek(0, 2)
        await easel.storage.put_file(key, file)
    async with easel.database.write() as tx:
        row = await tx.get(Archive, archive.id)
        if row is None:  # asked for anew, or the account is gone
            await forgetting.discard_files(tx, [key])
            return
        row.file, row.bytes, row.finished_at = key, size, tx.now
        tx.add(row)
        await job.finish(tx)


async def of_account(session: Session, account: Account) -> Archive | None:
    """The archive of an account, finished or not."""
    query = select(Archive).where(Archive.account_id == account.id)
    return (await session.exec(query.order_by(col(Archive.id).desc()))).first()


async def write(easel: Easel, account: Account, path: Path) -> int:
    """Write an archive into a file that is not there yet.

    Returns:
        How many posts and boosts are in it.
    """
    with path.open("xb") as file:
        return await _write(easel, account, file)


async def _write(easel: Easel, account: Account, file: BinaryIO | IO[bytes]) -> int:
    with closing(zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)) as archive:
        await _actor(easel, account, archive)
        count = await _collection(archive, "outbox.json", _outbox(easel, account))
        await _collection(archive, "likes.json", _liked(easel, account))
        await _collection(archive, "bookmarks.json", _bookmarked(easel, account))
        async for key in _media(easel, account):
            await _copy(easel, archive, key, f"media/{key}")
        return count


async def _actor(easel: Easel, account: Account, archive: zipfile.ZipFile) -> None:
    async with easel.database.write() as tx:
        keys = [await account_keys.ensure(tx, account)]
    document = with_context(outward.actor(account, easel.settings.instance, keys).document())
    for kind, key in (("icon", account.avatar), ("image", account.header)):
        if key is not None:
            name = f"{'avatar' if kind == 'icon' else 'header'}.{key.rpartition('.')[2]}"
            document[kind] = {**document[kind], "url": name}
            await _copy(easel, archive, key, name)
    document |= {name: f"{name}.json" for name in ("outbox", "likes", "bookmarks")}
    archive.writestr("actor.json", json.encode(document))


async def _collection(
    archive: zipfile.ZipFile, name: str, members: AsyncIterator[list[Any]]
) -> int:
    """Write an OrderedCollection as its members come.

    Returns:
        How many there were.
    """
    count = 0
    with archive.open(name, "w", force_zip64=True) as out:
        out.write(b'{"@context":' + _encoded(CONTEXT) + b',"id":' + _encoded(name))
        out.write(b',"type":"OrderedCollection","orderedItems":[')
        async for page in members:
            pieces = b",".join(map(_encoded, page))
            if page:
                await asyncio.to_thread(out.write, (b"," if count else b"") + pieces)
            count += len(page)
        out.write(b'],"totalItems":%d}' % count)
    return count


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value)


async def _outbox(easel: Easel, account: Account) -> AsyncIterator[list[Any]]:
    def query(last: int) -> Any:
        return (
            visible_to(account)
            .where(Status.account_id == account.id, col(Status.id) > last)
            .order_by(col(Status.id))
            .limit(PAGE)
        )

    last = 0
    while True:
        async with easel.database.read() as session:
            rows = list((await session.exec(query(last))).all())
            page = [
                _local(easel, create_document(session, post))
                if post.status.reblog_of_id is None
                else await announce_document(session, post.status)
                for post in await posts.assemble(session, rows, account)
            ]
        yield page
        if len(rows) < PAGE:
            return
        last = rows[-1].id


def _local(easel: Easel, activity: dict[str, Any]) -> dict[str, Any]:
    """A post whose pictures are those of the archive."""
    start = f"{easel.settings.instance.url}/media/"
    for picture in activity["object"].get("attachment", ()):
        if str(picture.get("url", "")).startswith(start):
            picture["url"] = f"media/{picture['url'].removeprefix(start)}"
    return activity


def _liked(easel: Easel, account: Account) -> AsyncIterator[list[Any]]:
    return _uris(easel, account, Favourite)


def _bookmarked(easel: Easel, account: Account) -> AsyncIterator[list[Any]]:
    return _uris(easel, account, Bookmark)


async def _uris(
    easel: Easel, account: Account, table: type[Favourite | Bookmark]
) -> AsyncIterator[list[Any]]:
    """The ids of the posts that somebody likes, or keeps."""
    query = (
        visible_to(account)
        .join(table, col(table.status_id) == col(Status.id))
        .where(table.account_id == account.id)
        .with_only_columns(col(table.id), col(Status.uri))
        .order_by(col(table.id))
        .limit(PAGE)
    )
    last = 0
    while True:
        async with easel.database.read() as session:
            rows = (await session.execute(query.where(col(table.id) > last))).all()
        yield [uri for _, uri in rows]
        if len(rows) < PAGE:
            return
        last = rows[-1][0]


async def _media(easel: Easel, account: Account) -> AsyncIterator[str]:
    """The storage keys of the pictures that somebody posted."""
    query = (
        select(MediaAttachment.id, MediaAttachment.file)
        .join(Status, col(Status.id) == col(MediaAttachment.status_id))
        .where(
            MediaAttachment.account_id == account.id,
            col(MediaAttachment.file).is_not(None),
            col(Status.deleted_at).is_(None),
        )
        .order_by(col(MediaAttachment.id))
        .limit(PAGE)
    )
    last = 0
    while True:
        async with easel.database.read() as session:
            rows = (await session.exec(query.where(col(MediaAttachment.id) > last))).all()
        for _, key in rows:
            if key:
                yield key
        if len(rows) < PAGE:
            return
        last = rows[-1][0]


async def _copy(easel: Easel, archive: zipfile.ZipFile, key: str, name: str) -> None:
    """Put a stored file into the archive, in pieces; pictures are packed as it is."""
    info = zipfile.ZipInfo(name, easel.clock.now().timetuple()[:6])
    info.compress_type = zipfile.ZIP_STORED
    try:
        await easel.storage.size(key)
    except Missing:
        return
    with archive.open(info, "w", force_zip64=True) as out:
        async for piece in easel.storage.stream(key):
            await asyncio.to_thread(out.write, piece)
