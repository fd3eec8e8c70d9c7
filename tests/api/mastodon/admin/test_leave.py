"""Who may call what of the admin API: the token and the person must both have leave."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest
from starlette.routing import Route

from fedi.api.mastodon import admin
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.admin.conftest import staff
from tests.api.mastodon.test_routes import HOSTILE, PARTS, QUERIES, filled

ROUTES = [
    (method, route.path)
    for route in admin.routes
    if isinstance(route, Route)
    for method in sorted(route.methods or ())
    if method != "HEAD"
]
FOR_ADMINS = ("domain_blocks", "domain_allows", "ip_blocks")  # and those of email addresses


def only_admins(path: str) -> bool:
    return any(name in path for name in (*FOR_ADMINS, "email"))


async def test_only_staff_with_a_token_for_it_get_through(
    instance: rig.Instance, browser: aiohttp.ClientSession, ada: App, max_: App
) -> None:
    user = await App.of(instance, browser, "alice", "read write admin:read admin:write")
    usual = await staff(instance, browser, "ada", "admin", "read write follow")
    reading = await staff(instance, browser, "ada", "admin", "admin:read")
    for method, path in ROUTES:
        instance.clock.advance(timedelta(minutes=1))
        asked, body = filled(path, "7"), None if method == "GET" else {}
        name = f"{method} {path}"
        refused = await user.ask(method, asked, body)
        assert refused.status == 403 and refused.error == "This action is not allowed", name
        assert (await usual.ask(method, asked, body)).status == 403, name
        moderators = (await max_.ask(method, asked, body)).status
        assert (moderators == 403) is only_admins(path), name
        assert (await ada.ask(method, asked, body)).status in {200, 404, 422}, name
        figures = path.endswith(("measures", "dimensions", "retention", "test"))
        through = (await reading.ask(method, asked, body)).status != 403
        assert through is (method == "GET" or figures), name


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("admin:read:accounts", "/api/v2/admin/accounts"),
        ("admin:read:reports", "/api/v1/admin/reports"),
        ("admin:read:domain_blocks", "/api/v1/admin/domain_blocks"),
        ("admin:read:domain_allows", "/api/v1/admin/domain_allows"),
        ("admin:read:ip_blocks", "/api/v1/admin/ip_blocks"),
        ("admin:read:email_domain_blocks", "/api/v1/admin/email_domain_blocks"),
        ("admin:read:canonical_email_blocks", "/api/v1/admin/canonical_email_blocks"),
    ],
)
async def test_a_part_of_the_leave_is_for_its_part_alone(
    instance: rig.Instance, browser: aiohttp.ClientSession, scope: str, path: str
) -> None:
    app = await staff(instance, browser, "ada", "admin", scope)
    assert (await app.get(path)).status == 200
    for _, other in ROUTES:
        if "{" not in other and not path.endswith(other.removesuffix("/test").rpartition("/")[2]):
            assert (await app.get(other)).status in {403, 405}, other


@pytest.mark.long
async def test_no_request_breaks_a_route(ada: App) -> None:
    headers = {"Authorization": f"Bearer {ada.token}"}
    for method, path in ROUTES:
        ada.instance.clock.advance(timedelta(minutes=10))
        asked = [filled(path, part) for part in (PARTS if "{" in path else ("",))]
        for one in [*asked, *(f"{filled(path, '7')}?{query}" for query in QUERIES)]:
            answer = await ada.ask(method, one, None if method == "GET" else {})
            assert answer.status < 500, (method, one)
        if method == "GET":
            continue
        for media_type, content in HOSTILE:
            url = ada.instance.url + filled(path, str(ada.account.id))
            told = headers | {"Content-Type": media_type}
            async with ada.browser.request(method, url, data=content, headers=told) as answer_:
                assert answer_.status < 500, (method, path, content[:50])
