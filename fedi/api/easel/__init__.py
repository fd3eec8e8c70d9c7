"""Our own API: what no other has words for, which is pictures in the making."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.easel import (
    assist,
    dataset,
    email,
    painters,
    paintings,
    remixes,
    reviews,
    training,
    trends,
)

routes: list[BaseRoute] = [
    *assist.routes,
    *dataset.routes,
    *email.routes,
    *painters.routes,
    *paintings.routes,
    *remixes.routes,
    *reviews.routes,
    *training.routes,
    *trends.routes,
]
