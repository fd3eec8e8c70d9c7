"""The OAuth demonstration of the SWICG: the library by which it signs in, as it comes from npm,
against a server in a process of its own; what the page does around it is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from fedi.social import accounts
from tests.api.oauth.person import PASSWORD, Person
from tests.clients.programs import FOLDER, Driven, Failed
from tests.federation.peer import Internet
from tests.rig import ServerProcess

DRIVER = FOLDER / "oauth4webapi_driver.mjs"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    server = ServerProcess(tmp_path, "")  # node finds `localhost` alone
    await server.start()
    async with server.database() as database, database.write() as tx:
        await accounts.create_local(tx, "alice", password=PASSWORD)
    yield server
    await server.stop()


@pytest.fixture
def library() -> Iterator[Driven]:
    if not (FOLDER / "node_modules" / "oauth4webapi").exists():
        pytest.skip("run `npm ci` in tests/clients first")
    library = Driven("node", DRIVER)
    yield library
    library.stop()


async def call(library: Driven, name: str, **values: Any) -> Any:
    return await asyncio.to_thread(lambda: library.call(name, **values))


@pytest.mark.parametrize("kind", ["cimd.json", "d8c2.jsonld"])
async def test_the_demonstration_signs_in_and_renews(
    server: ServerProcess,
    library: Driven,
    browser: aiohttp.ClientSession,
    internet: Internet,
    kind: str,
) -> None:
    page = f"http://{internet.host('swicg')}/activitypub-api/examples/oauth"
    client_id, redirect_uri = f"{page}/{kind}", f"{page}/index.html"
    itself: dict[str, Any] = {
        "client_id": client_id,
        "client_name": "Example OAuth Client for ActivityPub API",
        "redirect_uris": [redirect_uri],
        "scope": "read write",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_uri": redirect_uri,
        "logo_uri": "https://localhost:${THIRD_PORT}/logo.png",
    }
    if kind.startswith("d8c2"):
        itself = {
            "@context": ["https://www.w3.org/ns/activitystreams"],
            "id": client_id,
            "type": "Application",
            "name": itself["client_name"],
            "redirectURI": redirect_uri,
        }
    internet.show(client_id, itself, type_="application/json")

    # WebFinger, the actor's origin, and the server there, whose issuer must be that origin.
    acct = f"alice@{urlsplit(server.url).netloc}"
    finger = f"{server.url}/.well-known/webfinger?resource=acct:{acct}"
    accept = {"Accept": "application/xrd+json, application/json", "Origin": page}
    async with browser.get(finger, headers=accept) as answer:
        assert answer.status == 200 and answer.headers["Access-Control-Allow-Origin"] == "*"
        links = (await answer.json(content_type=None))["links"]
    [actor] = [link["href"] for link in links if link["rel"] == "self"]
    parts = urlsplit(actor)
    await call(library, "discover", origin=f"{parts.scheme}://{parts.netloc}")

    asked = {"client_id": client_id, "redirect_uri": redirect_uri, "scope": "read write"}
    address = await call(library, "begin", **asked)
    async with aiohttp.ClientSession() as session:
        person = Person(server, session)  # type: ignore[arg-type]  # it has a url
        await person.sign_in("alice")
        seen = await person.submit(await person.get(address), "/oauth/authorize", decision="allow")
    got = await call(library, "finish", address=seen.location)
    assert got["activitypub_actor_id"] == got["me"] == actor and got["refresh_token"]
    renewed = await call(library, "refresh", token=got["refresh_token"])
    assert renewed["access_token"] != got["access_token"] and renewed["me"] == actor
    seen_as = await call(library, "introspect", token=renewed["access_token"])
    assert seen_as["active"] and seen_as["sub"] == actor
    await call(library, "revoke", token=renewed["access_token"])
    assert (await call(library, "introspect", token=renewed["access_token"]))["active"] is False
    with pytest.raises(Failed):
        await call(library, "refresh", token=renewed["refresh_token"])
    assert (await call(library, "challenge", address=actor))["resource"] == actor


async def test_the_library_registers_too(server: ServerProcess, library: Driven) -> None:
    await call(library, "discover", origin=server.url)
    metadata = {
        "redirect_uris": ["https://app.example/callback"],
        "token_endpoint_auth_method": "none",
    }
    made = await call(library, "register", metadata=metadata)
    assert made["client_id"] and "client_secret" not in made
