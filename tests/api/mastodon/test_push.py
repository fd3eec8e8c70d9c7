"""Web push, to a real push service on loopback, and an app that decrypts with keys of its own."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import http_ece
import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import update
from sqlmodel import col, select

from fedi.api.mastodon import entities
from fedi.database.tables import AccessToken, Account, Job, PushSubscription
from fedi.social import favourites, moderation, statuses
from fedi.social.push import encryption
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import Answer, App
from tests.api.mastodon.apps import form, held
from tests.social import people

PATH = "/api/v1/push/subscription"


def text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def content(said: str) -> bytes:
    return base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))


@dataclass
class Service:
    """A push service with one app behind it."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    secret: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def keys(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"p256dh": text(point), "auth": text(self.secret)}

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        status, headers = self.answers.pop(0) if self.answers else (201, {})
        return web.Response(status=status, headers=headers)

    def read(self, number: int = -1) -> dict[str, Any]:
        """What the app reads of a message."""
        headers, body = self.got[number]
        version = headers["Content-Encoding"]
        more: dict[str, Any] = {}
        if version == "aesgcm":
            assert headers["Encryption"].startswith("salt=")
            dh = headers["Crypto-Key"].split(";")[0]
            assert dh.startswith("dh=")
            more = {"salt": content(headers["Encryption"][5:]), "dh": content(dh[3:])}
        plain = http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.secret, version=version, **more
        )
        found: dict[str, Any] = msgspec.json.decode(plain)
        return found

    def signer(self, server_key: str, number: int = -1) -> dict[str, Any]:
        """What the token of a message says, as the service checks it."""
        headers, _ = self.got[number]
        scheme, _, said = headers["Authorization"].partition(" ")
        if scheme == "vapid":
            parts = dict(part.strip().split("=", 1) for part in said.split(","))
            said, key = parts["t"], parts["k"]
        else:
            assert scheme == "WebPush"
            key = headers["Crypto-Key"].split("p256ecdsa=")[1]
        assert key == server_key
        point = content(key)
        public = ECKey.import_key(
            {"kty": "EC", "crv": "P-256", "x": text(point[1:33]), "y": text(point[33:])}
        )
        return dict(jwt.decode(said, public, algorithms=["ES256"]).claims)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    found = Service()
    application = web.Application()
    application.router.add_post("/push/{id}", found.take)
    runner = web.AppRunner(application)
    await runner.setup()
    sock = rig.free_socket()
    await web.SockSite(runner, sock).start()
    found.url = f"http://push.localhost:{sock.getsockname()[1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice", "read write follow push")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def subscribe(
    app: App, service: Service, *, alerts: dict[str, bool] | None = None, **more: Any
) -> Answer:
    policy = more.pop("policy", "all")
    return await app.post(
        PATH,
        {
            "subscription": {"endpoint": f"{service.url}/push/1", "keys": service.keys, **more},
            "data": {"alerts": alerts or {"mention": True}, "policy": policy},
        },
    )


async def test_an_edit_of_what_one_quotes_is_pushed(alice: App, bob: App, service: Service) -> None:
    await subscribe(alice, service, alerts={"quoted_update": True})
    quoted = (await bob.post("/api/v1/statuses", {"status": "before"})).body
    mine = {"status": "look at this", "quoted_status_id": quoted["id"]}
    await alice.post("/api/v1/statuses", mine)
    await bob.ask("PUT", f"/api/v1/statuses/{quoted['id']}", {"status": "after"})
    await alice.instance.run_jobs()
    assert [service.read(number)["notification_type"] for number in range(len(service.got))] == [
        "quoted_update"
    ]
    assert service.read()["title"] == "bob edited a post that you quoted"


async def say(app: App, words: str) -> None:
    async with app.instance.easel.database.write() as tx:
        await statuses.publish(tx, app.account, Draft(text=words))


async def pushed(app: App) -> list[Job]:
    """The jobs that still wait, or lie dead."""
    async with app.instance.easel.database.read() as session:
        return list((await session.exec(select(Job).where(Job.kind == "push"))).all())


@pytest.mark.parametrize("standard", [True, False])
async def test_an_app_reads_what_was_pushed(
    alice: App, bob: App, service: Service, standard: bool
) -> None:
    made = held(await subscribe(alice, service, standard=standard), entities.WebPushSubscription)
    assert (made.standard, made.alerts.mention, made.alerts.follow) == (standard, True, False)
    await say(bob, "@alice a fox in the grass")
    await alice.instance.run_jobs()
    said = service.read()
    [notice] = (await alice.get("/api/v1/notifications")).body
    assert said == {
        "access_token": "",
        "preferred_locale": "en",
        "notification_id": int(notice["id"]),
        "notification_type": "mention",
        "icon": f"{alice.instance.url}/static/avatars/missing.png",
        "title": "You were mentioned by bob",
        "body": "@alice a fox in the grass",
    }
    told = (await alice.get("/api/v2/instance")).body["configuration"]
    assert told["vapid"] == {"public_key": made.server_key}
    claims = service.signer(made.server_key)
    assert claims["aud"] == service.url
    assert claims["sub"] == alice.instance.url
    now = alice.instance.clock.now().timestamp()
    assert now < claims["exp"] <= now + 86_400
    headers, body = service.got[0]
    assert int(headers["TTL"]) > 0
    assert len(body) <= encryption.MAX_MESSAGE
    assert await pushed(alice) == []


async def test_a_subscription_is_shown_changed_and_ended(alice: App, service: Service) -> None:
    assert (await alice.get(PATH)).status == 404
    assert (await alice.ask("PUT", PATH, {"data": {"policy": "none"}})).status == 404
    answer = await form(
        alice,
        "POST",
        PATH,
        ("subscription[endpoint]", f"{service.url}/push/1"),
        ("subscription[keys][p256dh]", service.keys["p256dh"]),
        ("subscription[keys][auth]", service.keys["auth"]),
        ("data[alerts][follow]", "true"),
        ("data[alerts][admin.report]", "1"),
    )
    made = held(answer, entities.WebPushSubscription)
    assert (made.policy, made.alerts.follow, made.alerts.admin_report) == ("all", True, True)
    changed = await alice.ask(
        "PUT", PATH, {"data": {"alerts": {"follow": False, "poll": True}, "policy": "follower"}}
    )
    found = held(changed, entities.WebPushSubscription)
    assert (found.policy, found.alerts.follow, found.alerts.poll) == ("follower", False, True)
    assert found.alerts.admin_report
    assert held(await alice.get(PATH), entities.WebPushSubscription) == found
    assert (await alice.ask("DELETE", PATH)).body == {}
    assert (await alice.get(PATH)).status == 404


async def test_a_subscription_that_makes_no_sense_is_refused(
    alice: App, bob: App, service: Service
) -> None:
    good = {"endpoint": f"{service.url}/push/1", "keys": service.keys}
    for subscription in (
        {**good, "endpoint": "mailto:alice@example.org"},
        {**good, "endpoint": service.url + "/" + "x" * 3000},
        {**good, "keys": {**service.keys, "p256dh": text(b"\4" + b"\1" * 64)}},
        {**good, "keys": {**service.keys, "p256dh": "?"}},
        {**good, "keys": {**service.keys, "auth": text(b"short")}},
        {**good, "keys": {"auth": service.keys["auth"]}},
        {},
    ):
        answer = await alice.post(PATH, {"subscription": subscription})
        assert answer.status == 422, subscription
        assert answer.error
    answer = await alice.post(PATH, {"subscription": good, "data": {"policy": "everybody"}})
    assert answer.status == 422
    assert (await subscribe(bob, service)).status == 403  # without the scope


async def test_only_what_was_asked_for_is_pushed(alice: App, bob: App, service: Service) -> None:
    await subscribe(alice, service, alerts={"favourite": True}, policy="followed")
    await say(bob, "@alice no alert for this")
    async with alice.instance.easel.database.write() as tx:
        mine = await statuses.publish(tx, alice.account, Draft(text="a fox"))
        await favourites.add(tx, bob.account, mine)  # a stranger
    assert await pushed(alice) == []
    await people.follow(alice.instance.easel, alice.account, bob.account)
    async with alice.instance.easel.database.write() as tx:
        mine = await statuses.publish(tx, alice.account, Draft(text="a cat"))
        await favourites.add(tx, bob.account, mine)
    await alice.instance.run_jobs()
    assert [service.read(n)["notification_type"] for n in range(len(service.got))] == ["favourite"]
    assert service.read()["body"] == "a cat"


async def test_a_service_that_fails_is_asked_again_and_one_that_is_done_is_not(
    alice: App, bob: App, service: Service
) -> None:
    instance = alice.instance
    await subscribe(alice, service)
    service.answers = [(503, {}), (429, {"Retry-After": "600"}), (201, {}), (410, {})]
    await say(bob, "@alice one")
    for tried, wait in ((1, 60), (2, 590), (2, 20), (3, 0)):
        await instance.run_jobs()
        assert len(service.got) == tried
        instance.clock.advance(timedelta(seconds=wait))
    assert await pushed(alice) == []
    await say(bob, "@alice two")
    await instance.run_jobs()
    assert len(service.got) == 4
    assert (await alice.get(PATH)).status == 404
    await say(bob, "@alice three")
    assert await pushed(alice) == []


async def test_what_has_gone_since_is_not_pushed(alice: App, bob: App, service: Service) -> None:
    await subscribe(alice, service)
    async with bob.instance.easel.database.write() as tx:
        said = await statuses.publish(tx, bob.account, Draft(text="@alice oh"))
        await statuses.delete(tx, said)
    await say(bob, "@alice again")
    async with alice.instance.easel.database.write() as tx:
        await tx.execute(
            update(AccessToken)
            .where(col(AccessToken.account_id) == alice.account.id)
            .values(revoked_at=tx.now)
        )
    await say(bob, "@alice and again")
    await alice.instance.run_jobs()
    assert service.got == []


async def test_who_is_locked_hears_nothing(alice: App, bob: App, service: Service) -> None:
    await subscribe(alice, service)
    await say(bob, "@alice oh")
    async with alice.instance.easel.database.write() as tx:
        await moderation.act(tx, None, await tx.get_one(Account, alice.account.id), "disable")
    await say(bob, "@alice again")
    await alice.instance.run_jobs()
    assert service.got == []


async def test_no_address_is_reached_that_should_not_be(
    new_database: rig.NewDatabase,
    tmp_path: Any,
    browser: aiohttp.ClientSession,
    service: Service,
) -> None:
    guarded = {"allow_private_addresses": False}
    async with rig.serve_instance(tmp_path, new_database(), federation=guarded) as instance:
        alice = await App.of(instance, browser, "alice", "read write push")
        bob = await App.of(instance, browser, "bob")
        for endpoint in (service.url, "https://127.0.0.1/push", "https://[::1]/push"):
            made = await alice.post(
                PATH,
                {
                    "subscription": {"endpoint": f"{endpoint}/1", "keys": service.keys},
                    "data": {"alerts": {"mention": True}},
                },
            )
            assert made.status == 200
            await say(bob, f"@alice {endpoint[:12]}")
            await instance.run_jobs()
            assert service.got == []
            async with instance.easel.database.read() as session:
                assert (await session.exec(select(PushSubscription))).all() == []
