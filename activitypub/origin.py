"""Who may say what about which id (FEP-fe34)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from activitypub.objects.activity import Activity


class Forbidden(StrEnum):
    """Why an activity or document is not believed."""

    NO_ID = "the activity has no id"
    NO_ACTOR = "the activity has no actor"
    NO_OBJECT = "the activity has no object"
    NOT_SIGNER = "the activity's actor is not the one that signed the request"
    FOREIGN_ID = "the activity's id is on another host than its actor"
    FOREIGN_OBJECT = "the object is on another host than the actor"
    OTHER_AUTHOR = "the object is attributed to someone else"
    OTHER_ACTOR = "the undone activity is someone else's"
    NOT_TARGET = "the follow was addressed to someone else"
    SELF = "the actor acts upon itself"


def origin(uri: str) -> str | None:
    """The canonical origin of an id, such as `https://example.org` or `http://a.localhost:8001`.

    Scheme and host in lower case, default port and trailing dot dropped, IDN as A-labels. None
    for anything that is no http(s) address, carries user information, a backslash, blanks or
    control characters, or an escaped host.
    """
    raise NotImplementedError


def host(uri: str) -> str | None:
    """The canonical authority of an id, such as `example.org` or `a.localhost:8001`."""
    raise NotImplementedError


def same_origin(a: str | None, b: str | None) -> bool:
    """Whether both are http(s) ids of one canonical origin; False if either is None."""
    raise NotImplementedError


def may_speak(actor_id: str, document: Mapping[str, Any]) -> Forbidden | None:
    """Whether this actor may state this object: same origin as its id, attributed to it.

    An object without `attributedTo` is refused unless it is the actor itself. None is yes.
    """
    raise NotImplementedError


def check(activity: Activity, signer: str) -> Forbidden | None:
    """Everything about an activity that needs no database; None is yes.

    `signer` is the owner of the key that signed the request. Holds for every type: id, actor
    and object present, actor is the signer, id on the actor's origin. And by type:
    Create/Update: `may_speak` for an embedded object, same origin for a bare id.
    Delete: the object is the actor itself or on its origin.
    Undo: an embedded activity is the actor's own; a bare id is on its origin.
    Accept/Reject: an embedded Follow is addressed to the actor.
    Follow/Block: not of oneself. Announce/Like: any object, by id only.
    """
    raise NotImplementedError


def embedded(activity: Activity) -> dict[str, Any] | None:
    """The embedded object if it may be believed without fetching it: same origin and owner.

    None for an Announce of somebody else's post: fetch it instead.
    """
    raise NotImplementedError
