"""Pictures that people choose in a form and send along with their words.

A picture that was read stays, whatever else of its form is refused: the form names it then, and
nobody has to choose it again. If nothing comes of it, it goes after a day (`studio.unposted`).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from sqlmodel import col, select
from starlette.requests import Request

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment
from fedi.runtime import Easel, easel_of
from fedi.social import attempts, drafts
from fedi.studio import media, uploads
from fedi.studio.remote_files import gallery
from fedi.uploads.forms import UploadedFile
from fedi.web import forms
from fedi.web.views.pictures import Picture, picture

PLACES = range(1, drafts.MAX_MEDIA + 1)
HAD = tuple(f"had-{place}" for place in PLACES)
TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif")
AT_ONCE = 1  # places that are shown before somebody asks for more
MAX_DESCRIPTIONS = 4 * media.MAX_DESCRIPTION * drafts.MAX_MEDIA  # bytes
UPLOADS = attempts.Limit("pictures that an account brings by pages", 30, 1800)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is chosen and described; `had` is the id of one that was read already."""

    number: int
    had: str
    picture: Picture | None
    said: str


@contextlib.asynccontextmanager
async def read(request: Request) -> AsyncIterator[tuple[dict[str, str], dict[str, UploadedFile]]]:
    """A form that may have pictures, as `forms.read_with_files`."""
    most = drafts.MAX_MEDIA * uploads.largest(easel_of(request)) + MAX_DESCRIPTIONS
    async with forms.read_with_files(request, most, drafts.MAX_MEDIA) as found:
        yield found


async def take(
    easel: Easel, account: Account, fields: dict[str, str], files: Mapping[str, UploadedFile]
) -> list[int]:
    """Take the pictures of a form, with what is said of them.

    Args:
        fields: `alt-N`, the alt text of the picture of that place; `had-N`, one that was read
            before, unless `drop-N` says that it is not wanted any more. What is read here is noted
            in it as `had-N`, so that the form can be shown again.
        files: `picture-N`.

    Returns:
        Their ids, in the order of their places.

    Raises:
        SocialError: one is no picture that we take, or too many were brought of late.
    """
    found = []
    for place in PLACES:
        said = media.checked_description(fields.get(f"alt-{place}", ""))
        file = files.get(f"picture-{place}")
        if file is not None:
            attempts.by_account(easel, UPLOADS, account)
            row = await uploads.take(easel, account, await file.read(), description=said)
            fields[f"had-{place}"] = str(row.id)
            fields.pop(f"drop-{place}", None)
            found.append(row.id)
        elif fields.pop(f"drop-{place}", None) is not None:
            fields.pop(f"had-{place}", None)
        else:
            found += await _described(easel, account, ids.parse(fields.get(f"had-{place}")), said)
    return found


async def _described(easel: Easel, account: Account, had: int | None, said: str) -> list[int]:
    """A picture that was read before, with what is said of it now; none if it is gone."""
    if had is None:
        return []
    async with easel.database.write() as tx:
        row = (await _own(tx, account, [had])).get(had)
        if row is not None and row.description != said:
            row.description, row.described_by = said, ""
            tx.add(row)
    return [] if row is None else [had]


async def _own(session: Session, account: Account, wanted: list[int]) -> dict[int, MediaAttachment]:
    """Those of somebody's pictures that no post has."""
    if not wanted:
        return {}
    rows = await session.exec(
        select(MediaAttachment).where(
            col(MediaAttachment.id).in_(wanted),
            col(MediaAttachment.account_id) == account.id,
            col(MediaAttachment.status_id).is_(None),
        )
    )
    return {row.id: row for row in rows.all()}


async def places(
    easel: Easel, session: Session, account: Account, fields: Mapping[str, str]
) -> list[Place]:
    """The places of a form, with what stands in them."""
    had = {place: ids.parse(fields.get(f"had-{place}")) for place in PLACES}
    there = await _own(session, account, [one for one in had.values() if one is not None])
    hung = await gallery.of(easel, session, [])
    return [
        Place(
            number=place,
            had=str(row.id) if (row := there.get(had[place] or 0)) is not None else "",
            picture=picture(row, False, hung) if row is not None else None,
            said=fields.get(f"alt-{place}", ""),
        )
        for place in PLACES
    ]
