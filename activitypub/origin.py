"""Who may say what about which id (FEP-fe34)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Any

import idna

from activitypub.addressing import PUBLIC_NAMES
from activitypub.objects import values
from activitypub.objects.activity import Activity

AUTHORITY_LIMIT = 260
"""Characters: 253 of a DNS name and a port."""

ORIGINS_KEPT = 4096
"""Ids whose origin is remembered; each is asked for several times per activity."""

LABELS = 2
"""Of a name, that make a domain; where a registry has three, its hosts count as one."""

INTRANSITIVE = frozenset({"Arrive", "Travel"})
"""Activities that are done to nothing; a Question is a post to everybody but the vocabulary."""

_URI = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_AUTHORITY = re.compile(
    r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:@\[\]/?#\\%\s]+)(?::(?P<port>[0-9]{0,5}))?"
)
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


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
    NOT_SELF = "the actor moves somebody else"
    FOREIGN_TARGET = "the target is on another host than the actor"
    FOREIGN_INSTRUMENT = "the instrument is on another host than the actor"


def origin(uri: str) -> str | None:
    """The canonical origin of an id, such as `https://example.org` or `http://a.localhost:8001`.

    Scheme and host in lower case, default port and trailing dot dropped, IDN as A-labels. None
    for anything that is no http(s) address, carries user information, a backslash, blanks or
    control characters, or an escaped host.
    """
    parts = _parts(uri)
    return f"{parts[0]}://{parts[1]}" if parts else None


def host(uri: str) -> str | None:
    """The canonical authority of an id, such as `example.org` or `a.localhost:8001`."""
    parts = _parts(uri)
    return parts[1] if parts else None


def domain_of(authority: str) -> str:
    """The domain that a host (and port) lies in; an address lies in none but itself. Who has one
    has as many hosts in it as they like."""
    if authority.startswith("["):
        return authority.partition("]")[0]
    labels = authority.partition(":")[0].split(".")
    return ".".join(labels if labels[-1].isdigit() else labels[-LABELS:])


@lru_cache(maxsize=ORIGINS_KEPT)
def authority(host: str, scheme: str = "https") -> str | None:
    """The canonical form of `host` or `host:port`; None if it is none."""
    match = _AUTHORITY.fullmatch(host)
    if match is None or len(host) > AUTHORITY_LIMIT:
        return None
    name, port = match["name"].lower(), match["port"]
    if name.startswith("["):
        try:
            name = f"[{IPv6Address(name[1:-1])}]"
        except ValueError:
            return None
    else:
        name = name.removesuffix(".")
        if not name.isascii():
            try:
                name = idna.encode(name, uts46=True).decode("ascii")
            except (idna.IDNAError, UnicodeError):
                return None
        if not _NAME.fullmatch(name):
            return None
    if not port:
        return name
    number = int(port)
    if not 0 < number < 65536:
        return None
    return name if number == _DEFAULT_PORTS.get(scheme) else f"{name}:{number}"


def same_origin(a: str | None, b: str | None) -> bool:
    """Whether both are http(s) ids of one canonical origin; False if either is None."""
    if a is None or b is None:
        return False
    parts = _parts(a)
    return parts is not None and parts == _parts(b)


def may_speak(actor_id: str, document: Mapping[str, Any]) -> Forbidden | None:
    """Whether this actor may state this object: same origin as its id, attributed to it.

    An object without `attributedTo` is refused unless it is the actor itself. None is yes.
    """
    object_id = values.uri(document.get("id"))
    if object_id == actor_id:
        return None
    if not same_origin(object_id, actor_id):
        return Forbidden.FOREIGN_OBJECT
    if values.author(document.get("attributedTo")) != actor_id:
        return Forbidden.OTHER_AUTHOR
    return None


def check(activity: Activity, signer: str) -> Forbidden | None:
    """Everything about an activity that needs no database; None is yes.

    `signer` is the owner of the key that signed the request. Holds for every type: id, actor
    and object present (but of what is intransitive), actor is the signer, id on the actor's
    origin. And by type:
    Create/Update: `may_speak` for an embedded object, same origin for a bare id; an embedded
    object without `attributedTo` is taken for the actor's in a Create only.
    Delete: the object is the actor itself or on its origin.
    Undo: an embedded activity is the actor's own; a bare id is on its origin.
    Accept/Reject: an embedded Follow is addressed to the actor, or to everybody.
    Follow/Block: not of oneself. Move: of oneself. Add/Remove: the target is on the actor's
    origin. QuoteRequest: the instrument (the quoting post) is on the actor's origin.
    Announce/Like: any object, by id only.

    Whether a stored object belongs to the actor, and whether a Follow was ever sent, only the
    database knows: Update, Delete, Undo, Accept and Reject must still be held to that.
    """
    actor = activity.actor
    if activity.id is None:
        return Forbidden.NO_ID
    if actor is None:
        return Forbidden.NO_ACTOR
    if actor != signer:
        return Forbidden.NOT_SIGNER
    if not same_origin(activity.id, actor):
        return Forbidden.FOREIGN_ID
    without = activity.object is None and activity.object_id is None
    if without and activity.type not in INTRANSITIVE:
        return Forbidden.NO_OBJECT
    rule = _RULES.get(activity.type)
    return rule(activity, actor) if rule else None


def embedded(activity: Activity) -> dict[str, Any] | None:
    """The embedded object if it may be believed without fetching it: same origin and owner.

    None for an Announce of somebody else's post: fetch it instead.
    """
    if activity.object is None or activity.actor is None:
        return None
    return None if may_speak(activity.actor, activity.object) else activity.object


def _stated(activity: Activity, actor: str) -> Forbidden | None:
    if activity.object is None:
        return _on_origin(activity, actor)
    document = activity.object
    if activity.type == "Create" and document.get("attributedTo") is None:
        document = {**document, "attributedTo": actor}
    return may_speak(actor, document)


def _on_origin(activity: Activity, actor: str) -> Forbidden | None:
    return None if same_origin(activity.object_id, actor) else Forbidden.FOREIGN_OBJECT


def _undone(activity: Activity, actor: str) -> Forbidden | None:
    if activity.object is None:
        return _on_origin(activity, actor)
    if values.uri(activity.object.get("actor")) != actor:
        return Forbidden.OTHER_ACTOR
    # without an id it is found by its actor, type and object
    return _on_origin(activity, actor) if activity.object_id else None


def _answered(activity: Activity, actor: str) -> Forbidden | None:
    answered = activity.object
    if answered is None or "Follow" not in values.entries(answered.get("type"), 10):
        return None
    # A relay answers a Follow of as:Public (FEP-ae0c).
    target = values.uri(answered.get("object"))
    return None if target in {actor, *PUBLIC_NAMES} else Forbidden.NOT_TARGET


def _other(activity: Activity, actor: str) -> Forbidden | None:
    return Forbidden.SELF if activity.object_id == actor else None


def _self(activity: Activity, actor: str) -> Forbidden | None:
    return None if activity.object_id == actor else Forbidden.NOT_SELF


def _named(activity: Activity, actor: str) -> Forbidden | None:
    return None if activity.object_id is not None else Forbidden.NO_OBJECT


def _own_target(activity: Activity, actor: str) -> Forbidden | None:
    return None if same_origin(activity.target, actor) else Forbidden.FOREIGN_TARGET


def _own_instrument(activity: Activity, actor: str) -> Forbidden | None:
    return None if same_origin(activity.instrument, actor) else Forbidden.FOREIGN_INSTRUMENT


_RULES: dict[str, Callable[[Activity, str], Forbidden | None]] = {
    "Announce": _named,
    "Like": _named,
    "Create": _stated,
    "Update": _stated,
    "Delete": _on_origin,
    "Undo": _undone,
    "Accept": _answered,
    "Reject": _answered,
    "Follow": _other,
    "Block": _other,
    "Move": _self,
    "Add": _own_target,
    "Remove": _own_target,
    "QuoteRequest": _own_instrument,
}


@lru_cache(maxsize=ORIGINS_KEPT)
def _parts(uri: str) -> tuple[str, str] | None:
    match = _URI.match(uri)
    if match is None or _UNSAFE.search(uri):
        return None
    scheme = match["scheme"].lower()
    canonical = authority(match["authority"], scheme)
    return (scheme, canonical) if canonical else None
