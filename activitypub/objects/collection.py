"""Collections and their pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values

ITEMS_LIMIT = 1_000
"""Items read of one page; peers send 10 to 100."""

COLLECTION_TYPES = frozenset({"Collection", "OrderedCollection"})
PAGE_TYPES = frozenset({"CollectionPage", "OrderedCollectionPage"})

Item = str | dict[str, Any]
"""A member: its id, or the object itself, which only its own origin may be believed about."""


class CollectionPage(Struct, frozen=True, kw_only=True):
    """One page of a collection."""

    id: str | None = None
    type: str = "OrderedCollectionPage"
    part_of: str | None = None
    next: str | None = None
    prev: str | None = None
    total_items: int | None = None
    items: tuple[Item, ...] = ()

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> CollectionPage:
        if not isinstance(document, Mapping) or values.kind(document) not in PAGE_TYPES:
            raise Malformed("The document is no page of a collection.")
        return cls(
            id=values.web_uri(document.get("id")),
            type=values.kind(document),
            part_of=values.web_uri(document.get("partOf")),
            next=values.web_uri(document.get("next")),
            prev=values.web_uri(document.get("prev")),
            total_items=values.integer(document.get("totalItems")),
            items=_items(document),
        )

    def document(self) -> dict[str, Any]:
        return values.compact(
            {
                "id": self.id,
                "type": self.type,
                "partOf": self.part_of,
                "next": self.next,
                "prev": self.prev,
                "totalItems": self.total_items,
                _member(self.type): list(self.items),
            }
        )


class Collection(Struct, frozen=True, kw_only=True):
    """A collection: either with `items`, or with the address of its `first` page.

    `items` None means that it does not carry any, as opposed to being empty. `first_page` is a
    first page that came embedded. `attributed_to` is whose it is (FEP-7888). `event_stream` is
    where its owner's apps hear of what comes into it; it is written, and not read.
    """

    id: str | None = None
    type: str = "OrderedCollection"
    attributed_to: str | None = None
    total_items: int | None = None
    first: str | None = None
    last: str | None = None
    items: tuple[Item, ...] | None = None
    first_page: CollectionPage | None = None
    event_stream: str | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Collection:
        if not isinstance(document, Mapping) or values.kind(document) not in COLLECTION_TYPES:
            raise Malformed("The document is no collection.")
        first = document.get("first")
        page = None
        if isinstance(first, Mapping):
            page = next(iter(values.records(first, 1, CollectionPage.parse)), None)
        carried = "items" in document or "orderedItems" in document
        return cls(
            id=values.web_uri(document.get("id")),
            type=values.kind(document),
            attributed_to=values.author(document.get("attributedTo")),
            total_items=values.integer(document.get("totalItems")),
            first=values.web_uri(first),
            last=values.web_uri(document.get("last")),
            items=_items(document) if carried else None,
            first_page=page,
        )

    def document(self) -> dict[str, Any]:
        return values.compact(
            {
                "id": self.id,
                "type": self.type,
                "attributedTo": self.attributed_to,
                "totalItems": self.total_items,
                "first": self.first_page.document() if self.first_page else self.first,
                "last": self.last,
                "eventStream": self.event_stream,
                _member(self.type): list(self.items) if self.items is not None else None,
            }
        )


def _member(type_: str) -> str:
    return "orderedItems" if type_.startswith("Ordered") else "items"


def _items(document: Mapping[str, Any]) -> tuple[Item, ...]:
    members = document.get("orderedItems")
    if members is None:
        members = document.get("items")
    found: list[Item] = []
    for entry in values.entries(members, ITEMS_LIMIT):
        if isinstance(entry, Mapping):
            found.append(dict(entry))
        elif isinstance(entry, str) and (member := values.uri(entry)):
            found.append(member)
    return tuple(found)
