"""`/api/v1/instance`, `/api/v2/instance` and what belongs to them: what this place is."""

from __future__ import annotations

import html

from starlette.routing import BaseRoute

from fedi.api.mastodon import entities
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import instance as views
from fedi.social import accounts

MINUTES_KEPT = 3  # by caches; Mastodon's
V1, V2 = "/api/v1/instance", "/api/v2/instance"


def _keep(call: Call) -> None:
    call.headers["Cache-Control"] = f"public, max-age={MINUTES_KEPT * 60}"


async def second_form(call: Call) -> entities.Instance:
    _keep(call)
    async with call.easel.database.read() as session:
        return await views.show(call.easel, session)


async def first_form(call: Call) -> entities.V1Instance:
    _keep(call)
    async with call.easel.database.read() as session:
        return await views.show_first_form(call.easel, session)


async def peers(call: Call) -> list[str]:
    _keep(call)
    async with call.easel.database.read() as session:
        return await views.peers(session)


async def activity(call: Call) -> list[entities.Activity]:
    _keep(call)
    async with call.easel.database.read() as session:
        return await views.activity(session)


async def domain_blocks(call: Call) -> list[entities.DomainBlock]:
    _keep(call)
    async with call.easel.database.read() as session:
        return await views.domain_blocks(session)


async def rules(call: Call) -> list[entities.Rule]:
    _keep(call)
    return []


async def languages(call: Call) -> dict[str, list[str]]:
    """Between which languages is translated: none."""
    return {}


async def extended_description(call: Call) -> entities.ExtendedDescription:
    _keep(call)
    async with call.easel.database.read() as session:
        actor = await accounts.instance_actor(session)
    since = actor.updated_at if actor is not None else call.easel.clock.now()
    words = html.escape(call.easel.settings.instance.description)
    return entities.ExtendedDescription(
        content=f"<p>{words}</p>", updated_at=entities.moment(since)
    )


async def custom_emojis(call: Call) -> list[entities.CustomEmoji]:
    """Those of this instance: it has none of its own yet."""
    _keep(call)
    return []


routes: list[BaseRoute] = [
    route("GET", V2, second_form),
    route("GET", V1, first_form),
    route("GET", f"{V1}/peers", peers),
    route("GET", f"{V1}/activity", activity),
    route("GET", f"{V1}/domain_blocks", domain_blocks),
    route("GET", f"{V1}/rules", rules),
    route("GET", f"{V1}/translation_languages", languages),
    route("GET", f"{V1}/extended_description", extended_description),
    route("GET", "/api/v1/custom_emojis", custom_emojis),
]
