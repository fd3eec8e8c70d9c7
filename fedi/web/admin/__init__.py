"""The pages of those who run this instance: `/admin`.

Each asks for a power of the person (`social.staff`), calls what apps of moderators and the command
line call, and writes down what is done in the same transaction (`social.audit`).
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.web.admin import (
    accounts,
    barring,
    data,
    domains,
    emoji,
    jobs,
    joining,
    log,
    overview,
    pictures,
    queue,
    reports,
    servers,
    storage,
    telling,
    trends,
)

routes: list[BaseRoute] = [
    *overview.routes,
    *reports.routes,
    *accounts.routes,
    *joining.routes,
    *pictures.routes,
    *trends.routes,
    *telling.routes,
    *emoji.routes,
    *domains.routes,
    *servers.routes,
    *barring.routes,
    *data.routes,
    *queue.routes,
    *storage.routes,
    *jobs.routes,
    *log.routes,
]

__all__ = ["routes"]
