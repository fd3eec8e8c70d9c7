"""What every route has: refusals, limits, and leave for browsers; and what an app asks first."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from fedi.api.mastodon import entities
from fedi.database.tables import DomainRule, Login
from fedi.social import domains
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, nobody
from tests.api.mastodon.test_routes import ROUTES

VERIFY = "/api/v1/accounts/verify_credentials"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def test_the_instance_says_what_it_is_in_both_forms(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    async with instance.easel.database.write() as tx:
        login = await tx.get_one(Login, alice.account.id)
        login.role = "admin"
        tx.add(login)
    anybody = nobody(instance, browser, alice)
    second = held(await anybody.get("/api/v2/instance"), entities.Instance)
    first = held(await anybody.get("/api/v1/instance"), entities.V1Instance)
    assert second.domain == first.uri == instance.domain
    assert second.title == first.title == "Test Easel"
    assert second.version == first.version
    number, _, rest = second.version.partition(" ")
    assert number.count(".") == 2 and rest.startswith("(compatible; Easel ")
    assert second.contact.account is not None and second.contact.account.acct == "alice"
    assert first.contact_account == second.contact.account
    assert (first.stats.user_count, first.stats.status_count) == (1, 0)
    assert first.urls.streaming_api == instance.url.replace("http", "ws")
    thumbnail = await anybody.get(second.thumbnail.url)
    assert thumbnail.status == 200 and thumbnail.body.startswith(b"\x89PNG")


# What an app may call by the version that it is told (`api_versions.mastodon`).
PROMISES = {
    2: {"GET /api/v2/notifications", "GET /api/v2/notifications/{key}",
        "POST /api/v2/notifications/{key}/dismiss", "GET /api/v2/notifications/{key}/accounts"},
    4: {"DELETE /api/v1/media/{id}", "DELETE /api/v1/statuses/{id}"},
    7: {"PUT /api/v1/statuses/{id}/interaction_policy", "GET /api/v1/statuses/{id}/quotes",
        "POST /api/v1/statuses/{id}/quotes/{id}/revoke"},
    8: {"GET /api/v1/profile", "PATCH /api/v1/profile", "GET /api/v1/annual_reports/{year}/state",
        "POST /api/v1/annual_reports/{year}/generate"},
    10: {"POST /api/v1/collections"},
}  # fmt: skip


async def test_the_version_that_apps_are_told_promises_what_is_there(alice: App) -> None:
    shown = held(await alice.get("/api/v2/instance"), entities.Instance)
    assert shown.api_versions.mastodon == 9
    assert shown.version.startswith("4.5.0 ")

    def plain(path: str) -> str:
        return re.sub(r"\{[^}]+\}", "{}", path)

    there = {plain(f"{method} {path}") for method, path in ROUTES}
    for version, wanted in PROMISES.items():
        held_to = {plain(path) for path in wanted}
        assert (held_to <= there) is (version <= shown.api_versions.mastodon), version
    said = {"title": "x", "context": ["home"], "filter_action": "blur"}
    assert (await alice.post("/api/v2/filters", said)).status == 200
    told = {"attribution_domains": ["alice.example"], "avatar_description": "a slope"}
    assert (await alice.ask("PATCH", "/api/v1/profile", told)).body["avatar_description"]
    usual = (await alice.get("/api/v1/preferences")).body
    assert usual["posting:default:quote_policy"] == "public"


async def test_what_is_not_here_is_as_on_a_mastodon_where_it_is_off(alice: App) -> None:
    herself = f"/api/v1/accounts/{alice.account.id}"
    proofs = await alice.get(f"{herself}/identity_proofs")
    assert (proofs.status, proofs.body) == (200, [])
    reports = await alice.get("/api/v1/annual_reports")
    assert reports.body == {"annual_reports": [], "accounts": [], "statuses": []}
    year = "/api/v1/annual_reports/2026"
    assert (await alice.get(f"{year}/state")).body == {"state": "ineligible"}
    assert (await alice.post(f"{year}/generate", {})).body == {}
    assert (await alice.get("/api/v1/donation_campaigns")).status == 204
    assert (await alice.get("/health")).body == b"ok\n"
    for path in (year, "/api/v1/collections/7", f"{herself}/collections"):
        assert (await alice.get(path)).status == 404, path
    assert (await alice.post("/api/v1/statuses/7/translate", {})).status == 404


async def test_domains_are_told_as_far_as_they_may_be(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    async with instance.easel.database.write() as tx:
        rules = [
            DomainRule(domain=name, severity=severity, obfuscate=stars, created_at=tx.now)
            for name, severity, stars in (
                ("spam.example", "suspend", True),
                ("loud.example", "silence", False),
                ("fine.example", "none", False),
            )
        ]
        await domains.put(tx, rules, limited=False)
    anybody = nobody(instance, browser, alice)
    blocks = held(await anybody.get("/api/v1/instance/domain_blocks"), list[entities.DomainBlock])
    assert [(one.domain, one.severity) for one in blocks] == [
        ("loud.example", "silence"),
        ("spa*.****ple", "suspend"),
    ]
    assert (await anybody.get("/api/v1/instance/peers")).body == []
    weeks = held(await anybody.get("/api/v1/instance/activity"), list[entities.Activity])
    assert len(weeks) == 12 and weeks[0].registrations == "1" and weeks[0].statuses == "0"
    for path in ("rules", "translation_languages", "extended_description"):
        assert (await anybody.get(f"/api/v1/instance/{path}")).status == 200
    assert (await anybody.get("/api/v1/custom_emojis")).body == []


async def test_an_app_learns_whose_it_is(alice: App) -> None:
    found = held(await alice.get(VERIFY), entities.CredentialAccount)
    assert (found.acct, found.username, found.source.privacy) == ("alice", "alice", "public")
    assert found.role.permissions == "0"
    assert found.created_at.endswith("Z") and len(found.created_at) == 24
    for picture in (found.avatar, found.header_static):
        assert picture.endswith("missing.png")  # what clients look for
        answer = await alice.get(picture)
        assert answer.body.startswith(b"\x89PNG")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    signed_in = await App.of(alice.instance, alice.browser, "alice", "profile")
    assert (await signed_in.get(VERIFY)).body["id"] == found.id
    assert (await signed_in.get("/api/v1/preferences")).status == 403
    usual = held(await alice.get("/api/v1/preferences"), entities.Preferences)
    assert usual.expand_media == "default" and usual.posting_visibility == "public"


async def test_refusals_are_as_mastodons(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    anybody = nobody(instance, browser, alice)
    writer = await App.of(instance, browser, "alice", "write")
    wrong = App(instance, browser, alice.account, "wrong")
    for app, status in ((anybody, 401), (wrong, 401), (writer, 403)):
        answer = await app.get(VERIFY)
        assert answer.status == status and answer.error
        assert "WWW-Authenticate" in answer.headers
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert (await alice.get("/api/v1/nowhere")).status == 404
    assert (await alice.ask("DELETE", VERIFY)).status == 405


async def test_browsers_may_read_everything_and_send_no_cookies(alice: App) -> None:
    origin = {"Origin": "https://phanpy.example"}
    for path in (VERIFY, "/api/v1/nowhere", "/.well-known/nodeinfo", "/media/nothing.png"):
        answer = await alice.get(path, headers=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        exposed = answer.headers["Access-Control-Expose-Headers"]
        for name in ("Link", "X-RateLimit-Remaining", "Mastodon-Async-Refresh"):
            assert name in exposed
    asking = {
        **origin,
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization,idempotency-key",
    }
    for path in (VERIFY, "/oauth/token"):
        preflight = await alice.ask("OPTIONS", path, headers=asking)
        assert preflight.status == 204
        assert "DELETE" in preflight.headers["Access-Control-Allow-Methods"]
        assert "idempotency-key" in preflight.headers["Access-Control-Allow-Headers"]
    page = await alice.get("/about", headers={**origin, "Accept": "text/html"})
    assert "Access-Control-Allow-Origin" not in page.headers


async def test_an_account_and_an_address_have_their_limits(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with rig.serve_instance(
        tmp_path, new_database(), server={"api_requests": 10}
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        bob = await App.of(instance, browser, "bob")
        for left in range(9, -1, -1):
            answer = await alice.get(VERIFY)
            assert answer.headers["X-RateLimit-Remaining"] == str(left)
            assert answer.headers["X-RateLimit-Limit"] == "10"
        refused = await alice.get(VERIFY)
        assert refused.status == 429 and refused.error == "Too many requests"
        assert 0 < int(refused.headers["Retry-After"]) <= 300
        assert refused.headers["X-RateLimit-Reset"].endswith("Z")
        assert (await bob.get(VERIFY)).status == 200
        wrong = App(instance, browser, alice.account, "wrong")
        assert [(await wrong.get(VERIFY)).status for _ in range(3)] == [401, 401, 429]
        instance.clock.advance(timedelta(minutes=5, seconds=1))
        assert (await alice.get(VERIFY)).status == 200
        assert (await wrong.get(VERIFY)).status == 401


async def test_no_request_breaks_it(alice: App) -> None:
    ends = ("?limit=" + "9" * 5000, "?a[b]=1&a=2", "?%00=%00", "/%00", "?" + "a=1&" * 2000, "//x")
    headers = {"Authorization": f"Bearer {alice.token}"}
    for path in (VERIFY, "/api/v1/instance", "/api/v2/instance", "/api/v1/custom_emojis"):
        for end in ends:
            url = URL(alice.instance.url + path + end, encoded=True)
            for method in ("GET", "HEAD", "OPTIONS", "PATCH", "PROPFIND"):
                async with alice.browser.request(method, url, headers=headers) as answer:
                    assert answer.status < 500, (method, url)
