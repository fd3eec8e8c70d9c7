"""What no Update can change, of a post or of an account: it is refused, rather than passed over, or
its author would think that it is so. Apps may send back what they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activitypub.objects import values
from fedi.api.client import audience, envelope
from fedi.api.client.submission import PICTURES
from fedi.database import Session
from fedi.database.tables import Account, Quote, Status
from fedi.social import kinds
from fedi.social.errors import Invalid, NotAllowed

ADDRESSING = ("to", "cc", "bto", "bcc", "audience")
# Of an account, what only the server says, and other activities.
OF_ACTORS = (
    "assertionMethod", "featured", "followers", "following", "inbox", "liked", "movedTo", "outbox",
    "preferredUsername", "publicKey",
)  # fmt: skip


async def check_post(
    session: Session,
    author: Account,
    status: Status,
    known: Mapping[str, Any],
    object_: Mapping[str, Any],
) -> None:
    """Refuse what would make another post of one.

    Args:
        known: the post as its author reads it.
        object_: what an Update says of it.

    Raises:
        Invalid: with what stays as it is.
    """
    if "type" in object_ and not _same_kind(status, envelope.kind(object_)):
        raise Invalid(f"The type stays as it is: {status.object_type}.")
    answered = values.uri(object_.get("inReplyTo"))
    if "inReplyTo" in object_ and answered != status.in_reply_to_uri:
        raise Invalid("What a post answers stays as it is.")
    if "quote" in object_:
        row = await session.get(Quote, status.id)
        if values.uri(object_["quote"]) != (row.quoted_uri if row is not None else None):
            raise Invalid("What a post quotes stays as it is.")
    if not _same_audience(author, status, known, object_):
        raise Invalid("Whom a post is for stays as it is: delete it, and post it anew.")


def _same_kind(status: Status, told: str) -> bool:
    """An Image became a Note with that picture."""
    note = status.object_type == kinds.NOTE
    return told == status.object_type or (note and told in PICTURES)


def _same_audience(
    author: Account, status: Status, known: Mapping[str, Any], object_: Mapping[str, Any]
) -> bool:
    """Whether a post is for nobody whom it was not for before; some apps leave out who is named."""
    if all(name not in object_ for name in ADDRESSING):
        return True
    before = audience.read([known], author.followers_uri)
    kept = {name: known[name] for name in ADDRESSING if name in known}
    after = audience.read([{**kept, **object_}], author.followers_uri)
    return after.visibility == status.visibility and set(after.people) <= {
        *before.people, author.uri
    }  # fmt: skip


def check_actor(known: Mapping[str, Any], object_: Mapping[str, Any]) -> None:
    """Refuse what only the server says of an account.

    Args:
        known: its document.
        object_: what an Update says of it.

    Raises:
        NotAllowed: with what stays as it is.
    """
    for name in OF_ACTORS:
        if name in object_ and (object_[name] or None) != (known.get(name) or None):
            raise NotAllowed(f"“{name}” stays as it is: only the server changes that.")
