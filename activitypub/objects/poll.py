"""Polls: the `oneOf` or `anyOf` of a Question (FEP-9967)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values

OPTIONS_LIMIT = 500
"""Options of one poll (Mastodon FEDERATION.md)."""

OPTION_LIMIT = 500
"""Characters of one option; Mastodon writes 50, GoToSocial and Misskey less than 200."""

VOTES_LIMIT = 2**31 - 1
"""Votes that can be believed; more is no count, and no column holds it."""


class PollOption(Struct, frozen=True, kw_only=True):
    """One answer that can be chosen, and how often it was."""

    name: str
    votes: int = 0

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> PollOption:
        if not isinstance(document, Mapping):
            raise Malformed("The option of a poll is no object.")
        name = values.mapped(document, "name", OPTION_LIMIT)[0]
        if not name:
            raise Malformed("The option of a poll has no name.")
        replies = document.get("replies")
        counted = _votes(replies.get("totalItems")) if isinstance(replies, Mapping) else None
        return cls(name=name, votes=counted or 0)

    def document(self) -> dict[str, Any]:
        counted = {"type": "Collection", "totalItems": self.votes}
        return {"type": "Note", "name": self.name, "replies": counted}


class Poll(Struct, frozen=True, kw_only=True):
    """A question with answers to choose from. `multiple`: more than one may be chosen."""

    options: tuple[PollOption, ...]
    multiple: bool = False
    voters: int | None = None
    ends: datetime | None = None
    closed: bool = False

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Poll | None:
        """The poll of a Question; None if it has no options."""
        multiple = document.get("anyOf") is not None
        options = document.get("anyOf") if multiple else document.get("oneOf")
        found = values.records(options, OPTIONS_LIMIT, PollOption.parse)
        if not found:
            return None
        closed = document.get("closed")
        return cls(
            options=found,
            multiple=multiple,
            voters=_votes(document.get("votersCount")),
            ends=values.moment(closed) or values.moment(document.get("endTime")),
            closed=values.moment(closed) is not None or values.boolean(closed) is True,
        )

    def document(self) -> dict[str, Any]:
        """The properties of the Question that it is part of."""
        ends = values.stamp(self.ends)
        options = [option.document() for option in self.options]
        return values.compact(
            {
                "oneOf": None if self.multiple else options,
                "anyOf": options if self.multiple else None,
                "endTime": ends,
                "closed": ends if self.closed else None,
                "votersCount": self.voters,
            }
        )


def _votes(value: Any) -> int | None:
    return values.integer(value, maximum=VOTES_LIMIT)
