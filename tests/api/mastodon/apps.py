"""An app that speaks Mastodon's API, and what its answers are held against."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import Answer, App

FORM = "application/x-www-form-urlencoded"


def nobody(instance: rig.Instance, browser: aiohttp.ClientSession, app: App) -> App:
    """Somebody without a token."""
    return App(instance, browser, app.account, None)


async def form(app: App, method: str, path: str, *fields: tuple[str, str]) -> Answer:
    """Send a form, as most apps do."""
    content = urlencode(fields).encode()
    return await app.ask(method, path, content, headers={"Content-Type": FORM})


def held(answer: Answer, kind: Any) -> Any:
    """The entities of an answer, decoded as strictly as clients do."""
    assert answer.status == 200, answer.body
    return msgspec.json.decode(json.dumps(answer.body).encode(), type=kind)


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [one["id"] for one in answer.body]


async def post(app: App, text: str, **more: Any) -> entities.Status:
    answer = await app.post("/api/v1/statuses", {"status": text, **more})
    status: entities.Status = held(answer, entities.Status)
    return status
