"""What an app posts to an outbox, made an activity: a bare object is wrapped in a Create.

ActivityPub 6 leaves ids, actors and moments to the server: whatever an app says of them is passed
over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException

from activitypub.context import OURS
from activitypub.errors import Malformed
from activitypub.objects import Activity, values
from activitypub.objects.activity import ACTIVITY_TYPES
from activitypub.objects.note import NOTE_TYPES

Document = dict[str, Any]

# ActivityPub 6: activities that are nothing without an object, and without a target. The others
# here have no meaning without one, either.
NEEDS_OBJECT = frozenset(
    {
        "Accept", "Add", "Announce", "Block", "Create", "Delete", "Dislike", "Flag", "Follow",
        "Like", "Move", "QuoteRequest", "Reject", "Remove", "Undo", "Update",
    }
)  # fmt: skip
NEEDS_TARGET = frozenset({"Add", "Move", "Remove"})

# What tells an activity of a type that we do not know from an object of one.
MARKS = ("actor", "object", "target", "origin", "instrument", "result")

# Objects of the vocabulary that have such properties themselves.
OBJECTS = frozenset({"Collection", "OrderedCollection", "Place", "Profile", "Relationship"})

# How our own context shortens what only it may say.
PREFIXES = ("as:", "sec:")

ADDRESSING = ("to", "cc", "bto", "bcc", "audience")


def opened(document: Document) -> Document:
    """What was posted as an activity.

    Raises:
        HTTPException: 400 if it has no type, or lacks what its type needs.
    """
    name = kind(document)
    if not is_activity(name, document):
        shared = {key: document[key] for key in ADDRESSING if key in document}
        return {
            "type": "Create",
            "@context": document.get("@context"),
            **shared,
            "object": document,
        }
    if name in NEEDS_OBJECT and not document.get("object"):
        raise HTTPException(400, f"{article(name)} needs an object.")
    if name in NEEDS_TARGET and not document.get("target"):
        raise HTTPException(400, f"{article(name)} needs a target.")
    return document


def is_activity(name: str, document: Mapping[str, Any]) -> bool:
    """Whether something is done, rather than something that is there."""
    if (
        name in NOTE_TYPES or name in OBJECTS
    ):  # a Question, too, is a post to everybody but the vocabulary
        return False
    known = ACTIVITY_TYPES | NEEDS_OBJECT
    return name in known or any(mark in document for mark in MARKS)


def kind(document: Mapping[str, Any]) -> str:
    """The type of something.

    Raises:
        HTTPException: 400 if it has none.
    """
    try:
        name = values.kind(document)
    except Malformed as error:
        raise HTTPException(400, error.reason) from error
    if name.lower().startswith((*OURS, *PREFIXES)):
        raise HTTPException(400, "A type of ActivityStreams is named by its plain name.")
    return name


def parsed(document: Document) -> Activity:
    """An activity, read.

    Raises:
        HTTPException: 400 if that is none.
    """
    try:
        return Activity.parse(document)
    except Malformed as error:
        raise HTTPException(400, error.reason) from error


def inner(document: Document) -> Document:
    """The object that an activity brings.

    Raises:
        HTTPException: 400 if it is only named, or several.
    """
    object_ = document.get("object")
    if isinstance(object_, list) and len(object_) == 1:
        object_ = object_[0]
    if not isinstance(object_, dict):
        raise HTTPException(400, f"{article(kind(document))} needs its object embedded.")
    return object_


def article(name: str) -> str:
    """A type with its article, to begin a sentence."""
    return f"{'An' if name[:1] in 'AEIOU' else 'A'} {name}"
