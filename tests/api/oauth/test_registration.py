"""Apps register as RFC 7591 has it, and ask what their tokens are as RFC 7662 does."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import aiohttp

from fedi.social import attempts, credentials, scopes
from tests.api.oauth.person import CALLBACK, Client, agree, at, join, pkce
from tests.rig import Instance

REGISTER, INTROSPECT = "/oauth/register", "/oauth/introspect"
# As AndStatus sends it: the address of a page that is no app of ours, and more than is asked for.
TOLD: dict[str, Any] = {
    "redirect_uris": [CALLBACK],
    "client_name": "AndStatus",
    "client_uri": "http://andstatus.org/andstatus",
    "logo_uri": "http://andstatus.org/images/andstatus-logo.png",
    "policy_uri": "https://github.com/andstatus/andstatus/blob/master/doc/Privacy-Policy.md",
    "scope": "read write follow",
}


async def register(
    instance: Instance, browser: aiohttp.ClientSession, **changes: Any
) -> tuple[int, dict[str, Any]]:
    told = {name: value for name, value in (TOLD | changes).items() if value is not None}
    async with browser.post(instance.url + REGISTER, json=told) as answer:
        return answer.status, await answer.json()


async def test_rfc_7591_an_app_registers_and_signs_somebody_in(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    status, made = await register(instance, browser)
    assert status == 201
    assert made == {
        "client_id": made["client_id"],
        "client_id_issued_at": int(instance.clock.now().timestamp()),
        "client_secret": made["client_secret"],
        "client_secret_expires_at": 0,
        "client_name": "AndStatus",
        "client_uri": TOLD["client_uri"],
        "redirect_uris": [CALLBACK],
        "scope": "read write follow",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    }
    client = Client(instance, browser, made["client_id"], made["client_secret"])
    alice = await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        code = await agree(visitor, client)
    status, told = await client.token(code)
    assert status == 200 and told["me"] == alice.uri and told["refresh_token"]


async def test_rfc_7591_an_app_that_keeps_no_secret_gets_none(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    status, made = await register(
        instance,
        browser,
        token_endpoint_auth_method="none",
        grant_types=["authorization_code"],
        scope=None,
        client_name=None,
    )
    assert status == 201 and "client_secret" not in made
    assert made["client_name"] == "app.example" and made["scope"] == " ".join(scopes.CLIENTS)
    client = Client(instance, browser, made["client_id"])
    await join(instance)
    verifier, challenge = pkce()
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert (await visitor.get(client.authorize())).status == 400
        code = await agree(visitor, client, **challenge)
    status, told = await client.token(code, code_verifier=verifier)
    assert status == 200 and "refresh_token" not in told


async def test_rfc_7591_what_cannot_be_registered_is_refused_by_name(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for changes, error in (
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a.example/#b"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"https://a.example/{n}" for n in range(21)]}, "invalid_redirect_uri"),
        ({"redirect_uris": [{"a": 1}]}, "invalid_request"),
        ({"client_name": "a\u202eb"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
    ):
        status, answer = await register(instance, browser, **changes)
        assert status == 400 and answer["error"] == error, (changes, answer)
        assert answer["error_description"]
    for body, kind, status in (
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"<x/>", "text/xml", 415),
        (b"{" + b" " * 100_000 + b"}", "application/json", 413),
    ):
        headers = {"Content-Type": kind}
        url = instance.url + REGISTER
        async with browser.post(url, data=body, headers=headers) as refused:
            assert refused.status == status, body[:10]


async def test_rfc_7591_what_an_app_says_besides_is_passed_over(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    status, made = await register(
        instance,
        browser,
        scope="read everything activitypub:write:create",
        client_uri="javascript:alert(1)",
        jwks={"keys": []},
        contacts=["a@b.example"],
        client_id="mine",
        client_secret="mine",
    )
    assert status == 201 and made["scope"] == "read activitypub:write:create"
    assert "client_uri" not in made and "mine" not in (made["client_id"], made["client_secret"])


async def test_rfc_7591_an_address_registers_only_so_many(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for _ in range(attempts.APPS_OF_ADDRESS.times):
        await register(instance, browser)
    async with browser.post(instance.url + REGISTER, json=TOLD) as answer:
        assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0
    instance.clock.advance(timedelta(seconds=attempts.APPS_OF_ADDRESS.seconds))
    assert (await register(instance, browser))[0] == 201


async def test_rfc_7662_an_app_learns_whose_its_token_is(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await join(instance)
    client = await Client.register(instance, browser)
    other = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        made = (await client.token(await agree(visitor, client)))[1]
        others = (await other.token(await agree(visitor, other)))[1]
    token = made["access_token"]
    proof = {"client_id": client.client_id, "client_secret": client.client_secret}
    pair = f"{client.client_id}:{client.client_secret}".encode()
    basic = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    bearer = {"Authorization": f"Bearer {token}"}
    expected = {
        "active": True,
        "scope": "read write",
        "token_type": "Bearer",
        "iss": instance.url,
        "iat": made["created_at"],
        "client_id": client.client_id,
        "username": "alice",
        "sub": alice.uri,
        "me": alice.uri,
        "activitypub_actor_id": alice.uri,
    }
    assert await client.ask(INTROSPECT, {**proof, "token": token}) == (200, expected)
    assert await client.ask(INTROSPECT, {"token": token}, basic) == (200, expected)
    assert await client.ask(INTROSPECT, {"token": token}, bearer) == (200, expected)
    for unknown in (others["access_token"], "nothing", token + "x"):
        assert await client.ask(INTROSPECT, {**proof, "token": unknown}) == (200, {"active": False})
        answered = await client.ask(INTROSPECT, {"token": unknown}, bearer)
        assert answered == (200, {"active": False})
    assert (await client.ask(INTROSPECT, {"token": token}))[0] == 401
    assert (await client.ask(INTROSPECT, {**proof, "client_secret": "x", "token": token}))[0] == 401
    assert (await client.ask(INTROSPECT, {"token": token}, {"Authorization": "Bearer x"}))[0] == 401
    assert (await client.ask(INTROSPECT, proof))[0] == 400
    assert (await client.ask("/oauth/revoke", {**proof, "token": token}))[0] == 200
    assert await client.ask(INTROSPECT, {**proof, "token": token}) == (200, {"active": False})


async def test_rfc_7662_what_was_made_on_the_command_line_asks_for_itself_alone(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with instance.easel.database.write() as tx:
        one = await credentials.issue_token(tx, alice, "a script")
        other = await credentials.issue_token(tx, bob, "a script")
    client = Client(instance, browser)
    headers = {"Authorization": f"Bearer {one}"}
    status, told = await client.ask(INTROSPECT, {"token": one}, headers)
    assert status == 200 and told["me"] == alice.uri and "client_id" not in told
    assert await client.ask(INTROSPECT, {"token": other}, headers) == (200, {"active": False})
