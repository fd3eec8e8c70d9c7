"""`/api/v1/admin`: what moderators do with an app. A module per resource, as beside it.

Each route asks for a scope of the token and for a power of the person (`access.route`), and what
changes something is written down (`social.audit`).
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.mastodon.admin import accounts, barring, domains, figures, reports, taxonomies

routes: list[BaseRoute] = [
    *accounts.routes,
    *reports.routes,
    *domains.routes,
    *barring.routes,
    *taxonomies.routes,
    *figures.routes,
]
