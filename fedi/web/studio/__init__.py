"""The studio: where people make pictures, watch them come into being, and post them."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.web.studio import composer, deeds, helping, picture

routes: list[BaseRoute] = [
    *composer.routes,
    *picture.routes,
    *deeds.routes,
    *helping.routes,
]

__all__ = ["routes"]
