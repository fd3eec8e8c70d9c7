"""Our own API: what no other has words for, which is pictures in the making."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.easel import painters, paintings

routes: list[BaseRoute] = [*painters.routes, *paintings.routes]
