"""Activities, and the ones that we send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.tag import Tag, parse_tags
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


OBJECTS_LIMIT = 100
"""Objects read of one activity; a Flag names an actor and some of their posts."""


class Activity(Struct, frozen=True, kw_only=True):
    """An activity. `object` is the embedded object as it came, None if only its id came.

    `object_id` is the id of either. An embedded object is a claim of the sender; see
    `activitypub.origin` before it is believed. `others` are the ids of further objects, where
    there are several (Flag). `content` is the comment of a Flag or the emoji of a reaction, which
    Misskey also writes as `_misskey_reaction`. `instrument` is the quoting post of a QuoteRequest.
    """

    id: str | None = None
    type: str
    actor: str | None = None
    object_id: str | None = None
    object: dict[str, Any] | None = None
    others: tuple[str, ...] = ()
    content: str | None = None
    tags: tuple[Tag, ...] = ()
    instrument: str | None = None
    target: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bto: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    published: datetime | None = None
    result: str | None = None
    approved_by: str | None = None

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
            others=values.uris(document.get("object"), OBJECTS_LIMIT)[1:],
            content=values.mapped(document, "content")[0]
            or values.text(document.get("_misskey_reaction"), values.NAME_LIMIT),
            tags=parse_tags(document.get("tag")),
            instrument=values.web_uri(document.get("instrument")),
            target=values.uri(document.get("target")),
            to=values.uris(document.get("to")),
            cc=values.uris(document.get("cc")),
            bto=values.uris(document.get("bto")),
            bcc=values.uris(document.get("bcc")),
            audience=values.uris(document.get("audience")),
            published=values.moment(document.get("published")),
            result=values.uri(document.get("result")),
            approved_by=values.web_uri(document.get("approvedBy")),
        )

    def document(self) -> dict[str, Any]:
        """The activity as it is sent; `bto` and `bcc` are never in it."""
        return values.compact(
            {
                "id": self.id,
                "type": self.type,
                "actor": self.actor,
                "object": self._objects(),
                "content": self.content,
                "instrument": self.instrument,
                "target": self.target,
                "published": values.stamp(self.published),
                "to": list(self.to) or None,
                "cc": list(self.cc) or None,
                "audience": list(self.audience) or None,
                "result": self.result,
                "approvedBy": self.approved_by,
            }
        )

    def _objects(self) -> Any:
        first = self.object if self.object is not None else self.object_id
        return [first, *self.others] if self.others else first


class Extension(Activity, frozen=True, kw_only=True):
    """An activity that is sent as somebody wrote it, `whole`, whatever its type is.

    `terms` are further entries of its @context, for words that are not ours.
    """

    whole: Mapping[str, Any]
    terms: tuple[Any, ...] = ()

    def document(self) -> dict[str, Any]:
        return dict(self.whole)


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
    approved_by: str | None = None,
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
        approved_by=approved_by,
    )


def like(id: str, actor: str, object_id: str, *, to: Iterable[str] = ()) -> Activity:
    """A Like of an object by id; `to` is its author."""
    return Activity(id=id, type="Like", actor=actor, object_id=object_id, to=tuple(to))


def block(id: str, actor: str, target: str) -> Activity:
    """A Block of the actor `target`."""
    return Activity(id=id, type="Block", actor=actor, object_id=target, to=(target,))


def add(
    id: str,
    actor: str,
    object: str | Mapping[str, Any],
    target: str,
    *,
    to: Iterable[str] = (),
    cc: Iterable[str] = (),
) -> Activity:
    """An Add of an object, by id or embedded, to the actor's own collection `target`."""
    return _sorted("Add", id, actor, object, target, to, cc)


def remove(
    id: str,
    actor: str,
    object: str | Mapping[str, Any],
    target: str,
    *,
    to: Iterable[str] = (),
    cc: Iterable[str] = (),
) -> Activity:
    """A Remove of an object, by id or embedded, from the actor's own collection `target`."""
    return _sorted("Remove", id, actor, object, target, to, cc)


def move(id: str, actor: str, target: str, *, to: Iterable[str] = ()) -> Activity:
    """A Move of the actor itself to the actor `target`."""
    return Activity(id=id, type="Move", actor=actor, object_id=actor, target=target, to=tuple(to))


def flag(id: str, actor: str, objects: Iterable[str], comment: str) -> Activity:
    """A Flag: an actor, and posts of theirs; addressed to the actor, as Mastodon does."""
    named = tuple(objects)
    return Activity(
        id=id,
        type="Flag",
        actor=actor,
        object_id=named[0],
        others=named[1:],
        content=comment or None,
        to=named[:1],
    )


def answer_quote(
    id: str, actor: str, request: Activity, *, stamp: str | None, reject: bool = False
) -> Activity:
    """An Accept of a QuoteRequest, with the stamp as its `result`; or a Reject (FEP-044f)."""
    inner = Activity(
        id=request.id,
        type="QuoteRequest",
        actor=request.actor,
        object_id=request.object_id,
        instrument=request.instrument,
    )
    return Activity(
        id=id,
        type="Reject" if reject else "Accept",
        actor=actor,
        object_id=request.id,
        object=inner.document(),
        result=stamp,
        to=(request.actor,) if request.actor else (),
    )


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


def _sorted(
    type_: str,
    id_: str,
    actor: str,
    object_: str | Mapping[str, Any],
    target: str,
    to: Iterable[str],
    cc: Iterable[str],
) -> Activity:
    return Activity(
        id=id_,
        type=type_,
        actor=actor,
        object_id=values.uri(object_),
        object=None if isinstance(object_, str) else dict(object_),
        target=target,
        to=tuple(to),
        cc=tuple(cc),
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
