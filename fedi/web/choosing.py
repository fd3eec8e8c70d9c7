"""How somebody likes a feed: as a wall of pictures or as posts, with AI pictures or without.

A choice stands in the address of the page, so that it can be linked and works without a script; the
browser remembers it for the next time, feed by feed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fedi.web import cookies

VIEWS: Final = {"wall": "Wall", "posts": "Posts"}
AI: Final = {"all": "All", "only": "AI only", "hide": "No AI"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Attributes:
    view: one of `VIEWS`.
    ai: one of `AI`.
    """

    view: str
    ai: str = "all"

    def parameters(self, usual: Choice) -> dict[str, str]:
        """What an address must say of it."""
        told = {}
        if self.view != usual.view:
            told["view"] = self.view
        if self.ai != usual.ai:
            told["ai"] = self.ai
        return told


@dataclass(frozen=True, slots=True)
class Link:
    """A choice that can be made."""

    words: str
    path: str
    chosen: bool


def read(request: Request, name: str, usual: Choice) -> Choice:
    """What the address says; what it leaves open, as it was the last time, or as is usual."""
    view, _, ai = cookies.liking(request, name).partition(".")
    view = request.query_params.get("view", view)
    ai = request.query_params.get("ai", ai)
    return Choice(view if view in VIEWS else usual.view, ai if ai in AI else usual.ai)


def remember(
    request: Request, response: Response, name: str, choice: Choice, usual: Choice
) -> Response:
    """Let the browser keep what was chosen here; a link elsewhere chooses nothing for good."""
    foreign = request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    said = {"view", "ai"} & set(request.query_params)
    value = "" if choice == usual else f"{choice.view}.{choice.ai}"
    if said and not foreign and value != cookies.liking(request, name):
        cookies.set_liking(request, response, name, value)
    return response


def links(path: str, choice: Choice) -> dict[str, list[Link]]:
    """What can be chosen, each as an address that says all of it."""

    def link(words: str, view: str, ai: str, chosen: bool) -> Link:
        return Link(words, f"{path}?{urlencode({'view': view, 'ai': ai})}", chosen)

    return {
        "view": [
            link(words, view, choice.ai, view == choice.view) for view, words in VIEWS.items()
        ],
        "ai": [link(words, choice.view, ai, ai == choice.ai) for ai, words in AI.items()],
    }
