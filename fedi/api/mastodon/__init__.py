"""Mastodon's client API: a module per resource, all built on `route`.

Apps call what they call on Mastodon 4.x; `docs/architecture.md` says how to add a resource.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.mastodon import credentials, instance

RESOURCES = (instance, credentials)

routes: list[BaseRoute] = [route for resource in RESOURCES for route in resource.routes]
