"""Attacks 62 to 65: on the outbox, by apps of one of ours who means the others harm."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fedi.database.tables import Account
from fedi.social import accounts, credentials
from tests import rig
from tests.api.apps import LD_JSON, Answer, App
from tests.attacks.world import World, attack
from tests.federation import seeing
from tests.federation.peer import PUBLIC, public_pem

REFUSED = frozenset({400, 401, 403, 404, 413, 415, 422})
NAME = "eve"


@asynccontextmanager
async def eve(world: World, scopes: str = "read write follow") -> AsyncIterator[App]:
    """An app of somebody of ours."""
    async with rig.open_browser() as browser:
        yield await App.of(world.instance, browser, NAME, scopes)


async def refused(app: App, content: Any, *, outbox: str = "", kind: str = LD_JSON) -> Answer:
    """Post what must not be taken; every refusal says why in a sentence."""
    answer = await app.submit(content, outbox=outbox, kind=kind)
    assert answer.status in REFUSED, (content, answer.status, answer.body)
    assert answer.error
    return answer


@attack("62-outbox-without-leave", "nobody", "garbage", "another", "read-only", "revoked", "query",
        "two-tokens", "suspended")  # fmt: skip
async def without_leave(world: World, how: str) -> None:
    note = {"type": "Note", "content": "forged", "to": [PUBLIC]}
    async with eve(world, "read" if how == "read-only" else "read write follow") as app:
        token, outbox, headers = app.token, world.alice.outbox_uri, {}
        if how in {"read-only", "revoked", "suspended"}:
            outbox = app.account.outbox_uri
        if how == "nobody":
            token = None
        elif how == "garbage":
            token = "x" * 43
        elif how == "query":
            token, outbox = None, f"{outbox}?access_token={app.token}"
        elif how == "two-tokens":
            token, headers = None, {"Authorization": f"Bearer {app.token} {app.token}"}
        async with world.instance.easel.database.write() as tx:
            account = await tx.get_one(Account, app.account.id)
            if how == "revoked":
                await credentials.sign_out_everywhere(tx, account)
            account.suspended_at = tx.now if how == "suspended" else None
            tx.add(account)
        for document in (note, {"type": "Follow", "object": world.bob.uri}, {"type": "Sneeze"}):
            asking = App(world.instance, app.browser, app.account, token)
            answer = await asking.post(
                outbox, document, headers={"Content-Type": LD_JSON, **headers}
            )
            unknown = how in {"nobody", "garbage", "query", "revoked", "two-tokens"}
            assert answer.status == (401 if unknown else 403), (document, answer.body)
            assert answer.error
            if unknown:
                assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        async with world.instance.easel.database.write() as tx:
            account = await tx.get_one(Account, app.account.id)
            account.suspended_at = None
            tx.add(account)


@attack("63-forged", "Note", "Create", "Place", "Sneeze")
async def forged(world: World, how: str) -> None:
    alice, future = world.alice, "2099-01-01T00:00:00Z"
    lies = {
        "id": f"{alice.uri}/statuses/1", "actor": alice.uri, "attributedTo": alice.uri,
        "published": future, "updated": future, "url": "https://evil.example/",
        "publicKey": {"id": f"{alice.uri}#main-key", "owner": alice.uri,
                      "publicKeyPem": public_pem(world.bob.key)},
        "assertionMethod": [{"type": "Multikey", "controller": alice.uri}],
        "proof": {"type": "DataIntegrityProof", "proofValue": "z1"},
        "inbox": "https://evil.example/inbox", "to": [PUBLIC], "bto": [world.carol.uri],
        "bcc": [world.carol.uri],
    }  # fmt: skip
    if how in {"Place", "Sneeze"}:
        del lies["url"]  # where something is that means nothing here is its author's to say
    object_ = {"type": "Place" if how == "Place" else "Note", "content": "forged", **lies}
    posted = {
        "Note": object_,
        "Place": object_,
        "Create": {"type": "Create", "object": object_, **lies},
        "Sneeze": {"type": "Sneeze", "object": world.post, "content": "forged", **lies},
    }[how]
    async with eve(world) as app:
        answer = await app.submit(posted)
        assert answer.status == 201, answer.body
        # As everybody sees it: its author is shown whom it went to unseen.
        stranger = App(app.instance, app.browser, app.account, None)
        seen = await stranger.get(answer.headers["Location"], headers={"Accept": LD_JSON})
        await world.instance.run_jobs()
        sent = [body for body in world.internet.got() if body["id"] == answer.body["id"]]
        assert sent  # to carol, whom nobody is told of
        for document in (answer.body, seen.body, *sent):
            whole = json.dumps({**document, "@context": None, "proof": None})
            for lie in ("2099", "evil.example", world.carol.uri, "publicKeyPem", "Multikey", '"z1"',
                        '"bto"', '"bcc"', f'"{alice.uri}"'):  # fmt: skip
                assert lie not in whole, lie
            assert document["actor"] == app.account.uri
            assert document["id"].startswith(f"{app.account.uri}/")
            if how != "Sneeze":
                assert document["object"]["attributedTo"] == app.account.uri
        await app.submit({"type": "Undo" if how == "Sneeze" else "Delete",
                          "object": answer.body["id"] if how == "Sneeze"
                          else answer.body["object"]["id"]})  # fmt: skip


KINDS = ("Create", "Update", "Delete", "Follow", "Add", "Remove", "Like", "Block", "Undo",
         "Announce", "Flag", "Accept", "Reject", "Dislike", "Move", "QuoteRequest")  # fmt: skip


@attack("63-keys-at-our-address", "Key", "CryptographicKey", "Multikey", "Place", "actor", "list",
        "as", "iri", "terms")  # fmt: skip
async def keys(world: World, how: str) -> None:
    """A key, or an actor with one, that an app made would be believed by its origin."""
    pem = public_pem(world.bob.key)
    kind: Any = {"actor": "Person", "list": ["Place", "Person"], "as": "as:Person",
                 "iri": "https://www.w3.org/ns/activitystreams#Person", "terms": "Thing",
                 }.get(how, how)  # fmt: skip
    as2, security = "https://www.w3.org/ns/activitystreams", "https://w3id.org/security#"
    object_ = {
        "@context": {
            "a": "https://www.w3.org", "b": f"{as2}#", "who": f"{as2}#actor", "whom": "b:bto",
            "pem": f"{security}publicKeyPem", "p": "as:inbox", "h": "https:/", "q": "h:/x#y",
        },
        "type": kind, "@type": "Person", "@id": world.alice.uri, "as:inbox": world.bob.inbox,
        "owner": world.alice.uri, "controller": world.alice.uri, "publicKeyPem": pem,
        "publicKeyMultibase": "z6Mk", "preferredUsername": "alice", "inbox": world.bob.inbox,
        "publicKey": {"id": "#main-key", "owner": world.alice.uri, "publicKeyPem": pem},
        "sec:publicKeyPem": pem, f"{as2}#actor": world.alice.uri, "a:/ns/x#actor": world.alice.uri,
        "who": world.alice.uri, "pem": pem, "to": [PUBLIC],
    }  # fmt: skip
    async with eve(world) as app:
        answer = await app.submit(object_)
        if how in {"actor", "as", "iri"}:
            assert answer.status in {400, 422} and answer.error
            return
        assert answer.status == 201, answer.body
        seen = await app.get(answer.body["object"]["id"], headers={"Accept": LD_JSON})
        assert isinstance(seen.body["type"], str)
        left = {"id", "type", "attributedTo", "published", "to", "preferredUsername", "who", "pem"}
        assert seen.body.keys() - {"@context"} == left  # the last two mean nothing any more
        assert not isinstance(seen.body["@context"][-1], dict) or not (
            {"a", "b", "who", "whom", "pem", "p", "h", "q"} & seen.body["@context"][-1].keys()
        )
        await app.submit({"type": "Delete", "object": seen.body["id"]})


NONSENSE: dict[str, list[Any]] = {
    "missing": [
        {"type": kind, **more}
        for kind in KINDS
        for more in ({}, {"object": None}, {"object": []}, {"object": ""}, {"object": {}})
    ],
    "wrong": [
        {"type": kind, "object": object_, "target": target}
        for kind in KINDS
        for object_, target in (
            (7, 7), (True, {}), ([[["x"]]], []), ({"id": 7}, {"id": []}), ("x" * 5000, "x"),
            ({"type": 7}, "file:///etc/passwd"), ({"type": ["Note", {}]}, "x"),
            ("file:///etc/passwd", "x"), ("\x01", "\x01"), ({"id": "javascript:x"}, "data:,x"),
        )
    ],
    "values": [
        {"type": "Note", "to": PUBLIC, **wrong}
        for wrong in (
            {"content": 7}, {"content": {"x": 1}}, {"contentMap": ["x"]}, {"attachment": "x"},
            {"attachment": [[]]}, {"attachment": [{"type": "Image", "url": ["x", 7]}]},
            {"attachment": [{"type": "Image", "AIPromptInformation": {"x": 1}}]},
            {"attachment": [{"type": "Image", "recipe": {"prompt": "x", "seed": "y"}}]},
            {"content": "x", "shareRecipe": 3}, {"content": "x", "inReplyTo": "file:///x"},
            {"content": "x", "quote": "https://e.invalid/1"},
            {"summary": "y" * 600, "content": "x"},
            {"content": "x", "to": [f"https://e.invalid/{n}" for n in range(60)]},
        )
    ],
    "bodies": [
        b"", b"null", b"7", b'"x"', b"[]", b'[{"type":"Note","content":"x"}]', b"{", b"\xff\xfe{}",
        b'{"type":"Note","type":"Note"}', b'{"type":"Note","content":"\\ud800"}',
        b'{"type":"Note","content":1e999}', b'{"type":"Note","content":NaN}',
        b"[" * 50_000, b'{"type":' * 5000, b" " * (1024 * 1024 + 1),
    ],
}  # fmt: skip


@attack("64-nonsense", *NONSENSE)
async def nonsense(world: World, how: str) -> None:
    async with eve(world) as app:
        for number, content in enumerate(NONSENSE[how]):
            if number % 20 == 0:  # there is a limit to how much anybody may ask for
                world.instance.clock.advance(timedelta(hours=4))
            await refused(app, content)


@attack("64-another-media-type")
async def media_type(world: World) -> None:
    note = {"type": "Note", "content": "x", "to": [PUBLIC]}
    async with eve(world) as app:
        for kind in ("text/plain", "text/html", "multipart/form-data", "application/xml",
                     "image/png", "application/ld+jsonx", ""):  # fmt: skip
            assert (await refused(app, note, kind=kind)).status == 415


@attack("64-nothing-is-known-of-it", changes=True)
async def unknown(world: World) -> None:
    """What is of no type that we know is taken, and means nothing."""
    async with eve(world) as app:
        for document in (
            {"type": "Sneeze", "object": world.post}, {"type": "Sneeze"},
            {"type": "Delete2", "object": world.post}, {"type": ["Sneeze", "Delete"], "object": 7},
        ):  # fmt: skip
            answer = await app.submit(document)
            assert answer.status == 201 and answer.body["actor"] == app.account.uri
    assert await seeing.seen(world.instance, world.alice, world.post) is not None


@attack("65-of-others", "Update", "Delete", "Undo", "Add", "Accept")
async def of_others(world: World, how: str) -> None:
    bobs = (world.bobs_post["id"], world.bobs_answer["id"], world.bobs_like["id"],
            world.bobs_boost["id"], world.bobs_follow["id"], world.bob.uri)  # fmt: skip
    alices = (world.post, world.secret, f"{world.post}/activity", world.alice.uri)
    target = world.alice.featured_uri
    async with eve(world) as app:
        for uri in (*bobs, *alices):
            object_ = {"id": uri, "type": "Note", "content": "forged", "name": "forged",
                       "attributedTo": app.account.uri, "actor": app.account.uri}  # fmt: skip
            await refused(app, {"type": how, "object": object_, "target": target})
            if how != "Update":
                await refused(app, {"type": how, "object": uri, "target": target})


@attack("65-own-keys-and-boxes")
async def own_actor(world: World) -> None:
    async with eve(world) as app:
        before = (await app.get(app.account.uri, headers={"Accept": LD_JSON})).body
        forged = {
            "type": "Application", "inbox": "https://evil.example/inbox",
            "outbox": "https://evil.example/outbox", "preferredUsername": "alice",
            "publicKey": {"id": f"{app.account.uri}#main-key", "owner": app.account.uri,
                          "publicKeyPem": public_pem(world.bob.key)},
            "assertionMethod": [{"id": "https://evil.example/key"}], "endpoints": {"sharedInbox": "https://evil.example/inbox"},
            "followers": world.alice.followers_uri,
            "movedTo": world.alice.uri, "url": "https://evil.example/", "webfinger": "alice@x",
            "published": "1999-01-01T00:00:00Z", "suspended": True,
            "featured": world.alice.featured_uri,
        }  # fmt: skip
        passed_over = {"endpoints", "url", "webfinger", "published", "suspended"}
        for name, value in forged.items():
            change = {"id": app.account.uri, name: value}
            answer = await app.submit({"type": "Update", "object": change})
            assert answer.status == (201 if name in passed_over else 403), name
            after = (await app.get(app.account.uri, headers={"Accept": LD_JSON})).body
            assert after == before, name
            if answer.status == 201:
                shown = {**answer.body["object"], "@context": None}
                assert shown == {**before, "@context": None}
        for target in (world.alice.uri, "https://evil.example/eve"):
            move = {"type": "Move", "object": world.alice.uri, "target": target}
            await refused(app, move)
        await refused(app, {"type": "Delete", "object": app.account.uri})
        async with world.instance.easel.database.read() as session:
            account = await accounts.find_local(session, NAME)
        assert account is not None and account.moved_to_uri is None and account.deleted_at is None
