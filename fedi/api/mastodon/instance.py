"""`/api/v1/instance`, `/api/v2/instance` and what belongs to them: what this place is."""

from __future__ import annotations

import asyncio
import html
from datetime import UTC, datetime
from pathlib import Path

from starlette.routing import BaseRoute

from fedi import logs
from fedi.api.mastodon import entities
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import instance as views
from fedi.social import accounts, text
from fedi.social.errors import NotFound

MINUTES_KEPT = 3  # by caches; Mastodon's
MAX_PAPER = 200_000  # characters of a description or a policy
V1, V2 = "/api/v1/instance", "/api/v2/instance"

log = logs.get(__name__)


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
    async with call.easel.database.read() as session:
        return await views.rules(session)


async def languages(call: Call) -> dict[str, list[str]]:
    """Between which languages is translated: none."""
    return {}


async def extended_description(call: Call) -> entities.ExtendedDescription:
    _keep(call)
    instance = call.easel.settings.instance
    found = await _paper(instance.about)
    if found is not None:
        return entities.ExtendedDescription(content=found[0], updated_at=entities.moment(found[1]))
    async with call.easel.database.read() as session:
        actor = await accounts.instance_actor(session)
    since = actor.updated_at if actor is not None else call.easel.clock.now()
    words = html.escape(instance.description)
    return entities.ExtendedDescription(
        content=f"<p>{words}</p>", updated_at=entities.moment(since)
    )


async def privacy_policy(call: Call) -> entities.PrivacyPolicy:
    _keep(call)
    content, since = await _required(call.easel.settings.instance.privacy_policy)
    return entities.PrivacyPolicy(content=content, updated_at=entities.moment(since))


async def terms_of_service(call: Call) -> entities.TermsOfService:
    _keep(call)
    content, since = await _required(call.easel.settings.instance.terms_of_service)
    return entities.TermsOfService(
        effective_date=entities.day(since), effective=True, content=content, succeeded_by=None
    )


async def terms_of_a_day(call: Call) -> entities.TermsOfService:
    """There is one version: that of the day on which it was written."""
    found = await terms_of_service(call)
    if found.effective_date != call.text("date"):
        raise NotFound(NO_RECORD)
    return found


async def _required(path: str) -> tuple[str, datetime]:
    found = await _paper(path)
    if found is None:
        raise NotFound(NO_RECORD)
    return found


async def _paper(path: str) -> tuple[str, datetime] | None:
    """A Markdown file of the host's as HTML, and when it was written; None where there is none."""
    if not path:
        return None
    try:
        written, changed = await asyncio.to_thread(_read, Path(path))
    except (OSError, UnicodeError) as error:
        log.warning("paper_unreadable", path=path, reason=str(error))
        return None
    return text.render(written, {}, "", markdown=True).html, changed


def _read(path: Path) -> tuple[str, datetime]:
    with path.open(encoding="utf-8") as file:
        return file.read(MAX_PAPER), datetime.fromtimestamp(path.stat().st_mtime, UTC)


async def custom_emojis(call: Call) -> list[entities.CustomEmoji]:
    _keep(call)
    async with call.easel.database.read() as session:
        return await views.custom_emojis(session)


routes: list[BaseRoute] = [
    route("GET", V2, second_form),
    route("GET", V1, first_form),
    route("GET", f"{V1}/peers", peers),
    route("GET", f"{V1}/activity", activity),
    route("GET", f"{V1}/domain_blocks", domain_blocks),
    route("GET", f"{V1}/rules", rules),
    route("GET", f"{V1}/translation_languages", languages),
    route("GET", f"{V1}/extended_description", extended_description),
    route("GET", f"{V1}/privacy_policy", privacy_policy),
    route("GET", f"{V1}/terms_of_service", terms_of_service),
    route("GET", f"{V1}/terms_of_service/{{date}}", terms_of_a_day),
    route("GET", "/api/v1/custom_emojis", custom_emojis),
]
