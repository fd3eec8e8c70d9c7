"""Pictures before they are posted: uploaded, described, and waited for.

A picture that is being painted has its id already (`social.pending`): whoever asks for it is told
to ask again, in Mastodon's own way for films, so that apps wait for it that never heard of Easel.
"""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api import body
from fedi.api.mastodon import entities, throttle
from fedi.api.mastodon.params import Upload
from fedi.api.mastodon.route import NO_RECORD, Call, entity, route
from fedi.api.mastodon.views import frames
from fedi.database import Session
from fedi.database.tables import MediaAttachment, Painting
from fedi.social import pending
from fedi.social.errors import Invalid, NotFound
from fedi.studio import media, paintings, uploads
from fedi.studio.remote_files import gallery

MEDIA = "/api/v1/media"
SLACK = body.MAX_BODY  # bytes of a form besides the picture and its thumbnail
PAINTING = "painting"  # how the id of such work begins
ASK_AGAIN_S = 3  # how soon an app that waits for a picture should


class Uploading(Struct, kw_only=True):
    file: Upload
    thumbnail: Upload | None = None
    description: str = ""
    focus: str = ""


class Describing(Struct, kw_only=True):
    """None: as it was."""

    thumbnail: Upload | None = None
    description: str | None = None
    focus: str | None = None


async def upload(call: Call) -> entities.MediaAttachment:
    """Take a picture. It is ready at once: only films take longer, and there are none."""
    asked = await call.read(Uploading, limit=2 * uploads.largest(call.easel) + SLACK)
    description, focus = media.checked_description(asked.description), read_focus(asked.focus)
    call.count(throttle.UPLOADS)
    row = await uploads.take(
        call.easel,
        call.account,
        asked.file.content,
        description=description,
        focus=focus,
        thumbnail=asked.thumbnail.content if asked.thumbnail is not None else None,
    )
    return await _show(call, row)


async def one(call: Call) -> Response | entities.MediaAttachment:
    """A picture of one's own; 206 as long as it is in the making."""
    async with call.easel.database.read() as session:
        waiting = await pending.medium(session, call.account, call.id())
        if waiting is None:
            row = await _own(session, call)
    if waiting is None:
        return await _show(call, row)
    if waiting.state in paintings.ENDED:
        raise Invalid(waiting.error or "This picture will not be made.")
    return await _unfinished(call, waiting)


async def _unfinished(call: Call, painting: Painting) -> Response:
    call.headers["Mastodon-Async-Refresh"] = f'id="{PAINTING}:{painting.id}", retry={ASK_AGAIN_S}'
    call.headers["Retry-After"] = str(ASK_AGAIN_S)
    return entity(await _show(call, pending.promised(painting)), 206)


async def refresh(call: Call) -> entities.RunningRefresh:
    """Whether a picture is still in the making, as Mastodon tells of work that takes a while."""
    kind, _, number = call.text("id").partition(":")
    painting_id = ids.parse(number) if kind == PAINTING else None
    async with call.easel.database.read() as session:
        painting = await session.get(Painting, painting_id) if painting_id is not None else None
    if painting is None or painting.account_id != call.account.id:
        raise NotFound(NO_RECORD)
    ended = painting.state in paintings.ENDED
    return entities.RunningRefresh(
        async_refresh=entities.AsyncRefresh(
            id=f"{PAINTING}:{painting.id}",
            status="finished" if ended else "running",
            result_count=int(painting.state == paintings.DONE),
        )
    )


async def change(call: Call) -> entities.MediaAttachment:
    """Describe a picture, say what must stay in sight, or what is shown where it is small."""
    asked = await call.read(Describing, limit=uploads.largest(call.easel) + SLACK)
    small = None
    if asked.thumbnail is not None:
        call.count(throttle.UPLOADS)
        async with call.easel.database.read() as session:
            row = await _own(session, call)
        small = await uploads.take_thumbnail(call.easel, row, asked.thumbnail.content)
    async with call.easel.database.write() as tx:
        row = await _own(tx, call)
        if small is not None:
            await media.show_by(tx, row, *small)
        if asked.description is not None:
            row.description = media.checked_description(asked.description)
            row.described_by = ""
        if asked.focus is not None:
            row.focus_x, row.focus_y = read_focus(asked.focus) or (None, None)
        tx.add(row)
        await tx.flush()
    return await _show(call, row)


async def delete(call: Call) -> entities.Empty:
    async with call.easel.database.write() as tx:
        row = await _own(tx, call)
        if not await media.forget(tx, call.account, [row.id]):
            raise Invalid("This picture is posted. Change the post instead.")
    return entities.Empty()


async def _own(session: Session, call: Call) -> MediaAttachment:
    row = await session.get(MediaAttachment, call.id())
    if row is None or row.account_id != call.account.id:
        raise NotFound(NO_RECORD)
    return row


async def _show(call: Call, row: MediaAttachment) -> entities.MediaAttachment:
    async with call.easel.database.read() as session:
        hung = await gallery.of(call.easel, session, [])
    return frames.attachment(row, hung)


def read_focus(text: str) -> tuple[float, float] | None:
    """`0.5,-0.25`: from -1 to 1, to the right and upwards.

    Raises:
        Invalid: it is none.
    """
    if not text:
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise Invalid("focus is two numbers with a comma between them.") from None
    if not (-1 <= x <= 1 and -1 <= y <= 1):
        raise Invalid("focus goes from -1 to 1.")
    return x, y


WRITE = "write:media"
routes: list[BaseRoute] = [
    route("POST", "/api/v2/media", upload, WRITE),
    route("POST", MEDIA, upload, WRITE),
    route("GET", f"{MEDIA}/{{id}}", one, WRITE),
    route("PUT", f"{MEDIA}/{{id}}", change, WRITE),
    route("DELETE", f"{MEDIA}/{{id}}", delete, WRITE),
    route("GET", "/api/v1_alpha/async_refreshes/{id}", refresh, "read"),
]
