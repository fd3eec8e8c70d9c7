"""What a client finds out by itself: RFC 8414 of the server, RFC 9728 of what it protects."""

from __future__ import annotations

import re

import aiohttp
import yarl

from tests.api.oauth.person import join
from tests.rig import Instance

WELL_KNOWN = "/.well-known/oauth-protected-resource"


async def test_rfc_8414_says_all_that_the_basic_profile_asks_for(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    async with browser.get(f"{instance.url}/.well-known/oauth-authorization-server") as answer:
        told = await answer.json()
    assert told["issuer"] == instance.url
    for name in (
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
    ):
        assert told[name].startswith(f"{instance.url}/oauth/"), name
    assert told["client_id_metadata_document_supported"] is True
    assert told["activitypub_object_id_as_client_id"] is True
    assert {"authorization_code", "refresh_token"} <= set(told["grant_types_supported"])
    assert "none" in told["token_endpoint_auth_methods_supported"]
    assert told["response_types_supported"] == ["code"]
    profile = {
        "https://swicg.github.io/activitypub-api/scopes#createcontent",
        "activitypub:read:me:inbox",
    }
    assert profile <= set(told["scopes_supported"])


async def test_rfc_9728_is_where_a_refusal_says_and_of_what_was_asked_for(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    async with browser.get(instance.url + WELL_KNOWN) as answer:
        assert (await answer.json())["resource"] == instance.url
    for path in (
        "/users/alice/outbox",
        "/users/alice/outbox?page=true&x=%22%20",
        "/users/al%C3%A4/outbox",
    ):
        asked = yarl.URL(instance.url + path, encoded=True)
        async with browser.post(asked, data=b"{}") as refused:
            assert refused.status == 401
            challenge = refused.headers["WWW-Authenticate"]
            assert refused.headers["Access-Control-Allow-Origin"] == "*"
        [there] = re.findall(r'resource_metadata="([^"]+)"', challenge)
        assert there == f"{instance.url}{WELL_KNOWN}{path}"
        async with browser.get(yarl.URL(there, encoded=True)) as answer:
            assert answer.status == 200 and answer.headers["Access-Control-Allow-Origin"] == "*"
            told = await answer.json()
        assert told["resource"] == str(asked)
        assert told["authorization_servers"] == [instance.url]
        assert told["bearer_methods_supported"] == ["header"]


async def test_rfc_9728_a_challenge_cannot_be_broken_open(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    query = "a=%0d%0a&b=\\%22&" + "c" * 3000
    asked = yarl.URL(f"{instance.url}/users/alice/outbox?{query}", encoded=True)
    async with browser.post(asked, data=b"{}") as refused:
        challenge = refused.headers["WWW-Authenticate"]
    assert challenge.count('"') == 4 and "\\" not in challenge
    too_long = yarl.URL(f"{instance.url}{WELL_KNOWN}/users/alice/outbox?{query}", encoded=True)
    async with browser.get(too_long) as answer:
        assert answer.status == 404
