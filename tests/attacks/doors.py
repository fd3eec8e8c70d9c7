"""Attacks 71 to 73, 77 and 78: what the doors of the instance tell strangers, and how often they
open."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import yarl
from aiohttp import web
from starlette.routing import Route

from fedi.api.mastodon import throttle
from fedi.database.tables import Account
from fedi.social import attempts, moderation
from tests.api.apps import App
from tests.api.mastodon.test_timelines import upload
from tests.api.oauth import person
from tests.api.oauth.person import PASSWORD, Person, Seen
from tests.attacks.apps import LATER, let_in, somebody
from tests.attacks.world import World, attack

PROBES = 5  # of each, to compare how long they take
RATIO = 3.0  # by which the medians of two that take as long may differ on a busy machine

UNABLE = {502, 503}  # said of what is not there or not now, with a reason

Ask = Callable[[Person, str], Awaitable[Seen]]


async def _by_sign_in(visitor: Person, email: str) -> Seen:
    return await visitor.sign_in(email, "wrong horse battery")


async def _by_reset(visitor: Person, email: str) -> Seen:
    return await visitor.submit(
        await visitor.get("/reset-password"), "/reset-password", email=email
    )


async def _by_sign_up(visitor: Person, email: str) -> Seen:
    name = f"probe{time.perf_counter_ns() % 10**12}"
    typed = {"username": name, "email": email, "password": PASSWORD, "agreement": "1"}
    return await visitor.submit(await visitor.get("/sign-up"), "/sign-up", **typed)


@attack("71-enumeration", "sign-in", "reset", "sign-up")
async def enumeration(world: World, how: str) -> None:
    """Who has an account here is neither told nor shown by the time it takes."""
    ask: Ask = {"sign-in": _by_sign_in, "reset": _by_reset, "sign-up": _by_sign_up}[how]
    async with somebody(world) as (account, _, _client):
        known = f"{account.username}@mail.example"
        told: dict[bool, set[tuple[int, str]]] = {True: set(), False: set()}
        spent: dict[bool, list[float]] = {True: [], False: []}
        async with person.at(world.instance) as visitor:
            for number in range(PROBES):
                for here in (True, False):
                    world.instance.clock.advance(LATER * 3)
                    email = known if here else f"nobody{number}@mail.example"
                    begun = time.perf_counter()
                    seen = await ask(visitor, email)
                    spent[here].append(time.perf_counter() - begun)
                    words = re.sub(r"\S+@mail\.example", "", seen.page.text)
                    told[here].add((seen.status, words))
        assert told[True] == told[False] and len(told[True]) == 1, told
        assert 1 / RATIO < median(spent[True]) / median(spent[False]) < RATIO, spent


@attack("71-webfinger", "suspended", "unconfirmed", "nobody")
async def webfinger(world: World, how: str) -> None:
    """Who is hidden is not there, in the same words as who never was."""
    async with somebody(world) as (account, _, _client):
        name = account.username if how == "suspended" else "nobody-at-all"
        if how == "suspended":
            async with world.instance.easel.database.write() as tx:
                row = await tx.get_one(Account, account.id)
                await moderation.act(tx, None, row, "suspend")
        elif how == "unconfirmed":
            name = "unconfirmed"
            async with person.at(world.instance) as visitor:
                typed = {"username": name, "email": f"{name}@mail.example", "agreement": "1"}
                seen = await visitor.get("/sign-up")
                seen = await visitor.submit(seen, "/sign-up", password=PASSWORD, **typed)
                assert seen.status < 400
        status, body = await world.get(
            f"/.well-known/webfinger?resource=acct:{name}@{world.instance.domain}"
        )
        nobody = await world.get(
            f"/.well-known/webfinger?resource=acct:never-was@{world.instance.domain}"
        )
        assert (status, body) == nobody and status == 404


async def _too_many(ask: Callable[[], Awaitable[Any]], most: int) -> None:
    """After at most so many it is said that it is too much, and when there is more."""
    for _ in range(most + 1):
        answer = await ask()
        status = answer.status
        assert status < 500, status
        if status == 429:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            assert int(headers["retry-after"]) > 0
            return
    raise AssertionError(f"{most + 1} times, and never too many")


@attack("72-limits", "logins", "codes-for-tokens", "apps", "statuses", "uploads", "pictures",
        "mails", "sign-ups")  # fmt: skip
async def limits(world: World, how: str) -> None:
    async with somebody(world) as (account, visitor, client):
        mine = App(world.instance, client.browser, account, await let_in(visitor, client))

        async def form(path: str, **values: str) -> Any:
            async with client.browser.post(world.instance.url + path, data=values) as answer:
                await answer.read()
                return answer

        async def login() -> Any:
            async with person.at(world.instance) as other:
                return await other.sign_in(account.username, "wrong horse battery")

        async def mail() -> Any:
            return await _by_reset(visitor, f"{account.username}@mail.example")

        async def sign_up() -> Any:
            return await _by_sign_up(visitor, "x" * 300)

        easel = world.instance.easel
        match how:  # most of what there is room for, as if it had been asked for already
            case "statuses":
                for _ in range(throttle.POSTS.amount - 5):
                    throttle.of(easel).hit(throttle.POSTS, str(account.id))
            case "codes-for-tokens":
                limit, now = attempts.TOKENS_OF_ADDRESS, easel.clock.now()
                for _ in range(limit.times - 5):
                    attempts.of(easel).take(limit, "127.0.0.1", now)
        most = easel.settings.painting.max_per_hour
        posts = iter(range(10_000))
        asks: dict[str, tuple[Callable[[], Awaitable[Any]], int]] = {
            "logins": (login, attempts.SIGN_INS_OF_ADDRESS.times),
            "codes-for-tokens": (
                lambda: form("/oauth/token", grant_type="authorization_code", code="x"),
                5,
            ),
            "apps": (
                lambda: form("/api/v1/apps", client_name="x", redirect_uris=person.CALLBACK),
                attempts.APPS_OF_ADDRESS.times,
            ),
            "statuses": (
                lambda: mine.post(
                    "/api/v1/statuses", {"status": f"{next(posts)}", "visibility": "private"}
                ),
                5,
            ),
            "uploads": (lambda: upload(mine), 30),
            "pictures": (lambda: _picture(mine), most),
            "mails": (mail, attempts.MAILS_OF_ADDRESS.times),
            "sign-ups": (sign_up, attempts.SIGN_UPS_OF_ADDRESS.times),
        }
        await _too_many(*asks[how])
    world.instance.clock.advance(LATER * 3)


async def _picture(app: App) -> Any:
    """A picture is asked for; one that may wait no longer is taken back, so that the next may."""
    answer = await app.post("/api/easel/v1/paintings", {"recipe": {"prompt": "a lighthouse"}})
    if answer.status == 201:
        gone = await app.ask("DELETE", f"/api/easel/v1/paintings/{answer.body['id']}")
        assert gone.status < 300, gone.body
    return answer


@attack("72-waiting-pictures")
async def waiting_pictures(world: World) -> None:
    """Nobody fills the queue alone."""
    async with somebody(world) as (account, visitor, client):
        mine = App(world.instance, client.browser, account, await let_in(visitor, client))
        recipe = {"recipe": {"prompt": "a lighthouse"}}
        most = world.instance.easel.settings.painting.max_waiting
        made = [await mine.post("/api/easel/v1/paintings", recipe) for _ in range(most + 1)]
        assert [one.status for one in made] == [201] * most + [422]
        for one in made[:-1]:
            await mine.ask("DELETE", f"/api/easel/v1/paintings/{one.body['id']}")


@attack("73-proxy", "private", "own-inbox", "page", "not-for-the-caller", "no-token", "wrong-scope")
async def proxy(world: World, how: str) -> None:
    """Where the actor names a proxy, it fetches nothing but what the caller may see."""
    async with somebody(world) as (account, visitor, client):
        status, body = await world.get(account.uri)
        assert status == 200
        address = json.loads(body).get("endpoints", {}).get("proxyUrl")
        scope = "profile" if how == "wrong-scope" else "read write"
        client = await person.Client.register(world.instance, client.browser, scopes=scope)
        token = await let_in(visitor, client, scope=scope)
        mine = App(world.instance, client.browser, account, None if how == "no-token" else token)
        mallory = world.stranger()
        page = f"{mallory.origin}/page/{mallory.name}"
        world.internet.pages[page] = _page
        wanted = {
            "private": world.canary.url("169.254.169.254"),
            "own-inbox": account.inbox_uri,
            "page": page,
            "not-for-the-caller": world.secret,
        }.get(how, world.bobs_post["id"])
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        content = f"id={yarl.URL(wanted)}".encode()
        for path in {address or f"{world.instance.url}/proxy", f"{account.uri}/proxy"}:
            answer = await mine.post(path, content, headers=headers)
            assert 400 <= answer.status < 500 or answer.status == 502, (path, answer.status)


async def _page(request: web.Request) -> web.Response:
    return web.Response(text="<p>a page</p>", content_type="text/html")


INSTANCE = (
    "/nodeinfo/2.0", "/nodeinfo/2.1", "/.well-known/nodeinfo", "/api/v1/instance",
    "/api/v2/instance", "/api/v1/instance/peers", "/api/v1/instance/activity",
    "/api/v1/instance/rules", "/api/v1/instance/domain_blocks", "/api/v1/directory", "/about",
    "/healthz", "/metrics", "/api/v1/instance/extended_description",
)  # fmt: skip


@attack("77-instance-says")
async def instance_says(world: World) -> None:
    """No address of anybody's, and no count of what is not for everybody."""
    async with somebody(world) as (account, visitor, client):
        mine = App(world.instance, client.browser, account, await let_in(visitor, client))
        before = {path: await world.get(path) for path in INSTANCE}
        said = {"status": "hidden", "visibility": "direct"}
        assert (await mine.post("/api/v1/statuses", said)).status == 200
        async with person.at(world.instance) as other:  # who has not confirmed is no user
            name = f"hidden{account.id}"
            typed = {"username": name, "email": f"{name}@mail.example", "agreement": "1"}
            seen = await other.get("/sign-up")
            await other.submit(seen, "/sign-up", password=PASSWORD, **typed)
        await world.instance.run_jobs()
        for path, (status, body) in before.items():
            after = await world.get(path)
            assert status == after[0] and status in {200, 401, 404}
            assert b"mail.example" not in after[1] and b"hidden" not in after[1], path
            assert _numbers(body) == _numbers(after[1]), (path, body, after[1])


def _numbers(body: bytes) -> list[str]:
    """The counts in a document; its ids are longer."""
    return re.findall(r"\d+", re.sub(r"\d{9,}", "", body.decode()))


ENDS = ("", "/", "//", "/%00", "?a[]=%00&a=1", "?x=" + "y" * 20_000, "/" + "z" * 5000, "/..%2f..",
        "/%ff%fe", "?max_id=-1&limit=9999999999999999999999")  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X")


@attack("78-every-route", *METHODS)
async def every_route(world: World, how: str) -> None:
    """Every address with every method and every odd end has an answer, and never 500."""
    paths = {
        re.sub(r"\{[^}]+\}", "1", route.path)
        for route in world.instance.app.routes
        if isinstance(route, Route)
    }
    assert len(paths) > 200
    async with somebody(world) as (_, visitor, client):
        token = await let_in(visitor, client) if how == "GET" else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for path in sorted(paths):
            for end in ENDS if how == "GET" else ("", "/%00"):
                url = yarl.URL(f"{world.instance.url}{path}{end}", encoded=True)
                async with visitor.session.request(
                    how, url, headers=headers, allow_redirects=False
                ) as answer:
                    assert answer.status < 500 or answer.status in UNABLE, (path, end[:20])
