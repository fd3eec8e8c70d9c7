"""Paths lead where they led when every route was asked."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest
import yarl
from starlette.routing import BaseRoute, Match

from fedi.rooms import Rooms
from tests.rig import Instance
from tests.web.admin.staff import appoint, signed_in

WORDS = ("1", "alice", "a%20b", "é", "", "api", "v1", "home", "x/y/z", "..", "{id}")


def asked_one_after_another(routes: list[BaseRoute], scope: dict[str, Any]) -> BaseRoute | None:
    for route in routes:
        if route.matches(scope)[0] is Match.FULL:
            return route
    return None


@pytest.mark.long
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)  # asks none
async def test_every_path_leads_to_the_first_route_that_it_fits(instance: Instance) -> None:
    router = instance.app.router
    assert isinstance(router, Rooms)
    paths = {"", "/", "//", "/a", "/api", "/api/v1", "/api/v1/", "/users/alice/", "/@alice"}
    for route in router.routes:
        pattern = getattr(route, "path", "")
        for word in WORDS:
            path = re.sub(r"\{[^}]+\}", word, pattern)
            paths |= {path, f"{path}/", f"{path}/x", path.upper(), f"/{path}", f"{path}//"}
    wanted, found = 0, 0
    for path in paths:
        for method in ("GET", "POST", "DELETE"):
            scope: dict[str, Any] = {"type": "http", "method": method, "path": path}
            near = router._near(tuple(path.split("/", 4)[1:4]))
            first = asked_one_after_another(router.routes, scope)
            assert asked_one_after_another(near, scope) is first, (method, path)
            wanted += 1
            found += first is not None
    assert len(router._near(("api", "v1", "timelines"))) < 12
    assert wanted > 10_000 and found > 1000


async def test_what_leads_nowhere_is_refused_as_before(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for method, path, status in (
        ("DELETE", "/api/v1/timelines/home", 405),
        ("GET", "/api/v1/timelines/nothing", 404),
        ("GET", "/api/v1/instance/", 307),
        ("GET", "/api/v1/instance", 200),
    ):
        url = yarl.URL(instance.url + path, encoded=True)
        async with browser.request(method, url, allow_redirects=False) as answer:
            assert answer.status == status, (method, path)


async def test_no_number_is_too_long(instance: Instance) -> None:
    """As somebody who may open every page; with more digits than Python or a column reads."""
    numbered = {
        (method, route.path)
        for route in instance.app.router.routes
        if ":int}" in getattr(route, "path", "")
        for method in route.methods & {"GET", "POST"}
    }
    assert len(numbered) > 40
    await appoint(instance, "ada", "admin")
    async with signed_in(instance, "ada") as visitor:
        key = (await visitor.get("/settings/appearance")).page.all("input", name="form_key")[0]
        for method, pattern in sorted(numbered):
            for number in ("9" * 19, "9" * 5000):
                path = re.sub(r"\{[^}]+:int\}", number, pattern)
                path = re.sub(r"\{[^}]+\}", "ada", path)
                if method == "GET":
                    seen = await visitor.get(path)
                else:
                    seen = await visitor.post(path, {"form_key": key["value"]})
                assert 400 <= seen.status < 500, (method, pattern, len(number), seen.status)
