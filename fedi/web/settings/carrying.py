"""`/settings/carrying`: lists that somebody brings and takes, and all of theirs in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.federation import archiving
from fedi.runtime import easel_of
from fedi.social.carrying import KINDS, bringing, taking
from fedi.social.carrying import sheets as lists
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.web import forms, visitors
from fedi.web.settings import sheets
from fedi.web.views.posts import moment

HERE = "/settings/carrying"
NAMES: Mapping[str, str] = {
    "follows": "Whom I follow",
    "lists": "Lists",
    "blocks": "Blocked people",
    "mutes": "Muted people",
    "domains": "Hidden domains",
    "bookmarks": "Bookmarks",
}
assert tuple(NAMES) == KINDS
WAYS = {"add": "Add it to what I have", "replace": "What is not in it goes"}
MOST_FAILED = 20  # lines of one list that could not be taken in, as the page tells them


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/carrying`."""
    return await _page(request, visitor, {})


@visitors.signed_in
async def bring(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/carrying`: a list as Mastodon writes it."""
    async with forms.read_with_files(request, lists.MAX_BYTES, 1) as (fields, files):
        try:
            sheets.count(request, visitor)
            kind = next((kind for kind in KINDS if kind == fields.get("kind")), None)
            if kind is None:
                raise Invalid("Say which list it is.")
            if fields.get("way") not in WAYS:
                raise Invalid("Say what becomes of what you have.")
            if "list" not in files:
                raise Invalid("Choose a CSV file.")
            entries = await asyncio.to_thread(lists.read, kind, await files["list"].read())
            async with easel_of(request).database.write() as tx:
                account = await tx.get_one(Account, visitor.account.id)
                overwrite = fields["way"] == "replace"
                await bringing.begin(tx, account, kind, entries, overwrite=overwrite)
        except SocialError as error:
            return await _page(request, visitor, fields, error)
    return sheets.back(HERE, kept=True)


@visitors.signed_in
async def take(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/carrying/NAME.csv`: a list as Mastodon writes it."""
    kind = next((kind for kind in KINDS if kind == request.path_params["kind"]), None)
    if kind is None:
        raise HTTPException(404, "There is no such list.")
    pieces = taking.export(easel_of(request).database, visitor.account, kind)
    return StreamingResponse(
        pieces, media_type="text/csv; charset=utf-8", headers=_saved_as(lists.FILES[kind])
    )


@visitors.signed_in
async def ask_archive(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/carrying/archive`: all of it in one file, a while later."""
    await forms.read(request)
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            await archiving.ask(tx, await tx.get_one(Account, visitor.account.id))
    except SocialError as error:
        return await _page(request, visitor, {}, error)
    return sheets.back(HERE)


@visitors.signed_in
async def take_archive(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/carrying/archive.zip`."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        archive = await archiving.of_account(session, visitor.account)
    if archive is None or archive.file is None:
        raise HTTPException(404, "There is no archive yet.")
    headers = _saved_as(f"{visitor.account.username}.zip")
    headers["Content-Length"] = str(archive.bytes)
    return StreamingResponse(
        easel.storage.stream(archive.file), media_type="application/zip", headers=headers
    )


def _saved_as(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


async def _page(
    request: Request,
    visitor: SignedIn,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    async with easel_of(request).database.read() as session:
        archive = await archiving.of_account(session, visitor.account)
        brought = []
        for one in await bringing.of_account(session, visitor.account):
            failed = await bringing.failed(session, one) if one.failed else []
            brought.append(
                {
                    "name": NAMES.get(one.kind, one.kind),
                    "when": moment(one.created_at),
                    "done": one.done,
                    "total": one.total,
                    "finished": one.finished_at is not None,
                    "failed": one.failed,
                    "lines": [
                        (lists.subject(line.entry), line.error) for line in failed[:MOST_FAILED]
                    ],
                }
            )
    return sheets.show(
        request,
        "carrying.html",
        error=error,
        typed=typed,
        names=NAMES,
        ways=WAYS,
        brought=brought,
        archive=archive,
        asked=moment(archive.created_at) if archive is not None else None,
        archive_mb=f"{archive.bytes / 1_000_000:,.1f}" if archive is not None else "",
    )


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE, bring, methods=["POST"]),
    Route(f"{HERE}/archive", ask_archive, methods=["POST"]),
    Route(f"{HERE}/archive.zip", take_archive, methods=["GET"]),
    Route(f"{HERE}/{{kind}}.csv", take, methods=["GET"]),
]
