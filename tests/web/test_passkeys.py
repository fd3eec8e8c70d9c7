"""One journey in a real browser: sign in, add a passkey, sign in by it, and let an app in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import select

from fedi.database.tables import Challenge, Passkey
from tests.api.oauth.person import PASSWORD, Client, at, join
from tests.rig import Instance, free_socket
from tests.web.test_browser import chromium  # noqa: F401  (a fixture)

SECURITY = "/settings/security"


async def watched(window: Any, wrong: list[str]) -> Any:
    """A page that reports what goes wrong in it."""
    page = await window.new_page()
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    return page


async def with_a_device(page: Any) -> Any:
    """Give a browser a device that makes passkeys and always says yes."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return cdp, made["authenticatorId"]


@asynccontextmanager
async def an_app() -> AsyncIterator[tuple[str, list[str]]]:
    """A page of another origin that people are taken to: its address, and how it was called."""
    called: list[str] = []

    async def arrive(request: web.Request) -> web.Response:
        if request.path == "/callback":  # and not for its icon
            called.append(str(request.rel_url))
        return web.Response(text="the app")

    app = web.Application()
    app.router.add_get("/{path:.*}", arrive)
    runner = web.AppRunner(app)
    await runner.setup()
    sock = free_socket()
    await web.SockSite(runner, sock).start()
    try:
        yield f"http://app.localhost:{sock.getsockname()[1]}/callback", called
    finally:
        await runner.cleanup()


# What a browser does is the same on every database.
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_somebody_signs_in_by_a_passkey_and_lets_an_app_in(
    instance: Instance,
    browser: aiohttp.ClientSession,
    chromium: Any,  # noqa: F811
) -> None:
    await join(instance)
    wrong: list[str] = []
    window = await chromium.new_context()
    page = await watched(window, wrong)
    cdp, device = await with_a_device(page)

    await page.goto(f"{instance.url}/sign-in?next={SECURITY}")
    await page.fill("[name=name]", "alice")
    await page.fill("[name=password]", PASSWORD)
    await page.click("form[action='/sign-in'] button")
    assert page.url == instance.url + SECURITY
    await page.fill("[name=name]", "My <b>phone</b>")
    async with page.expect_navigation():
        await page.click("text=Add a passkey")
    assert "My <b>phone</b>" in await page.inner_text("#passkeys")
    async with page.expect_navigation():
        await page.click("header form[action='/sign-out'] button")

    # From the app: signing in, agreeing, and back to where the app said, by a form's redirects.
    async with an_app() as (callback, called):
        client = await Client.register(instance, browser, redirect_uris=callback)
        await page.goto(instance.url + client.authorize(redirect_uri=callback, state="s"))
        async with page.expect_navigation(url="**/oauth/authorize**"):
            await page.click("text=Use a passkey")
        assert "@alice@" in await page.inner_text("main")
        async with page.expect_navigation(url=f"{callback}**"):
            await page.click("button[value=allow]")
        await page.goto(f"{instance.url}/about")
        told = parse_qs(urlsplit(called[0]).query)
    assert told["state"] == ["s"]
    status, made = await client.token(told["code"][0], redirect_uri=callback)
    assert status == 200
    assert (await client.get("/oauth/userinfo", made["access_token"]))[0] == 200
    assert wrong == []

    async with instance.easel.database.read() as session:
        [key] = (await session.exec(select(Passkey))).all()
        assert key.sign_count > 0 and key.last_used_at is not None
        assert (await session.exec(select(Challenge))).all() == []  # each was answered once

    # A device that is forgotten here opens nothing; what it said before is not believed again.
    await page.goto(instance.url + SECURITY)
    async with page.expect_navigation():
        await page.click("#passkeys .rows button")
    await page.click("header form[action='/sign-out'] button")
    await page.goto(f"{instance.url}/sign-in")
    async with page.expect_request("**/sign-in/passkey") as sent, page.expect_navigation():
        await page.click("text=Use a passkey")
    assert "not known here" in await page.inner_text("[role=alert]")
    answer = parse_qs((await sent.value).post_data)["answer"][0]
    async with instance.easel.database.write() as tx:
        tx.add(Passkey(**key.model_dump()))
    async with at(instance) as thief:
        seen = await thief.get("/sign-in")
        again = await thief.submit(seen, "/sign-in/passkey", answer=answer)
        assert again.status == 403
        for id_ in ("\0", "\ud800", "x" * 2000, ""):
            odd = json.dumps(json.loads(answer) | {"id": id_})
            assert (await thief.submit(seen, "/sign-in/passkey", answer=odd)).status == 403, id_
        for odd in ("", "{}", "[]", "null", "{", '{"response": {}}', "[" * 9000, "x" * 30_000):
            assert (await thief.submit(seen, "/sign-in/passkey", answer=odd)).status == 403, odd
    await cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device})
    await window.close()


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_an_app_s_own_scheme_may_be_led_to(
    instance: Instance,
    browser: aiohttp.ClientSession,
    chromium: Any,  # noqa: F811
) -> None:
    """Chromium asks `form-action` before it hands the address to an app, and says so if not."""
    await join(instance)
    client = await Client.register(instance, browser, redirect_uris="icecubesapp://")
    wrong: list[str] = []
    window = await chromium.new_context(java_script_enabled=False)
    page = await watched(window, wrong)
    await page.goto(instance.url + client.authorize(redirect_uri="icecubesapp://"))
    await page.fill("[name=name]", "alice")
    await page.fill("[name=password]", PASSWORD)
    await page.click("form[action='/sign-in'] button")
    async with page.expect_response("**/oauth/authorize") as answered:
        await page.click("button[value=allow]", no_wait_after=True)
    assert (await (await answered.value).header_value("location")).startswith(
        "icecubesapp://?code="
    )
    await page.goto(f"{instance.url}/about")
    assert not [text for text in wrong if "form-action" in text]
    await window.close()
