"""Recipes that begin with another's, or with an earlier picture of one's own."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Painting, Status
from fedi.runtime import Easel
from fedi.settings import PaintingSettings
from fedi.social import statuses
from fedi.social.errors import Invalid, NotAllowed, NotFound, SocialError
from fedi.studio import appraisal, gathering, media, painters, paintings
from fedi.studio.inputs import Found
from generation.recipe import Recipe

# What a recipe says for one model, and what would be wrong for another.
OF_ITS_MODEL = ("model", "steps", "guidance", "loras")
NO_PARENT = "There is no such post that you could remix."


@dataclass(frozen=True, slots=True)
class Parent:
    """A post that may be remixed, its picture, and the recipe as it can be painted here."""

    status: Status
    medium: MediaAttachment
    recipe: dict[str, Any]


async def parent(
    session: Session, settings: PaintingSettings, account: Account, status_id: int
) -> Parent:
    """The post that an account wants to remix; of a boost, what was boosted.

    Raises:
        NotFound: it is not there, or not for this account to see.
        NotAllowed: its author does not share its recipe.
        Invalid: it has no picture.
    """
    status = await statuses.load(session, account, status_id)
    if status is not None and status.reblog_of_id is not None:
        status = await statuses.load(session, account, status.reblog_of_id)
    if status is None:
        raise NotFound(NO_PARENT)
    medium = await gathering.first_picture(session, status)
    if medium is None:
        raise Invalid("That post has no picture that could be remixed.")
    recipe = recipe_of(medium)
    if not medium.share_recipe and medium.account_id != account.id:
        raise NotAllowed("The author of that post does not share its recipe.")
    if recipe is None:
        raise Invalid("That picture has no recipe: start from the picture itself.")
    here = await _as_painted_here(session, settings, recipe.shared())
    return Parent(status, medium, here.document())


async def picture(easel: Easel, account: Account, uri: str | None) -> Found | None:
    """The picture of the post that a new one is a remix of, as it is named by its author.

    Returns:
        None if it is not here, not for this account to see, or not shared: it is only named, then.
    """
    if uri is None:
        return None
    async with easel.database.read() as session:
        status = await statuses.load_by_uri(session, account, uri)
        medium = None if status is None else await gathering.first_picture(session, status)
    return None if medium is None else await picture_of(easel, account, medium, status)


async def picture_of(
    easel: Easel, account: Account, medium: MediaAttachment, status: Status | None
) -> Found | None:
    """The picture of a post that is remixed; None if it cannot be had."""
    with contextlib.suppress(SocialError):  # its server is down: the words are here
        return await gathering.of_medium(easel, account, medium, status, "picture to remix")
    return None


def recipe_of(medium: MediaAttachment) -> Recipe | None:
    """The recipe of a picture, as far as it is known: whole, or only its words."""
    try:
        return Recipe.from_document(medium.recipe or {})
    except msgspec.ValidationError:  # none is kept, or none that this version reads
        prompt, _, negative = medium.ai_prompt.partition(media.NEGATIVE)
        return Recipe(prompt=prompt, negative_prompt=negative) if prompt.strip() else None


async def _as_painted_here(session: Session, settings: PaintingSettings, recipe: Recipe) -> Recipe:
    """The recipe for a model that paints here: its own if there is one, else the usual one."""
    if await appraisal.paints_with(session, settings, recipe.model):
        return recipe
    kept = {k: v for k, v in recipe.document().items() if k not in OF_ITS_MODEL}
    usual = appraisal.known_model(painters.canonical(settings.model))
    if usual is not None:
        if not usual.negative_prompt:
            kept.pop("negative_prompt", None)
        if any((kept.get(side) or 0) % usual.multiple for side in ("width", "height")):
            kept = {k: v for k, v in kept.items() if k not in ("width", "height")}
    return Recipe.from_document(kept)


async def variation(
    session: Session, account: Account, painting_id: int, changes: Mapping[str, Any]
) -> tuple[Painting, dict[str, Any]]:
    """The recipe of an earlier picture of one's own, for another that is like it.

    Args:
        changes: what is different. Without a seed a new one is drawn; with a `strength` and no
            source, it starts from the earlier picture.

    Returns:
        The earlier painting, and the recipe as an app would write it.

    Raises:
        NotFound: there is no such painting of theirs.
        Invalid: it is to start from a picture that is not painted yet.
    """
    painting = await paintings.find(session, account, painting_id)
    recipe = {**painting.recipe, "seed": None, **changes}
    recipe.pop("enlarge", None)  # a variation is painted anew
    if "strength" in changes and "source" not in changes and not painting.recipe.get("source"):
        if painting.media_id is None:
            raise Invalid("That picture is not painted yet: its recipe alone can be varied.")
        recipe["source"] = {"media_id": str(painting.media_id)}
    return painting, recipe
