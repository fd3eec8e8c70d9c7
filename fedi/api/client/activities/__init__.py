"""What an app can do by posting to its outbox: one module per family of activities, each of which
does what every other face does, by the same functions of `fedi.social`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from limits import RateLimitItem

from fedi.api.client.activities import (
    changing,
    collections,
    creating,
    deeds,
    extensions,
    people,
    quotes,
    ties,
    undoing,
)
from fedi.api.client.activities.asked import Asked, Done
from fedi.api.mastodon import throttle


@dataclass(frozen=True, slots=True)
class Way:
    """How a type of activity is done.

    Attributes:
        do: does it.
        scope: what the token must allow; of several, one is enough.
        limit: how often an account may do it, where that has a limit of its own.
    """

    do: Callable[[Asked], Awaitable[Done]]
    scope: str
    limit: RateLimitItem | None = None


WAYS: dict[str, Way] = {
    "Create": Way(creating.create, "write:statuses write:collections", throttle.POSTS),
    "Update": Way(
        changing.update,
        "write:statuses write:accounts write:collections write:media",
        throttle.POSTS,
    ),
    "Delete": Way(changing.delete, "write:statuses write:collections", throttle.DELETIONS),
    "Announce": Way(deeds.announce, "write:statuses"),
    "Like": Way(deeds.like, "write:favourites"),
    "Dislike": Way(extensions.dislike, "write:favourites", throttle.POSTS),
    "Follow": Way(ties.follow, "write:follows", throttle.FOLLOWS),
    "Accept": Way(ties.accept, "write:follows write:statuses", throttle.POSTS),
    "Reject": Way(ties.reject, "write:follows write:statuses", throttle.POSTS),
    "Block": Way(ties.block, "write:blocks"),
    "Undo": Way(undoing.undo, " ".join(undoing.SCOPES.values()), throttle.POSTS),
    "Add": Way(collections.add, "write:accounts write:collections"),
    "Remove": Way(collections.remove, "write:accounts write:collections"),
    "Move": Way(people.move, "write:accounts"),
    "Flag": Way(people.flag, "write:reports", throttle.REPORTS),
    "QuoteRequest": Way(quotes.request, "write:statuses", throttle.POSTS),
}

ANYTHING = Way(extensions.tell_on, "write:statuses", throttle.POSTS)
"""How everything else is done."""
