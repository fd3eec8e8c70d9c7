"""What an app reads through its own server: objects of ours and of others, as its account may."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from fedi.api.mastodon import throttle
from fedi.database.tables import DomainRule
from fedi.federation import proxying
from fedi.social import domains
from tests import rig
from tests.api.apps import PUBLIC, Answer, App
from tests.api.client.reading import AS, post, read
from tests.federation import seeing
from tests.federation.peer import ACTIVITY_JSON, AS2, Document, Internet, Person

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def proxied(app: App, uri: str, whose: App | None = None) -> Answer:
    url = f"{(whose or app).account.uri}/proxy"
    return await app.post(
        url, urlencode({"id": uri}, errors="surrogatepass").encode(), headers=FORM
    )


@pytest.fixture
async def carol(instance: rig.Instance, internet: Internet, alice: App) -> Person:
    """Somebody elsewhere whom alice follows."""
    carol = internet.person("carol")
    await seeing.befriend(instance, alice.account, carol)
    return carol


def shown(internet: Internet, document: Document) -> str:
    internet.show(document["id"], {"@context": AS2, **document})
    return str(document["id"])


async def test_objects_of_others_are_fetched_with_the_accounts_signature_and_nothing_else(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, carol: Person
) -> None:
    internet = carol.internet
    seen: list[dict[str, str]] = []
    note = {"@context": AS2, **carol.note("<p>hi</p>", strange={"kept": True})}

    def page(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response(note, content_type=ACTIVITY_JSON)

    internet.pages[note["id"]] = page
    answer = await proxied(alice, note["id"])
    assert (answer.status, answer.body) == (200, note)
    assert answer.headers["Content-Type"].startswith("application/ld+json")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    [headers] = seen
    assert f'keyId="{alice.account.public_key_id}"' in headers["Signature"]
    assert alice.token and alice.token not in str(headers)
    assert not {"Authorization", "Cookie"} & headers.keys()
    assert await seeing.status(instance, note["id"]) is None  # read, not kept
    actor = await proxied(alice, carol.uri)
    assert actor.body["id"] == carol.uri and actor.body["publicKey"]
    for body, kind in (
        (f'{{"id": "{note["id"]}"}}', "application/json"),
        (f"--b\r\nContent-Disposition: form-data; name=id\r\n\r\n{note['id']}\r\n--b--\r\n",
         "multipart/form-data; boundary=b"),
    ):  # fmt: skip
        again = await alice.post(
            f"{alice.account.uri}/proxy", body.encode(), headers={"Content-Type": kind}
        )
        assert again.body == note
    # Nothing of another server is to be had by GET from our origin.
    got = await alice.get(f"{alice.account.uri}/proxy?id={note['id']}", headers=AS)
    assert got.status == 405


async def test_nobody_is_shown_what_one_server_says_of_another(alice: App, carol: Person) -> None:
    dave = carol.internet.person("dave", "other")
    forged = dave.note("forged")
    hidden = carol.note("for bob", to=[f"{carol.uri}/bob"], cc=[])
    first = {"type": "CollectionPage", "items": [forged, hidden, carol.note("an answer")]}
    replies = {"id": f"{carol.uri}/replies", "type": "Collection", "first": first}
    mine = carol.note("mine", replies=replies)
    page = {
        "id": f"{carol.uri}/outbox?page=1",
        "type": "OrderedCollectionPage",
        "orderedItems": [mine, forged, carol.activity("Announce", forged, to=[PUBLIC])],
    }
    boost = carol.activity("Announce", forged, to=[PUBLIC], instrument={"a": [forged]})
    for document in (page, {**boost, "id": f"{carol.uri}/boosts/1"}):
        answer = await proxied(alice, shown(carol.internet, document))
        assert answer.status == 200
        said = str(answer.body)
        assert forged["id"] in said and "forged" not in said and "for bob" not in said
    listed = (await proxied(alice, page["id"])).body["orderedItems"]
    assert [one if isinstance(one, str) else one["id"] for one in listed[:2]] == [
        mine["id"], forged["id"],
    ]  # fmt: skip
    assert listed[2]["object"] == forged["id"]
    answers = listed[0]["replies"]["first"]["items"]
    assert [one if isinstance(one, str) else one["content"] for one in answers] == [
        forged["id"], "an answer",
    ]  # fmt: skip


async def test_what_another_server_shows_is_shown_as_far_as_it_is_for_the_account(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    internet = carol.internet
    me, them = alice.account.uri, bob.account.uri
    dave = internet.person("dave", "other")  # nobody follows dave
    notes = [
        (carol.note("for all"), True, True),
        (carol.note("unlisted", to=[carol.followers], cc=[PUBLIC]), True, True),
        (carol.note("for followers", to=[carol.followers], cc=[]), True, False),
        (carol.note("for alice", to=[me], cc=[]), True, False),
        (carol.note("for alice, unseen", to=[], cc=[], bcc=[me]), True, False),
        (carol.note("for bob", to=[them], cc=[]), False, True),
        (carol.note("for nobody", to=[], cc=[]), False, False),
        (dave.note("for dave's followers", to=[dave.followers], cc=[]), False, False),
        (carol.note("of dave's", to=[dave.followers], cc=[]), False, False),
    ]
    for note, for_alice, for_bob in notes:
        uri = shown(internet, note)
        create = shown(internet, carol.activity("Create", note) | {"id": f"{uri}/activity"})
        for app, may in ((alice, for_alice), (bob, for_bob)):
            for asked in (uri, create):
                answer = await proxied(app, asked)
                assert answer.status == (200 if may else 404), note["content"]
                if may:
                    object_ = answer.body.get("object", answer.body)
                    assert object_["content"] == note["content"]
                    assert "bcc" not in object_
                else:
                    assert note["content"] not in answer.error
    page = {"id": f"{carol.uri}/outbox?page=1", "type": "OrderedCollectionPage",
            "orderedItems": [*(carol.activity("Create", note) for note, _, _ in notes),
                             "https://else.example/1"]}  # fmt: skip
    whole = {"id": f"{carol.uri}/outbox", "type": "OrderedCollection", "first": page}
    for document in (page, whole):
        shown(internet, document)
        for app, column in ((alice, 1), (bob, 2)):
            answer = await proxied(app, document["id"])
            members = answer.body.get("first", answer.body)["orderedItems"]
            expected = [row[0]["content"] for row in notes if row[column]]
            assert members.pop() == "https://else.example/1"
            # dave's are another server's to show: they are named, and nothing is said of them
            assert notes[7][0]["id"] in [member["object"] for member in members]
            said = [one["object"] for one in members if isinstance(one["object"], dict)]
            assert [note["content"] for note in said] == expected


async def test_what_is_known_here_not_to_be_for_the_account_is_not_asked_for(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    internet = carol.internet
    secret = carol.note("for bob", to=[bob.account.uri], cc=[])
    gone = carol.note("soon gone")
    for note in (secret, gone):
        await carol.does(instance, carol.create(note))
        shown(internet, note | {"to": [PUBLIC]})  # its server lies, or has forgotten
    await carol.does(instance, carol.activity("Delete", gone["id"]))
    for note in (secret, gone):
        internet.asked.clear()
        assert (await proxied(alice, note["id"])).status == 404
        assert internet.asked[note["id"]] == 0
    assert (await proxied(bob, secret["id"])).status == 200


async def test_what_is_ours_is_answered_from_here(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    mine = await post(alice, "mine", to=[alice.account.followers_uri])
    for_bob = await post(alice, "ours", to=[], bcc=[bob.account.uri])
    outbox = alice.account.outbox_uri
    for uri, mays in (
        (alice.account.uri, {"alice", "bob"}),
        (mine, {"alice"}),
        (f"{mine}/activity", {"alice"}),
        (for_bob, {"alice", "bob"}),
        (outbox, {"alice", "bob"}),
        (f"{outbox}?page=true", {"alice", "bob"}),
        (f"{alice.account.uri}/followers", {"alice", "bob"}),
        (f"{instance.url}/actor", {"alice", "bob"}),
    ):
        for name, app in (("alice", alice), ("bob", bob)):
            answer = await proxied(app, uri)
            assert answer.status == (200 if name in mays else 404), (uri, name)
            if name in mays:
                assert answer.body == await read(app, uri)
                assert answer.headers["Cache-Control"] == "private, no-store"
    for path in ("/users/alice/inbox", "/users/alice/proxy", "/users/alice/events", "/inbox",
                 "/users/alice/blocked", "/users/nobody", "/@alice", "/api/v1/instance",
                 "/oauth/token", "/metrics", "/healthz", "/", "/users/alice/uploads",
                 "/users/alice/followers_synchronization", "/users/%00", "/users/alice%2f..%2fbob",
                 "/media/../users/alice/inbox"):  # fmt: skip
        for app in (alice, bob):
            refused = await proxied(app, f"{instance.url}{path}")
            assert refused.status == 404 and refused.error, path


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("", 422), ("x", 422), ("urn:uuid:1", 422), ("ftp://else.example/1", 422),
        ("file:///etc/passwd", 422), ("javascript:alert(1)", 422), ("http://", 422),
        ("http://[", 422), ("http://user:secret@{host}/users/carol", 422),
        ("{origin}/html", 422), ("{origin}/json", 422), ("{origin}/no-id", 422),
        ("{origin}/other-id", 404), ("{origin}/theirs", 404), ("{origin}/large", 422),
        ("{origin}/list", 422), ("{origin}/deep", 422), ("{origin}/loop", 422),
        ("{origin}/missing", 404), ("{origin}/gone", 404), ("{origin}/forbidden", 404),
        ("{origin}/unauthorized", 404), ("{origin}/broken", 503), ("{origin}/busy", 503),
        ("http://0.0.0.0:{port}/users/carol", 422), ("http://[::]:{port}/users/carol", 422),
        ("{origin}/x\0y", 400), ("{origin}/%00", 404), ("{origin}/x\ud800", 404),
        ("{origin}/to-nowhere", 422), ("{origin}/to-file", 422), ("http://x" + "x" * 3000, 422),
    ],
)  # fmt: skip
async def test_what_is_no_object_is_refused(
    instance: rig.Instance, alice: App, internet: Internet, uri: str, status: int
) -> None:
    carol = internet.person("carol")
    base = carol.origin

    def note(path: str, **changes: Any) -> Document:
        return {"@context": AS2, **carol.note(**changes), "id": f"{base}/{path}"}

    internet.show(f"{base}/html", note("html"), type_="text/html")
    internet.show(f"{base}/json", note("json"), type_="application/json")
    internet.show(f"{base}/no-id", carol.note(id=None))
    internet.show(f"{base}/other-id", note("elsewhere"))
    internet.show(f"{base}/theirs", note("x") | {"id": f"http://{internet.host('other')}/x"})
    internet.show(f"{base}/large", note("large", content="x" * 2**20))
    internet.show(f"{base}/list", [note("list")])  # type: ignore[arg-type]
    deep: Any = note("deep")
    for _ in range(500):
        deep = {"id": f"{base}/deep", "type": "Undo", "object": deep}
    internet.show(f"{base}/deep", deep)
    internet.redirect(f"{base}/loop", f"{base}/loop")
    internet.redirect(f"{base}/to-nowhere", f"http://0.0.0.0:{internet.port}/users/carol")
    internet.redirect(f"{base}/to-file", "file:///etc/passwd")
    for path, code in (("gone", 410), ("forbidden", 403), ("unauthorized", 401), ("broken", 500)):
        internet.fail(f"{base}/{path}", code)
    internet.pages[f"{base}/busy"] = lambda _: web.Response(
        status=429, headers={"Retry-After": "7"}
    )
    told = uri.format(origin=base, host=carol.host, port=internet.port)
    refused = await proxied(alice, told)
    assert refused.status == status and refused.error, refused.body
    if status == 503:
        assert refused.headers["Retry-After"] == ("7" if "busy" in uri else "60")


async def test_only_an_app_of_the_account_may_ask_and_not_without_end(
    instance: rig.Instance,
    browser: aiohttp.ClientSession,
    internet: Internet,
    alice: App,
    bob: App,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = internet.person("carol").uri
    for app, status in (
        (App(instance, browser, alice.account, None), 401),
        (bob, 403),
        (await App.of(instance, browser, "alice", "write"), 403),
    ):
        refused = await proxied(app, uri, alice)
        assert refused.status == status and refused.error
    for body, kind, status in (
        (b"", "application/x-www-form-urlencoded", 422),
        (b"url=x", "application/x-www-form-urlencoded", 422),
        (uri.encode(), "text/plain", 415),
        (b"id=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
    ):
        refused = await alice.post(
            f"{alice.account.uri}/proxy", body, headers={"Content-Type": kind}
        )
        assert refused.status == status and refused.error
    assert internet.asked[uri] == 0
    # Who has others wait for slow servers waits for them.
    internet.hold = (internet.host("slow"), asyncio.Event())
    slow = [internet.person(f"slow{n}", "slow").uri for n in range(proxying.AT_ONCE + 1)]
    asking = [asyncio.create_task(proxied(alice, one)) for one in slow[:-1]]
    await rig.until(lambda: all(internet.asked[one] for one in slow[:-1]))
    refused = await proxied(alice, slow[-1])
    assert refused.status == 429 and refused.headers["Retry-After"]
    assert (await proxied(bob, uri)).status == 200
    internet.hold[1].set()
    assert [answer.status for answer in await asyncio.gather(*asking)] == [200] * len(asking)
    assert (await proxied(alice, slow[-1])).status == 200
    instance.clock.advance(timedelta(minutes=10))
    standing = throttle.of(instance.easel)
    for _ in range(throttle.FETCHES.amount):
        standing.hit(throttle.FETCHES, str(alice.account.id))
    refused = await proxied(alice, uri)
    assert refused.status == 429 and refused.headers["Retry-After"]


async def test_a_blocked_server_is_not_asked(
    instance: rig.Instance, alice: App, internet: Internet
) -> None:
    carol = internet.person("carol")
    async with instance.easel.database.write() as tx:
        rule = DomainRule(domain=carol.host, severity="suspend", created_at=tx.now)
        await domains.put(tx, [rule], limited=False)
    refused = await proxied(alice, carol.uri)
    assert refused.status == 422 and "blocked" in refused.error
    assert internet.asked[carol.uri] == 0
