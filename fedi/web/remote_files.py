"""`/media/remote/KEY/CLAIM/RENDITION`: files of other servers, from our own origin.

No page of ours makes its readers ask another server, which would tell it who reads what. The file
is fetched when it is first asked for. Only addresses that we signed are answered.
"""

from __future__ import annotations

from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fedi.database.tables import RemoteFile
from fedi.runtime import Easel, easel_of
from fedi.storage import Missing
from fedi.studio.remote_files import claims, fetching, keeping, rules
from fedi.studio.remote_files.claims import Claim
from fedi.web import files

ASK_AGAIN_S = 5  # for a file that is still on its way
_NONE = "There is no such file."


async def serve(request: Request) -> Response:
    """The file, whole or one range of it; 404 with the reason if it cannot be had, 503 while it
    is on its way for longer than a reader waits."""
    easel = easel_of(request)
    asked = request.path_params
    claim = (await claims.addresses(easel)).read(asked["key"], asked["claim"])
    if claim is None or asked["rendition"] not in {"original", "small"}:
        raise HTTPException(404, _NONE)
    if not await rules.shown_here(easel, claim.host):
        raise HTTPException(404, "Files of this server are not shown here.")
    row = await _have(easel, claim)
    try:
        return await files.answer(request, easel, _file(row, asked["rendition"]))
    except Missing:  # made room for another a moment ago, or lost with a disk
        await keeping.evict(easel, [row])
        row = await _have(easel, claim)
    try:
        return await files.answer(request, easel, _file(row, asked["rendition"]))
    except Missing:
        raise HTTPException(404, _NONE) from None


async def _have(easel: Easel, claim: Claim) -> RemoteFile:
    row = await fetching.of(easel).get(claim)
    if row is None:
        headers = {"Retry-After": str(ASK_AGAIN_S), "Cache-Control": "no-store"}
        raise HTTPException(503, "The file is still on its way here.", headers)
    if row.state != "ready":
        wait = (row.next_attempt_at or easel.clock.now()) - easel.clock.now()
        seconds = max(1, int(wait / timedelta(seconds=1)))
        headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
        raise HTTPException(404, f"The file cannot be had. {row.error}", headers)
    keeping.views(easel).add(row)
    return row


def _file(row: RemoteFile, rendition: str) -> str:
    found = row.preview_file if rendition == "small" else row.file
    if found is None:  # films and sounds have no small one
        raise HTTPException(404, _NONE)
    return found
