"""Which route a path leads to, without asking all of them.

Starlette tries one pattern after another, and there are hundreds: to find the last took as long as
to answer it. Here only those are tried, in the same order, that begin with the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from starlette.routing import BaseRoute, Match, Router
from starlette.types import Lifespan, Receive, Scope, Send

WORDS = 3  # of a path: `/api/v1/timelines`
KEPT = 4096  # beginnings of paths that are remembered; whoever likes can ask for any


class Rooms(Router):
    """A router that remembers where paths that begin alike can lead."""

    def __init__(self, routes: Sequence[BaseRoute], lifespan: Lifespan[Any]) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self._near = lru_cache(KEPT)(self._those)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            for route in self._near(tuple(scope["path"].split("/", WORDS + 1)[1 : WORDS + 1])):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.setdefault("router", self)
                    scope["route"] = route
                    scope.update(found)
                    await route.handle(scope, receive, send)
                    return
        await super().app(scope, receive, send)  # the wrong method, or nothing at all

    def _those(self, words: tuple[str, ...]) -> list[BaseRoute]:
        return [route for route in self.routes if _may_lead(getattr(route, "path", None), words)]


def _may_lead(path: str | None, words: tuple[str, ...]) -> bool:
    """Whether a path that begins with these words can be one of those that a pattern stands for."""
    if path is None:
        return True
    for wanted, word in zip(path.split("/")[1:], words, strict=False):
        fixed, open_, _ = wanted.partition("{")
        if open_:  # what it stands for may have slashes in it
            return word.startswith(fixed)
        if wanted != word:
            return False
    return True
