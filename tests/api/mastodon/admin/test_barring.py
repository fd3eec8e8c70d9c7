"""Rules about other servers, email addresses and networks, made and taken back by an app."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.social import domains as kept
from fedi.social import email_addresses
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.admin.test_accounts import remote
from tests.api.mastodon.apps import held, ids

ADMIN = "/api/v1/admin"


async def test_a_domain_is_blocked_changed_and_pardoned(
    instance: rig.Instance, ada: App, alice: App
) -> None:
    path = f"{ADMIN}/domain_blocks"
    far = await remote(instance)
    asked = {"domain": "Far.example", "severity": "suspend", "public_comment": "Spam"}
    made = held(await ada.post(path, asked), entities.AdminDomainBlock)
    assert (made.domain, made.severity, made.public_comment) == ("far.example", "suspend", "Spam")
    assert (await kept.of(instance.easel)).suspended("far.example")
    assert (await alice.get(f"/api/v1/accounts/{far.id}")).status == 404
    again = await ada.post(path, asked)
    assert again.status == 422 and again.body["existing_domain_block"]["id"] == made.id
    one = f"{path}/{made.id}"
    assert held(await ada.get(one), entities.AdminDomainBlock) == made
    assert held(await ada.get(path), list[entities.AdminDomainBlock]) == [made]
    changed = held(
        await ada.ask("PUT", one, {"severity": "noop", "reject_media": True}),
        entities.AdminDomainBlock,
    )
    assert (changed.id, changed.severity, changed.reject_media) == (made.id, "noop", True)
    assert changed.public_comment == "Spam"
    assert (await alice.get(f"/api/v1/accounts/{far.id}")).status == 200
    assert (await ada.ask("DELETE", one)).body == {}
    assert (await ada.get(one)).status == 404 and ids(await ada.get(path)) == []
    for wrong in (
        {},
        {"domain": "a b"},
        {"domain": instance.domain},
        {"domain": "x.example", "severity": "?"},
    ):
        assert (await ada.post(path, wrong)).status == 422, wrong


async def test_a_domain_is_allowed_and_not_any_more(ada: App) -> None:
    path = f"{ADMIN}/domain_allows"
    made = held(await ada.post(path, {"domain": "near.example"}), entities.AdminDomainAllow)
    assert held(await ada.post(path, {"domain": "near.example"}), entities.AdminDomainAllow) == made
    assert ids(await ada.get(path)) == [made.id]
    assert (await ada.get(f"{path}/{made.id}")).body["domain"] == "near.example"
    assert (await ada.ask("DELETE", f"{path}/{made.id}")).status == 200
    assert ids(await ada.get(path)) == []


async def test_email_domains_and_addresses_are_barred(instance: rig.Instance, ada: App) -> None:
    path = f"{ADMIN}/email_domain_blocks"
    made = held(await ada.post(path, {"domain": "spam.example"}), entities.AdminEmailDomainBlock)
    assert (await ada.post(path, {"domain": "spam.example"})).status == 422

    async def refused(email: str) -> bool:
        async with instance.easel.database.read() as session:
            return await email_addresses.refused(session, email)

    assert await refused("a@spam.example") and await refused("a@mx.spam.example")
    assert not await refused("a@notspam.example")
    assert ids(await ada.get(path)) == [made.id]
    assert (await ada.ask("DELETE", f"{path}/{made.id}")).status == 200
    assert not await refused("a@spam.example")
    path = f"{ADMIN}/canonical_email_blocks"
    asked = {"email": "Some.One+tag@mail.example"}
    one = held(await ada.post(path, asked), entities.AdminCanonicalEmailBlock)
    assert await refused("someone@mail.example") and not await refused("other@mail.example")
    tested = await ada.post(f"{path}/test", {"email": "some.one@mail.example"})
    assert ids(tested) == [one.id]
    assert ids(await ada.post(f"{path}/test", {"email": "other@mail.example"})) == []
    assert (await ada.post(path, {"canonical_email_hash": "x"})).status == 422
    assert (await ada.ask("DELETE", f"{path}/{one.id}")).status == 200
    assert not await refused("someone@mail.example")


async def test_networks_are_barred_for_a_while(instance: rig.Instance, ada: App) -> None:
    path = f"{ADMIN}/ip_blocks"
    asked: dict[str, Any] = {"ip": "192.0.2.7/24", "severity": "sign_up_block", "expires_in": 3600}
    made = held(await ada.post(path, asked), entities.AdminIpBlock)
    assert made.ip == "192.0.2.0/24" and made.expires_at is not None
    changed = await ada.ask("PUT", f"{path}/{made.id}", {"comment": "Spam", "expires_in": 0})
    found = held(changed, entities.AdminIpBlock)
    assert (found.ip, found.comment, found.expires_at) == ("192.0.2.0/24", "Spam", None)
    for wrong in (
        asked,
        asked | {"ip": "0.0.0.0/0"},
        asked | {"ip": "::/0"},
        asked | {"ip": "x"},
        {"ip": "198.51.100.1", "severity": "perhaps"},
        {"ip": "198.51.100.1", "severity": "no_access", "expires_in": 2**62},
    ):
        assert (await ada.post(path, wrong)).status == 422, wrong
    assert ids(await ada.get(path)) == [made.id]
    assert (await ada.ask("DELETE", f"{path}/{made.id}")).status == 200
    assert (await ada.get(f"{path}/{made.id}")).status == 404


async def test_nothing_is_served_to_a_network_that_is_shut_out(
    instance: rig.Instance, ada: App
) -> None:
    asked = {"ip": "127.0.0.1", "severity": "no_access", "expires_in": 60}
    assert (await ada.post(f"{ADMIN}/ip_blocks", asked)).status == 200
    for path in ("/", "/api/v2/instance", "/users/ada", "/oauth/authorize"):
        refused = await ada.get(path)
        assert refused.status == 403, path
    stream = f"{instance.url}/api/v1/streaming?stream=user&access_token={ada.token}"
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await ada.browser.ws_connect(stream)
    instance.clock.advance(timedelta(seconds=61))
    assert (await ada.get("/api/v2/instance")).status == 200
