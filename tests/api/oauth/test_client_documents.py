"""Apps that are known by an address: their documents are fetched, believed within limits, and
refused before anybody is asked to let them in."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import select

from fedi.database.tables import Application
from tests import rig
from tests.api.oauth.person import Client, Person, agree, at, join, pkce
from tests.federation.peer import Internet
from tests.rig import Instance

JSON = "application/json"
METADATA = "/apps/cimd.json"
OBJECT = "/client.jsonld"


def metadata(client_id: str, /, **changes: Any) -> dict[str, Any]:
    """As the SWICG's demonstration describes itself."""
    origin = client_id.split("/apps")[0]
    return {
        "client_id": client_id,
        "client_name": "Example OAuth Client for ActivityPub API",
        "redirect_uris": [f"{origin}/index.html"],
        "scope": "read write",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_uri": f"{origin}/index.html",
        "logo_uri": f"{origin}/logo.png",
        "software_id": "1027348F-E698-45C4-8900-F1144E57807C",
    } | changes


def an_object(client_id: str, /, **changes: Any) -> dict[str, Any]:
    """As `ap` describes itself (FEP-d8c2)."""
    return {
        "@context": [
            "https://www.w3.org/ns/activitystreams",
            "https://purl.archive.org/socialweb/oauth",
        ],
        "id": client_id,
        "type": "Application",
        "name": "ap",
        "summaryMap": {"en": "<b>ap</b> is a command-line client."},
        "redirectURI": "http://localhost:63546/callback",
    } | changes


def described(instance: Instance, browser: aiohttp.ClientSession, client_id: str) -> Client:
    return Client(instance, browser, client_id)


async def signed_in(visitor: Person) -> Person:
    await join(visitor.instance)
    await visitor.sign_in("alice")
    return visitor


async def apps(instance: Instance) -> list[Application]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(Application))).all())


@pytest.fixture
def app_host(internet: Internet) -> str:
    return f"http://{internet.host('app')}"


async def test_metadata_of_the_web_describe_an_app(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    client = described(instance, browser, app_host + METADATA)
    internet.show(client.client_id, metadata(client.client_id), type_=JSON)
    verifier, challenge = pkce()
    wanted = {"redirect_uri": f"{app_host}/index.html", **challenge}
    async with at(instance) as visitor:
        seen = await visitor.get(client.authorize(**wanted))
        assert seen.status == 303 and internet.asked.total() == 0  # nobody fetches for nobody
        await signed_in(visitor)
        seen = await visitor.get(client.authorize(**wanted))
        assert seen.status == 200 and "Example OAuth Client" in seen.page.one("h1").text
        assert internet.host("app") in seen.page.text
        code = await agree(visitor, client, state="x", **wanted)
        assert internet.asked[client.client_id] == 1
    status, told = await client.token(
        code, redirect_uri=wanted["redirect_uri"], code_verifier=verifier, client_secret="fake"
    )
    assert status == 200 and told["scope"] == "read write"
    assert told["me"] == told["activitypub_actor_id"] == f"{instance.url}/users/alice"
    status, renewed = await client.ask(
        "/oauth/token",
        {
            "grant_type": "refresh_token",
            "refresh_token": told["refresh_token"],
            "client_id": client.client_id,
        },
    )
    assert status == 200 and renewed["access_token"] != told["access_token"]
    assert renewed["me"] == told["me"]


async def test_an_object_describes_an_app(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    client = described(instance, browser, app_host + OBJECT)
    internet.show(client.client_id, an_object(client.client_id), type_="application/ld+json")
    verifier, challenge = pkce()
    callback = "http://localhost:63546/callback"
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.get(client.authorize(redirect_uri=callback, **challenge))
        assert "ap" in seen.page.one("h1").text and "localhost:63546" in seen.page.text
        assert "Any program on this device" in seen.page.text
        code = await agree(visitor, client, redirect_uri=callback, **challenge)
    status, told = await client.token(code, redirect_uri=callback, code_verifier=verifier)
    assert status == 200 and told["scope"] == "read write" and told["refresh_token"]


async def test_pkce_and_the_exact_address_are_demanded(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    client = described(instance, browser, app_host + METADATA)
    internet.show(client.client_id, metadata(client.client_id), type_=JSON)
    _, challenge = pkce()
    there = f"{app_host}/index.html"
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.get(client.authorize(redirect_uri=there))
        assert seen.status == 400 and "PKCE" in seen.body
        for wrong in (
            there + "/x",
            there + "?x=1",
            there[:-1],
            there.replace("app.", "evil."),
            "https://app.example/",
            "javascript:alert(1)",
        ):
            seen = await visitor.get(client.authorize(redirect_uri=wrong, **challenge))
            assert seen.status == 400 and "never named" in seen.body, wrong


async def test_on_loopback_by_its_number_any_port_will_do(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    client = described(instance, browser, app_host + METADATA)
    named = ["http://127.0.0.1/callback", "http://[::1]:1/callback", "http://localhost:5/callback"]
    internet.show(client.client_id, metadata(client.client_id, redirect_uris=named), type_=JSON)
    _, challenge = pkce()
    tried = {
        "http://127.0.0.1:49152/callback": 200,
        "http://[::1]:49152/callback": 200,
        "http://localhost:5/callback": 200,
        "http://localhost:6/callback": 400,
        "http://127.0.0.1:49152/callback2": 400,
        "http://127.0.0.1:49152@evil.example/callback": 400,
        "http://127.0.0.1.evil.example/callback": 400,
        "https://127.0.0.1:49152/callback": 400,
        "http://127.0.0.2:49152/callback": 400,
    }
    async with at(instance) as visitor:
        await signed_in(visitor)
        for uri, status in tried.items():
            seen = await visitor.get(client.authorize(redirect_uri=uri, **challenge))
            assert seen.status == status, uri


UNFIT: list[dict[str, Any]] = [
    {"client_id": "https://other.example/apps/cimd.json"},
    {"client_id": None},
    {"redirect_uris": None},
    {"redirect_uris": []},
    {"redirect_uris": [7]},
    {"redirect_uris": ["javascript:alert(1)"]},
    {"redirect_uris": ["http://app.example/callback"]},
    {"redirect_uris": ["urn:ietf:wg:oauth:2.0:oob"]},
    {"redirect_uris": [f"https://app.example/{n}" for n in range(21)]},
    {"token_endpoint_auth_method": "client_secret_basic"},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"client_secret": "x"},
    {"grant_types": ["client_credentials"]},
]


async def test_attack_68_what_describes_no_app_is_refused_before_anybody_is_asked(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    _, challenge = pkce()
    there = f"{app_host}/index.html"
    async with at(instance) as visitor:
        await signed_in(visitor)

        async def refused(client_id: str, why: object) -> None:
            client = described(instance, browser, client_id)
            seen = await visitor.get(client.authorize(redirect_uri=there, **challenge))
            assert seen.status == 400 and not seen.page.all("form", action="/oauth/authorize"), why

        for changes in UNFIT:
            client_id = app_host + METADATA
            internet.show(client_id, metadata(client_id, **changes), type_=JSON)
            await refused(client_id, changes)
        for gone in ({"redirectURI": None}, {"id": f"{app_host}/other"}, {"redirectURI": 7}):
            internet.show(app_host + OBJECT, an_object(app_host + OBJECT, **gone))
            await refused(app_host + OBJECT, gone)
        # Not JSON, too large, not there, elsewhere, and what cannot be an address at all.
        internet.show(app_host + METADATA, metadata(app_host + METADATA), type_="text/html")
        await refused(app_host + METADATA, "HTML")
        internet.show(
            app_host + METADATA, metadata(app_host + METADATA, padding="x" * 40_000), type_=JSON
        )
        await refused(app_host + METADATA, "size")
        internet.fail(app_host + METADATA, 404)
        await refused(app_host + METADATA, 404)
        internet.show(f"{app_host}/real.json", metadata(app_host + METADATA), type_=JSON)
        internet.redirect(app_host + METADATA, f"{app_host}/real.json")
        await refused(app_host + METADATA, "redirect")
        assert internet.asked[f"{app_host}/real.json"] == 0
        asked = internet.asked.total()
        for address in (
            f"{app_host}",
            f"{app_host}/a/../b",
            f"{app_host}/a/%2e%2E/b",
            f"{app_host}/a#b",
            app_host.replace("//", "//user@") + "/a",
            f"{app_host}/{'x' * 2000}",
            f"{app_host}/ä",
            "http://[::1/a",
            "http://[::::::1]/a",
        ):
            await refused(address, address)
        assert internet.asked.total() == asked
    assert await apps(instance) == []


async def test_attack_68_an_own_address_is_not_reached(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet, app_host: str
) -> None:
    internet.show(app_host + METADATA, metadata(app_host + METADATA), type_=JSON)
    _, challenge = pkce()
    closed = {"allow_private_addresses": False}
    async with (
        rig.serve_instance(tmp_path, new_database(), federation=closed) as instance,
        rig.open_browser() as browser,
        at(instance) as visitor,
    ):
        await signed_in(visitor)
        for address, reason in {
            app_host + METADATA: "not https",
            f"https://127.0.0.1:{internet.port}/app.json": "may not be reached",
            f"https://[::1]:{internet.port}/app.json": "may not be reached",
            f"https://localhost:{internet.port}/app.json": "",
            "https://169.254.169.254/latest/meta-data/": "may not be reached",
        }.items():
            asked = described(instance, browser, address)
            seen = await visitor.get(
                asked.authorize(redirect_uri=f"{app_host}/index.html", **challenge)
            )
            assert seen.status == 400 and reason in seen.page.text, address
        assert await apps(instance) == []
    assert internet.asked.total() == 0


async def test_a_description_is_kept_an_hour_and_then_read_again(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    client = described(instance, browser, app_host + METADATA)
    internet.show(client.client_id, metadata(client.client_id), type_=JSON)
    _, challenge = pkce()
    wanted = {"redirect_uri": f"{app_host}/index.html", **challenge}
    async with at(instance) as visitor:
        await signed_in(visitor)
        for _ in range(3):
            assert (await visitor.get(client.authorize(**wanted))).status == 200
        assert internet.asked[client.client_id] == 1
        moved = metadata(
            client.client_id, redirect_uris=[f"{app_host}/new"], client_name="<b>New</b>"
        )
        internet.show(client.client_id, moved, type_=JSON)
        instance.clock.advance(timedelta(minutes=61))
        assert (await visitor.get(client.authorize(**wanted))).status == 400
        seen = await visitor.get(client.authorize(**wanted | {"redirect_uri": f"{app_host}/new"}))
        assert seen.status == 200 and "<b>New</b>" in seen.page.one("h1").text
        # What cannot be read any more lets nobody in, whatever it said before.
        internet.pages[client.client_id] = lambda _: web.Response(status=500)
        instance.clock.advance(timedelta(minutes=61))
        seen = await visitor.get(client.authorize(**wanted | {"redirect_uri": f"{app_host}/new"}))
        assert seen.status == 400
    assert len(await apps(instance)) == 1


async def test_an_account_asks_for_so_many_descriptions(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    _, challenge = pkce()
    async with at(instance) as visitor:
        await signed_in(visitor)
        for number in range(60):
            client = described(instance, browser, f"{app_host}/{number}")
            assert (await visitor.get(client.authorize(**challenge))).status == 400
        assert (await visitor.get(client.authorize(**challenge))).status == 429


async def test_names_that_cannot_be_shown_give_way_to_the_host(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, app_host: str
) -> None:
    _, challenge = pkce()
    names: list[dict[str, Any]] = [
        {"name": None, "nameMap": {"en": "Farm"}},
        {"name": 7, "nameMap": {"fr": "Ferme"}},
        {"name": "a\u202eb"},
        {"name": "", "nameMap": []},
        {"name": "x" * 5000},
    ]
    shown = ["Farm", "Ferme", internet.host("app"), internet.host("app"), "x" * 60]
    async with at(instance) as visitor:
        await signed_in(visitor)
        for number, (changes, name) in enumerate(zip(names, shown, strict=True)):
            client = described(instance, browser, f"{app_host}/{number}")
            document = json.loads(json.dumps(an_object(client.client_id, **changes)))
            internet.show(client.client_id, document)
            seen = await visitor.get(
                client.authorize(redirect_uri="http://localhost:63546/callback", **challenge)
            )
            assert seen.page.one("h1").text.startswith(name), changes
