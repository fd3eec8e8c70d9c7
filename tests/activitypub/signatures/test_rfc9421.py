"""RFC 9421: what Mastodon 4.7 and Fedify send is believed, and nothing that lies (attacks 19, 20).

Requests are signed by the letter of the RFC, without the library under test.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256, sha512

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from hypothesis import given
from hypothesis import strategies as st

from activitypub.signatures import (
    Key,
    Reason,
    Refused,
    Request,
    Verified,
    keys,
    rfc9421,
    verify,
)
from tests.activitypub.signatures.conftest import ALICE, BODY, KEY_ID, NOW, Handmade, Keyring

POST = ('"@method"', '"@target-uri"', '"content-digest"')
GET = ('"@method"', '"@target-uri"')
ORIGIN = "https://b.example"


def encoded(value: bytes) -> str:
    return f":{b64encode(value).decode()}:"


class Message:
    """A request signed by the RFC's letter, each part of which can be bent."""

    def __init__(self, private: RSAPrivateKey | Ed25519PrivateKey) -> None:
        self.private = private
        self.method = "POST"
        self.target = "/inbox"
        self.body = BODY
        self.covered: tuple[str, ...] = POST
        self.parameters: dict[str, str] = {
            "created": str(int(NOW.timestamp())),
            "keyid": f'"{KEY_ID}"',
        }
        self.values = {"@method": "POST", "@target-uri": f"{ORIGIN}/inbox"}
        self.headers = {
            "host": "b.example",
            "content-digest": f"sha-256={encoded(sha256(BODY).digest())}",
        }

    def get(self, target: str) -> Message:
        self.method, self.target, self.covered, self.body = "GET", target, GET, b""
        self.values = {"@method": "GET", "@target-uri": f"{ORIGIN}{target}"}
        del self.headers["content-digest"]
        return self

    def signed(
        self, make: Callable[[bytes], bytes] | None = None, *, label: str = "sig1"
    ) -> Request:
        """The request; `make` signs instead of the key."""
        inner = f"({' '.join(self.covered)})"
        inner += "".join(f";{name}={value}" for name, value in self.parameters.items())
        lines = []
        for component in self.covered:
            name = component.split(";")[0].strip('"')
            lines.append(f"{component}: {self.values.get(name, self.headers.get(name, ''))}")
        base = "\n".join([*lines, f'"@signature-params": {inner}']).encode()
        if make is not None:
            signature = make(base)
        elif isinstance(self.private, RSAPrivateKey):
            signature = self.private.sign(base, PKCS1v15(), SHA256())
        else:
            signature = self.private.sign(base)
        headers = [
            *self.headers.items(),
            ("signature-input", f"{label}={inner}"),
            ("signature", f"{label}={encoded(signature)}"),
        ]
        return Request(method=self.method, target=self.target, headers=headers, body=self.body)


def changed(request: Request, name: str, value: str) -> Request:
    headers = [(n, value if n == name else v) for n, v in request.headers]
    return msgspec.structs.replace(request, headers=headers)


def refused(verdict: Verified | Refused, *reasons: Reason) -> None:
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason in reasons, verdict
    assert verdict.status in (400, 401)
    assert verdict.detail.endswith(".")


@pytest.fixture
def message(pair: tuple[str, str]) -> Message:
    return Message(keys.load_private(pair[0]))


async def test_a_signed_post_is_its_owners(message: Message, keyring: Keyring) -> None:
    verdict = await keyring.judge(message.signed())
    assert isinstance(verdict, Verified), verdict
    assert (verdict.key_id, verdict.owner) == (KEY_ID, ALICE)
    assert keyring.asked == [(KEY_ID, False)]


async def test_a_signed_get_is_its_owners(message: Message, keyring: Keyring) -> None:
    assert isinstance(await keyring.judge(message.get("/outbox?page=true").signed()), Verified)


@pytest.mark.parametrize("label", ["sig1", "pyhms", "sig-b26", "a"])
async def test_the_label_is_the_senders(message: Message, keyring: Keyring, label: str) -> None:
    assert isinstance(await keyring.judge(message.signed(label=label)), Verified)


async def test_more_may_be_covered(message: Message, keyring: Keyring) -> None:
    message.covered = ('"@method"', '"@authority"', '"@target-uri"', '"@path"', '"content-digest"',
                       '"host"', '"date"')  # fmt: skip
    message.values |= {"@authority": "b.example", "@path": "/inbox"}
    message.headers["date"] = "Tue, 24 Nov 2026 12:00:00 GMT"
    assert isinstance(await keyring.judge(message.signed()), Verified)


async def test_ed25519_follows_the_key(keyring: Keyring) -> None:
    private = Ed25519PrivateKey.generate()
    keyring.keys[KEY_ID] = Key(id=KEY_ID, owner=ALICE, public=private.public_key())
    message = Message(private)
    assert isinstance(await keyring.judge(message.signed()), Verified)
    message.parameters["alg"] = '"ed25519"'
    assert isinstance(await keyring.judge(message.signed()), Verified)
    message.parameters["alg"] = '"rsa-v1_5-sha256"'
    refused(await keyring.judge(message.signed()), Reason.ALGORITHM)


async def test_what_we_sign_we_believe(pair: tuple[str, str], keyring: Keyring) -> None:
    private = keys.load_private(pair[0])
    for method, target, body in (("POST", "/inbox?x=%40", BODY), ("GET", "/users/bob", None)):
        headers = rfc9421.sign(KEY_ID, private, method, ORIGIN + target, body, NOW)
        request = Request(
            method=method, target=target, headers=[*headers.items()], body=body or b""
        )
        assert isinstance(await keyring.judge(request), Verified)


def test_what_we_sign_is_what_mastodon_wants(pair: tuple[str, str]) -> None:
    headers = rfc9421.sign(KEY_ID, keys.load_private(pair[0]), "POST", f"{ORIGIN}/inbox", BODY, NOW)
    assert headers["Signature-Input"] == (
        f'sig1=("@method" "@target-uri" "content-digest")'
        f';created={int(NOW.timestamp())};keyid="{KEY_ID}"'
    )
    assert headers["Content-Digest"] == f"sha-256={encoded(sha256(BODY).digest())}"
    assert headers["Content-Type"] == "application/activity+json"
    with pytest.raises(ValueError):
        rfc9421.sign(KEY_ID, keys.load_private(pair[0]), "GET", f"{ORIGIN}/ü", None, NOW)


def test_the_vector_of_the_rfc() -> None:
    # RFC 9421, B.2.6
    key = keys.load_public(
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
        "-----END PUBLIC KEY-----\n"
    )
    headers = {
        "host": "example.com",
        "date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "content-type": "application/json",
        "content-length": "18",
        "signature-input": 'sig-b26=("date" "@method" "@path" "@authority" "content-type" '
        '"content-length");created=1618884473;keyid="test-key-ed25519"',
        "signature": "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu"
        "4A0w6vuQv5lIp5WPpBKRCw==:",
    }
    url = "https://example.com/foo?param=Value&Pet=dog"
    assert rfc9421.made_by(key, rfc9421.Message("post", url, headers))
    headers["date"] = "Tue, 20 Apr 2021 02:07:56 GMT"
    assert not rfc9421.made_by(key, rfc9421.Message("post", url, headers))


@pytest.mark.parametrize("missing", POST)
async def test_19_what_must_be_covered(message: Message, keyring: Keyring, missing: str) -> None:
    message.covered = tuple(name for name in POST if name != missing)
    refused(await keyring.judge(message.signed()), Reason.UNCOVERED)
    assert keyring.asked == []


@pytest.mark.parametrize(
    "bent", ['"@target-uri";req', '"content-digest";key="sha-256"', '"@METHOD"']
)
async def test_19_bent_components_do_not_count(
    message: Message, keyring: Keyring, bent: str
) -> None:
    name = bent.lower().split(";")[0]
    message.covered = tuple(bent if component == name else component for component in POST)
    refused(await keyring.judge(message.signed()), Reason.UNCOVERED)


@pytest.mark.parametrize(
    ("signature_input", "signature"),
    [
        ("{input}, sig2={inner}", "{signature}, sig2=:AAAA:"),
        ("{input}, sig2={inner}", "{signature}"),
        ("{input}", "{signature}, sig2=:AAAA:"),
        ("{input}, {input}", "{signature}"),
        ("{input}", "sig2=:AAAA:"),
        ("{input}", "sig1=AAAA"),
        ("{input}", "sig1=:not base64!:"),
        ("{input}", ""),
        ("", "{signature}"),
        ("sig1", "{signature}"),
        ("sig1=1", "{signature}"),
        ("sig1=()", "{signature}"),
        ("sig1=(1 2);created=1;keyid=\"k\"", "{signature}"),
        ('sig1=("@method"', "{signature}"),
        ('sig1=("@method");created="now";keyid="https://a.example/k"', "{signature}"),
        ('sig1=("@method");created=1.5;keyid="https://a.example/k"', "{signature}"),
        ('sig1=("@method");created=1;keyid=alice', "{signature}"),
        ('sig1=("@method");created=1', "{signature}"),
        ('sig1=("@method");keyid="https://a.example/k"', "{signature}"),
        ('sig1=("@method");created=1;expires="x";keyid="k"', "{signature}"),
        ('sig1=("@method");created=1;keyid="k";alg=1', "{signature}"),
        ("sig1=(" + '"x" ' * 100 + ');created=1;keyid="k"', "{signature}"),
        ("x" * 65536, "{signature}"),
        ("{input}", "x" * 65536),
        ("sig1=ü", "{signature}"),
        ("(" * 2000, "{signature}"),
    ],
)  # fmt: skip
async def test_19_malformed_headers(
    message: Message, keyring: Keyring, signature_input: str, signature: str
) -> None:
    request = message.signed()
    parts = dict(request.headers)
    known = {
        "{inner}": parts["signature-input"].removeprefix("sig1="),
        "{input}": parts["signature-input"],
        "{signature}": parts["signature"],
    }
    for name, value in known.items():
        signature_input = signature_input.replace(name, value)
        signature = signature.replace(name, value)
    request = changed(changed(request, "signature-input", signature_input), "signature", signature)
    verdict = await keyring.judge(request)
    refused(verdict, Reason.MALFORMED)
    assert isinstance(verdict, Refused) and verdict.status == 400
    assert keyring.asked == []


@given(st.text(), st.text())
async def test_19_no_header_breaks_verification(first: str, second: str) -> None:
    request = Request(
        method="POST",
        target="/inbox",
        headers=[("signature-input", first), ("signature", second)],
        body=BODY,
    )
    assert isinstance(await Keyring().judge(request), Refused)


@given(
    st.from_regex(r'\Asig1=\(("(@[a-z-]{1,12}|content-digest)"(;[a-z]{1,3})?[ ]?){0,4}\)'
                  r'(;(created|expires|keyid|alg|nonce)=("[ -~]{0,30}"|[0-9]{1,16}|\?1)){0,4}\Z')
)  # fmt: skip
async def test_19_no_near_miss_breaks_verification(header: str) -> None:
    request = Message(Ed25519PrivateKey.generate()).signed()
    verdict = await Keyring().judge(changed(request, "signature-input", header))
    assert isinstance(verdict, Refused)


async def test_20_no_downgrade_to_a_good_cavage_signature(
    handmade: Handmade, message: Message, keyring: Keyring
) -> None:
    cavage = handmade.signed()
    assert isinstance(await keyring.judge(cavage), Verified)
    bad = ("Signature-Input", 'sig1=("@method");created=1;keyid="x"')
    request = msgspec.structs.replace(cavage, headers=[*cavage.headers, bad])
    refused(await keyring.judge(request), Reason.MALFORMED)
    # neither by two Signature headers, nor by emptying the new one
    both = [*message.signed().headers, ("Signature", dict(cavage.headers)["signature"])]
    refused(await keyring.judge(msgspec.structs.replace(cavage, headers=both)), Reason.MALFORMED)
    empty = [*cavage.headers, ("Signature-Input", "")]
    refused(await keyring.judge(msgspec.structs.replace(cavage, headers=empty)), Reason.MALFORMED)


async def test_a_signature_input_without_a_signature(message: Message, keyring: Keyring) -> None:
    request = message.signed()
    headers = [pair for pair in request.headers if pair[0] != "signature"]
    refused(
        await keyring.judge(msgspec.structs.replace(request, headers=headers)), Reason.MALFORMED
    )


async def test_02_a_byte_of_the_body_changed(message: Message, keyring: Keyring) -> None:
    request = msgspec.structs.replace(message.signed(), body=BODY.replace(b"L", b"l"))
    refused(await keyring.judge(request), Reason.DIGEST)
    assert keyring.asked == []


async def test_02_body_and_digest_changed(message: Message, keyring: Keyring) -> None:
    other = f"sha-256={encoded(sha256(b'{}').digest())}"
    request = msgspec.structs.replace(
        changed(message.signed(), "content-digest", other), body=b"{}"
    )
    refused(await keyring.judge(request), Reason.MISMATCH)


@pytest.mark.parametrize(
    ("header", "reasons"),
    [
        ("sha-512={512}", [Reason.DIGEST]),
        ("sha-256={512}", [Reason.DIGEST]),
        ("sha-256=:AAAA:", [Reason.DIGEST]),
        ("sha-256=AAAA", [Reason.MALFORMED]),
        ("sha-256", [Reason.MALFORMED]),
        ("sha-256={256}, sha-256={256}", [Reason.MALFORMED]),
        ("SHA-256={256}", [Reason.MALFORMED]),
        ("sha-256=::, x=" + "y" * 2000, [Reason.MALFORMED]),
        ("", [Reason.MALFORMED, Reason.DIGEST]),
    ],
)
async def test_04_content_digests_that_do_not_count(
    message: Message, keyring: Keyring, header: str, reasons: list[Reason]
) -> None:
    message.headers["content-digest"] = header.replace(
        "{256}", encoded(sha256(BODY).digest())
    ).replace("{512}", encoded(sha512(BODY).digest()))
    refused(await keyring.judge(message.signed()), *reasons)


async def test_a_second_digest_beside_the_right_one(message: Message, keyring: Keyring) -> None:
    message.headers["content-digest"] += f", sha-512={encoded(sha512(BODY).digest())}"
    assert isinstance(await keyring.judge(message.signed()), Verified)


@pytest.mark.parametrize("alg", ["hmac-sha256", "rsa-pss-sha512", "ecdsa-p256-sha256", "none", ""])
async def test_06_the_algorithm_is_never_the_headers(
    message: Message, keyring: Keyring, pair: tuple[str, str], alg: str
) -> None:
    message.parameters["alg"] = f'"{alg}"'
    request = message.signed(lambda base: hmac.digest(pair[1].encode(), base, "sha256"))
    refused(await keyring.judge(request), Reason.ALGORITHM)
    del message.parameters["alg"]
    request = message.signed(lambda base: hmac.digest(pair[1].encode(), base, "sha256"))
    refused(await keyring.judge(request), Reason.MISMATCH)


async def test_07_other_signatures_of_the_same_key(message: Message, keyring: Keyring) -> None:
    private = message.private
    assert isinstance(private, RSAPrivateKey)
    pss = PSS(mgf=MGF1(SHA512()), salt_length=64)
    for make in (
        lambda base: private.sign(base, PKCS1v15(), SHA512()),
        lambda base: private.sign(base, pss, SHA512()),
    ):
        refused(await keyring.judge(message.signed(make)), Reason.MISMATCH)


@pytest.mark.parametrize("days", [-2, 2])
async def test_08_two_days_off(message: Message, keyring: Keyring, days: int) -> None:
    created = NOW + timedelta(days=days)
    message.parameters["created"] = str(int(created.timestamp()))
    refused(await keyring.judge(message.signed()), Reason.EXPIRED)
    assert keyring.asked == []


@pytest.mark.parametrize("minutes", [-64, -30, 30, 59])
async def test_08_a_clock_may_be_an_hour_wrong(
    message: Message, keyring: Keyring, minutes: int
) -> None:
    created = NOW + timedelta(minutes=minutes)
    message.parameters["created"] = str(int(created.timestamp()))
    assert isinstance(await keyring.judge(message.signed()), Verified)


async def test_09_expires(message: Message, keyring: Keyring) -> None:
    created = NOW - timedelta(hours=6)
    message.parameters["created"] = str(int(created.timestamp()))
    refused(await keyring.judge(message.signed()), Reason.EXPIRED)
    message.parameters["expires"] = str(int((NOW + timedelta(minutes=1)).timestamp()))
    assert isinstance(await keyring.judge(message.signed()), Verified)
    message.parameters["expires"] = str(int((NOW - timedelta(hours=2)).timestamp()))
    refused(await keyring.judge(message.signed()), Reason.EXPIRED)
    message.parameters["created"] = str(int((NOW - timedelta(hours=14)).timestamp()))
    message.parameters["expires"] = str(int((NOW + timedelta(hours=14)).timestamp()))
    refused(await keyring.judge(message.signed()), Reason.EXPIRED)
    message.parameters["created"] = str(10**14)
    refused(await keyring.judge(message.signed()), Reason.MALFORMED)


async def test_10_another_path_method_or_server(message: Message, keyring: Keyring) -> None:
    for name, value in (
        ("@target-uri", f"{ORIGIN}/users/carol/inbox"),
        ("@target-uri", f"{ORIGIN}/inbox?x=1"),
        ("@target-uri", "https://c.example/inbox"),
        ("@target-uri", "http://b.example/inbox"),
        ("@method", "PUT"),
    ):
        right = message.values[name]
        message.values[name] = value
        refused(await keyring.judge(message.signed()), Reason.MISMATCH)
        message.values[name] = right


async def test_10_the_target_is_what_we_are_known_as_whatever_host_says(
    message: Message, keyring: Keyring
) -> None:
    message.headers["host"] = "127.0.0.1:8000"  # behind a proxy
    assert isinstance(await keyring.judge(message.signed()), Verified)
    message.values["@target-uri"] = "https://127.0.0.1:8000/inbox"
    refused(await keyring.judge(message.signed()), Reason.MISMATCH)


async def test_the_scheme_is_ours_too(message: Message, keyring: Keyring) -> None:
    message.values["@target-uri"] = "http://b.example/inbox"
    verdict = await verify(message.signed(), keyring.find, NOW, ["b.example"], scheme="http")
    assert isinstance(verdict, Verified)


@pytest.mark.parametrize(
    "key_id", ["https://b.example/users/bob#main-key", "file:///etc/passwd", "alice", ""]
)
async def test_15_key_ids_that_are_never_fetched(
    message: Message, keyring: Keyring, key_id: str
) -> None:
    message.parameters["keyid"] = f'"{key_id}"'
    refused(await keyring.judge(message.signed()), Reason.KEY_ID)
    assert keyring.asked == []


async def test_17_a_rotated_key_is_fetched_once(
    message: Message, keyring: Keyring, other_pair: tuple[str, str]
) -> None:
    keyring.rotated[KEY_ID] = keyring.keys[KEY_ID]
    keyring.keys[KEY_ID] = Key(id=KEY_ID, owner=ALICE, public=keys.load_public(other_pair[1]))
    assert isinstance(await keyring.judge(message.signed()), Verified)
    assert keyring.asked == [(KEY_ID, False), (KEY_ID, True)]


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
async def test_21_repeated_headers(message: Message, keyring: Keyring, name: str) -> None:
    request = message.signed()
    again = [*request.headers, (name, dict(request.headers)[name.lower()])]
    refused(await keyring.judge(msgspec.structs.replace(request, headers=again)), Reason.MALFORMED)
