"""Streaming: what happens, told to apps as it happens.

    events -> hub (who may hear it, written once) -> a bounded line per connection -> its socket

`hub` decides, `socket` and `sent_events` speak.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route, WebSocketRoute

from fedi.api.mastodon.streaming import sent_events, socket
from fedi.api.mastodon.streaming.sent_events import stream

PREFIX = "/api/v1/streaming"

_STREAMS = {
    "user": "user",
    "user/notification": "user:notification",
    "public": "public",
    "public/local": "public:local",
    "public/remote": "public:remote",
    "hashtag": "hashtag",
    "hashtag/local": "hashtag:local",
    "list": "list",
    "direct": "direct",
}

routes: list[BaseRoute] = [
    # Where the address ends in a slash apps join their own path to it.
    WebSocketRoute(PREFIX, socket.connect),
    WebSocketRoute(f"{PREFIX}/", socket.connect),
    Route(f"{PREFIX}/health", sent_events.health),
    *(Route(f"{PREFIX}/{path}", stream(kind)) for path, kind in _STREAMS.items()),
]
