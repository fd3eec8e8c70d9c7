"""What stands where something was deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values


class Tombstone(Struct, frozen=True, kw_only=True):
    """A deleted object (ActivityStreams vocabulary, Tombstone)."""

    id: str
    former_type: str | None = None
    deleted: datetime | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Tombstone:
        if not isinstance(document, Mapping):
            raise Malformed("The tombstone is no object.")
        return cls(
            id=values.required_uri(document, "id"),
            former_type=values.text(document.get("formerType"), 256),
            deleted=values.moment(document.get("deleted")),
        )

    def document(self) -> dict[str, Any]:
        return values.compact(
            {
                "id": self.id,
                "type": "Tombstone",
                "formerType": self.former_type,
                "deleted": values.stamp(self.deleted),
            }
        )
