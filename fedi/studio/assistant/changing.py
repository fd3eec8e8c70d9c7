"""“This, but at night”: the picture of the post that is answered, changed by other words."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, AssistantRequest, Painting, Status
from fedi.runtime import Easel
from fedi.social import statuses
from fedi.social.errors import Invalid, NotAllowed, NotFound
from fedi.studio import gathering, remixing
from fedi.studio.inputs import Found
from fedi.studio.remixing import Parent
from generation.recipe import Recipe, RecipeError


@dataclass(frozen=True, slots=True)
class Change:
    """What a picture becomes.

    Attributes:
        recipe: its own with what is different; or that which begins with the picture itself.
        parent: the picture, and the post that shows it.
        found: its file, if it can be had.
    """

    recipe: Recipe
    parent: Parent
    found: Found | None


async def change(
    easel: Easel, helper: Account, asker: Account, answered: int, asked: Recipe
) -> Change | None:
    """What a picture becomes by what somebody asks for.

    Args:
        helper: the assistant.
        answered: the id of the post that shows it.
        asked: what is different.

    Returns:
        None if there is no picture that could be changed: the words stand for themselves.

    Raises:
        NotAllowed: it is somebody else's, who does not share its recipe.
        Invalid: the recipe cannot be changed so.
    """
    async with easel.database.read() as session:
        parent = await _parent(session, easel, helper, asker, answered)
    if parent is None:
        return None
    found = await remixing.picture_of(easel, asker, parent.medium, parent.status)
    if parent.recipe:
        return Change(_changed(parent, asked), parent, found)
    if found is None:
        return None
    return Change(replace(asked, source=found.picture.digest), parent, found)


async def _parent(
    session: Session, easel: Easel, helper: Account, asker: Account, answered: int
) -> Parent | None:
    """The picture that is to be changed: of a post whose recipe is shared, or of who asks. What
    the assistant painted for somebody is theirs as well.

    Returns:
        With an empty recipe, if none is known.

    Raises:
        NotAllowed: it is somebody else's.
    """
    try:
        return await remixing.parent(session, easel.settings.painting, asker, answered)
    except NotAllowed:
        status = await statuses.load(session, asker, answered)
        if status is None or status.account_id != helper.id:
            raise
        if not await _was_for(session, status, asker):
            raise
        return await remixing.parent(session, easel.settings.painting, helper, answered)
    except (Invalid, NotFound):
        return await _without_recipe(session, asker, answered)


async def _without_recipe(session: Session, asker: Account, answered: int) -> Parent | None:
    """A picture of which nobody knows how it was made, if it is the asker's own."""
    status = await statuses.load(session, asker, answered)
    if status is None or status.account_id != asker.id:
        return None
    medium = await gathering.first_picture(session, status)
    return None if medium is None else Parent(status, medium, {})


async def _was_for(session: Session, status: Status, asker: Account) -> bool:
    query = (
        select(AssistantRequest.status_id)
        .join(Painting, col(Painting.id) == col(AssistantRequest.painting_id))
        .where(col(Painting.status_id) == status.id, col(AssistantRequest.account_id) == asker.id)
    )
    return (await session.exec(query)).first() is not None


def _changed(parent: Parent, recipe: Recipe) -> Recipe:
    """The recipe of a picture, with what is different."""
    before = Recipe.from_document(parent.recipe)
    said = {k: v for k, v in recipe.document().items() if k != "prompt" and v}
    try:
        return Recipe.parse(
            before.document()
            | said
            | {"prompt": f"{before.prompt}, {recipe.prompt}", "seed": recipe.seed or before.seed}
        )
    except RecipeError as refusal:
        raise Invalid(str(refusal)) from refusal
