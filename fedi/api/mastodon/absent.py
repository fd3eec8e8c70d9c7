"""What is not here, answered as by a Mastodon where it is switched off: apps ask all the same.

Collections and translations are 404 there too, and need no route.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, finding
from fedi.api.mastodon.route import Call, route

REPORTS = "/api/v1/annual_reports"


async def identity_proofs(call: Call) -> list[Any]:
    """Whoever it is proved nothing: there is nobody left to prove it to."""
    async with call.easel.database.read() as session:
        await finding.account(session, call.id())
    return []


async def annual_reports(call: Call) -> dict[str, list[Any]]:
    return {"annual_reports": [], "accounts": [], "statuses": []}


async def state(call: Call) -> dict[str, str]:
    """Whether there is a report of a year, or will be: so apps know that they need not ask."""
    return {"state": "ineligible"}


async def generate(call: Call) -> entities.Empty:
    """There is no year of which a report is made; Mastodon then does nothing either."""
    return entities.Empty()


async def donation_campaigns(call: Call) -> Response:
    return Response(status_code=204)


READ, WRITE = "read:accounts", "write:accounts"
routes: list[BaseRoute] = [
    route("GET", "/api/v1/accounts/{id}/identity_proofs", identity_proofs, READ),
    route("GET", REPORTS, annual_reports, READ),
    route("GET", f"{REPORTS}/{{year}}/state", state, READ),
    route("POST", f"{REPORTS}/{{year}}/generate", generate, WRITE),
    route("GET", "/api/v1/donation_campaigns", donation_campaigns, READ),
]
