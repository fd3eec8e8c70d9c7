"""`/manifest.webmanifest`: the pages as an app on a phone's screen (W3C Application Manifest)."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.web import sharing
from fedi.web.assets import assets
from fedi.web.render import kept

BACKGROUND = "#fafaf8"  # what stands there while the first page loads: the light theme's
SECONDS = 3600


async def show(request: Request) -> Response:
    """`GET /manifest.webmanifest`."""
    instance = easel_of(request).settings.instance
    told = {
        "id": "/",
        "name": instance.name,
        "short_name": instance.name,
        "description": instance.description,
        "start_url": "/",
        "scope": "/",
        "display": "minimal-ui",
        "background_color": BACKGROUND,
        "theme_color": BACKGROUND,
        "categories": ["social", "photo"],
        "share_target": sharing.TARGET,
        "shortcuts": [{"name": "Make a picture", "url": "/studio"}],
        "icons": [
            _icon("easel.svg", "any", "image/svg+xml"),
            _icon("easel-192.png", "192x192", "image/png"),
            _icon("easel-512.png", "512x512", "image/png"),
            _icon("easel-maskable-512.png", "512x512", "image/png", "maskable"),
        ],
    }
    body = json.dumps(told, ensure_ascii=False).encode()
    return kept(request, body, "application/manifest+json", seconds=SECONDS)


def _icon(name: str, sizes: str, media_type: str, purpose: str = "any") -> dict[str, str]:
    source = assets.address(f"icons/{name}")
    return {"src": source, "sizes": sizes, "type": media_type, "purpose": purpose}


routes: list[BaseRoute] = [Route("/manifest.webmanifest", show)]
