"""What other servers read: actors, posts and collections, each only to those who may see it."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.federation.documents import actors, collections, kept, posts, trends

routes: list[BaseRoute] = [
    *actors.routes,
    *collections.routes,
    *kept.routes,
    *posts.routes,
    *trends.routes,
]
