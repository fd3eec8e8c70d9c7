"""A picture of one's own that is made larger, without being painted again."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Painting
from fedi.social.errors import Invalid
from fedi.studio import paintings
from generation.protocol import Finished
from generation.recipe import UPSCALES, Recipe


@dataclass(frozen=True, slots=True)
class Enlargement:
    """An earlier painting, its picture, and the recipe of that picture made larger, but for the
    name of the picture."""

    earlier: Painting
    medium: MediaAttachment
    recipe: Recipe


async def find(session: Session, account: Account, painting_id: int, times: object) -> Enlargement:
    """What an account wants to have larger.

    Args:
        times: how many times as wide and as high as the picture is, as an app wrote it.

    Raises:
        NotFound: there is no such painting of theirs.
        Invalid: it is not painted yet, or cannot become so large.
    """
    earlier = await paintings.find(session, account, painting_id)
    if isinstance(times, bool) or times not in UPSCALES:
        raise Invalid(f"“upscale” must be one of {', '.join(map(str, UPSCALES))}.")
    assert isinstance(times, int)
    medium = None
    if earlier.media_id is not None:
        medium = await session.get(MediaAttachment, earlier.media_id)
    if medium is None or medium.width is None or medium.height is None:
        raise Invalid("That picture is not there: it is not painted yet, or was deleted.")
    recipe = Recipe.from_document(medium.recipe or earlier.recipe)
    before = recipe.upscale or 1
    if before * times not in UPSCALES:
        raise Invalid(
            f"That picture is {before} times as large as it was painted, "
            f"and at most {max(UPSCALES)} times are possible."
        )
    size = {"width": medium.width // before, "height": medium.height // before}
    larger = msgspec.structs.replace(recipe, upscale=before * times, **size)
    return Enlargement(earlier, medium, larger)


async def complete(session: Session, painting: Painting, finished: Finished) -> Finished:
    """What a painter said of a picture that it only made larger, with what is known of how that
    came into being."""
    digest = painting.recipe.get("enlarge")
    if not digest:
        return finished
    recipe = msgspec.structs.replace(finished.recipe, enlarge="")  # which says how it is painted
    finished = msgspec.structs.replace(finished, recipe=recipe)
    rows = await session.exec(
        select(MediaAttachment)
        .where(
            col(MediaAttachment.digest) == digest,
            col(MediaAttachment.account_id) == painting.account_id,
            col(MediaAttachment.painting_id).is_not(None),
        )
        .order_by(col(MediaAttachment.id))
        .limit(1)
    )
    medium = rows.first()
    if medium is None:  # deleted since: its recipe still says with which model it was painted
        return msgspec.structs.replace(finished, model=finished.recipe.model_name())
    return msgspec.structs.replace(
        finished, model=medium.ai_system, model_version=medium.ai_system_version
    )
