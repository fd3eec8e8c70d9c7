"""`ap`, on a command line: what it sends from `ap login` to a note, by its source of 2026. It finds
all it needs in the actor, and is known by the id of an object (FEP-d8c2).

It takes no actor but one under `https`; so the addresses here are the only thing that differs.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.api.oauth.person import pkce
from tests.clients.activitypub.wire import LD_JSON, PUBLIC, Wire, allow, picture
from tests.federation.peer import Internet
from tests.rig import Instance

CALLBACK = "http://localhost:63546/callback"
SCOPE = "read write"
ACCEPT = {"Accept": "application/ld+json,application/activity+json,application/json"}


def itself(client_id: str) -> dict[str, Any]:
    """How it describes itself, as static pages serve a file that ends in `.jsonld`."""
    return {
        "@context": [
            "https://www.w3.org/ns/activitystreams",
            "https://purl.archive.org/socialweb/oauth",
        ],
        "id": client_id,
        "type": "Application",
        "name": "ap",
        "summaryMap": {"en": "<b>ap</b> is a command-line client for the ActivityPub API."},
        "icon": {"type": "Link", "href": "https://ap.example/icon-256.png"},
        "url": "https://ap.example/",
        "redirectURI": CALLBACK,
    }


async def test_ap_signs_in_and_posts(
    instance: Instance, browser: aiohttp.ClientSession, internet: Internet
) -> None:
    wire = Wire(browser)
    client_id = f"http://{internet.host('ap')}/ap/client.jsonld"
    internet.show(client_id, itself(client_id), type_="application/ld+json")
    verifier, challenge = pkce()

    # The address of the account leads to its actor, whose endpoints stand in it.
    resource = {"resource": f"acct:alice@{instance.domain}"}
    finger = f"{instance.url}/.well-known/webfinger?{urlencode(resource)}"
    assert (await wire.send("GET", finger)).status == 404  # nobody has joined yet
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "5aKnB2",
        **challenge,
    }
    told = await allow(instance, f"{instance.url}/oauth/authorize?{urlencode(asked)}")
    found = await wire.send("GET", finger)
    [uri] = [
        link["href"]
        for link in found.json["links"]
        if link["rel"] == "self" and link.get("type") == "application/activity+json"
    ]
    actor = (await wire.send("GET", uri, headers=ACCEPT)).json
    endpoints = actor["endpoints"]
    assert isinstance(endpoints, dict)
    assert endpoints["oauthAuthorizationEndpoint"] == f"{instance.url}/oauth/authorize"

    # It sends no secret, and is put off by a scope that is not the one it asked for.
    assert told["state"] == "5aKnB2"
    got = await wire.send(
        "POST",
        endpoints["oauthTokenEndpoint"],
        headers={"Accept": "application/json"},
        data={
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": told["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        },
    )
    assert got.status == 200 and got.json["scope"] == SCOPE
    assert got.json["token_type"].lower() == "bearer"
    signed = {"Authorization": f"Bearer {got.json['access_token']}"}

    # `ap whoami` asks without saying what it can read, as its library does.
    who = await wire.send("GET", uri, headers={**signed, "Accept": "*/*"})
    assert who.status == 200 and who.json["preferredUsername"] == "alice"

    # `ap create note --public`, and for followers only.
    for to in (PUBLIC, actor["followers"]):
        note = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "to": [to],
            "cc": [],
            "type": "Create",
            "object": {"type": "Note", "content": "From a command line"},
        }
        made = await wire.send(
            "POST", actor["outbox"], headers={**signed, "Content-Type": LD_JSON}, json=note
        )
        assert made.status == 201 and made.json["type"] == "Create"
        assert made.json["id"] == made.headers["Location"]
        assert "From a command line" in made.json["object"]["content"]

    # It says words in a language only by maps.
    said = {"type": "Note", "contentMap": {"en": "In English"}, "summaryMap": {"en": "Words"}}
    made = await wire.send(
        "POST",
        actor["outbox"],
        headers={**signed, "Content-Type": LD_JSON},
        json={"type": "Create", "to": [PUBLIC], "object": said},
    )
    assert made.status == 201
    spoken = made.json["object"]
    assert "In English" in spoken["content"] and spoken["summary"] == "Words"
    assert spoken["contentMap"] == {"en": spoken["content"]}

    # `ap upload`: the file, and what it is as a part of its own; it wants 201, and JSON.
    form = aiohttp.FormData()
    form.add_field("file", picture(), filename="boat.png", content_type="image/png")
    shell = {"@context": "https://www.w3.org/ns/activitystreams", "type": "Image",
             "nameMap": {"en": "A red boat"}}  # fmt: skip
    form.add_field("object", json.dumps(shell), content_type=LD_JSON)
    brought = await wire.send("POST", endpoints["uploadMedia"], headers=signed, data=form)
    assert brought.status == 201 and brought.json["id"] == brought.headers["Location"]
    assert (brought.json["type"], brought.json["name"]) == ("Image", "A red boat")

    # What is elsewhere it reads through `proxyUrl`, by which it also finds whom to follow.
    carol = internet.person("carol")
    proxied = await wire.send("POST", endpoints["proxyUrl"], headers=signed, data={"id": carol.uri})
    assert proxied.status == 200 and proxied.json["inbox"] == carol.inbox

    # `ap follow`, `ap pending following`, `ap pending followers`, `ap accept`.
    async def listed(name: str) -> list[Any]:
        whole = (await wire.send("GET", actor[name], headers=ACCEPT | signed)).json
        if "first" not in whole:
            return list(whole.get("items", whole.get("orderedItems", [])))
        page = (await wire.send("GET", whole["first"], headers=ACCEPT | signed)).json
        return list(page.get("items", page.get("orderedItems")))

    async def does(type_: str, object_: Any) -> dict[str, Any]:
        activity = {"type": type_, "to": [carol.uri], "object": object_}
        sent = await wire.send(
            "POST", actor["outbox"], headers={**signed, "Content-Type": LD_JSON}, json=activity
        )
        assert sent.status == 201, sent.json
        return dict(sent.json)

    follow = await does("Follow", carol.uri)
    assert [one["id"] for one in await listed("pendingFollowing")] == [follow["id"]]
    await does("Update", {"id": uri, "type": "Person", "manuallyApprovesFollowers": True})
    asking = carol.activity("Follow", uri)
    await carol.does(instance, asking)
    [waiting] = await listed("pendingFollowers")
    assert (waiting["id"], waiting["actor"]) == (asking["id"], carol.uri)
    await does("Accept", waiting["id"])
    assert await listed("followers") == [carol.uri] and await listed("pendingFollowers") == []
    await carol.does(instance, carol.activity("Accept", follow["id"]))
    assert await listed("following") == [carol.uri] and await listed("pendingFollowing") == []

    # `ap outbox` goes from the first page to the next.
    shown = []
    page = (await wire.send("GET", actor["outbox"], headers=ACCEPT | signed)).json
    page = (await wire.send("GET", page["first"], headers=ACCEPT | signed)).json
    while page is not None:
        shown += page["orderedItems"]
        following = page.get("next")
        page = following and (await wire.send("GET", following, headers=ACCEPT | signed)).json
    types = [one["type"] for one in shown]
    assert types == ["Accept", "Update", "Follow", "Create", "Create", "Create"]
    assert shown[3]["id"] == made.json["id"]
