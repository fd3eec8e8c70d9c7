"""Apps register, in every shape that clients send, and are refused what would harm people."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import aiohttp

from tests.api.oauth.person import CALLBACK, OOB, Client
from tests.rig import Instance

ENTITY = {
    "id", "name", "website", "scopes", "redirect_uri", "redirect_uris", "client_id",
    "client_secret", "client_secret_expires_at", "vapid_key",
}  # fmt: skip
TOLD = {"client_name": "Tusky", "scopes": "read write follow push", "website": "https://t.example"}


async def test_an_app_registers_in_every_shape(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    url = f"{instance.url}/api/v1/apps"
    uris = [CALLBACK, OOB]
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in {**TOLD, "redirect_uris": "\n".join(uris)}.items():
        form.add_field(name, value)
    shapes: list[dict[str, Any]] = [
        {"data": {**TOLD, "redirect_uris": "\n".join(uris)}},
        {"data": [*TOLD.items(), *(("redirect_uris[]", uri) for uri in uris)]},
        {"json": {**TOLD, "redirect_uris": uris}},
        {"json": {**TOLD, "redirect_uris": "\n".join(uris)}},
        {"data": form},
        {"params": {**TOLD, "redirect_uris": "\n".join(uris)}},  # Ice Cubes
    ]
    for shape in shapes:
        async with browser.post(url, **shape) as answer:
            made = await answer.json()
            assert answer.status == 200, made
        assert set(made) == ENTITY
        assert made["redirect_uris"] == uris and made["redirect_uri"] == "\n".join(uris)
        assert made["scopes"] == ["read", "write", "follow", "push"]
        assert made["name"] == "Tusky" and made["website"] == "https://t.example"
        assert made["client_secret_expires_at"] == 0
        point = base64.urlsafe_b64decode(made["vapid_key"] + "=")
        assert len(point) == 65 and point[0] == 4  # an uncompressed point


async def test_all_apps_are_told_the_same_key(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    one = await Client.register(instance, browser)
    other = await Client.register(instance, browser)
    assert one.registered["vapid_key"] == other.registered["vapid_key"]
    status, found = await one.ask(
        "/oauth/token",
        {
            "grant_type": "client_credentials",
            "client_id": one.client_id,
            "client_secret": one.client_secret,
        },
    )
    assert status == 200
    status, shown = await one.get("/api/v1/apps/verify_credentials", found["access_token"])
    assert status == 200
    secret = {"client_id", "client_secret", "client_secret_expires_at"}
    assert shown == {name: one.registered[name] for name in ENTITY - secret}


async def test_without_scopes_an_app_may_read(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser, scopes="")
    assert client.registered["scopes"] == ["read"]


HARMFUL = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://a.example/x",
    "urn:ietf:wg:oauth:2.0:other",
    "https://",
    "https:///x",
    "http://user@app.example/",
    "https://app.example/#part",
    "https://app.example\\@evil.example/",
    "//app.example/",
    "/callback",
    "app",
    "https://app.example:0/",
    "https://app.example:x/",
    "https://[::1/",
    "https://app.example/" + "x" * 2000,
    "https://äpp.example/",
    "java\tscript:alert(1)",
]
UNFIT: list[tuple[dict[str, str], int]] = [
    ({"client_name": ""}, 422),
    ({"client_name": "x" * 61}, 422),
    ({"client_name": "a\u202eb"}, 422),
    ({"client_name": "a\0b"}, 422),
    ({"redirect_uris": ""}, 422),
    ({"redirect_uris": "\n".join(f"https://a.example/{n}" for n in range(21))}, 422),
    ({"scopes": "read everything"}, 422),
    ({"scopes": "read " * 1000}, 422),
    ({"website": "javascript:alert(1)"}, 422),
    ({"website": "x" * 100_000}, 413),
]


async def test_nobody_may_be_taken_to_what_is_no_app(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = Client(instance, browser)
    for uri in HARMFUL:
        told = {"client_name": "x", "redirect_uris": [uri]}
        status, answer = await client.ask("/api/v1/apps", told)
        assert status == 422 and answer["error"], uri


async def test_what_cannot_be_registered_is_refused_in_words(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for changed, status in UNFIT:
        told = {"client_name": "x", "redirect_uris": CALLBACK} | changed
        got, answer = await Client(instance, browser).ask("/api/v1/apps", told)
        assert got == status and set(answer) == {"error"}, (changed, got)


async def test_bodies_that_cannot_be_read(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    url = f"{instance.url}/api/v1/apps"
    bodies: list[tuple[bytes, str]] = [
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b'{"client_name": {"a": 1}, "redirect_uris": []}', "application/json"),
        (b"client_name=%ff&redirect_uris=x", "application/x-www-form-urlencoded"),
        (b"client_name=a&client_name=b", "application/x-www-form-urlencoded"),
        (b"x" * 100, "multipart/form-data"),
        (b"--a\r\n", "multipart/form-data; boundary=a"),
        (b"<xml/>", "text/xml"),
        (b"&".join(b"a%d=1" % n for n in range(200)), "application/x-www-form-urlencoded"),
    ]
    for content, kind in bodies:
        async with browser.post(url, data=content, headers={"Content-Type": kind}) as answer:
            assert answer.status in {415, 422}, (content, answer.status)
            assert set(await answer.json()) == {"error"}


async def test_an_address_registers_only_so_many(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = Client(instance, browser)
    for _ in range(50):
        await client.ask("/api/v1/apps", {"client_name": "x", "redirect_uris": ["x:"]})
    url = f"{instance.url}/api/v1/apps"
    async with browser.post(url, data={"client_name": "x", "redirect_uris": CALLBACK}) as answer:
        assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0
    instance.clock.advance(timedelta(seconds=600))
    await Client.register(instance, browser)
