"""Mastodon's client API: a module per resource, all built on `route`.

Apps call what they call on Mastodon 4.x; `docs/architecture.md` says how to add a resource.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.mastodon import (
    absent,
    accounts,
    admin,
    announcements,
    avoiding,
    correspondence,
    credentials,
    deciding,
    deeds,
    discovery,
    edits,
    filters,
    instance,
    joining,
    lists,
    markers,
    media,
    notification_policies,
    oembed,
    old_filters,
    polls,
    profiles,
    push,
    quotes,
    relationships,
    reports,
    scheduled,
    search,
    showing,
    statuses,
    streaming,
    tags,
    timelines,
)

# Of paths that fit two routes the first counts: `accounts/relationships` is no account's id.
RESOURCES = (
    instance,
    credentials,
    profiles,
    search,
    relationships,
    showing,
    joining,
    accounts,
    deciding,
    avoiding,
    discovery,
    statuses,
    edits,
    polls,
    scheduled,
    quotes,
    correspondence,
    lists,
    filters,
    old_filters,
    tags,
    deeds,
    timelines,
    media,
    markers,
    reports,
    oembed,
    notification_policies,
    push,
    announcements,
    streaming,
    admin,
    absent,
)

routes: list[BaseRoute] = [route for resource in RESOURCES for route in resource.routes]
