"""Attacks 1 to 21: requests that are not what their signature says, and keys that are nobody's."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from activitypub.signatures.cavage import http_date
from activitypub.signatures.keycache import FETCHES_LIMIT
from tests.attacks import forgery
from tests.attacks.forgery import COVERED, Forgery, Newer, digest
from tests.attacks.world import REFUSED, TAKEN, World, attack
from tests.federation import seeing
from tests.federation.peer import ACTIVITY_JSON, Document, Person, key_number, public_pem


def _follow(world: World, person: Person) -> Document:
    return person.activity("Follow", world.alice.uri)


async def _refused(world: World, person: Person, **lies: Any) -> None:
    assert await world.says(person, _follow(world, person), **lies) in REFUSED


async def _taken(world: World, person: Person, **truths: Any) -> None:
    assert await world.says(person, _follow(world, person), **truths) in TAKEN


@attack("1-unsigned")
async def unsigned(world: World) -> None:
    mallory = world.stranger()
    await _refused(world, mallory, after={"signature": None})
    await _refused(world, mallory, after={"signature": None}, target="/users/alice/inbox")
    await _refused(world, mallory, after={"signature": ""})


@attack("2-body-changed")
async def body_changed(world: World) -> None:
    body = json.dumps(_follow(world, world.bob)).encode()
    for sent in (body.replace(b"Follow", b"Blocks"), body + b" ", body[:-1] + b',"x":1}'):
        assert await world.send(Forgery(world.bob, body, sent=sent)) in REFUSED


@attack("3-digest-missing", "absent", "uncovered", "covered-but-absent", "empty")
async def digest_missing(world: World, how: str) -> None:
    bare = tuple(name for name in COVERED if name != "digest")
    lies: dict[str, Any] = {
        "absent": {"covered": bare, "headers": {"digest": None}},
        "uncovered": {"covered": bare},
        "covered-but-absent": {"after": {"digest": None}},
        "empty": {"headers": {"digest": ""}},
    }[how]
    await _refused(world, world.stranger(), **lies)


@attack("4-digest-of-another-kind", "sha512", "md5", "sha1", "two-of-one-kind", "unnamed")
async def digest_other(world: World, how: str) -> None:
    mallory = world.stranger()
    body = json.dumps(_follow(world, mallory)).encode()
    value = {
        "sha512": f"SHA-512={digest(body, 'sha512')}",
        "md5": f"MD5={digest(body, 'md5')}",
        "sha1": f"SHA={digest(body, 'sha1')}",
        "two-of-one-kind": f"SHA-256={digest(body)},SHA-256={digest(b'another')}",
        "unnamed": digest(body),
    }[how]
    assert await world.send(Forgery(mallory, body, headers={"digest": value})) in REFUSED


@attack("5-digest-of-a-compressed-body", "of-the-gzip", "of-the-plain")
async def compressed(world: World, how: str) -> None:
    mallory = world.stranger()
    plain = json.dumps(_follow(world, mallory)).encode()
    packed = gzip.compress(plain)
    forged = Forgery(
        mallory,
        packed if how == "of-the-gzip" else plain,
        sent=packed,
        after={"content-encoding": "gzip"},
    )
    assert await world.send(forged) in REFUSED
    forged.after = {}  # and the same without a word about it
    assert await world.send(forged) in REFUSED


@attack("6-hmac-with-the-public-key", "hmac-sha256", "hmac-sha1", "hmac-sha512", "hs2019")
async def hmac_confusion(world: World, algorithm: str) -> None:
    make = forgery.hmac_with_public_key(world.bob)
    await _refused(world, world.bob, algorithm=algorithm, make=make)


@attack("7-algorithm", "rsa-sha1", "rsa-sha512", "rsa-md5", "none", "ed25519", "ecdsa-sha256", "ü")
async def algorithm_named(world: World, algorithm: str) -> None:
    await _refused(world, world.bob, algorithm=algorithm)


@attack("7-algorithm-used", "sha1", "sha512")
async def algorithm_used(world: World, which: str) -> None:
    kind: Any = {"sha1": hashes.SHA1(), "sha512": hashes.SHA512()}[which]
    make = forgery.rsa_with(world.bob, kind)
    for named in ("rsa-sha256", "hs2019", f"rsa-{which}", None):
        await _refused(world, world.bob, algorithm=named, make=make)


@attack("7-algorithm-accepted", changes=True)
async def algorithm_accepted(world: World) -> None:
    for named in (None, "hs2019", "rsa-sha256", "RSA-SHA256"):
        await _taken(world, world.stranger(), algorithm=named)


@attack("8-date", "two-days-old", "two-days-ahead", "unparsable", "absent", "empty", "huge",
        "not-signed")  # fmt: skip
async def date(world: World, how: str) -> None:
    now = world.internet.clock.now()
    lies: dict[str, Any] = {
        "two-days-old": {"headers": {"date": http_date(now - timedelta(days=2))}},
        "two-days-ahead": {"headers": {"date": http_date(now + timedelta(days=2))}},
        "unparsable": {"headers": {"date": "yesterday"}},
        "absent": {"headers": {"date": None}},
        "empty": {"headers": {"date": ""}},
        "huge": {"headers": {"date": "Mon, 01 Jan 9999 99:99:99 GMT"}},
        "not-signed": {"covered": ("(request-target)", "host", "digest")},
    }[how]
    await _refused(world, world.stranger(), **lies)


@attack("9-window", "expired", "created-ahead", "created-huge", "created-absent", "created-word",
        "created-with-rsa")  # fmt: skip
async def window(world: World, how: str) -> None:
    now = int(world.internet.clock.now().timestamp())
    created = ("(request-target)", "(created)", "host", "digest")
    lies: dict[str, Any] = {
        "expired": {
            "covered": (*created, "(expires)"),
            "more": f"created={now - 20000},expires={now - 10000}",
        },
        "created-ahead": {"covered": created, "more": f"created={now + 10**6}"},
        "created-huge": {"covered": created, "more": f"created={10**14}"},
        "created-absent": {"covered": created},
        "created-word": {"covered": created, "more": 'created="now"'},
        "created-with-rsa": {
            "covered": created, "more": f"created={now}", "algorithm": "rsa-sha256",
        },
    }[how]  # fmt: skip
    await _refused(world, world.stranger(), **{"algorithm": "hs2019", **lies})


@attack("10-signed-for-elsewhere", "path", "method", "host", "no-target", "no-host")
async def elsewhere(world: World, how: str) -> None:
    lies: dict[str, Any] = {
        "path": {"signed_target": "/users/alice/inbox"},
        "method": {"signed_method": "GET"},
        "host": {"headers": {"host": "other.example"}},
        "no-target": {"covered": ("host", "date", "digest")},
        "no-host": {"covered": ("(request-target)", "date", "digest")},
    }[how]
    await _refused(world, world.stranger(), **lies)


@attack("11-query-signed-or-not", changes=True)
async def query(world: World) -> None:
    """Mastodon and GoToSocial differ; bob may read what is for followers either way."""
    target = world.secret.removeprefix(world.instance.url) + "?a=1&b=%20"
    for signed in (target, target.partition("?")[0]):
        forged = Forgery(
            world.bob, b"", method="GET", target=target, signed_target=signed,
            covered=("(request-target)", "host", "date"),
            headers={"digest": None, "content-type": None, "accept": ACTIVITY_JSON},
        )  # fmt: skip
        assert await world.send(forged) == 200
    forged.signed_target = target + "&c=1"
    assert await world.send(forged) in {401, 404}


@attack("12-replay")
async def replay(world: World) -> None:
    """What was taken back stays taken back."""
    mallory = world.stranger()
    activity = _follow(world, mallory)
    follow = Forgery(mallory, activity)
    assert await world.send(follow) in TAKEN
    assert await world.says(mallory, mallory.activity("Undo", activity)) in TAKEN
    assert await world.send(follow) in TAKEN | REFUSED
    assert mallory.uri not in await seeing.followers(world.instance, world.alice)


@attack("13-key-of-another", "host", "neighbour", "victims-key-id", "wrong-fragment")
async def key_of_another(world: World, how: str) -> None:
    liar = world.stranger("evil" if how == "host" else "peer")
    forged = {**_follow(world, world.bob), "type": "Block"}
    key_id = {
        "victims-key-id": world.bob.key_id,
        "wrong-fragment": f"{world.bob.uri}#other-key",
    }.get(how)
    assert await world.send(Forgery(liar, forged, key_id=key_id)) in REFUSED


@attack("14-key-that-its-owner-does-not-list", "bare", "in-an-actor", "owner-list")
async def key_not_listed(world: World, how: str) -> None:
    mallory = world.stranger()
    key_id = f"{mallory.origin}/keys/{mallory.name}"
    key: Document = {
        "id": key_id, "type": "Key", "owner": world.bob.uri,
        "publicKeyPem": public_pem(mallory.key),
    }  # fmt: skip
    if how == "in-an-actor":
        key_id = mallory.key_id
        world.internet.show(mallory.uri, mallory.document(publicKey={**key, "id": key_id}))
    elif how == "owner-list":
        world.internet.show(key_id, {**key, "owner": [mallory.uri, world.bob.uri]})
    else:
        world.internet.show(key_id, key)
    forged = {**_follow(world, world.bob), "type": "Block"}
    assert await world.send(Forgery(mallory, forged, key_id=key_id)) in REFUSED


@attack("15-key-id-that-is-no-address", "ours", "ours-in-capitals", "instance", "file", "ftp",
        "data", "acct", "javascript", "userinfo", "backslash", "percent", "canary", "empty",
        "relative")  # fmt: skip
async def key_id_schemes(world: World, how: str) -> None:
    ours = world.instance.url
    key_id = {
        "ours": f"{ours}/users/alice#main-key",
        "ours-in-capitals": f"{ours.upper().replace('HTTP', 'http')}/users/alice#main-key",
        "instance": f"{ours}/actor#main-key",
        "file": "file:///etc/passwd",
        "ftp": world.canary.url(scheme="ftp"),
        "data": "data:application/activity+json,{}",
        "acct": world.bob.handle,
        "javascript": "javascript:alert(1)",
        "userinfo": f"http://{world.bob.host}@127.0.0.1:{world.canary.port}/",
        "backslash": f"http://{world.bob.host}\\@127.0.0.1:{world.canary.port}/",
        "percent": f"http://0.0.0.0%2e:{world.canary.port}/",
        "canary": world.canary.url("0.0.0.0"),
        "empty": " ",
        "relative": "/users/bob#main-key",
    }[how]
    asked = world.internet.asked.total()
    mallory = world.stranger()
    await _refused(world, mallory, key_id=key_id)
    assert world.internet.asked.total() == asked


@attack("16-key-fetch", "404", "410", "500", "hangs", "10-mb", "html", "redirect-loop", "no-json",
        "an-array", "no-key", "private-key", "garbage-key", "tiny-key", "huge-key", "even-key",
        "elliptic-key", "key-bomb", "no-name")  # fmt: skip
async def key_fetch(world: World, how: str) -> None:
    mallory = world.stranger()
    pages, internet = world.internet.pages, world.internet
    document = mallory.document()

    def with_pem(pem: str) -> None:
        key = {**document["publicKey"], "publicKeyPem": pem}
        internet.show(mallory.uri, {**document, "publicKey": key})

    if how in {"404", "410", "500"}:
        internet.fail(mallory.uri, int(how))
    elif how == "hangs":
        pages[mallory.uri] = world.hang
    elif how == "10-mb":
        internet.show(mallory.uri, {**document, "summary": "x" * 10 * 2**20})
    elif how == "html":
        internet.show(mallory.uri, document, type_="text/html")
    elif how == "redirect-loop":
        internet.redirect(mallory.uri, mallory.uri)
    elif how == "no-json":
        pages[mallory.uri] = lambda _: web.Response(body=b"{", content_type=ACTIVITY_JSON)
    elif how == "an-array":
        pages[mallory.uri] = lambda _: web.Response(body=b"[1]", content_type=ACTIVITY_JSON)
    elif how == "no-key":
        internet.show(mallory.uri, mallory.document(publicKey=None))
    elif how == "private-key":
        with_pem(mallory.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode())  # fmt: skip
    elif how == "garbage-key":
        with_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    elif how in {"tiny-key", "huge-key", "even-key"}:
        bits = {"tiny-key": 512, "huge-key": 16384, "even-key": 2048}[how]
        modulus = (1 << bits) - (2 if how == "even-key" else 1)
        with_pem(_pem(rsa.RSAPublicNumbers(65537, modulus)))
    elif how == "elliptic-key":
        point = ec.generate_private_key(ec.SECP256R1()).public_key()
        with_pem(point.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode())  # fmt: skip
    elif how == "key-bomb":
        internet.show(mallory.uri, {**document, "publicKey": [{**document["publicKey"]}] * 1_000})
    elif how == "no-name":
        internet.show(mallory.uri, mallory.document(preferredUsername=None))
    status = await world.says(mallory, _follow(world, mallory))
    if how == "key-bomb":
        assert status in TAKEN  # the first ten are looked at
        undone = {"type": "Follow", "actor": mallory.uri, "object": world.alice.uri}
        assert await world.says(mallory, mallory.activity("Undo", undone)) in TAKEN
    else:
        assert status == (503 if how in {"500", "hangs"} else 401)


def _pem(numbers: rsa.RSAPublicNumbers) -> str:
    key = numbers.public_key()
    encoded = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded.decode()


@attack("16-key-fetches-that-hang-hold-up-nobody", changes=True)
async def key_fetches_hang(world: World) -> None:
    """As many keys as are fetched at once, on a server that answers none: bob's friend, who comes
    in between for the first time, is heard all the same."""
    asked = asyncio.Event()

    def hang(request: web.Request) -> web.StreamResponse:
        asked.set()
        return world.hang(request)

    mallory, dave = world.stranger(), world.stranger("honest")
    flood = []
    for n in range(FETCHES_LIMIT + 20):
        key_id = f"{mallory.origin}/slow/{mallory.name}/{n}"
        world.internet.pages[key_id] = hang
        forged = Forgery(mallory, _follow(world, mallory), key_id=key_id)
        headers = forged.build(world.instance.domain)
        sending = forgery.request(world.instance.url, "POST", "/inbox", headers, forged.body)
        flood.append(asyncio.create_task(sending))
    await asked.wait()
    await asyncio.sleep(0)
    try:
        assert await dave.send(world.instance, _follow(world, dave)) in TAKEN
    finally:
        world.release()
        answers = await asyncio.gather(*flood)
    assert {status for status, _ in answers} <= {401, 503}


@attack("17-key-changed", changes=True)
async def key_changed(world: World) -> None:
    mallory = world.stranger()
    await _taken(world, mallory)
    mallory.key = key_number(90)
    world.internet.show(mallory.uri, mallory.document())
    before = world.internet.asked[mallory.uri]
    await _taken(world, mallory)
    assert world.internet.asked[mallory.uri] == before + 1
    mallory.key = key_number(91)
    for _ in range(20):
        await _refused(world, mallory)
    assert world.internet.asked[mallory.uri] == before + 1


MALFORMED = {
    "unterminated": 'keyId="{key},headers="date',
    "twice": 'keyId="{key}",keyId="{key}",signature="AAAA"',
    "64-kb": 'keyId="{key}",x="' + "x" * 65_000 + '"',
    "4-kb": 'keyId="{key}",signature="' + "A" * 4000 + '"',
    "not-ascii": 'keyId="{key}é☃",signature="AAAA"',
    "percent": 'keyId="%s%n%00%(x)s",signature="%d"',
    "500-names": 'keyId="{key}",headers="'
    + " ".join(f"h{n}" for n in range(500))
    + '",signature="AAAA"',
    "a-name-twice": 'keyId="{key}",headers="date date host (request-target) digest",signature="A"',
    "no-names": 'keyId="{key}",headers="",signature="AAAA"',
    "no-base64": 'keyId="{key}",headers="(request-target) host date digest",signature="*"',
    "no-key-id": 'headers="(request-target) host date digest",signature="AAAA"',
    "empty-signature": 'keyId="{key}",headers="(request-target) host date digest",signature=""',
    "number": "7",
    "equals": "=" * 1000,
    "commas": "," * 1000,
    "quotes": '"' * 1000,
    "surrogates": "\udcff\udcfe",
    "covers-itself": 'keyId="{key}",headers="(request-target) host date digest signature",'
    'signature="AAAA"',
}


@attack("18-malformed-signature", *MALFORMED)
async def malformed(world: World, how: str) -> None:
    header = MALFORMED[how].replace("{key}", world.bob.key_id)
    status = await world.says(world.bob, _follow(world, world.bob), after={"signature": header})
    assert status in REFUSED | {431, 0}
    # a reader is told the same, and what is public he may read
    answer, _ = await world.get(world.secret, None, signature=header)
    assert answer in REFUSED | {404, 431, 0}
    answer, _ = await world.get(world.post, None, signature=header)
    assert answer in {200, 400, 431, 0}


NEWER: dict[str, dict[str, Any]] = {
    "two-labels": {"bend": {
        "signature-input": '{value}, b=("@method");created=1;keyid="https://a.example/k"',
        "signature": "{value}, b=:AAAA:",
    }},
    "no-created": {"created": ""},
    "created-word": {"created": '"now"'},
    "created-long-ago": {"created": "1600000000"},
    "created-ahead": {"created": "9999999999"},
    "method-not-covered": {"components": ("@target-uri", "content-digest")},
    "target-not-covered": {"components": ("@method", "content-digest")},
    "digest-not-covered": {"components": ("@method", "@target-uri")},
    "for-another-target": {"signed_target": "/users/alice/inbox"},
    "for-another-method": {"signed_method": "PUT"},
    "no-digest": {"bend": {"content-digest": None}},
    "digest-of-another-body": {"bend": {"content-digest": f"sha-256=:{digest(b'x')}:"}},
    "two-digests": {"bend": {"content-digest": f"{{value}}, sha-256=:{digest(b'x')}:"}},
    "bad-field": {"bend": {"signature-input": "{value};;"}},
    "no-bytes": {"bend": {"signature": 'sig1="AAAA"'}},
    "other-label": {"bend": {"signature": "sig2=:AAAA:"}},
    "an-algorithm-of-shared-secrets": {"bend": {"signature-input": '{value};alg="hmac-sha256"'}},
}  # fmt: skip


@attack("19-rfc-9421", "body-changed", *NEWER)
async def newer(world: World, how: str) -> None:
    """Each lie is refused, and the same request without it is taken."""
    mallory = world.stranger()
    lies = NEWER.get(how, {"sent": b'{"type":"Block"}'})
    assert await world.send(Newer(mallory, _follow(world, mallory), **lies)) in REFUSED
    assert mallory.uri not in await seeing.followers(world.instance, world.alice)
    assert await world.send(Newer(mallory, _follow(world, mallory))) in TAKEN
    await _followed_and_left(world, mallory)


async def _followed_and_left(world: World, person: Person) -> None:
    """Their Follow was taken in; then they go without a trace."""
    assert person.uri in await seeing.followers(world.instance, world.alice)
    assert await world.says(person, person.activity("Delete", person.uri)) in TAKEN


@attack("20-no-downgrade", "garbage", "two-labels", "empty", "unfinished")
async def no_downgrade(world: World, how: str) -> None:
    """A bad RFC 9421 signature beside a good one of draft-cavage, which alone is taken."""
    value = {
        "garbage": "x",
        "two-labels": 'a=("@method");created=1, b=("@method");created=1',
        "empty": "",
        "unfinished": 'sig1=("@method" "@target-uri',
    }[how]
    mallory = world.stranger()
    await _refused(world, mallory, after={"signature-input": value})
    assert mallory.uri not in await seeing.followers(world.instance, world.alice)
    await _taken(world, mallory)
    await _followed_and_left(world, mallory)


@attack("21-twice", "signature", "host", "digest", "date", "content-type", "content-length")
async def twice(world: World, name: str) -> None:
    mallory = world.stranger()
    forged = Forgery(mallory, _follow(world, mallory))
    headers = forged.build(world.instance.domain)
    if name == "content-length":
        headers += [(name, "5"), (name, str(len(forged.body)))]
    else:
        headers.append((name, dict(headers)[name]))
    status, _ = await forgery.request(world.instance.url, "POST", "/inbox", headers, forged.body)
    assert status in {400, 401, 0}
    await world.instance.run_jobs()


@attack("21-transfer-encoding-and-content-length", "both", "obfuscated", "length-first")
async def smuggling(world: World, how: str) -> None:
    mallory = world.stranger()
    forged = Forgery(mallory, _follow(world, mallory))
    chunked = f"{len(forged.body):x}\r\n".encode() + forged.body + b"\r\n0\r\n\r\n"
    more: list[tuple[str, str | bytes]] = [
        ("transfer-encoding", "chunked" if how != "obfuscated" else "\x0bchunked"),
        ("content-length", str(len(chunked))),
    ]
    headers = forged.build(world.instance.domain)
    headers += more[::-1] if how == "length-first" else more
    status, _ = await forgery.request(world.instance.url, "POST", "/inbox", headers, chunked)
    assert status in {400, 401, 0}
    await world.instance.run_jobs()


@attack("21-two-requests-in-one")
async def pipelined(world: World) -> None:
    """What follows the body is no second request of the first one's signer."""
    mallory = world.stranger()
    forged = Forgery(mallory, _follow(world, mallory))
    smuggled = b"POST /inbox HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    headers = [*forged.build("wrong.example"), ("content-length", str(len(forged.body)))]
    status, _ = await forgery.request(
        world.instance.url, "POST", "/inbox", headers, forged.body + smuggled
    )
    assert status in REFUSED
