"""ActivityPub client-to-server: apps post to their account's outbox, and read its inbox."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.client import events, outbox, proxy, reading, uploads
from fedi.api.client.owner import told

routes: list[BaseRoute] = told(
    [
        *outbox.routes,
        *reading.routes,
        *uploads.routes,
        *events.routes,
        *proxy.routes,
    ]
)
