"""`/settings`: the pages on which people arrange what is theirs.

Each is a form that works without a script, and does by `social` what apps do by the API.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.web.settings import (
    carrying,
    domains,
    filters,
    index,
    leaving,
    people,
    privacy,
    profile,
    requests,
    tags,
    training,
)

routes: list[BaseRoute] = [
    *index.routes,
    *profile.routes,
    *privacy.routes,
    *training.routes,
    *filters.routes,
    *people.routes,
    *requests.routes,
    *tags.routes,
    *domains.routes,
    *carrying.routes,
    *leaving.routes,
]
