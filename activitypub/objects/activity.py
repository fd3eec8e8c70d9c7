"""Activities, and the ones that we send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.tombstone import Tombstone

ACTIVITY_TYPES = frozenset(
    {
        "Accept", "Add", "Announce", "Arrive", "Block", "Create", "Delete", "Dislike", "Flag",
        "Follow", "Ignore", "Invite", "Join", "Leave", "Like", "Listen", "Move", "Offer",
        "Question", "Read", "Reject", "Remove", "TentativeAccept", "TentativeReject", "Travel",
        "Undo", "Update", "View",
    }
)  # fmt: skip
"""The vocabulary's activity types; extensions (EmojiReact, QuoteRequest) exist beside them."""


class Activity(Struct, frozen=True, kw_only=True):
    """An activity. `object` is the embedded object as it came, None if only its id came.

    `object_id` is the id of either. An embedded object is a claim of the sender; see
    `activitypub.origin` before it is believed.
    """

    id: str | None = None
    type: str
    actor: str | None = None
    object_id: str | None = None
    object: dict[str, Any] | None = None
    target: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bto: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    published: datetime | None = None
    result: str | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Activity:
        """Read an activity from an inbox, an outbox or an app.

        Raises `Malformed` if it is no object or has no type. Who it must come from and what it
        must carry is for the reader to demand: an app leaves `id` and `actor` out.
        """
        if not isinstance(document, Mapping):
            raise Malformed("The activity is no object.")
        embedded = next(values.entries(document.get("object"), 1), None)
        return cls(
            id=values.uri(document.get("id")),
            type=values.kind(document),
            actor=values.web_uri(document.get("actor")),
            object_id=values.uri(embedded),
            object=dict(embedded) if isinstance(embedded, Mapping) else None,
            target=values.uri(document.get("target")),
            to=values.uris(document.get("to")),
            cc=values.uris(document.get("cc")),
            bto=values.uris(document.get("bto")),
            bcc=values.uris(document.get("bcc")),
            audience=values.uris(document.get("audience")),
            published=values.moment(document.get("published")),
            result=values.uri(document.get("result")),
        )

    def document(self) -> dict[str, Any]:
        """The activity as it is sent; `bto` and `bcc` are never in it."""
        return values.compact(
            {
                "id": self.id,
                "type": self.type,
                "actor": self.actor,
                "object": self.object if self.object is not None else self.object_id,
                "target": self.target,
                "published": values.stamp(self.published),
                "to": list(self.to) or None,
                "cc": list(self.cc) or None,
                "audience": list(self.audience) or None,
                "result": self.result,
            }
        )


def create(id: str, actor: str, note: Mapping[str, Any]) -> Activity:
    """A Create of an embedded object, addressed as the object is (`note` has no @context)."""
    return _around("Create", id, actor, note, note.get("published"))


def update(
    id: str,
    actor: str,
    object: Mapping[str, Any],
    *,
    to: Iterable[str] = (),
    cc: Iterable[str] = (),
) -> Activity:
    """An Update of an embedded object or actor, addressed as the object is unless told."""
    made = _around("Update", id, actor, object, object.get("updated"))
    to, cc = tuple(to), tuple(cc)
    return replace(made, to=to, cc=cc) if to or cc else made


def delete(
    id: str,
    actor: str,
    object_id: str,
    *,
    to: Iterable[str] = (),
    cc: Iterable[str] = (),
    former_type: str | None = None,
    deleted: datetime | None = None,
) -> Activity:
    """A Delete. A deleted actor is named by id alone (Mastodon compares it with the actor);
    anything else stands as a Tombstone."""
    stone = Tombstone(id=object_id, former_type=former_type, deleted=deleted)
    return Activity(
        id=id,
        type="Delete",
        actor=actor,
        object_id=object_id,
        object=stone.document() if object_id != actor else None,
        to=tuple(to),
        cc=tuple(cc),
    )


def follow(id: str, actor: str, target: str) -> Activity:
    """A Follow of the actor `target`."""
    return Activity(id=id, type="Follow", actor=actor, object_id=target, to=(target,))


def accept(id: str, actor: str, follow_id: str, follower: str) -> Activity:
    """An Accept of a Follow, embedded with plain ids: Mastodon wants it embedded, Takahē 0.11
    never completes a follow whose embedded actor is an object."""
    return _answer("Accept", id, actor, follow_id, follower)


def reject(id: str, actor: str, follow_id: str, follower: str) -> Activity:
    """A Reject of a Follow, built like `accept`."""
    return _answer("Reject", id, actor, follow_id, follower)


def undo(id: str, undone: Activity) -> Activity:
    """An Undo of an own activity, embedded with plain ids and addressed as it was."""
    inner = Activity(id=undone.id, type=undone.type, actor=undone.actor, object_id=undone.object_id)
    return Activity(
        id=id,
        type="Undo",
        actor=undone.actor,
        object_id=undone.id,
        object=inner.document(),
        to=undone.to,
        cc=undone.cc,
    )


def announce(
    id: str,
    actor: str,
    object_id: str,
    *,
    to: Iterable[str],
    cc: Iterable[str] = (),
    published: datetime | None = None,
) -> Activity:
    """An Announce (boost) of an object by id."""
    return Activity(
        id=id,
        type="Announce",
        actor=actor,
        object_id=object_id,
        to=tuple(to),
        cc=tuple(cc),
        published=published,
    )


def like(id: str, actor: str, object_id: str, *, to: Iterable[str] = ()) -> Activity:
    """A Like of an object by id; `to` is its author."""
    return Activity(id=id, type="Like", actor=actor, object_id=object_id, to=tuple(to))


def block(id: str, actor: str, target: str) -> Activity:
    """A Block of the actor `target`."""
    return Activity(id=id, type="Block", actor=actor, object_id=target, to=(target,))


def _answer(type_: str, id_: str, actor: str, follow_id: str, follower: str) -> Activity:
    inner = Activity(id=follow_id, type="Follow", actor=follower, object_id=actor)
    return Activity(
        id=id_,
        type=type_,
        actor=actor,
        object_id=follow_id,
        object=inner.document(),
        to=(follower,),
    )


def _around(type_: str, id_: str, actor: str, object_: Mapping[str, Any], when: Any) -> Activity:
    return Activity(
        id=id_,
        type=type_,
        actor=actor,
        object_id=values.uri(object_.get("id")),
        object=dict(object_),
        to=values.uris(object_.get("to")),
        cc=values.uris(object_.get("cc")),
        audience=values.uris(object_.get("audience")),
        published=values.moment(when),
    )
