"""Our own API: what no other has words for, which is pictures in the making."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.easel import assist, email, for_you, painters, paintings, remixes, reviews, trends

routes: list[BaseRoute] = [
    *assist.routes,
    *email.routes,
    *for_you.routes,
    *painters.routes,
    *paintings.routes,
    *remixes.routes,
    *reviews.routes,
    *trends.routes,
]
