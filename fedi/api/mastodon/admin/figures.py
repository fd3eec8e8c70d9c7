"""`/api/v1/admin/measures`, `dimensions` and `retention`: how this instance is doing."""

from __future__ import annotations

import platform
from typing import Any

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi import __version__
from fedi.api.mastodon import entities
from fedi.api.mastodon.admin.access import moment, route
from fedi.api.mastodon.params import decode, gather
from fedi.api.mastodon.route import Call
from fedi.social import figures
from fedi.social.errors import Invalid
from fedi.social.figures import Frequency
from fedi.social.staff import Power

MAX_KEYS = 20  # of one question
MAX_ABOUT = 300  # characters
USUAL, MOST = 10, 50  # lines of a dimension


class Asked(Struct, kw_only=True):
    keys: list[str] = []
    start_at: str
    end_at: str
    limit: int = USUAL


class Span(Struct, kw_only=True):
    start_at: str
    end_at: str
    frequency: Frequency = "day"


async def _asked(call: Call) -> tuple[Asked, list[str], dict[str, str]]:
    """What is asked: which keys, and of which hashtag or domain each is: `tag_uses[id]`,
    `instance_accounts[domain]`."""
    sent: dict[str, Any] = await gather(call.request)
    asked = decode(sent, Asked)
    keys = list(dict.fromkeys(asked.keys))[:MAX_KEYS]
    found = {}
    for key in keys:
        part = sent.get(key)
        if isinstance(part, dict):
            value = part.get("id") or part.get("domain")
            found[key] = str(value)[:MAX_ABOUT] if isinstance(value, str | int) else ""
    return asked, keys, found


async def measures(call: Call) -> list[entities.AdminMeasure]:
    asked, keys, about = await _asked(call)
    start, end = moment(asked.start_at, "start_at"), moment(asked.end_at, "end_at")
    shown = []
    async with call.easel.database.read() as session:
        for key in keys:
            found = await figures.measure(session, key, start, end, about.get(key, ""))
            if found is None:
                continue
            shown.append(
                entities.AdminMeasure(
                    key=key,
                    unit=None,
                    total=str(found.total),
                    previous_total=str(found.previous),
                    data=[
                        entities.AdminMeasureData(date=entities.moment(day), value=str(value))
                        for day, value in found.days
                    ],
                )
            )
    return shown


async def dimensions(call: Call) -> list[entities.AdminDimension]:
    asked, keys, about = await _asked(call)
    start, end = moment(asked.start_at, "start_at"), moment(asked.end_at, "end_at")
    if not asked.limit >= 1:
        raise Invalid("The limit must be at least 1.")
    shown = []
    async with call.easel.database.read() as session:
        for key in keys:
            if key == "software_versions":
                shown.append(_versions())
                continue
            limit = min(asked.limit, MOST)
            found = await figures.dimension(session, key, start, end, limit, about.get(key, ""))
            if found is not None:
                data = [
                    entities.AdminDimensionData(key=name, human_key=name, value=str(number))
                    for name, number in found
                ]
                shown.append(entities.AdminDimension(key=key, data=data))
    return shown


def _versions() -> entities.AdminDimension:
    told = {"easel": ("Easel", __version__), "python": ("Python", platform.python_version())}
    return entities.AdminDimension(
        key="software_versions",
        data=[
            entities.AdminDimensionData(key=key, human_key=name, value=version, human_value=version)
            for key, (name, version) in told.items()
        ],
    )


async def retention(call: Call) -> list[entities.AdminCohort]:
    asked = await call.read(Span)
    start, end = moment(asked.start_at, "start_at"), moment(asked.end_at, "end_at")
    async with call.easel.database.read() as session:
        found = await figures.retention(session, start, end, asked.frequency)
    return [
        entities.AdminCohort(
            period=entities.moment(cohort.period),
            frequency=asked.frequency,
            data=[
                entities.CohortData(
                    date=entities.moment(period),
                    rate=stayed / cohort.came if cohort.came else 0.0,
                    value=str(stayed),
                )
                for period, stayed in cohort.stayed
            ],
        )
        for cohort in found
    ]


POWER: Power = "dashboard"
routes: list[BaseRoute] = [
    route("POST", "/measures", measures, "admin:read", POWER),
    route("POST", "/dimensions", dimensions, "admin:read", POWER),
    route("POST", "/retention", retention, "admin:read", POWER),
]
