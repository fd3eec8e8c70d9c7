"""The pictures of a post, as an app names them: uploaded before, or asked for.

A picture is asked for by an attachment without an address that carries the prompt,

    {"type": "Image", "AIPromptInformation": "a lighthouse in a storm", "name": "alt text",
     "seed": 7, "width": 1024, "height": 768, "steps": 8, "guidance": 1, "AISystemUsed": "…"}

(all but the first two optional), under the names of IPTC that our own posts use; or with
`recipe`, as they publish it. One that is there is named by its address here (`url`, `href` or
`id`), and may say its alt text (`name`) and what must stay in sight (`focalPoint`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from activitypub.objects import Attachment, values
from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment
from fedi.federation.translate import outward
from fedi.social.errors import Invalid
from fedi.social.statuses import MAX_MEDIA
from fedi.studio import media
from fedi.studio.media import NEGATIVE

NOT_HERE = "A picture must be on this server before it can be posted."

# Our names for the parts of a recipe, and those that an attachment has for them.
RECIPE_TERMS = {
    "prompt": ("AIPromptInformation", "Iptc4xmpExt:AIPromptInformation", "prompt"),
    "model": ("AISystemUsed", "Iptc4xmpExt:AISystemUsed"),
    "seed": ("seed",),
    "width": ("width",),
    "height": ("height",),
    "steps": ("steps",),
    "guidance": ("guidance",),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A picture that is asked for."""

    recipe: dict[str, Any]
    description: str


@dataclass(frozen=True, slots=True)
class Named:
    """A picture that is there already.

    Attributes:
        url: its address here.
        description: its alt text; None: as it was uploaded.
        focus: what must stay in sight, from -1 to 1 to the right and upwards; None: likewise.
    """

    url: str
    description: str | None
    focus: tuple[float, float] | None


def read(attachments: Any) -> tuple[tuple[Wish, ...], tuple[Named, ...]]:
    """The pictures that are asked for, and those that are there.

    Raises:
        HTTPException: 400 for what is no attachment.
        Invalid: an Image has neither an address nor a prompt.
    """
    if attachments is None:
        return (), ()
    wishes, named = [], []
    entries = attachments if isinstance(attachments, list) else [attachments]
    if len(entries) > MAX_MEDIA:
        raise Invalid(f"A post has at most {MAX_MEDIA} pictures.")
    for entry in entries:
        if isinstance(entry, str):
            entry = {"id": entry}
        if not isinstance(entry, Mapping):
            raise HTTPException(400, "An attachment must be an object.")
        url = address(entry)
        if url is None:
            wishes.append(Wish(_recipe(entry), _description(entry) or ""))
        else:
            named.append(
                Named(url, _description(entry), Attachment.parse(_image(entry)).focal_point)
            )
    return tuple(wishes), tuple(named)


def address(entry: Mapping[str, Any]) -> str | None:
    """Where something is; None, if it is nowhere.

    Raises:
        HTTPException: 400 if its address is none.
    """
    for name in ("url", "href", "id"):
        if not entry.get(name):
            continue
        url = values.page_url(entry[name]) if name == "url" else values.uri(entry[name])
        if url is None:
            raise HTTPException(400, f"The {name} of an attachment is no address.")
        return url
    return None


def _image(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Image", "focalPoint": entry.get("focalPoint")}


def _description(entry: Mapping[str, Any]) -> str | None:
    alt = entry.get("name") or entry.get("summary")
    if alt is None or isinstance(alt, str):
        return alt
    raise HTTPException(400, "The name of an attachment must be text.")


def _recipe(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a recipe as `Recipe.parse` reads (and judges) them."""
    whole = entry.get("recipe")
    recipe = dict(whole) if isinstance(whole, Mapping) else {}
    recipe |= {
        name: entry[term]
        for name, terms in RECIPE_TERMS.items()
        for term in reversed(terms)
        if entry.get(term) is not None
    }
    prompt = recipe.get("prompt")
    if not prompt:
        raise Invalid("Say what the picture should show: an Image needs AIPromptInformation.")
    if isinstance(prompt, str) and NEGATIVE in prompt:  # as we write it ourselves
        recipe["prompt"], _, recipe["negative_prompt"] = prompt.partition(NEGATIVE)
    return recipe


async def of_ours(session: Session, author: Account, picture: Named) -> MediaAttachment:
    """The picture of the author's that is named so and that no post has yet.

    Raises:
        Invalid: it is elsewhere, or none of theirs that could be attached.
    """
    start = f"{author.uri}/uploads/"  # how uploads are called as objects
    if picture.url.startswith(start):
        number = ids.parse(picture.url.removeprefix(start))
        medium = await session.get(MediaAttachment, number) if number is not None else None
        if medium is None or medium.account_id != author.id or medium.file is None:
            raise Invalid("There is no such picture of yours that could be attached.")
        return await media.unattached(session, author, medium.file)
    key = media.key_of(session.instance, picture.url)
    if key is None:
        raise Invalid(NOT_HERE)
    return await media.unattached(session, author, key)


def describe(medium: MediaAttachment, picture: Named) -> None:
    """Say of a picture what its post says of it.

    Raises:
        Invalid: the alt text is too long.
    """
    if picture.description is not None and picture.description != medium.description:
        medium.description = media.checked_description(picture.description)
        medium.described_by = ""
    if picture.focus is not None:
        medium.focus_x, medium.focus_y = picture.focus


def document(session: Session, account: Account, medium: MediaAttachment) -> dict[str, Any]:
    """A picture that was uploaded, as an object of its own."""
    return {
        "id": media.object_uri(account, medium.id),
        **outward.attachment(medium, session.instance).document(),
        "attributedTo": account.uri,
        "published": values.stamp(medium.created_at),
    }
