"""Accounts that are made by an app: `POST /api/v1/accounts` and what follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.social import invites, registration
from tests import rig
from tests.api.apps import App
from tests.api.oauth.person import PASSWORD, Client, at, join
from tests.mailbox import Mailbox
from tests.web.test_joining import confirm

EMAIL = "new@mail.example"
GOOD = {
    "username": "newbie",
    "email": EMAIL,
    "password": PASSWORD,
    "agreement": "true",
    "locale": "en",
}


@pytest.fixture
async def serve(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, mailbox: Mailbox
) -> Any:
    @asynccontextmanager
    async def serving(mode: str, **more: Any) -> AsyncIterator[rig.Instance]:
        registrations = {"mode": mode, **more}
        async with rig.serve_instance(
            tmp_path,
            new_database(),
            clock=clock,
            mail=mailbox.settings,
            registrations=registrations,
        ) as instance:
            yield instance

    return serving


async def app_of(
    instance: rig.Instance, browser: aiohttp.ClientSession, scopes: str = "read write"
) -> tuple[Client, str]:
    """An app, and the token by which it asks for itself."""
    client = await Client.register(instance, browser)
    fields = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.client_secret or "",
        "scope": scopes,
    }
    status, made = await client.ask("/oauth/token", fields)
    assert status == 200, made
    return client, made["access_token"]


async def send(client: Client, path: str, token: str, values: dict[str, str]) -> tuple[int, Any]:
    return await client.ask(path, values, {"Authorization": f"Bearer {token}"})


async def test_an_app_makes_an_account_whose_token_waits_for_the_address(
    serve: Any, mailbox: Mailbox, browser: aiohttp.ClientSession
) -> None:
    async with serve("open") as instance:
        client, own = await app_of(instance, browser)
        status, made = await send(client, "/api/v1/accounts", own, GOOD)
        assert status == 200 and made["token_type"] == "Bearer" and made["scope"] == "read write"
        token = made["access_token"]
        status, refused = await client.get("/api/v1/accounts/verify_credentials", token)
        assert status == 403 and "Confirm" in refused["error"]
        assert await client.get("/api/v1/emails/check_confirmation", token) == (200, False)
        await instance.run_jobs()
        mailbox.take(EMAIL)
        # Once more, to another address: the first link holds no longer.
        path = "/api/v1/emails/confirmations"
        assert await send(client, path, token, {"email": "x@y"}) != (200, {})
        assert await send(client, path, token, {"email": "other@mail.example"}) == (200, {})
        await instance.run_jobs()
        link = mailbox.take("other@mail.example").link("/confirm-email")
        async with at(instance) as visitor:
            assert (await confirm(visitor, link)).status == 303
        assert await client.get("/api/v1/emails/check_confirmation", token) == (200, True)
        status, me = await client.get("/api/v1/accounts/verify_credentials", token)
        assert status == 200 and me["acct"] == "newbie"
        assert (await send(client, path, token, {}))[0] == 403
        other, _ = await app_of(instance, browser)
        assert (await other.get("/api/v1/emails/check_confirmation"))[0] == 401


async def test_only_the_app_that_made_an_account_has_its_mail_sent_again(
    serve: Any, browser: aiohttp.ClientSession
) -> None:
    async with serve("open") as instance:
        await join(instance, "alice")
        alice = await App.of(instance, browser, "alice")
        client, own = await app_of(instance, browser)
        path = "/api/v1/emails/confirmations"
        for token in (own, alice.token or "", "wrong"):
            status, _ = await send(client, path, token, {"email": EMAIL})
            assert status in {401, 403}


async def test_what_is_wrong_is_told_by_field_as_mastodon_tells_it(
    serve: Any, browser: aiohttp.ClientSession
) -> None:
    async with serve("approval", minimum_age=16) as instance:
        await join(instance, "alice")
        client, own = await app_of(instance, browser)
        right = GOOD | {"reason": "I paint.", "date_of_birth": "1990-01-01"}
        for field, value, code in (
            ("username", "", "ERR_BLANK"),
            ("username", "alice", "ERR_TAKEN"),
            ("username", "admin", "ERR_RESERVED"),
            ("username", "a-b", "ERR_INVALID"),
            ("username", "a" * 31, "ERR_TOO_LONG"),
            ("email", "x", "ERR_INVALID"),
            ("password", "short", "ERR_TOO_SHORT"),
            ("agreement", "false", "ERR_ACCEPTED"),
            ("reason", "", "ERR_BLANK"),
            ("invite_code", "x", "ERR_INVALID"),
            ("date_of_birth", "", "ERR_BLANK"),
            ("date_of_birth", instance.clock.now().date().isoformat(), "ERR_BELOW_LIMIT"),
        ):
            instance.clock.advance(timedelta(minutes=4))
            status, body = await send(client, "/api/v1/accounts", own, right | {field: value})
            assert status == 422 and body["error"].startswith("Validation failed: "), field
            [told] = body["details"][field]
            assert told["error"] == code and told["description"], field
        assert (await send(client, "/api/v1/accounts", own, right))[0] == 200


async def test_an_app_without_leave_or_at_a_closed_door_makes_none(
    serve: Any, browser: aiohttp.ClientSession
) -> None:
    async with serve("closed") as instance:
        client, own = await app_of(instance, browser)
        status, body = await send(client, "/api/v1/accounts", own, GOOD)
        assert status == 403 and body["error"] == registration.CLOSED
        _, reading = await app_of(instance, browser, "read")
        assert (await send(client, "/api/v1/accounts", reading, GOOD))[0] == 403
        assert (await client.ask("/api/v1/accounts", GOOD))[0] == 401


async def test_a_taken_address_is_answered_as_a_free_one(
    serve: Any, mailbox: Mailbox, browser: aiohttp.ClientSession
) -> None:
    async with serve("open") as instance:
        await join(instance, "alice", email=EMAIL)
        client, own = await app_of(instance, browser)
        status, made = await send(client, "/api/v1/accounts", own, GOOD)
        assert status == 200
        token = made["access_token"]
        status, refused = await client.get("/api/v1/accounts/verify_credentials", token)
        assert status == 403 and "Confirm" in refused["error"]
        await instance.run_jobs()
        assert "@alice" in mailbox.take(EMAIL).text
        path = "/api/v1/emails/confirmations"
        assert await send(client, path, token, {}) == (200, {})
        assert await send(client, path, token, {"email": EMAIL}) == (200, {})
        await instance.run_jobs()
        mailbox.take(EMAIL)


@pytest.mark.parametrize("mode", ["closed", "approval", "invite", "open"])
async def test_the_instance_says_the_truth_about_who_may_come(
    serve: Any, browser: aiohttp.ClientSession, mode: str
) -> None:
    async with serve(mode, minimum_age=13) as instance:
        client = Client(instance, browser)
        _, second = await client.get("/api/v2/instance")
        _, first = await client.get("/api/v1/instance")
        _, node = await client.get("/nodeinfo/2.1")
        told = second["registrations"]
        assert node["openRegistrations"] is told["enabled"]
        assert told["enabled"] is first["registrations"] is (mode in {"approval", "open"})
        assert told["approval_required"] is first["approval_required"] is (mode == "approval")
        assert told["reason_required"] is (mode == "approval")
        assert first["invites_enabled"] is (mode != "closed")
        assert told["min_age"] == 13
        assert (told["url"] is None) is (mode == "closed")
        assert entities.Registrations.__struct_fields__ == tuple(told)
        if mode == "approval":
            async with instance.easel.database.write() as tx:
                invite = await invites.create(tx)
            client, own = await app_of(instance, browser)
            asked = GOOD | {"invite_code": invite.code, "date_of_birth": "1990-01-01"}
            assert (await send(client, "/api/v1/accounts", own, asked))[0] == 200
