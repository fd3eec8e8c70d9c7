"""`uploadMedia`: an app brings a picture, and gets the object that a post can name (the W3C's
draft "MediaUpload").

The shapes that apps send are all taken: a form with the part `file` alone (AndStatus), with a
shell of the object in the part `object`, as text or as a file of its own (`evanp/ap`, the C2S
toolkit), or with a `description` (as at Pleroma); and the bare picture as the body. The answer is
201 with the id of the object as `Location`, and the object itself. Nothing is posted by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import json
from activitypub.context import LD_JSON, with_context
from activitypub.errors import Malformed
from activitypub.objects import Attachment, values
from fedi import ids
from fedi.api import body
from fedi.api.client import pictures
from fedi.api.client.owner import owner
from fedi.api.mastodon import throttle
from fedi.database.tables import MediaAttachment
from fedi.federation.documents.reading import VARY, OfAccount, answer, of_account
from fedi.federation.guard import guarded
from fedi.runtime import easel_of
from fedi.social import visibility
from fedi.studio import media, uploads
from fedi.uploads import forms, sizes
from fedi.uploads.forms import UploadedFile
from fedi.uploads.multipart import Limits

MAX_SHELL = 64 * 1024  # bytes of the shell of an object; its alt text may have 10,000 characters
MAX_FILES = 4  # parts of a form with a file's name: the picture, the shell, and what we pass over
SLACK = 1024 * 1024  # bytes of a form besides the picture
SAID = ("name", "nameMap", "summary", "summaryMap", "focalPoint")  # of a shell: what we read
BARE = "image/"  # how the media type of a body begins that is the picture itself

Brought = tuple[bytes, dict[str, Any]]
"""A picture, and the shell of its object."""


async def upload(request: Request) -> Response:
    """`POST /users/NAME/uploads`.

    Raises:
        400 for a form without a file, or with a shell that is no object; 401, 403; 413 for too many
        bytes; 415 for a body of another type; 422 for what is no picture that we take; 429.
    """
    who = await owner(request, "write:media", throttle.UPLOADS)
    easel = easel_of(request)
    content, shell = await _brought(request, uploads.largest(easel))
    described = _shell(shell)
    row = await uploads.take(
        easel,
        who.account,
        content,
        description=media.checked_description(described.name or ""),
        focus=described.focal_point,
    )
    async with easel.database.read() as session:
        document = pictures.document(session, who.account, row)
    return Response(
        json.encode(with_context(document)),
        201,
        {"Location": document["id"], "Cache-Control": "private, no-store"},
        media_type=LD_JSON,
    )


async def _brought(request: Request, limit: int) -> Brought:
    if forms.is_form(request):
        most = Limits(body=limit + SLACK, files=MAX_FILES, value=MAX_SHELL)
        async with forms.read_multipart(request, most) as parts:
            return await _taken(parts, limit)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not media_type.startswith(BARE):
        raise HTTPException(415, "Send a form with the part file, or a picture.")
    return await body.read(request, limit), {}


async def _taken(parts: Sequence[tuple[str, str | UploadedFile]], limit: int) -> Brought:
    """The picture of a form, and what the form says of it."""
    picture: UploadedFile | None = None
    shell: dict[str, Any] = {}
    for name, part in parts:
        if name == "object":
            shell |= _decoded(part if isinstance(part, str) else await _read(part, MAX_SHELL))
        elif isinstance(part, UploadedFile):
            if picture is None or name == "file":
                picture = part
        elif name == "description":
            shell.setdefault("name", part)
    if picture is None:
        raise HTTPException(400, "The form has no part file with a picture.")
    return await _read(picture, limit), shell


async def _read(part: UploadedFile, limit: int) -> bytes:
    if part.size > limit:
        raise sizes.too_large(limit)
    return await part.read()


def _decoded(written: str | bytes) -> dict[str, Any]:
    """A shell; the Create of an object is as good as the object."""
    try:
        found = json.decode(written.encode() if isinstance(written, str) else written)
    except Malformed as error:
        raise HTTPException(400, f"The part object: {error.reason}") from error
    inner = found.get("object")
    return dict(inner) if found.get("type") == "Create" and isinstance(inner, dict) else found


def _shell(document: dict[str, Any]) -> Attachment:
    """What an app says of its picture; its id, address and type are its claims, and passed over."""
    said = {term: document.get(term) for term in SAID}
    return Attachment.parse({"type": "Image", **values.compact(said)})


@of_account
async def one(asked: OfAccount) -> Response:
    """`GET /users/NAME/uploads/ID`: to who brought it, and once it is posted to all who see that.

    Raises:
        HTTPException: 404.
    """
    request, session, reader, account = asked
    number = ids.parse(request.path_params["id"])
    row = await session.get(MediaAttachment, number) if number is not None else None
    if row is None or row.account_id != account.id or row.file is None:
        raise HTTPException(404, "There is no such picture.", headers=VARY)
    if not reader.owns(account):
        post = row.status_id and await visibility.load(session, reader.account, row.status_id)
        if not post:
            raise HTTPException(404, "There is no such picture.", headers=VARY)
    return answer(pictures.document(session, account, row), public=False)


routes: list[BaseRoute] = [
    Route("/users/{name}/uploads", upload, methods=["POST"]),
    *guarded([Route("/users/{name}/uploads/{id}", one)]),
]
