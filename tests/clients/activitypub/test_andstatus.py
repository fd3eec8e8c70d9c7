"""AndStatus, on Android: what it sends when somebody adds an account of an ActivityPub server, and
posts a note with a warning, by its source of December 2024."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.api.apps import App
from tests.clients.activitypub.wire import LD_JSON, PUBLIC, Wire, allow, picture
from tests.rig import Instance

CALLBACK = "http://oauth-redirect.andstatus.org"  # what its app on the phone catches
SCOPE = "read write follow"
ITSELF: dict[str, Any] = {
    "redirect_uris": [CALLBACK],
    "client_name": "AndStatus",
    "client_uri": "http://andstatus.org/andstatus",
    "logo_uri": "http://andstatus.org/images/andstatus-logo.png",
    "scope": SCOPE,
    "policy_uri": "https://github.com/andstatus/andstatus/blob/master/doc/Privacy-Policy.md",
}
# After a refusal it registers as Mastodon has it: an array becomes text.
FOR_MASTODON = ITSELF | {
    "redirect_uris": CALLBACK,
    "scopes": SCOPE,
    "website": "http://andstatus.org/andstatus",
}


@pytest.mark.parametrize("way", ["rfc7591", "activitystreams", "mastodon"])
async def test_andstatus_adds_an_account_and_posts(
    instance: Instance, browser: aiohttp.ClientSession, way: str
) -> None:
    wire = Wire(browser)
    metadata = f"{instance.url}/.well-known/oauth-authorization-server"
    server = (await wire.send("GET", metadata)).json
    registered = await wire.send(
        "POST",
        f"{instance.url}/api/v1/apps" if way == "mastodon" else server["registration_endpoint"],
        headers={"Content-Type": LD_JSON if way == "activitystreams" else "application/json"},
        json=FOR_MASTODON if way == "mastodon" else ITSELF,
    )
    assert registered.status in {200, 201}, registered.json
    client_id, secret = registered.json["client_id"], registered.json["client_secret"]

    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "state4321",
    }
    told = await allow(instance, f"{server['authorization_endpoint']}?{urlencode(asked)}")
    assert told["state"] == "state4321"
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    got = await wire.send(
        "POST",
        server["token_endpoint"],
        headers={"Authorization": f"Basic {pair}"},
        data={
            "code": told["code"],
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "grant_type": "authorization_code",
        },
    )
    assert got.status == 200, got.json
    signed = {"Authorization": f"Bearer {got.json['access_token']}"}

    # Whose account that is, it takes from the answer, and reads there.
    who = await wire.send("GET", got.json["me"], headers={**signed, "Accept": LD_JSON})
    actor = who.json
    assert actor["id"] == got.json["me"] and actor["preferredUsername"] == "alice"
    for name in ("inbox", "outbox", "followers", "following", "liked"):
        assert actor[name].startswith(f"{instance.url}/users/alice/")

    # If what comes back lacks the words, it sends them again as an Update.
    content, summary = "<p>From a <b>phone</b></p>", "Phones"
    note = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "Create",
        "to": [PUBLIC],
        "actor": actor["id"],
        "object": {
            "attributedTo": actor["id"],
            "type": "Note",
            "to": [PUBLIC],
            "summary": summary,
            "sensitive": True,
            "content": content,
        },
    }
    made = await wire.send(
        "POST", actor["outbox"], headers={**signed, "Content-Type": LD_JSON}, json=note
    )
    assert made.status == 201 and made.headers["Location"] == made.json["id"]
    posted = made.json["object"]
    assert posted["content"] and posted["summary"] == summary and posted["sensitive"] is True
    assert "phone" in posted["content"] and posted["attributedTo"] == actor["id"]

    answer = {
        **note,
        "object": {
            "attributedTo": actor["id"],
            "type": "Note",
            "to": [PUBLIC],
            "content": "And another",
            "inReplyTo": posted["id"],
        },
    }
    made = await wire.send(
        "POST", actor["outbox"], headers={**signed, "Content-Type": LD_JSON}, json=answer
    )
    assert made.status == 201 and made.json["object"]["inReplyTo"] == posted["id"]
    # What comes back is what it wrote, or it would send that once more, as an Update.
    assert (posted["content"], made.json["object"]["content"]) == (content, "And another")
    # It does so when somebody edits.
    update = {**answer, "type": "Update"}
    update["object"] = {**answer["object"], "id": made.json["object"]["id"], "content": "More"}
    again = await wire.send(
        "POST", actor["outbox"], headers={**signed, "Content-Type": LD_JSON}, json=update
    )
    assert again.status == 201 and again.json["object"]["content"] == "More"

    # A picture: the file alone, and what comes back is attached as it is.
    form = aiohttp.FormData()
    form.add_field("file", picture(), filename="boat.png", content_type="image/png")
    brought = await wire.send("POST", actor["endpoints"]["uploadMedia"], headers=signed, data=form)
    assert brought.status == 201 and brought.json["url"]
    shown = {**note, "object": {**note["object"], "attachment": [brought.json]}}
    made = await wire.send(
        "POST", actor["outbox"], headers={**signed, "Content-Type": LD_JSON}, json=shown
    )
    assert made.status == 201
    assert [one["url"] for one in made.json["object"]["attachment"]] == [brought.json["url"]]

    # It reads the pages of both collections, and goes on where it stopped.
    reads = {**signed, "Accept": LD_JSON}
    outbox = (await wire.send("GET", actor["outbox"], headers=reads)).json
    page = (await wire.send("GET", outbox["first"], headers=reads)).json
    types = [one["type"] for one in page["orderedItems"]]
    assert types == ["Create", "Update", "Create", "Create"]
    assert page["orderedItems"][3]["object"]["content"] == posted["content"]
    if way == "rfc7591":
        for n in range(17):  # with those before, one more than a page holds
            more = {"type": "Note", "content": f"{n}", "to": [PUBLIC]}
            options = {"headers": {**signed, "Content-Type": LD_JSON}, "json": more}
            assert (await wire.send("POST", actor["outbox"], **options)).status == 201
        newest = (await wire.send("GET", outbox["first"], headers=reads)).json
        older = (await wire.send("GET", newest["next"], headers=reads)).json
        assert older["orderedItems"][-1]["object"]["id"] == posted["id"]
        back = (await wire.send("GET", older["prev"], headers=reads)).json
        assert back["orderedItems"] == newest["orderedItems"]
    bob = await App.of(instance, browser, "bob")
    asked = await bob.submit(
        {"type": "Note", "content": "Hello there", "to": [actor["id"]], "inReplyTo": posted["id"]}
    )
    assert asked.status == 201
    inbox = (await wire.send("GET", actor["inbox"], headers=reads)).json
    [came] = (await wire.send("GET", inbox["first"], headers=reads)).json["orderedItems"]
    assert (came["type"], came["object"]["inReplyTo"]) == ("Create", posted["id"])
    assert "Hello there" in came["object"]["content"]
