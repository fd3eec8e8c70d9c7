"""How apps talk to us: OAuth, ActivityPub client-to-server, Mastodon's client API, and our own for
pictures in the making."""

from __future__ import annotations

from starlette.routing import BaseRoute

import fedi.numbers  # noqa: F401  (before any pattern)
from fedi.api import client, easel, mastodon, oauth

routes: list[BaseRoute] = [*oauth.routes, *easel.routes, *client.routes, *mastodon.routes]
