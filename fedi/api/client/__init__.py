"""ActivityPub client-to-server: apps post to their account's outbox."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.client import outbox

routes: list[BaseRoute] = [*outbox.routes]
