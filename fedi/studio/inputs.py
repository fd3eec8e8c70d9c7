"""The pictures that a painting begins with: copied, kept for it, and let go.

A recipe names them by the digests of their files, so that the same recipe is the same picture. We
keep a copy of each: a post may be deleted, and another server may go, while a painting waits. A
row of `painting_input` ties a copy to a painting; a copy that nothing is tied to goes. How long a
tie lasts says `fedi.studio.cleaning`, which pictures may be begun with `fedi.studio.gathering`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, delete, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.insertion import add_once, insert_new
from fedi.database.tables import (
    Account,
    InputPicture,
    MediaAttachment,
    Painting,
    PaintingInput,
    Status,
)
from fedi.jobs import enqueue
from fedi.runtime import Easel
from fedi.social import remixes
from fedi.social.errors import NotFound
from fedi.storage import Missing, new_key
from fedi.studio import pictures
from generation import inputs
from generation.catalogue import STARTER, Model
from generation.credentials import Parent
from generation.recipe import Recipe

DROP = "drop_input_files"  # a job: `{"keys": [storage key, …]}`


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that a recipe may begin with.

    Attributes:
        picture: what is kept of it.
        content: its file, if no copy of it is kept yet.
        status_uri: the post that it is from, if it is from one.
        medium_id: the picture here that it is; None: its file was sent along.
    """

    picture: InputPicture
    content: bytes | None = None
    status_uri: str | None = None
    medium_id: int | None = None


async def keep_files(easel: Easel, found: Iterable[Found]) -> None:
    """Store the copies that are not kept yet; the rows that name them come with the painting."""
    for each in found:
        if each.content is not None and not each.picture.file:
            key = new_key(pictures.FORMATS_BY_TYPE[each.picture.media_type])
            await easel.storage.put(key, each.content)
            each.picture.file = key


async def discard_files(easel: Easel, found: Iterable[Found]) -> None:
    """Remove the copies that `keep_files` stored, of what was not asked for in the end."""
    for each in found:
        if each.content is not None and each.picture.file:
            await easel.storage.delete(each.picture.file)


async def keep(tx: Transaction, painting: Painting, found: Iterable[Found]) -> None:
    """Tie the pictures to their painting.

    Raises:
        NotFound: our copy of one went in this moment.
    """
    for each in sorted(found, key=lambda each: each.picture.digest):
        digest, ours = each.picture.digest, each.picture.file if each.content is not None else ""
        there = await _file_of(tx, digest)
        if there is None:
            if not ours:
                raise NotFound("A picture to begin with has just gone: ask once more.")
            row = InputPicture(**each.picture.model_dump())
            row.created_at = tx.now
            there = ours if await add_once(tx, row) else ""
        if ours and ours != there:  # somebody was faster
            await _drop(tx, [ours])
        tie = {
            "painting_id": painting.id,
            "digest": digest,
            "account_id": painting.account_id,
            "medium_id": each.medium_id,
        }
        await insert_new(tx, PaintingInput, [tie])


async def _file_of(tx: Transaction, digest: str) -> str | None:
    """Our copy of a picture, which does not go before the transaction ends."""
    query = select(InputPicture.file).where(col(InputPicture.digest) == digest)
    return (await tx.exec(query.with_for_update(read=True, key_share=True))).first()


async def let_go(tx: Transaction, which: ColumnElement[bool]) -> int:
    """Untie pictures from paintings, and remove the copies to which nothing is tied then.

    Args:
        which: rows of `painting_input`; few enough for one transaction.

    Returns:
        How many were untied.
    """
    result = await tx.execute(
        delete(PaintingInput)
        .where(which)
        .returning(col(PaintingInput.digest))
        .execution_options(synchronize_session=False)
    )
    untied = list(result.scalars())
    if not untied:
        return 0
    # Locked first: who ties in this moment is seen by what is asked after that.
    copies = select(InputPicture.digest).where(col(InputPicture.digest).in_(untied))
    query = copies.order_by(col(InputPicture.digest)).with_for_update()
    there = (await tx.exec(query)).all()
    tied = select(PaintingInput.digest).where(col(PaintingInput.digest) == col(InputPicture.digest))
    gone = await tx.execute(
        delete(InputPicture)
        .where(col(InputPicture.digest).in_(there), ~tied.exists())
        .returning(col(InputPicture.file))
        .execution_options(synchronize_session=False)
    )
    await _drop(tx, list(gone.scalars()))
    return len(untied)


async def _drop(tx: Transaction, keys: Sequence[str]) -> None:
    """Remove files, once this is committed."""
    if keys:
        await enqueue(tx, DROP, {"keys": list(keys)})


def stands() -> ColumnElement[bool]:
    """Whether the source of a tie is still there for whoever asked for the painting: the file was
    sent along, or the picture is their own, or in a post whose author shares its recipe.

    (Whether they may see that post, `gathering` asks when they name the picture again.)
    """
    author = aliased(Account)
    shown = (
        col(MediaAttachment.share_recipe)
        & col(Status.id).is_not(None)
        & col(Status.deleted_at).is_(None)
        & col(author.deleted_at).is_(None)
        & col(author.suspended_at).is_(None)
    )
    source = (
        select(MediaAttachment.id)
        .join(author, col(author.id) == col(MediaAttachment.account_id))
        .outerjoin(Status, col(Status.id) == col(MediaAttachment.status_id))
        .where(
            col(MediaAttachment.id) == col(PaintingInput.medium_id),
            or_(col(MediaAttachment.account_id) == col(PaintingInput.account_id), shown),
        )
        .correlate(PaintingInput)
    )
    return or_(col(PaintingInput.medium_id).is_(None), source.exists())


async def load(easel: Easel, painting: Painting) -> dict[str, bytes]:
    """The files that a painting begins with, by their names in its recipe.

    Raises:
        Missing: one of them is gone.
    """
    wanted = set(Recipe.from_document(painting.recipe).pictures)
    async with easel.database.read() as session:
        rows = await session.exec(
            select(InputPicture)
            .join(PaintingInput, col(PaintingInput.digest) == col(InputPicture.digest))
            .where(
                col(PaintingInput.painting_id) == painting.id,
                col(InputPicture.digest).in_(wanted),
            )
            .order_by(col(InputPicture.digest))
        )
        kept = rows.all()
    for gone in wanted - {row.digest for row in kept}:
        raise Missing(gone)
    return {row.digest: await easel.storage.read(row.file) for row in kept}


async def kept(easel: Easel, painting: Painting) -> Found | None:
    """Our copy of the picture that a painting is a remix of, while its source is there."""
    if painting.parent_digest is None:
        return None
    async with easel.database.read() as session:
        rows = await session.exec(
            select(InputPicture, PaintingInput.medium_id)
            .join(PaintingInput, col(PaintingInput.digest) == col(InputPicture.digest))
            .where(
                col(PaintingInput.painting_id) == painting.id,
                col(PaintingInput.digest) == painting.parent_digest,
                stands(),
            )
        )
        row = rows.first()
    return None if row is None else Found(row[0], medium_id=row[1])


async def parent(easel: Easel, painting: Painting) -> Parent | None:
    """The post that a painting is a remix of, with its picture as it was when it was asked for.

    Returns:
        Its id, and the file if it could be had and is still shared; None for what is no remix, or
        one of a post that is not for everybody.
    """
    if painting.based_on_uri is None:
        return None
    uri = painting.based_on_uri
    async with easel.database.read() as session:
        if not await remixes.may_be_told(session, uri):  # a file goes to everybody
            return None
    copy = await kept(easel, painting)
    try:
        if copy is not None:
            content = await easel.storage.read(copy.picture.file)
            return Parent(uri=uri, picture=content, media_type=copy.picture.media_type)
    except Missing:
        pass
    return Parent(uri=uri)


def sized(recipe: Recipe, found: Sequence[Found], model: Model | None) -> Recipe:
    """The recipe with a canvas of its source's shape, where it leaves the size open.

    Args:
        model: what paints it, as far as that is known.
    """
    source = next((each for each in found if each.picture.digest == recipe.source), None)
    if source is None or recipe.width or recipe.height:
        return recipe
    model = model or STARTER
    side = STARTER.width or 0
    usual = (model.width or side, model.height or side)
    width, height = inputs.canvas(size(source), usual, model.multiple)
    return msgspec.structs.replace(recipe, width=width, height=height)


def size(found: Found) -> tuple[int, int]:
    """Its width and height, in pixels."""
    return found.picture.width, found.picture.height
