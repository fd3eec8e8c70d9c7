"""The pictures that a recipe names, found: whose they are, and whether they may be begun with.

A recipe names a picture by the digest of its file once it is found. A digest is no key: who names a
picture by it must still be allowed to begin with it, by what it was first named with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlmodel import col, select

from fedi import ids
from fedi.database import Session
from fedi.database.tables import (
    Account,
    InputPicture,
    MediaAttachment,
    Painting,
    PaintingInput,
    Status,
)
from fedi.runtime import Easel
from fedi.social import statuses
from fedi.social.errors import Invalid, NotAllowed, NotFound, SocialError
from fedi.storage import Missing
from fedi.studio import gate, media, pictures
from fedi.studio.inputs import Found, size
from fedi.studio.remote_files import claims, fetching, inspection
from generation import inputs, protocol
from generation.recipe import MAX_REFERENCES, RecipeError

WAYS = ("media_id", "painting_id", "status_id", "upload")
RECTANGLE = "rectangle"  # how else a mask may be given
_WORDS = {"source": "picture to start from", "mask": "mask", "references": "reference"}


class Sent(Protocol):
    """A file that came with a request."""

    async def read(self) -> bytes:
        """All of it."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """All pictures of a recipe, and the recipe with their digests in it."""

    recipe: dict[str, Any]
    found: tuple[Found, ...] = ()

    @property
    def parent(self) -> Found | None:
        """The picture of the post that the painting is made of, as far as its pictures tell."""
        return next((each for each in self.found if each.status_uri), None)


async def gather(
    easel: Easel, account: Account, recipe: Mapping[str, Any], uploads: Mapping[str, Sent]
) -> Gathered:
    """Find the pictures that a recipe names, and see that this account may begin with them.

    Args:
        account: who asks; a local one.
        recipe: as an app wrote it. `source` and `mask` are, and `references` is a list of,
            `{"media_id": "1"}`, `{"painting_id": "2"}`, `{"status_id": "3"}` (the first picture of
            a post), `{"upload": "name"}`, for a mask `{"rectangle": [left, top, width, height]}`
            in hundredths of the source, or the digest of a picture that the account has begun
            with before or has itself.
        uploads: files that came with the recipe, by name.

    Raises:
        NotFound: one is not there, or not for this account to see.
        NotAllowed: its author does not share how it was made.
        Invalid: one is no picture, too large, or does not fit the others.
    """
    asked = dict(recipe)
    by_name: dict[str, list[Found]] = {}
    for name in ("source", "mask", "references"):
        value = asked.get(name)
        if value in (None, "", []):
            continue
        entries = value if name == "references" else [value]
        if not isinstance(entries, list):
            raise Invalid("“references” must be a list of pictures.")
        if len(entries) > MAX_REFERENCES:
            raise Invalid(f"There are too many references: at most {MAX_REFERENCES} pictures.")
        if name == "mask" and isinstance(value, Mapping) and [*value] == [RECTANGLE]:
            found = [await _rectangle(easel, value[RECTANGLE], by_name.get("source", []))]
        else:
            found = [await _found(easel, account, entry, uploads, name) for entry in entries]
        digests = [each.picture.digest for each in found]
        asked[name] = digests if name == "references" else digests[0]
        by_name[name] = found
    if "source" in by_name and "mask" in by_name:
        [source], [mask] = by_name["source"], by_name["mask"]
        try:
            inputs.check_mask(size(source), size(mask))
        except RecipeError as refusal:
            raise Invalid(str(refusal)) from refusal
    everything = {each.picture.digest: each for found in by_name.values() for each in found}
    if sum(each.picture.size for each in everything.values()) > protocol.MAX_INPUTS:
        raise Invalid(
            "The pictures to begin with are too large together: "
            f"at most {protocol.MAX_INPUTS // 2**20} MB."
        )
    return Gathered(asked, tuple(everything.values()))


async def _found(
    easel: Easel, account: Account, entry: object, uploads: Mapping[str, Sent], name: str
) -> Found:
    what = _WORDS[name]
    if isinstance(entry, str):
        return await _by_digest(easel, account, entry, what)
    if not isinstance(entry, Mapping) or len(entry) != 1 or next(iter(entry)) not in WAYS:
        raise Invalid(f"The {what} must be one of {', '.join(WAYS)}, and what it is.")
    [(way, value)] = entry.items()
    if way == "upload":
        if not isinstance(value, str) or value not in uploads:
            raise Invalid(f"The {what} was not sent along: there is no file of that name.")
        async with gate.of(easel).request():
            content = await uploads[value].read()
            prepared = await media.prepare_upload(content, easel.settings.media)
        return await _looked_at(easel, prepared.content, what)
    number = _number(value, what)
    async with easel.database.read() as session:
        medium, status = await _medium(session, account, way, number, what)
    return await of_medium(easel, account, medium, status, what)


async def _rectangle(easel: Easel, sides: object, source: list[Found]) -> Found:
    """A mask that lets a rectangle of the source be painted."""
    if not source:
        raise Invalid("A mask needs the picture that it lies on: give a source, too.")
    if not isinstance(sides, list) or len(sides) != 4:
        raise Invalid("A rectangle is four numbers: left, top, width and height.")
    if not all(isinstance(side, int | float) and 0 <= side <= 100 for side in sides):
        raise Invalid("The numbers of a rectangle go from 0 to 100, in hundredths of the picture.")
    wide, high = size(source[0])
    left, top, width, height = (
        round(side * whole / 100) for side, whole in zip(sides, (wide, high) * 2, strict=True)
    )
    box = (left, top, min(wide, left + width), min(high, top + height))
    if box[2] <= box[0] or box[3] <= box[1]:
        raise Invalid("The rectangle is empty: give it a width and a height inside the picture.")
    content = await asyncio.to_thread(pictures.rectangle, (wide, high), box)
    return await _looked_at(easel, content, "mask")


async def of_medium(
    easel: Easel, account: Account, medium: MediaAttachment, status: Status | None, what: str
) -> Found:
    """A picture that an account can see, if it may begin with it.

    Args:
        status: the post that it is from.
        what: the picture's part in the recipe, for people.

    Raises:
        NotAllowed: it is another's, who does not share how it was made.
        Invalid: it is no picture.
    """
    _refuse_unshared(account, medium, what)
    if medium.type != "image":
        raise Invalid(f"The {what} is no picture.")
    found = await _looked_at(easel, await _content(easel, medium, what), what)
    return Found(found.picture, found.content, _uri(status), medium.id)


def _refuse_unshared(account: Account, medium: MediaAttachment, what: str) -> None:
    if medium.account_id != account.id and not medium.share_recipe:
        raise NotAllowed(f"The {what} is somebody's who does not share its recipe.")


def _uri(status: Status | None) -> str | None:
    return None if status is None else status.uri


async def own(easel: Easel, account: Account, medium: MediaAttachment) -> Found:
    """A picture of the account's own that is to be made larger.

    Raises:
        Invalid: its file is gone.
    """
    return await of_medium(easel, account, medium, None, "picture to enlarge")


async def _medium(
    session: Session, account: Account, way: str, number: int, what: str
) -> tuple[MediaAttachment, Status | None]:
    """The picture that is meant, if this account may see it, and the post that it is from."""
    missing = NotFound(f"The {what} is not there.")
    medium: MediaAttachment | None = None
    if way == "status_id":
        status = await statuses.load(session, account, number)
        if status is not None and status.reblog_of_id is not None:
            status = await statuses.load(session, account, status.reblog_of_id)
        if status is None:
            raise missing
        medium = await first_picture(session, status)
        if medium is None:
            raise Invalid(f"The {what} is a post without a picture.")
        return medium, status
    if way == "painting_id":
        painting = await session.get(Painting, number)
        if painting is None or painting.account_id != account.id:
            raise missing
        if painting.media_id is None:
            raise Invalid(f"The {what} is not painted yet.")
        number = painting.media_id
    medium = await session.get(MediaAttachment, number)
    if medium is None:
        raise missing
    status = None
    if medium.status_id is not None:
        status = await statuses.load(session, account, medium.status_id)
    if medium.account_id != account.id and status is None:
        raise missing
    return medium, status


async def first_picture(session: Session, status: Status) -> MediaAttachment | None:
    """What a post shows first, if it is a picture."""
    rows = await session.exec(
        select(MediaAttachment)
        .where(col(MediaAttachment.status_id) == status.id, col(MediaAttachment.type) == "image")
        .order_by(col(MediaAttachment.position), col(MediaAttachment.id))
        .limit(1)
    )
    return rows.first()


async def _by_digest(easel: Easel, account: Account, digest: str, what: str) -> Found:
    """A picture that the account has begun with before, if it still may; or one of its own."""
    refusal: SocialError = NotFound(f"The {what} is not there.")
    async with easel.database.read() as session:
        begun = await session.exec(
            select(InputPicture, PaintingInput.medium_id)
            .join(PaintingInput, col(PaintingInput.digest) == col(InputPicture.digest))
            .where(col(InputPicture.digest) == digest, col(PaintingInput.account_id) == account.id)
        )
        for medium_id, picture in {row[1]: row[0] for row in begun.all()}.items():
            if medium_id is None:  # its file was sent along
                return Found(picture)
            try:
                medium, status = await _medium(session, account, "media_id", medium_id, what)
                _refuse_unshared(account, medium, what)
            except SocialError as no:
                refusal = no
            else:
                return Found(picture, None, _uri(status), medium_id)
        own = await session.exec(
            select(MediaAttachment)
            .where(
                col(MediaAttachment.digest) == digest, col(MediaAttachment.account_id) == account.id
            )
            .limit(1)
        )
        mine = own.first()
    if mine is None:
        raise refusal
    return await of_medium(easel, account, mine, None, what)


async def _content(easel: Easel, medium: MediaAttachment, what: str) -> bytes:
    gone = Invalid(f"The {what} cannot be had just now; try again later.")
    key = medium.file
    if key is None:
        claim = claims.of_media(medium)
        addresses = await claims.addresses(easel)
        if claim is None or not addresses.usable(claim):
            raise gone
        row = await fetching.of(easel).get(claim)
        if row is None or row.state != "ready" or row.file is None:
            raise gone
        key = row.file
    try:
        return await easel.storage.read(key)
    except Missing:
        raise gone from None


async def _looked_at(easel: Easel, content: bytes, what: str) -> Found:
    """A file as a picture that we keep, decoded once to be sure that it is one."""

    def look() -> tuple[str, int, int, str]:
        image = pictures.decoded(content, pictures.MAX_BYTES, inspection.MAX_PIXELS)
        assert image.format is not None
        kind, _ = pictures.FORMATS[image.format]
        return kind, image.width, image.height, pictures.digest(content)

    try:
        async with gate.of(easel).request():
            kind, width, height, digest = await asyncio.to_thread(look)
    except Invalid as refusal:
        raise Invalid(f"The {what} cannot be used. {refusal}") from refusal
    async with easel.database.read() as session:
        known = await session.get(InputPicture, digest)
        now = session.now
    if known is not None:
        return Found(known)
    picture = InputPicture(
        digest=digest,
        file="",
        media_type=kind,
        width=width,
        height=height,
        size=len(content),
        created_at=now,
    )
    return Found(picture, content)


def _number(value: object, what: str) -> int:
    number = ids.parse(value)
    if number is None:
        raise NotFound(f"The {what} is not there.")
    return number
