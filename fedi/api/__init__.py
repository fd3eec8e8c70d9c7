"""How apps talk to us: ActivityPub client-to-server, and our own for pictures in the making."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api import client, easel

routes: list[BaseRoute] = [*easel.routes, *client.routes]
