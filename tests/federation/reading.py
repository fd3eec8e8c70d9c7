"""What is read of an instance by a program that asks as other servers do."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from tests.federation.peer import ACTIVITY_JSON, AS2, Person

Browser = aiohttp.ClientSession


async def read(
    browser: Browser, url: str, accept: str = ACTIVITY_JSON, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    async with browser.get(
        url, headers={"Accept": accept, **headers}, allow_redirects=False
    ) as answer:
        body = await answer.read()
        type_ = answer.headers.get("Content-Type", "")
        return answer.status, json.loads(body) if "json" in type_ else body, dict(answer.headers)


async def document(browser: Browser, url: str) -> dict[str, Any]:
    """A document that must be there, served as what it is."""
    status, found, headers = await read(browser, url)
    assert status == 200, found
    assert headers["Content-Type"].startswith(ACTIVITY_JSON)
    assert {"Accept", "Signature"} <= {name.strip() for name in headers["Vary"].split(",")}
    assert found["@context"][0] == AS2
    assert found["id"] == url
    assert isinstance(found, dict)
    return found


async def listed(browser: Browser, url: str) -> tuple[int | None, list[Any]]:
    """A collection's total and, page by page, its items."""
    whole = await document(browser, url)
    items: list[Any] = list(whole.get("orderedItems", whole.get("items", [])))
    page = whole.get("first")
    seen: set[str] = set()
    while page is not None:
        if isinstance(page, str):
            assert page not in seen
            seen.add(page)
            page = await document(browser, page)
        assert page["partOf"] == url
        items += page.get("orderedItems", page.get("items", []))
        page = page.get("next")
    return whole.get("totalItems"), items


async def listed_for(reader: Person, url: str) -> tuple[int | None, list[Any]]:
    """A collection's total and its items, as somebody who signs may see it."""
    status, whole = await reader.get(url)
    assert status == 200, whole
    items: list[Any] = list(whole.get("orderedItems", whole.get("items", [])))
    page = whole.get("first")
    while page is not None:
        if isinstance(page, str):
            status, page = await reader.get(page)
            assert status == 200, page
        items += page.get("orderedItems", page.get("items", []))
        page = page.get("next")
    return whole.get("totalItems"), items
