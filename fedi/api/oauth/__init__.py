"""How apps get leave to act for people: OAuth 2 as Mastodon 4.7 speaks it, and as ActivityPub's
clients do, on one table of apps.

The pages on which people agree are in `fedi.web`; what they agree to is in `fedi.social.grants`.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.oauth import (
    apps,
    introspection,
    metadata,
    registration,
    revocation,
    token,
    userinfo,
)

routes: list[BaseRoute] = [
    *apps.routes,
    *registration.routes,
    *token.routes,
    *introspection.routes,
    *revocation.routes,
    *userinfo.routes,
    *metadata.routes,
]
