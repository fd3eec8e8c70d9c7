"""The C2S toolkit, a page of another origin: what it sends, and what its browser asks for it, from
finding where to sign in to a note, as of June 2026."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.api.oauth.person import pkce
from tests.clients.activitypub.wire import ACTIVITY_JSON, PUBLIC, Wire, allow, picture
from tests.federation.peer import Internet
from tests.rig import Instance


@pytest.mark.parametrize("way", ["described", "registered", "mastodon"])
async def test_the_toolkit_signs_in_by_each_of_its_ways(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet, way: str
) -> None:
    origin = f"http://{internet.host('toolkit')}"
    wire = Wire(browser, origin)
    callback = f"{origin}/callback"
    outbox = f"{instance.url}/users/alice/outbox"

    # What is refused says where its metadata are (RFC 9728), and these name the server (RFC 8414).
    refused = await wire.send(
        "POST", outbox, headers={"Content-Type": ACTIVITY_JSON}, json={"type": "Note"}
    )
    assert refused.status == 401
    exposed = refused.headers["Access-Control-Expose-Headers"]
    assert "WWW-Authenticate" in exposed and "Location" in exposed
    [there] = re.findall(r'resource_metadata="([^"]+)"', refused.headers["WWW-Authenticate"])
    resource = (await wire.send("GET", there)).json
    assert resource["resource"] == outbox
    [issuer] = resource["authorization_servers"]
    server = (await wire.send("GET", f"{issuer}/.well-known/oauth-authorization-server")).json
    assert server["issuer"] == issuer
    # What speaks neither, it takes for Mastodon, if that answers.
    assert (await wire.send("HEAD", f"{instance.url}/api/v1/instance")).status == 200

    client_id, secret = await _known(wire, internet, server, way, callback)
    verifier, challenge = pkce()
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": callback,
        "scope": "read write",
        "state": "x",
        **challenge,
    }
    told = await allow(instance, f"{server['authorization_endpoint']}?{urlencode(asked)}")
    got = await wire.send(
        "POST",
        server["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": told["code"],
            "redirect_uri": callback,
            "code_verifier": verifier,
            **secret,
        },
    )
    assert got.status == 200, got.json
    token = got.json["access_token"]

    # Who that is, by each of the ways that it knows, one after the other where one is not there.
    me = got.json["me"]
    asked = {"token": token, "client_id": client_id, **secret}
    seen = await wire.send("POST", server["introspection_endpoint"], data=asked)
    assert seen.json["active"] is True and seen.json["me"] == seen.json["sub"] == me
    signed = {"Authorization": f"Bearer {token}"}
    verify = f"{instance.url}/api/v1/accounts/verify_credentials"
    assert (await wire.send("GET", verify, headers=signed)).json["uri"] == me
    actor = (await wire.send("GET", me, headers={**signed, "Accept": ACTIVITY_JSON})).json
    assert actor["id"] == me and actor["outbox"] == outbox

    note = {"type": "Note", "content": "<p>From a page</p>", "to": [PUBLIC]}
    made = await wire.send(
        "POST", outbox, headers={**signed, "Content-Type": ACTIVITY_JSON}, json=note
    )
    assert made.status == 201 and made.headers["Location"] == made.json["id"]
    read = await wire.send(
        "GET", made.json["object"]["id"], headers={**signed, "Accept": ACTIVITY_JSON}
    )
    assert read.json["content"] == "<p>From a page</p>"
    assert (await wire.send("GET", outbox, headers={"Accept": ACTIVITY_JSON})).json["totalItems"]

    # A picture: what it is, and the file, as a browser sends a form.
    form = aiohttp.FormData()
    form.add_field("object", json.dumps({"type": "Image", "name": "A red boat"}))
    form.add_field("file", picture(), filename="boat.png", content_type="image/png")
    brought = await wire.send("POST", actor["endpoints"]["uploadMedia"], headers=signed, data=form)
    assert brought.status == 201 and brought.json["name"] == "A red boat"
    assert brought.headers["Location"] == brought.json["id"]
    made = await wire.send(
        "POST",
        outbox,
        headers={**signed, "Content-Type": ACTIVITY_JSON},
        json={**note, "attachment": [{"type": "Image", "url": brought.json["url"]}]},
    )
    assert made.json["object"]["attachment"][0]["name"] == "A red boat"

    ended = {"token": token, "client_id": client_id, **secret}
    assert (await wire.send("POST", server["revocation_endpoint"], data=ended)).status == 200
    again = await wire.send(
        "POST", outbox, headers={**signed, "Content-Type": ACTIVITY_JSON}, json=note
    )
    assert again.status == 401 and 'error="invalid_token"' in again.headers["WWW-Authenticate"]


async def _known(
    wire: Wire, internet: Internet, server: dict[str, Any], way: str, callback: str
) -> tuple[str, dict[str, str]]:
    """Its client id, and its secret where it has one."""
    itself: dict[str, Any] = {"client_name": "C2S toolkit", "redirect_uris": [callback]}
    if way == "described":
        assert server["client_id_metadata_document_supported"] is True
        client_id = f"{wire.origin}/oauth-client.json"
        internet.show(client_id, {**itself, "client_id": client_id}, type_="application/json")
        return client_id, {}
    if way == "registered":
        public = {**itself, "token_endpoint_auth_method": "none"}
        made = await wire.send(
            "POST",
            server["registration_endpoint"],
            headers={"Content-Type": "application/json"},
            json=public,
        )
        assert made.status == 201
        return made.json["client_id"], {}
    made = await wire.send(
        "POST",
        server["app_registration_endpoint"],
        data={"client_name": "C2S toolkit", "redirect_uris": callback, "scopes": "read write"},
    )
    return made.json["client_id"], {"client_secret": made.json["client_secret"]}
