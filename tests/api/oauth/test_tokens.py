"""Codes and tokens: what they are good for, how often, for whom, and until when."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any

import aiohttp
from sqlmodel import select

from fedi.database.tables import AccessToken, Grant, Login
from fedi.social import credentials, statuses
from fedi.social.drafts import Draft
from tests.api.oauth.person import Client, Person, agree, at, join, pkce
from tests.rig import Instance

USERINFO = "/oauth/userinfo"


async def signed_in(visitor: Person) -> Person:
    await join(visitor.instance)
    await visitor.sign_in("alice")
    return visitor


async def test_a_code_works_once_and_its_reuse_ends_the_token(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        code = await agree(await signed_in(visitor), client)
    status, made = await client.token(code)
    assert status == 200
    assert (await client.get(USERINFO, made["access_token"]))[0] == 200
    status, told = await client.token(code)
    assert status == 400 and told["error"] == "invalid_grant"
    assert (await client.get(USERINFO, made["access_token"]))[0] == 401


async def test_of_two_that_bring_a_code_at_once_one_gets_a_token(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        code = await agree(await signed_in(visitor), client)
    answers = await asyncio.gather(*(client.token(code) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 400, 400, 400, 400]


async def test_a_code_is_for_one_app_one_address_and_ten_minutes(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    other = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await signed_in(visitor)
        code = await agree(visitor, client)
        late = await agree(visitor, client)
    for status, told in (
        await other.token(code),
        await client.token(code, redirect_uri="https://app.example/other"),
        await client.token(code, redirect_uri=""),
        await client.token("nothing"),
        await client.token("x" * 8000),
    ):
        assert status == 400 and told["error"] == "invalid_grant", told
    assert (await client.token(code))[0] == 200
    instance.clock.advance(timedelta(seconds=601))
    status, told = await client.token(late)
    assert status == 400 and told["error"] == "invalid_grant"


async def test_pkce_cannot_be_left_out_weakened_or_taken_away(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    verifier, challenge = pkce()
    other, _ = pkce()
    async with at(instance) as visitor:
        await signed_in(visitor)
        code = await agree(visitor, client, **challenge)
        bare = await agree(visitor, client)
    for more in (
        {},
        {"code_verifier": other},
        {"code_verifier": challenge["code_challenge"]},  # as if it were plain
        {"code_verifier": "short"},
        {"code_verifier": verifier + "\n"},
    ):
        status, told = await client.token(code, **more)
        assert status == 400 and told["error"] == "invalid_grant", more
    status, told = await client.token(bare, code_verifier=verifier)  # the challenge was taken out
    assert status == 400 and told["error"] == "invalid_grant"
    assert (await client.token(code, code_verifier=verifier))[0] == 200


async def test_an_app_without_a_secret_needs_pkce(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.public(instance, browser)
    verifier, challenge = pkce()
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.get(client.authorize())
        assert seen.status == 400 and "PKCE" in seen.body
        code = await agree(visitor, client, **challenge)
    assert (await client.token(code))[1]["error"] == "invalid_grant"
    assert (await client.token(code, code_verifier=verifier, client_secret="x"))[0] == 401
    assert (await client.token(code, code_verifier=verifier))[0] == 200
    status, told = await client.ask(
        "/oauth/token", {"grant_type": "client_credentials", "client_id": client.client_id}
    )
    assert status == 400 and told["error"] == "unauthorized_client"


async def test_an_app_proves_itself_in_one_place(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)

    def basic(client_id: str, secret: str) -> dict[str, str]:
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    good = {"client_id": client.client_id, "client_secret": str(client.client_secret)}
    itself = {"grant_type": "client_credentials"}
    right = basic(client.client_id, str(client.client_secret))
    assert (await client.ask("/oauth/token", itself, right))[0] == 200
    assert (await client.ask("/oauth/token", {**itself, **good}))[0] == 200
    wrong: list[tuple[dict[str, str], dict[str, str], int]] = [
        ({**itself, **good}, right, 400),
        ({**itself, "client_id": "other"}, right, 400),
        (itself, {}, 401),
        ({**itself, "client_id": client.client_id}, {}, 401),
        ({**itself, **good, "client_secret": "wrong"}, {}, 401),
        (itself, basic(client.client_id, "wrong"), 401),
        (itself, {"Authorization": "Basic %%%"}, 401),
        (itself, {"Authorization": "Basic " + "x" * 5000}, 401),
        (itself, basic("a\0b", "c"), 401),
    ]
    for values, headers, expected in wrong:
        status, told = await client.ask("/oauth/token", values, headers)
        assert status == expected and set(told) == {"error", "error_description"}, (values, told)


async def test_requests_that_are_not_right(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    url = f"{instance.url}/oauth/token"
    form = "application/x-www-form-urlencoded"
    bodies: list[tuple[bytes, str, str]] = [
        (b"", form, "invalid_request"),
        (b"grant_type=authorization_code", form, "invalid_client"),
        (b"grant_type=a&grant_type=b", form, "invalid_request"),
        (b"grant_type=%00", form, "invalid_request"),
        (b"grant_type=%ff", form, "invalid_request"),
        (b"grant_type=" + b"x" * 9000, form, "invalid_request"),
        (b'{"grant_type": ["a"]}', "application/json", "invalid_request"),
        (b'{"grant_type": 1}', "application/json", "invalid_request"),
        (b"{", "application/json", "invalid_request"),
    ]
    for content, kind, error in bodies:
        async with browser.post(url, data=content, headers={"Content-Type": kind}) as answer:
            assert answer.status in {400, 401}
            assert (await answer.json())["error"] == error, content
            assert answer.headers["Cache-Control"] == "no-store"
    who = {"client_id": client.client_id, "client_secret": client.client_secret}
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"):
        status, told = await client.ask("/oauth/token", {**who, "grant_type": grant})
        assert status == 400 and told["error"] == "unsupported_grant_type"
    async with browser.get(url) as answer:
        assert answer.status == 405


async def test_what_an_app_sends_besides_is_left_alone(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    """Mastodon.py sends its scopes once more, as a list."""
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.get(client.authorize() + "&x[]=1&x[]=2&lang=None&force_login=False")
        seen = await visitor.submit(seen, "/oauth/authorize", decision="allow")
    values = [
        ("grant_type", "authorization_code"),
        ("client_id", client.client_id),
        ("client_secret", str(client.client_secret)),
        ("code", seen.told()["code"]),
        ("redirect_uri", "https://app.example/callback"),
        ("scopes[]", "read"),
        ("scopes[]", "write"),
        ("other[]", "read"),
        ("other[]", "write"),
    ]
    assert (await client.ask("/oauth/token", values))[0] == 200


async def test_an_app_for_itself_is_nobody(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    who = {"client_id": client.client_id, "client_secret": str(client.client_secret)}
    ask = {**who, "grant_type": "client_credentials"}
    status, made = await client.ask("/oauth/token", ask)
    assert status == 200 and made["scope"] == "read"
    assert (await client.get("/api/v1/apps/verify_credentials", made["access_token"]))[0] == 200
    status, told = await client.get(USERINFO, made["access_token"])
    assert status == 401 and "account" in told["error"]
    status, told = await client.ask("/oauth/token", {**ask, "scope": "read admin:read"})
    assert status == 400 and told["error"] == "invalid_scope"


async def test_a_token_is_stored_by_its_hash_alone(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        code = await agree(await signed_in(visitor), client)
    _, made = await client.token(code)
    async with instance.easel.database.read() as session:
        rows: list[Any] = [
            *(await session.exec(select(AccessToken))).all(),
            *(await session.exec(select(Grant))).all(),
            await client.row(),
        ]
    stored = " ".join(str(row) for row in rows)
    for secret in (made["access_token"], code, client.client_secret):
        assert secret and secret not in stored


async def test_an_app_gives_its_token_back(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    other = await Client.register(instance, browser)
    async with at(instance) as visitor:
        code = await agree(await signed_in(visitor), client)
    _, made = await client.token(code)
    token = made["access_token"]

    async def revoke(who: Client, token: str, **more: str) -> tuple[int, Any]:
        values = {"client_id": who.client_id, "client_secret": who.client_secret, "token": token}
        return await who.ask("/oauth/revoke", values | more)

    assert (await revoke(other, token))[0] == 403
    assert (await revoke(client, token, client_secret="wrong"))[0] == 401
    assert (await client.get(USERINFO, token))[0] == 200
    assert await revoke(client, token) == (200, {})
    assert (await client.get(USERINFO, token))[0] == 401
    assert await revoke(client, token) == (200, {})
    assert await revoke(client, "nothing") == (200, {})


async def test_a_token_is_renewed_and_a_thief_ends_them_all(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser, scopes="read write offline_access")

    async def renew(token: str, **more: str) -> tuple[int, Any]:
        values = {
            "grant_type": "refresh_token",
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "refresh_token": token,
        }
        return await client.ask("/oauth/token", values | more)

    async with at(instance) as visitor:
        await signed_in(visitor)
        code = await agree(visitor, client, scope="read offline_access")
    _, first = await client.token(code)
    status, told = await renew(first["refresh_token"], scope="read write")
    assert status == 400 and told["error"] == "invalid_scope"
    status, second = await renew(first["refresh_token"], scope="read:accounts")
    assert status == 200 and second["scope"] == "read:accounts"
    assert (await client.get(USERINFO, first["access_token"]))[0] == 401
    assert (await client.get(USERINFO, second["access_token"]))[0] == 200
    status, told = await renew(first["refresh_token"])
    assert status == 400 and told["error"] == "invalid_grant"
    assert (await client.get(USERINFO, second["access_token"]))[0] == 401
    assert (await renew(second["refresh_token"]))[0] == 400


async def test_a_new_password_ends_tokens_and_codes(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await join(instance)
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        _, made = await client.token(await agree(visitor, client))
        waiting = await agree(visitor, client)
        async with instance.easel.database.write() as tx:
            await credentials.set_password(tx, alice, "battery staple")
        assert (await visitor.get("/settings/security")).status == 303
    assert (await client.get(USERINFO, made["access_token"]))[0] == 401
    assert (await client.token(waiting))[1]["error"] == "invalid_grant"


async def test_a_scope_opens_what_it_names(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser, scopes="read write follow profile")
    enough = ("profile", "read", "read:accounts")
    async with at(instance) as visitor:
        await signed_in(visitor)
        for scope in (*enough, "read:statuses", "write", "follow"):
            _, made = await client.token(await agree(visitor, client, scope=scope))
            assert made["scope"] == scope
            headers = {"Authorization": f"Bearer {made['access_token']}"}
            async with browser.get(instance.url + USERINFO, headers=headers) as answer:
                assert answer.status == (200 if scope in enough else 403), scope
                if scope not in enough:
                    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


async def test_accounts_that_may_not_act_are_told_why(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await join(instance)
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        _, made = await client.token(await agree(visitor, client))

    async def with_(column: str, value: Any) -> tuple[int, Any]:
        async with instance.easel.database.write() as tx:
            row = alice if column == "suspended_at" else await tx.get(Login, alice.id)
            setattr(row, column, value and tx.now)
            tx.add(row)
        return await client.get(USERINFO, made["access_token"])

    for column, broken, whole, word in (
        ("suspended_at", True, None, "suspended"),
        ("confirmed_at", None, True, "email"),
        ("approved_at", None, True, "moderator"),
    ):
        status, told = await with_(column, broken)
        assert status == 403 and word in told["error"]
        assert (await with_(column, whole))[0] == 200


async def test_a_token_is_taken_in_the_header_alone(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        _, made = await client.token(await agree(await signed_in(visitor), client))
    token = made["access_token"]
    assert (await client.get(f"{USERINFO}?access_token={token}"))[0] == 401
    status, _ = await client.ask(USERINFO, {"access_token": token})
    assert status == 401
    assert (await client.ask(USERINFO, {}, {"Authorization": f"Bearer {token}"}))[0] == 200


async def test_apps_in_browsers_may_ask_without_cookies(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for path in (
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/introspect",
        "/oauth/register",
        "/oauth/userinfo",
        "/api/v1/apps",
        "/.well-known/oauth-authorization-server",
        "/users/alice",
        "/users/alice/outbox",
        "/inbox",
    ):
        async with browser.options(
            instance.url + path,
            headers={
                "Origin": "https://elk.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "Authorization",
            },
        ) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
    async with browser.get(f"{instance.url}/oauth/authorize") as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_app_finds_everything(instance: Instance, browser: aiohttp.ClientSession) -> None:
    from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

    url = f"{instance.url}/.well-known/oauth-authorization-server"
    async with browser.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        told = await answer.json()
    secure = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value
        for name, value in told.items()
    }
    AuthorizationServerMetadata(secure).validate()
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert {"read", "write", "follow", "push", "profile"} <= set(told["scopes_supported"])
    for name in told:
        if name.endswith("_endpoint"):
            async with browser.get(told[name]) as answer:
                assert answer.status != 404, name


async def test_what_everybody_may_see_is_shown_to_an_app_but_to_no_bad_token(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await join(instance)
    async with instance.easel.database.write() as tx:
        status = await statuses.publish(tx, alice, Draft(text="Hello"))
    client = await Client.register(instance, browser)
    who = {"client_id": client.client_id, "client_secret": str(client.client_secret)}
    _, made = await client.ask("/oauth/token", {**who, "grant_type": "client_credentials"})
    path = f"{instance.url}/api/easel/v1/statuses/{status.id}/remixes"
    for header, expected in (
        ("", 200),
        (f"Bearer {made['access_token']}", 200),
        ("Bearer nothing", 401),
        (f"Bearer {made['access_token']}x", 401),
        ("Basic YTpi", 401),
        ("Bearer", 401),
        (f"Bearer {'x' * 600}", 401),
    ):
        headers = {"Authorization": header} if header else {}
        async with browser.get(path, headers=headers) as answer:
            assert answer.status == expected, header
