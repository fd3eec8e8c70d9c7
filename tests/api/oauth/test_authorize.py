"""People let apps in, and nobody is taken where no app said that it is."""

from __future__ import annotations

from urllib.parse import urlencode

import aiohttp
from sqlmodel import select

from fedi.database.tables import AccessToken, BrowserSession
from tests.api.oauth import person
from tests.api.oauth.person import CALLBACK, OOB, Client, agree, at, join, pkce
from tests.rig import Instance

KEY = {"type": "hidden"}  # the first hidden field of every form of ours


async def test_the_whole_way_with_pkce(instance: Instance, browser: aiohttp.ClientSession) -> None:
    alice = await join(instance)
    client = await Client.register(instance, browser)
    verifier, challenge = pkce()
    async with at(instance) as visitor:
        seen = await visitor.get(client.authorize(state="a b&c=1", **challenge))
        assert seen.status == 303 and seen.location.startswith("/sign-in?next=")
        seen = await visitor.submit(
            await visitor.follow(seen), "/sign-in", name="alice", password=person.PASSWORD
        )
        seen = await visitor.follow(seen)
        assert seen.status == 200 and "An app" in seen.page.one("h1").text
        assert "app.example" in seen.page.text and "@alice@" in seen.page.text
        policy = seen.headers["Content-Security-Policy"]
        assert "form-action 'self' https://app.example;" in policy
        assert "frame-ancestors 'none'" in policy and "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert seen.headers["X-Frame-Options"] == "DENY"
        assert seen.headers["Cache-Control"] == "no-store"
        seen = await visitor.submit(seen, "/oauth/authorize", decision="allow")
        assert seen.status == 303 and seen.location.startswith(f"{CALLBACK}?")
        told = seen.told()
        assert told["state"] == "a b&c=1" and set(told) == {"code", "state"}
    status, made = await client.token(told["code"], code_verifier=verifier)
    assert status == 200
    assert made == {
        "access_token": made["access_token"],
        "token_type": "Bearer",
        "scope": "read write",
        "created_at": made["created_at"],
        "me": alice.uri,
        "activitypub_actor_id": alice.uri,
    }
    assert made["created_at"] == int(instance.clock.now().timestamp())
    status, shown = await client.get("/oauth/userinfo", made["access_token"])
    assert status == 200 and shown["sub"] == alice.uri and shown["iss"] == instance.url
    assert shown["preferred_username"] == "alice" and shown["profile"] == alice.url


async def test_a_code_out_of_band_is_shown(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        code = await agree(visitor, client, redirect_uri=OOB)
        status, made = await client.token(code, redirect_uri=OOB)
        assert status == 200 and made["access_token"]
        seen = await visitor.get(client.authorize(redirect_uri=OOB))
        seen = await visitor.submit(seen, "/oauth/authorize", decision="deny")
        assert seen.status == 200 and not seen.page.all("code")


async def test_a_scheme_of_an_app_is_left_as_it_was_registered(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    client = await Client.register(
        instance, browser, redirect_uris="icecubesapp://\noauth2redirect://org.x/?a=1"
    )
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(client.authorize(redirect_uri="icecubesapp://"))
        assert "form-action 'self' icecubesapp:;" in seen.headers["Content-Security-Policy"]
        seen = await visitor.submit(seen, "/oauth/authorize", decision="allow")
        assert seen.location.startswith("icecubesapp://?code=")
        seen = await visitor.get(client.authorize(redirect_uri="oauth2redirect://org.x/?a=1"))
        seen = await visitor.submit(seen, "/oauth/authorize", decision="allow")
        assert seen.location.startswith("oauth2redirect://org.x/?a=1&code=")


async def test_who_does_not_agree_is_taken_back_without_a_code(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for decision in ("deny", "", "ALLOW"):
            seen = await visitor.get(client.authorize(state="s"))
            seen = await visitor.submit(seen, "/oauth/authorize", decision=decision)
            told = seen.told()
            assert told["error"] == "access_denied" and told["state"] == "s"
            assert "code" not in told


WRONG: list[dict[str, str]] = [
    {"redirect_uri": "https://app.example/callback/more"},
    {"redirect_uri": "https://app.example/callbac"},
    {"redirect_uri": "https://app.example/callback?x=1"},
    {"redirect_uri": "https://app.example/callback#x"},
    {"redirect_uri": "https://app.example.evil.example/callback"},
    {"redirect_uri": "https://evil.example/"},
    {"redirect_uri": "https://user@app.example/callback"},
    {"redirect_uri": "HTTPS://app.example/callback"},
    {"redirect_uri": "http://app.example/callback"},
    {"redirect_uri": "http://localhost.evil/"},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": "data:text/html,x"},
    {"redirect_uri": "//evil.example"},
    {"redirect_uri": ""},
    {"client_id": "nobody"},
    {"client_id": ""},
    {"client_id": "x" * 7000},
    {"client_id": "a\0b"},
    {"response_type": "token"},
    {"response_type": ""},
    {"scope": "read admin:read"},
    {"scope": "profile"},
    {"scope": "everything"},
    {"state": "s" * 5000},
    {"state": "a\0b"},
    {"code_challenge": "x" * 43},
    {"code_challenge": "x" * 43, "code_challenge_method": "plain"},
    {"code_challenge": "short", "code_challenge_method": "S256"},
    {"code_challenge_method": "S256"},
]


async def test_what_is_wrong_is_told_here_and_nobody_is_sent_on(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    client = await Client.register(instance, browser)
    async with at(instance) as nobody, at(instance) as visitor:
        await visitor.sign_in("alice")
        good = await visitor.get(client.authorize())
        for changed in WRONG:
            answers = (
                await nobody.get(client.authorize(**changed)),
                await visitor.get(client.authorize(**changed)),
                await visitor.submit(good, "/oauth/authorize", decision="allow", **changed),
            )
            for seen in answers:
                assert seen.status == 400 and "Location" not in seen.headers, changed
            for seen in answers[1:]:
                assert seen.headers["Content-Type"].startswith("text/html"), changed
                assert "Notifications" in seen.page.text  # in her frame


async def test_parameters_that_come_twice_are_refused(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for more in (
            {"redirect_uri": "https://evil.example/"},
            {"client_id": client.client_id},
            {"scope": "read"},
        ):
            seen = await visitor.get(f"{client.authorize()}&{urlencode(more)}")
            assert seen.status == 400 and "twice" in seen.body


async def test_a_form_of_another_site_allows_nothing(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    await join(instance, "mallory")
    client = await Client.register(instance, browser)
    fields = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": "read",
        "decision": "allow",
    }
    async with at(instance) as visitor, at(instance) as attacker:
        await visitor.sign_in("alice")
        await attacker.sign_in("mallory")
        theirs = (await attacker.get(client.authorize())).page.all("input", **KEY)[0]
        ours = (await visitor.get(client.authorize())).page.all("input", **KEY)[0]["value"]
        assert (await visitor.post("/oauth/authorize", fields)).status == 403
        for key in ("", "x", "é", theirs["value"]):
            seen = await visitor.post("/oauth/authorize", {**fields, "form_key": key})
            assert seen.status == 403 and "Location" not in seen.headers
        seen = await visitor.post(
            "/oauth/authorize", {**fields, "form_key": ours}, **{"Sec-Fetch-Site": "cross-site"}
        )
        assert seen.status == 403
        seen = await visitor.post("/oauth/authorize", {**fields, "form_key": ours})
        assert seen.status == 303
    async with instance.easel.database.read() as session:
        assert (await session.exec(select(AccessToken))).all() == []


async def test_the_cookie_is_for_us_alone(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        seen = await visitor.sign_in("alice")
        [cookie] = [one for one in seen.headers.getall("Set-Cookie") if one.startswith("easel=")]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
        assert "Domain" not in cookie


async def test_the_words_of_an_app_are_words(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    name = "<script>alert(1)</script>"
    client = await Client.register(instance, browser, client_name=name)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(client.authorize(state='"><script>alert(2)</script>'))
        assert name in seen.page.one("h1").text and not seen.page.all("script")


async def test_who_must_sign_in_again_may_be_somebody_else(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    bob = await join(instance, "bob")
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.follow(await visitor.get(client.authorize(force_login="true")))
        seen = await visitor.submit(seen, "/sign-in", name="bob", password=person.PASSWORD)
        seen = await visitor.follow(seen)
        assert "@bob@" in seen.page.text
        seen = await visitor.submit(seen, "/oauth/authorize", decision="allow")
    _, made = await client.token(seen.told()["code"])
    assert (await client.get("/oauth/userinfo", made["access_token"]))[1]["sub"] == bob.uri
    async with instance.easel.database.read() as session:
        held = (await session.exec(select(BrowserSession))).all()
    assert [row.account_id for row in held] == [bob.id]  # alice's is gone from this browser


async def test_unfinished_accounts_let_nobody_in(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await join(instance)
    client = await Client.register(instance, browser)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        async with instance.easel.database.write() as tx:
            tx.add(alice)
            alice.suspended_at = tx.now
        seen = await visitor.get(client.authorize())
        assert seen.status == 303 and seen.location.startswith("/sign-in")
        seen = await visitor.sign_in("alice")
        assert seen.status == 403 and "suspended" in seen.page.text
