"""Attacks 62, 66 to 70, and 74 to 76: apps that take more than they were given."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import web

from fedi.database.tables import Account
from fedi.social import credentials, moderation
from tests.api.apps import LD_JSON, Answer, App
from tests.api.mastodon.streams import listening, reading
from tests.api.oauth import person
from tests.api.oauth.person import CALLBACK, Client, Person, agree, pkce
from tests.attacks.world import World, attack
from tests.federation.peer import PUBLIC

VERIFY = "/api/v1/accounts/verify_credentials"
OUTBOX = {"type": "Note", "content": "not hers", "to": [PUBLIC]}
LATER = timedelta(seconds=601)  # no attempt of the case before counts any more, and no code holds

_numbers = itertools.count(1)


@asynccontextmanager
async def somebody(world: World) -> AsyncIterator[tuple[Account, Person, Client]]:
    """Somebody of ours who has just come, at a browser, and an app that wants to act for them."""
    name = f"dora{next(_numbers)}"
    world.instance.clock.advance(LATER)
    account = await person.join(world.instance, name, email=f"{name}@mail.example")
    async with person.at(world.instance) as visitor:
        assert (await visitor.sign_in(name)).status == 303
        client = await Client.register(world.instance, visitor.session)
        yield account, visitor, client


def app(world: World, account: Account, client: Client, token: str | None) -> App:
    return App(world.instance, client.browser, account, token)


async def let_in(visitor: Person, client: Client, **more: str) -> str:
    """A token, by the whole way."""
    status, made = await client.token(await agree(visitor, client, **more))
    assert status == 200, made
    return str(made["access_token"])


def _refused(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses and answer.error, (answer.status, answer.body)
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@attack("62-outbox", "no-token", "another-s", "read-only", "nonsense", "twice", "basic", "cookie",
        "in-the-query", "in-the-body")  # fmt: skip
async def outbox(world: World, how: str) -> None:
    """Nothing is posted as alice, whom the state before and after shows."""
    async with somebody(world) as (dora, visitor, client):
        token = await let_in(visitor, client)
        async with world.instance.easel.database.write() as tx:
            reader = await credentials.issue_token(tx, world.alice, "reader", "read")
            good = await credentials.issue_token(tx, world.alice, "good")
        encoded = base64.b64encode(f"alice:{good}".encode()).decode()
        bearer, headers, query = {
            "no-token": (None, {}, ""),
            "another-s": (token, {}, ""),
            "read-only": (reader, {}, ""),
            "nonsense": ("x" * 43, {}, ""),
            "twice": (None, {"Authorization": f"Bearer {good}, Bearer {good}"}, ""),
            "basic": (None, {"Authorization": f"Basic {encoded}"}, ""),
            "cookie": (None, {"Cookie": f"easel={visitor.cookie()}"}, ""),
            "in-the-query": (None, {}, f"?access_token={good}"),
            "in-the-body": (None, {}, ""),
        }[how]  # fmt: skip
        note = OUTBOX | ({"access_token": good} if how == "in-the-body" else {})
        sent = {"Content-Type": LD_JSON, **headers}
        url = world.alice.outbox_uri + query
        answer = await app(world, dora, client, bearer).post(url, note, headers=sent)
        _refused(answer, 403 if how in {"another-s", "read-only"} else 401)


REDIRECTS = {
    "unregistered": "https://evil.example/",
    "prefix": "https://app.example/callbac",
    "longer": f"{CALLBACK}/../../evil",
    "query": f"{CALLBACK}?next=https://evil.example",
    "javascript": "javascript:alert(1)//",
    "data": "data:text/html,<script>alert(1)</script>",
    "fragment": f"{CALLBACK}#x",
    "userinfo": "https://app.example@evil.example/callback",
    "localhost-evil": "http://localhost.evil/callback",
    "no-scheme": "//app.example/callback",
    "backslash": "https://app.example\\@evil.example/callback",
    "case": "https://APP.example/callback",
    "split": f"{CALLBACK}\r\nLocation: https://evil.example",
}


@attack("66-redirect", *REDIRECTS)
async def redirects(world: World, how: str) -> None:
    """An error is told on our page; nobody is sent anywhere, not even to be told so."""
    async with somebody(world) as (_, visitor, client):
        good = await visitor.get(client.authorize())
        for more in ({}, {"response_type": "token"}, {"scope": "nonsense"}):
            path = client.authorize(redirect_uri=REDIRECTS[how], **more)
            told = await visitor.get(path)
            assert told.headers["Content-Type"].startswith("text/html")
            denied = {"decision": "deny", "redirect_uri": REDIRECTS[how]}
            for seen in (told, await visitor.submit(good, "/oauth/authorize", **denied)):
                assert seen.status == 400 and "Location" not in seen.headers


@attack("66-registered", "javascript", "data", "fragment", "no-scheme", "split")
async def registered(world: World, how: str) -> None:
    """Such an address cannot be registered either."""
    async with somebody(world) as (_, _visitor, client):
        values = {"client_name": "An app", "redirect_uris": REDIRECTS[how]}
        status, told = await client.ask("/api/v1/apps", values)
        assert status == 422 and told["error"]


@attack("66-state", "kept", "no-code-in-it")
async def state(world: World, how: str) -> None:
    """What an app puts there comes back as it was, and adds nothing to the address."""
    sent = "a b&code=forged#x" if how == "no-code-in-it" else "%00?=/é"
    async with somebody(world) as (_, visitor, client):
        for decision, told in (("allow", "code"), ("deny", "error")):
            seen = await visitor.get(client.authorize(state=sent))
            seen = await visitor.submit(seen, "/oauth/authorize", decision=decision)
            assert seen.location.startswith(f"{CALLBACK}?") and seen.location.count("code=") <= 1
            assert seen.told()["state"] == sent and told in seen.told()


@attack("67-code", "no-verifier", "wrong-verifier", "plain", "reuse", "another-app", "expired")
async def code(world: World, how: str) -> None:
    async with somebody(world) as (_, visitor, client):
        verifier, challenge = pkce()
        if how == "plain":
            downgraded = challenge | {"code_challenge_method": "plain"}
            assert (await visitor.get(client.authorize(**downgraded))).status == 400
        code = await agree(visitor, client, **challenge)
        bringer, brought = client, {"code_verifier": verifier}
        token = ""
        match how:
            case "no-verifier":
                brought = {}
            case "wrong-verifier":
                brought = {"code_verifier": pkce()[0]}
            case "plain":
                brought = {"code_verifier": challenge["code_challenge"]}
            case "reuse":
                token = (await client.token(code, **brought))[1]["access_token"]
            case "another-app":
                bringer = await Client.register(world.instance, visitor.session)
            case "expired":
                world.instance.clock.advance(LATER)
        status, told = await bringer.token(code, **brought)
        assert (status, told["error"]) == (400, "invalid_grant"), told
        if token:
            assert (await client.get(VERIFY, token))[0] == 401


@attack("68-client-document", "another-id", "private", "large", "redirect", "page", "no-addresses",
        "hangs", "fragment", "userinfo", "plain-http")  # fmt: skip
async def client_document(world: World, how: str) -> None:
    """An app that is named by the address of a document about it: nobody is asked to agree to
    what that document does not say of itself, and nobody is visited for it."""
    mallory = world.stranger()
    url = f"{mallory.origin}/apps/{mallory.name}"
    document: dict[str, Any] = {
        "client_id": url, "client_name": "An app", "client_uri": mallory.origin,
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
    }  # fmt: skip
    match how:
        case "another-id":
            document["client_id"] = f"{world.bob.origin}/apps/good"
        case "no-addresses":
            del document["redirect_uris"]
        case "large":
            document["client_name"] = "x" * 10_000_000
    world.internet.show(url, document)
    if how == "page":
        world.internet.pages[url] = lambda _: web.Response(text="<p>x", content_type="text/html")
    elif how == "redirect":
        world.internet.pages[url] = lambda _: web.HTTPFound(world.canary.url())
    elif how == "hangs":
        world.internet.pages[url] = world.hang
    client_id = {
        "private": world.canary.url("169.254.169.254"),
        "fragment": f"{url}#x",
        "userinfo": url.replace("://", "://good.example@"),
        "plain-http": world.canary.url("canary.example"),
    }.get(how, url)
    async with somebody(world) as (_, visitor, client):
        _, challenge = pkce()
        seen = await visitor.get(client.authorize(client_id=client_id, **challenge))
        assert seen.status in {400, 502, 503} and "Location" not in seen.headers
        assert not [form for form in seen.page.all("form") if "oauth" in form["action"]]


@attack("69-token", "more-by-renewing", "revoked", "another-s-revocation", "new-password",
        "in-the-query", "in-a-form")  # fmt: skip
async def token(world: World, how: str) -> None:
    async with somebody(world) as (dora, visitor, client):
        code = await agree(visitor, client, scope="read")
        status, made = await client.token(code)
        assert status == 200
        held = app(world, dora, client, made["access_token"])
        assert (await held.get(VERIFY)).status == 200
        proof = {"client_id": client.client_id, "client_secret": str(client.client_secret)}
        match how:
            case "more-by-renewing":
                for scope in ("read write", "write", "admin:read", "follow"):
                    asked = {"grant_type": "refresh_token", "scope": scope, **proof}
                    asked["refresh_token"] = made.get("refresh_token", made["access_token"])
                    status, told = await client.ask("/oauth/token", asked)
                    assert status == 400, told
                _refused(await held.post("/api/v1/statuses", {"status": "more"}), 403)
            case "revoked":
                gone = {**proof, "token": made["access_token"]}
                assert (await client.ask("/oauth/revoke", gone))[0] == 200
                _refused(await held.get(VERIFY), 401)
                _refused(await held.get("/api/v1/timelines/public"), 401)
            case "another-s-revocation":
                thief = await Client.register(world.instance, visitor.session)
                gone = {"client_id": thief.client_id, "client_secret": str(thief.client_secret)}
                gone["token"] = made["access_token"]
                assert (await thief.ask("/oauth/revoke", gone))[0] == 403
                assert (await held.get(VERIFY)).status == 200
            case "new-password":
                async with world.instance.easel.database.write() as tx:
                    await credentials.set_password(tx, dora, "another horse battery")
                _refused(await held.get(VERIFY), 401)
            case "in-the-query":
                bare = app(world, dora, client, None)
                _refused(await bare.get(f"{VERIFY}?access_token={held.token}"), 401)
            case "in-a-form":
                status, told = await client.ask(
                    "/api/v1/statuses", {"access_token": str(held.token), "status": "x"}
                )
                assert status == 401 and told["error"]


@attack("70-consent", "another-site", "no-key", "another-s-key", "framed", "markup")
async def consent(world: World, how: str) -> None:
    async with somebody(world) as (_, visitor, client):
        name = '"><script>alert(1)</script><base href=//evil.example>'
        if how == "markup":
            told = {"client_name": name, "website": 'https://app.example/"onmouseover=alert(1)'}
            status, _ = await client.ask("/api/v1/apps", told | {"redirect_uris": CALLBACK})
            if status != 200:  # the site of an app may be refused; the name is shown as it is
                told.pop("website")
            client = await Client.register(world.instance, visitor.session, **told)
        seen = await visitor.get(client.authorize())
        assert seen.status == 200
        policy = seen.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert seen.headers.get("X-Frame-Options", "DENY") == "DENY"
        if how == "markup":
            assert name in seen.page.text and not seen.page.all("base")
            assert all(script.attributes.get("src") for script in seen.page.all("script"))
        form = next(f for f in seen.page.all("form") if f["action"] == "/oauth/authorize")
        fields = {
            one["name"]: one.attributes.get("value", "")
            for one in form.all("input")
            if "name" in one.attributes
        } | {"decision": "allow"}
        headers = {"Sec-Fetch-Site": "cross-site"} if how == "another-site" else {}
        if how == "no-key":
            fields = {name: value for name, value in fields.items() if "key" not in name}
        if how == "another-s-key":
            async with person.at(world.instance) as other:
                page = await other.get("/sign-in")
                keys = [one for one in page.page.all("input") if one["name"] == "form_key"]
                fields["form_key"] = keys[0]["value"]
        if how in {"another-site", "no-key", "another-s-key"}:
            answer = await visitor.post("/oauth/authorize", fields, **headers)
            assert answer.status == 403 and "Location" not in answer.headers


@attack("74-cors", "pages", "api", "preflight")
async def cors(world: World, how: str) -> None:
    """A site may read what it could read by itself, and nothing that a cookie opens."""
    origin = {"Origin": "https://evil.example"}
    async with somebody(world) as (_, visitor, client):
        pages = ("/settings/security", "/", "/oauth/authorize", client.authorize(), "/sign-in")
        paths = (VERIFY, "/api/v1/timelines/public", "/api/v1/markers", "/oauth/userinfo",
                 "/api/v1/streaming/user", "/api/v2/instance")  # fmt: skip
        asked = {**origin, "Access-Control-Request-Method": "POST"}
        method = "OPTIONS" if how == "preflight" else "GET"
        for path in {"pages": pages, "api": paths, "preflight": (*pages, *paths)}[how]:
            async with visitor.session.request(
                method,
                world.instance.url + path,
                headers=asked if how == "preflight" else origin,
                allow_redirects=False,
            ) as answer:
                told = answer.headers
                assert "Access-Control-Allow-Credentials" not in told, path
                assert told.get("Access-Control-Allow-Origin", "*") == "*", path
                if path in pages:
                    assert "Access-Control-Allow-Origin" not in told, path
                elif how == "api" and path not in ("/api/v1/timelines/public", "/api/v2/instance"):
                    assert answer.status == 401, path  # the browser is signed in: that opens none


@attack("75-idempotency", "one-by-one", "at-once", "of-another")
async def idempotency(world: World, how: str) -> None:
    async with somebody(world) as (dora, visitor, client):
        mine = app(world, dora, client, await let_in(visitor, client))
        key = {"Idempotency-Key": "the same"}
        words = {"status": "once", "visibility": "private"}
        if how == "at-once":
            answers = await asyncio.gather(
                *(mine.post("/api/v1/statuses", words, headers=key) for _ in range(8))
            )
        else:
            answers = [await mine.post("/api/v1/statuses", words, headers=key) for _ in range(3)]
        made = {answer.body["id"] for answer in answers if answer.status == 200}
        assert len(made) == 1 and all(answer.status in {200, 409, 422} for answer in answers)
        statuses = await mine.get(f"/api/v1/accounts/{dora.id}/statuses")
        assert [one["id"] for one in statuses.body] == list(made)
        if how == "of-another":
            async with somebody(world) as (eve, at, other):
                hers = app(world, eve, other, await let_in(at, other))
                answer = await hers.post("/api/v1/statuses", words, headers=key)
                assert answer.status == 200 and answer.body["id"] not in made


@attack("76-streaming", "no-token", "wrong-scope", "suspended", "another-s-list")
async def streaming(world: World, how: str) -> None:
    async with somebody(world) as (dora, visitor, client):
        scope = "profile write" if how == "wrong-scope" else "read write"
        client = await Client.register(world.instance, visitor.session, scopes=scope)
        mine = app(world, dora, client, await let_in(visitor, client, scope=scope))
        paths = ("user", "user/notification", "public", "direct", "hashtag?tag=a", "list?list=1")
        if how == "no-token":
            for path in paths:
                bare = app(world, dora, client, None)
                _refused(await bare.get(f"/api/v1/streaming/{path}"), 401)
            return
        if how == "wrong-scope":
            for path in paths:
                _refused(await mine.get(f"/api/v1/streaming/{path}"), 403)
            async with listening(mine) as socket:
                await socket.say(type="subscribe", stream="user")
                assert (await socket.raw())["status"] == 403
            return
        if how == "another-s-list":
            async with world.instance.easel.database.write() as tx:
                hers = await credentials.issue_token(tx, world.alice, "lists")
            alice = app(world, world.alice, client, hers)
            made = (await alice.post("/api/v1/lists", {"title": "hers"})).body
            _refused(await mine.get(f"/api/v1/streaming/list?list={made['id']}"), 404)
            async with listening(mine) as socket:
                await socket.say(type="subscribe", stream="list", list=made["id"])
                assert (await socket.raw())["status"] == 404
            await alice.ask("DELETE", f"/api/v1/lists/{made['id']}")
            return
        async with listening(mine, "public") as socket, reading(mine, "public") as sent:
            async with world.instance.easel.database.write() as tx:
                await moderation.act(tx, None, await tx.get_one(Account, dora.id), "suspend")
            async with somebody(world) as (eve, at, other):
                hers = app(world, eve, other, await let_in(at, other))
                assert (await hers.post("/api/v1/statuses", {"status": "hello"})).status == 200
            assert await socket.closed() == 1008
            assert await sent.answer.content.read() == b""
        _refused(await mine.get("/api/v1/streaming/user"), 401, 403)
