"""`/admin/storage`: what the disk is full of, and how room is made."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.runtime import Easel, easel_of
from fedi.social import audit
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import orphans, usage
from fedi.studio.remote_files import claims, gallery, keeping
from fedi.web import forms
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import people
from fedi.web.views.people import Maker

MOST = 10  # accounts with the most pictures
PATH = "/admin/storage"
KINDS = {
    "attachment": "Pictures in posts",
    "avatar": "Faces",
    "header": "Headers",
    "emoji": "Emoji",
    "preview": "Pictures of what links lead to",
}
UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Kept:
    """Files of other servers of one kind."""

    words: str
    files: int
    size: str
    failed: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody, and what their pictures take."""

    who: Maker
    href: str
    files: int
    size: str


@access.only("house")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/storage`."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        used = await usage.of(session)
        kept = await keeping.usage(session)
        rows = await usage.largest(session, MOST)
        faces = [claim for account, _, _ in rows for claim in claims.of_account(account)]
        hung = await gallery.of(easel, session, faces)
    return access.page(
        request,
        visitor,
        "storage",
        "storage",
        error=error,
        free=words_of(await asyncio.to_thread(_free, easel.settings.media.folder)),
        database=words_of(await asyncio.to_thread(_database, easel)),
        pictures=words_of(used.pictures),
        inputs=words_of(used.inputs),
        remote=words_of(used.remote),
        budget=words_of(easel.settings.media.remote_cache_mb * keeping.MB),
        kept=[
            Kept(KINDS.get(one.kind, one.kind), one.files, words_of(one.bytes), one.failed)
            for one in kept
        ],
        owners=[
            Owner(
                people.maker(account, hung, visitor.account),
                f"/admin/accounts/{account.id}",
                files,
                words_of(size),
            )
            for account, files, size in rows
        ],
        may_stay=fields.get("mb", ""),
        most=easel.settings.media.remote_cache_mb,
    )


def words_of(size: int | None) -> str:
    """A number of bytes as people read it; nothing if it is not known."""
    if size is None:
        return ""
    amount = float(size)
    for unit in UNITS:
        if amount < 1000 or unit == UNITS[-1]:
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == UNITS[0] else f"{amount:.1f} {unit}"


def _free(folder: Path) -> int:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free


def _database(easel: Easel) -> int | None:
    """The bytes of a SQLite database with its log; PostgreSQL looks after its own."""
    if not easel.database.sqlite or not (name := easel.database.url.database):
        return None
    files = (Path(f"{name}{ending}") for ending in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


@access.only("house")
async def prune(request: Request, visitor: SignedIn) -> Response:
    """`POST /admin/storage/prune`: files of others that were not seen for long go."""
    easel, fields = easel_of(request), await forms.read(request)
    try:
        access.count(request, visitor)
        with access.typed("mb"):
            may_stay = _megabytes(fields.get("mb", ""), easel.settings.media.remote_cache_mb)
        async with easel.database.write() as tx:
            who = await tx.get_one(Account, visitor.account.id)
            await audit.note(tx, who, "storage.prune", f"{may_stay:,} MB may stay")
        await keeping.prune(easel, may_stay * keeping.MB)
    except SocialError as error:
        return await access.refused(request, visitor, fields, error, _page)
    return access.done(PATH)


def _megabytes(words: str, most: int) -> int:
    """How many megabytes may stay.

    Raises:
        Invalid: it is no such number.
    """
    typed = words.strip()
    if not typed.isascii() or not typed.isdigit() or len(typed) > 9 or int(typed) > most:
        raise Invalid(f"Say how many megabytes may stay: 0 to {most:,}.")
    return int(typed)


async def _sweep(deed: Deed) -> str:
    await orphans.ask(deed.tx)
    await deed.note("storage.sweep", "")
    return PATH


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    Route(f"{PATH}/prune", prune, methods=["POST"]),
    access.deed("/storage/sweep", "house", _sweep, _page),
]
