"""What an app posts to an outbox: read, and reduced to what it may decide.

ActivityPub 6 leaves ids, authors and moments to the server: whatever an app says of them is
passed over. A picture is asked for by an attachment without an address that carries the prompt,

    {"type": "Image", "AIPromptInformation": "a lighthouse in a storm", "name": "alt text",
     "seed": 7, "width": 1024, "height": 768, "steps": 8, "guidance": 1, "AISystemUsed": "…"}

(all but the first two optional), or, where an app can only write text, by a first line such as
`/imagine a lighthouse in a storm` (`fedi.studio.imagine`). The prompt of an attachment is part of
what is posted, and so is shared, unless the Note says `"shareRecipe": false`; that of a first line
is shared if it says `--share`, or the Note says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from activitypub.addressing import PUBLIC_NAMES, read_visibility
from activitypub.errors import Malformed
from activitypub.objects import Note
from activitypub.objects.activity import ACTIVITY_TYPES
from activitypub.objects.actor import ACTOR_TYPES
from activitypub.objects.note import NOTE_TYPES
from fedi.social import text
from fedi.social.errors import Invalid
from fedi.studio.media import NEGATIVE

# ActivityPub 6: activities that are nothing without an object, and without a target.
NEEDS_OBJECT = frozenset(
    {"Create", "Update", "Delete", "Follow", "Add", "Remove", "Like", "Block", "Undo"}
)
NEEDS_TARGET = frozenset({"Add", "Remove"})

PLAIN_TYPES = frozenset({text.PLAIN, text.MARKDOWN})

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
class Submission:
    """A post that an app asks for.

    Attributes:
        note: what it says; its ids, author and moments are the app's claims.
        text: what its author typed, if that is known.
        markdown: whether that is Markdown.
        content: HTML that was not sanitised yet, if it is not.
        visibility: public, unlisted, private or direct.
        recipients: actors that are addressed, without the Public and followers collections.
        hidden: those of them that only `bto` and `bcc` name.
        wishes: pictures that are asked for.
        addresses: pictures that are there already.
        quoters: who may quote it: public, followers or nobody.
        share_recipe: whether the recipe of a picture is to be shared; None: it does not say.
    """

    note: Note
    text: str
    markdown: bool
    content: str
    visibility: str
    recipients: tuple[str, ...]
    hidden: tuple[str, ...]
    wishes: tuple[Wish, ...]
    addresses: tuple[str, ...]
    quoters: str = "public"
    share_recipe: bool | None = None


def read(document: dict[str, Any], followers: str) -> Submission:
    """Read a Note, or a Create of one.

    Args:
        document: the body.
        followers: the id of the author's followers collection.

    Raises:
        HTTPException: 400 for what ActivityPub does not allow.
        Invalid: 422 for what it allows and we do not do.
    """
    object_ = _object(document)
    try:
        note = Note.parse(object_, wishes=True)
    except Malformed as error:
        raise HTTPException(400, error.reason) from error
    # Both the activity and its object are addressed to whom either is (ActivityPub 6.2).
    activity = Note.parse({**document, "type": "Note"}) if object_ is not document else note
    to = {*note.to, *activity.to}
    cc = {*note.cc, *activity.cc, *note.audience, *activity.audience}
    blind = {*note.bto, *activity.bto, *note.bcc, *activity.bcc}
    visibility = read_visibility(to, cc | blind, followers)
    collections = PUBLIC_NAMES | {followers}
    wishes, addresses = _pictures(object_)
    typed, markdown, content = _words(note, object_)
    return Submission(
        note=note,
        text=typed,
        markdown=markdown,
        content=content,
        visibility=visibility.value,
        recipients=tuple(sorted((to | cc | blind) - collections)),
        hidden=tuple(sorted(blind - to - cc - collections)),
        wishes=wishes,
        addresses=addresses,
        quoters=_quoters(note, followers),
        share_recipe=_shared(object_),
    )


def _quoters(note: Note, followers: str) -> str:
    """Who may quote, by the Note's own `interactionPolicy.canQuote`; everybody without one."""
    rule = note.interaction_policy.quote if note.interaction_policy is not None else None
    if rule is None or not PUBLIC_NAMES.isdisjoint(rule.automatic):
        return "public"
    return "followers" if followers in rule.automatic else "nobody"


def named(document: dict[str, Any]) -> str:
    """The type of what an app posts.

    Raises:
        HTTPException: 400 if it has none, or is an activity without what it needs.
    """
    kind = document.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    names = [name for name in kinds if isinstance(name, str)]
    if not names:
        raise HTTPException(400, "The property type is missing.")
    name = names[0]
    if name in NEEDS_OBJECT and not document.get("object"):
        raise HTTPException(400, f"A {name} needs an object.")
    if name in NEEDS_TARGET and not document.get("target"):
        raise HTTPException(400, f"A {name} needs a target.")
    return name


def _object(document: dict[str, Any]) -> dict[str, Any]:
    name = named(document)
    if name in ACTIVITY_TYPES:
        object_ = document.get("object")
        if name != "Create":
            raise Invalid(f"{name} is not possible here yet: post a Note, or a Create of a Note.")
        if not isinstance(object_, dict):
            raise HTTPException(400, "A Create needs its object embedded.")
        inner = object_.get("type")
        name = inner if isinstance(inner, str) else ""
        document = object_
    if name == "Note":
        return document
    if name in NOTE_TYPES | ACTOR_TYPES | ACTIVITY_TYPES:
        raise Invalid(f"{name} is not possible here yet: post a Note, or a Create of a Note.")
    raise HTTPException(400, "The type is unknown: post a Note, or a Create of a Note.")


def _words(note: Note, object_: Mapping[str, Any]) -> tuple[str, bool, str]:
    """What was typed and whether it is Markdown, or else the HTML that the app made of it."""
    typed, kind = "", ""
    if note.source is not None:
        typed, kind = note.source.content, _plain_type(note.source.media_type)
    if not kind:
        typed, kind = note.content, _plain_type(object_.get("mediaType"))
    return (typed, kind == text.MARKDOWN, "") if kind else ("", False, note.content)


def _plain_type(value: object) -> str:
    """A media type of words rather than markup, without its parameters; else nothing."""
    kind = value.split(";")[0].strip().lower() if isinstance(value, str) else ""
    return kind if kind in PLAIN_TYPES else ""


def _pictures(object_: Mapping[str, Any]) -> tuple[tuple[Wish, ...], tuple[str, ...]]:
    attachments = object_.get("attachment")
    if attachments is None:
        return (), ()
    wishes, addresses = [], []
    for entry in attachments if isinstance(attachments, list) else [attachments]:
        if not isinstance(entry, Mapping):
            raise HTTPException(400, "An attachment must be an object.")
        url = entry.get("url") or entry.get("href")
        if url:
            if not isinstance(url, str):
                raise HTTPException(400, "The url of an attachment must be text.")
            addresses.append(url)
        else:
            alt = entry.get("name") or entry.get("summary") or ""
            if not isinstance(alt, str):
                raise HTTPException(400, "The name of an attachment must be text.")
            wishes.append(Wish(_recipe(entry), alt))
    return tuple(wishes), tuple(addresses)


def _recipe(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a recipe as `Recipe.parse` reads (and judges) them."""
    recipe = {
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


def _shared(object_: Mapping[str, Any]) -> bool | None:
    shared = object_.get("shareRecipe")
    if not isinstance(shared, bool | None):
        raise HTTPException(400, "“shareRecipe” must be true or false.")
    return shared
