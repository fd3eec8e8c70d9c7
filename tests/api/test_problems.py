"""What is refused to ActivityPub's clients: RFC 9457, by the types of FEP-c180; to everybody else
in Mastodon's words."""

from __future__ import annotations

import aiohttp

from fedi.api.mastodon import throttle
from tests import rig
from tests.api.apps import LD_JSON, Answer, App

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


async def test_fep_c180_says_what_is_meant(alice: App) -> None:
    person = {"type": "Person", "name": "x"}
    refused = await alice.submit(person)
    check(refused, 400, f"{C180}unsupported-type", "Unsupported type")
    assert refused.body["objectType"] == "Person"
    gone = {"type": "Note", "content": "x", "to": ["https://else.invalid/users/x"]}
    refused = await alice.submit(gone)
    check(refused, 400, f"{C180}no-applicable-addressees", "No applicable addressees")


async def test_an_app_is_told_how_much_it_may_still_ask_for(alice: App) -> None:
    note = {"type": "Note", "content": "x"}
    left = throttle.POSTS.amount
    for n in (1, 2):
        answer = await alice.submit(note)
        told = {name.lower(): value for name, value in answer.headers.items()}
        assert told["x-ratelimit-remaining"] == str(left - n)
        assert told["ratelimit"].startswith(f'"default";r={left - n};t=')
        assert told["ratelimit-policy"] == f'"default";q={left};w=10800'
    inbox = await alice.get(alice.account.inbox_uri, headers={"Accept": LD_JSON})
    assert int(inbox.headers["X-RateLimit-Limit"]) > left  # of its requests
    for _ in range(left - 2):
        throttle.of(alice.instance.easel).hit(throttle.POSTS, str(alice.account.id))
    check(await alice.submit(note), 429, f"{C180}rate-limit-exceeded", "Rate limit exceeded")
