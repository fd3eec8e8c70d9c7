"""What is refused to ActivityPub's clients: RFC 9457, by the types of FEP-c180; to everybody else
in Mastodon's words."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from fedi.api import problems
from fedi.api.problems import Problem
from tests import rig
from tests.api.apps import Answer, App

C180 = "https://w3id.org/fep/c180#"


def check(answer: Answer, status: int, type_: str, title: str) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.error
    assert (answer.body["type"], answer.body["title"]) == (type_, title)


async def test_rfc_9457_is_spoken_where_activitypub_is(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    outbox = alice.account.outbox_uri
    reader = await App.of(instance, browser, "alice", "read")
    bob = await App.of(instance, browser, "bob")
    note = {"type": "Note", "content": "x"}
    check(
        await alice.ask("POST", outbox, {"content": "no type"}), 400, "about:blank", "Bad Request"
    )
    refused = await App(instance, browser, alice.account, None).ask("POST", outbox, note)
    check(refused, 401, "about:blank", "Unauthorized")
    assert "resource_metadata=" in refused.headers["WWW-Authenticate"]
    check(
        await reader.ask("POST", outbox, note),
        403,
        f"{C180}client-not-authorized",
        "Client not authorized",
    )
    check(
        await bob.ask("POST", outbox, note),
        403,
        f"{C180}principal-not-authorized",
        "Principal not authorized",
    )
    check(await alice.ask("POST", outbox, b"x"), 415, "about:blank", "Unsupported Media Type")
    check(await alice.get("/users/nobody"), 404, "about:blank", "Not Found")
    check(await alice.ask("PUT", outbox, note), 405, "about:blank", "Method Not Allowed")
    check(await alice.ask("POST", "/inbox", {}), 415, "about:blank", "Unsupported Media Type")


async def test_mastodons_apps_and_browsers_get_what_they_know(alice: App) -> None:
    answer = await alice.get("/api/v2/nothing")
    assert answer.headers["Content-Type"] == "application/json" and set(answer.body) == {"error"}
    asked = {"Accept": "application/problem+json, application/json"}
    check(await alice.get("/nothing", headers=asked), 404, "about:blank", "Not Found")
    page = await alice.get("/users/nobody", headers={"Accept": "text/html"})
    assert page.status == 404 and page.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("unsupported-type", {"id": "https://a.example/1", "objectType": "Sneeze"}),
        ("rate-limit-exceeded", {}),
        ("actor-not-authorized", {"actor": "https://a.example/"}),
    ],
)
def test_fep_c180_says_what_is_meant(kind: str, members: dict[str, Any]) -> None:
    problem = Problem(kind, "It cannot be done.", **members)
    response = problems.answer(problem.status_code, problem.detail, {}, problem)
    assert response.status_code == problems.KINDS[kind]
    assert response.media_type == "application/problem+json"
    assert f'"type":"{C180}{kind}"'.encode() in response.body
    for name in members:
        assert f'"{name}":'.encode() in response.body
