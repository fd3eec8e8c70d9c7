"""How apps get leave to act for people: OAuth 2 as Mastodon 4.7 speaks it.

The pages on which people agree are in `fedi.web`; what they agree to is in `fedi.social.grants`.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.oauth import apps, metadata, revocation, token, userinfo

routes: list[BaseRoute] = [
    *apps.routes,
    *token.routes,
    *revocation.routes,
    *userinfo.routes,
    *metadata.routes,
]
