"""What somebody asks for, read and granted: a recipe, the pictures it begins with, what becomes of
the picture. Apps ask by this document, and our own pages make one of their forms.

    {"recipe": {"prompt": "a cat", …}, "share_recipe": false, "description": "", "count": 1,
     "post": {"text": "", …}}

Only `recipe.prompt` must be there. The fields of a recipe are those of `generation.recipe.Recipe`;
its `source` and `mask` are, and its `references` is a list of, `{"media_id": "1"}`,
`{"painting_id": "2"}`, `{"status_id": "3"}`, or `{"upload": "name"}`: a file that came with the
document. A mask may be `{"rectangle": [left, top, width, height]}`, too, in hundredths of the
source. Whoever begins with somebody else's picture needs that author to share its recipe.

- `post`: the picture is posted when it is done (`fedi.studio.drafting`).
- `count`: so many pictures at once, with seeds in a row; with a post, all in one.
- `remix_of`: the id of a post whose author shares its recipe. The recipe is taken over, and
  `recipe` says only what is different (null: as if it had not been said).
- `variation_of`: the id of a painting of one's own. The same, with a new seed; with
  `recipe.strength` it starts from the picture.
- `upscale_of`: the id of a painting of one's own, which is not painted again but made larger:
  `upscale` (2 or 4) times as large as it is. There is no `recipe` then. (In a recipe, `upscale` has
  a new picture made larger when it is painted.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from fedi import ids
from fedi.database import Transaction
from fedi.database.tables import Account, Painting
from fedi.runtime import Easel
from fedi.social.errors import Invalid
from fedi.social.statuses import Draft
from fedi.studio import drafting, enlarging, gathering, inputs, media, paintings, remixing
from fedi.studio.gathering import Sent
from fedi.studio.inputs import Found
from generation.recipe import Recipe, RecipeError

MAX_COUNT = 8  # pictures of one request; twice what Midjourney shows at once


@dataclass(frozen=True, slots=True)
class Asked:
    """Pictures that somebody asks for.

    Attributes:
        recipes: one for each.
        pictures: what they begin with; their files are stored.
        based_on_uri: the post that they are remixes of, and parent: its picture, stored too.
        sensitive: whether they are marked whatever their words say.
        several: whether a number of pictures was asked for.
    """

    recipes: list[Recipe]
    pictures: tuple[Found, ...]
    based_on_uri: str | None
    parent: Found | None
    draft: Draft | None
    share_recipe: bool
    description: str
    sensitive: bool
    several: bool


async def understand(
    easel: Easel, account: Account, asked: Mapping[str, Any], uploads: Mapping[str, Sent]
) -> Asked:
    """What is asked for; the pictures that it begins with are found, and their files stored.

    Args:
        asked: the document.
        uploads: files that came with it, by name.

    Raises:
        SocialError: with what to change.
    """
    share = drafting.flag(asked, "share_recipe")
    description = drafting.words(asked, "description", media.MAX_DESCRIPTION)
    draft = drafting.parse(asked.get("post"))
    count = _count(asked)
    if (earlier_id := _optional_id(asked, "upscale_of")) is not None:
        return await _larger(easel, account, asked, earlier_id, draft, description, share)
    if asked.get("upscale") is not None:
        raise Invalid("“upscale” stands in the recipe, or beside “upscale_of”.")
    recipe, based_on, parent = await _recipe(easel, account, asked)
    gathered = await gathering.gather(easel, account, recipe, uploads)
    first = parse_recipe(gathered.recipe)
    if based_on is None and gathered.parent is not None:
        based_on, parent = gathered.parent.status_uri, gathered.parent
    if based_on is None and draft is not None:
        based_on = draft.based_on_uri
        parent = await remixing.picture(easel, account, based_on)
    await inputs.keep_files(easel, [*gathered.found, *([parent] if parent else [])])
    if draft is not None:
        draft = msgspec.structs.replace(draft, based_on_uri=based_on or draft.based_on_uri)
    return Asked(
        recipes=first.times(count),
        pictures=gathered.found,
        based_on_uri=based_on,
        parent=parent,
        draft=draft,
        share_recipe=share,
        description=description,
        sensitive=False,
        several=asked.get("count") is not None,
    )


async def grant(
    easel: Easel, account: Account, asked: Asked, begun_post: Draft | None = None
) -> list[Painting]:
    """Ask for the pictures. The files of what is refused are removed.

    Args:
        begun_post: the post that its author has begun, and means to post by hand.

    Raises:
        SocialError: as `paintings.request_several`.
    """
    try:
        async with easel.database.write() as tx:
            return await request(tx, easel, account, asked, begun_post)
    except BaseException:
        await inputs.discard_files(easel, [*asked.pictures, *filter(None, [asked.parent])])
        raise


async def request(
    tx: Transaction, easel: Easel, account: Account, asked: Asked, begun_post: Draft | None = None
) -> list[Painting]:
    """As `grant`, together with what else is written; the files of what is refused stay.

    Raises:
        SocialError: as `paintings.request_several`.
    """
    return await paintings.request_several(
        tx,
        easel.settings.painting,
        account,
        asked.recipes,
        share_recipe=asked.share_recipe,
        description=asked.description,
        draft=asked.draft,
        begun_post=begun_post,
        pictures=asked.pictures,
        based_on_uri=asked.based_on_uri,
        parent=asked.parent,
        sensitive=asked.sensitive,
    )


async def _larger(
    easel: Easel,
    account: Account,
    asked: Mapping[str, Any],
    earlier_id: int,
    draft: Draft | None,
    description: str,
    share: bool,
) -> Asked:
    """An earlier picture, made larger."""
    for other in ("recipe", "remix_of", "variation_of", "count"):
        if asked.get(other) is not None:
            raise Invalid(f"A picture that is only made larger has no “{other}” beside it.")
    async with easel.database.read() as session:
        wish = await enlarging.find(session, account, earlier_id, asked.get("upscale"))
    picture = await gathering.own(easel, account, wish.medium)
    parent = await inputs.kept(easel, wish.earlier)
    await inputs.keep_files(easel, [picture])
    based_on = wish.earlier.based_on_uri
    if draft is not None:
        draft = msgspec.structs.replace(draft, based_on_uri=based_on or draft.based_on_uri)
    if not wish.medium.described_by:  # by a person, who need not do so again
        description = description or wish.medium.description
    return Asked(
        recipes=[msgspec.structs.replace(wish.recipe, enlarge=picture.picture.digest)],
        pictures=(picture,),
        based_on_uri=based_on,
        parent=parent,
        draft=draft,
        share_recipe=share,
        description=description,
        sensitive=wish.medium.sensitive or wish.earlier.sensitive,
        several=False,
    )


async def _recipe(
    easel: Easel, account: Account, asked: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str | None, Found | None]:
    """The recipe as it was written or taken over, the post that it was taken from, its picture."""
    parent_id, earlier_id = _optional_id(asked, "remix_of"), _optional_id(asked, "variation_of")
    if parent_id is not None and earlier_id is not None:
        raise Invalid("Ask for a remix or for a variation, not both.")
    changes = asked.get("recipe")
    if changes is None and (parent_id is not None or earlier_id is not None):
        changes = {}
    if not isinstance(changes, Mapping):
        raise Invalid("“recipe” must be an object.")
    if parent_id is not None:
        async with easel.database.read() as session:
            settings = easel.settings.painting
            parent = await remixing.parent(session, settings, account, parent_id)
        picture = await remixing.picture_of(easel, account, parent.medium, parent.status)
        return {**parent.recipe, **changes}, parent.status.uri, picture
    if earlier_id is not None:
        async with easel.database.read() as session:
            earlier, recipe = await remixing.variation(session, account, earlier_id, changes)
        return recipe, earlier.based_on_uri, await inputs.kept(easel, earlier)
    return changes, None, None


def _count(asked: Mapping[str, Any]) -> int:
    count = asked.get("count")
    if count is None:
        return 1
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise Invalid(f"“count” must be a whole number from 1 to {MAX_COUNT}.")
    return count


def _optional_id(asked: Mapping[str, Any], name: str) -> int | None:
    value = asked.get(name)
    if value is None:
        return None
    number = ids.parse(value)
    if number is None:
        raise Invalid(
            f"“{name}” must be the id of a {'post' if name == 'remix_of' else 'painting'}, as text."
        )
    return number


def parse_recipe(value: object) -> Recipe:
    """A recipe as an app wrote it.

    Raises:
        Invalid: with what to change.
    """
    try:
        return Recipe.parse(value)
    except RecipeError as refusal:
        raise Invalid(str(refusal)) from refusal
