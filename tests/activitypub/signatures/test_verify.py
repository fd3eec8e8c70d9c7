"""Every way in which a request signed by draft-cavage can lie (attacks.md 1 to 18, 21)."""

from __future__ import annotations

import gzip
import hashlib
import hmac
from base64 import b64encode
from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA512
from hypothesis import given
from hypothesis import strategies as st

from activitypub.signatures import Key, KeyUnavailable, Reason, Refused, Request, Verified, keys
from activitypub.signatures.cavage import http_date
from activitypub.signatures.digest import digest
from tests.activitypub.signatures.conftest import ALICE, BODY, KEY_ID, NOW, Handmade, Keyring


def refused(verdict: Verified | Refused, reason: Reason) -> None:
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason is reason, verdict
    assert verdict.status in (400, 401, 503)
    assert verdict.detail.endswith(".")


def with_signature(header: str) -> Request:
    return Request(
        method="POST",
        target="/inbox",
        headers=[
            ("host", "b.example"),
            ("date", http_date(NOW)),
            ("digest", digest(BODY)),
            ("signature", header),
        ],
        body=BODY,
    )


async def test_a_signed_post_is_its_owners(handmade: Handmade, keyring: Keyring) -> None:
    verdict = await keyring.judge(handmade.signed())
    assert isinstance(verdict, Verified)
    assert (verdict.key_id, verdict.owner) == (KEY_ID, ALICE)
    assert keyring.asked == [(KEY_ID, False)]


async def test_01_unsigned(keyring: Keyring) -> None:
    request = Request(method="POST", target="/inbox", headers=[("host", "b.example")], body=BODY)
    refused(await keyring.judge(request), Reason.UNSIGNED)


async def test_02_a_byte_of_the_body_changed(handmade: Handmade, keyring: Keyring) -> None:
    request = msgspec.structs.replace(handmade.signed(), body=BODY.replace(b"L", b"l"))
    refused(await keyring.judge(request), Reason.DIGEST)
    assert keyring.asked == []


async def test_03_digest_missing(handmade: Handmade, keyring: Keyring) -> None:
    del handmade.headers["digest"]
    refused(await keyring.judge(handmade.signed()), Reason.UNCOVERED)


async def test_03_digest_not_signed(handmade: Handmade, keyring: Keyring) -> None:
    handmade.covered = ("(request-target)", "host", "date")
    refused(await keyring.judge(handmade.signed()), Reason.UNCOVERED)


@pytest.mark.parametrize("name", ["SHA-512", "MD5"])
async def test_04_digest_of_another_algorithm(
    handmade: Handmade, keyring: Keyring, name: str
) -> None:
    value = b64encode(hashlib.new(name.replace("-", "").lower(), BODY).digest()).decode()
    handmade.headers["digest"] = f"{name}={value}"
    refused(await keyring.judge(handmade.signed()), Reason.DIGEST)


async def test_05_the_digest_is_of_the_raw_bytes(handmade: Handmade, keyring: Keyring) -> None:
    handmade.body = gzip.compress(BODY)
    handmade.headers["content-encoding"] = "gzip"
    refused(await keyring.judge(handmade.signed()), Reason.DIGEST)


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hs2019", "rsa-sha256", None])
async def test_06_hmac_keyed_by_the_public_key_is_no_signature(
    handmade: Handmade, keyring: Keyring, pair: tuple[str, str], algorithm: str | None
) -> None:
    # httpsig's own verifier obeys the header and accepts this
    handmade.algorithm = algorithm
    request = handmade.signed(lambda m: hmac.digest(pair[1].encode(), m, "sha256"))
    assert isinstance(await keyring.judge(request), Refused)


@pytest.mark.parametrize(
    "algorithm",
    ["rsa-sha1", "rsa-md5", "rsa-sha512", "hmac-sha1", "none", "", "RSA", "ed25519", "%s", "ü"],
)
async def test_07_other_algorithms(handmade: Handmade, keyring: Keyring, algorithm: str) -> None:
    handmade.algorithm = algorithm
    assert isinstance(await keyring.judge(handmade.signed()), Refused)


@pytest.mark.parametrize("algorithm", [None, "hs2019", "HS2019", "RSA-SHA256"])
async def test_07_hs2019_and_none_are_what_the_key_is(
    handmade: Handmade, keyring: Keyring, algorithm: str | None
) -> None:
    # GoToSocial 0.20 writes hs2019 for RSA-SHA256; httpsig dies of both
    handmade.algorithm = algorithm
    assert isinstance(await keyring.judge(handmade.signed()), Verified)


@pytest.mark.parametrize("hash_", [SHA1(), SHA512()])
async def test_07_the_hash_is_sha256_whatever_is_said(
    handmade: Handmade, keyring: Keyring, hash_: SHA1 | SHA512
) -> None:
    private = handmade.private
    assert not isinstance(private, Ed25519PrivateKey)
    request = handmade.signed(lambda m: private.sign(m, PKCS1v15(), hash_))
    refused(await keyring.judge(request), Reason.MISMATCH)


@pytest.mark.parametrize("days", [-2, 2])
async def test_08_date_two_days_off(handmade: Handmade, keyring: Keyring, days: int) -> None:
    handmade.headers["date"] = http_date(NOW + timedelta(days=days))
    refused(await keyring.judge(handmade.signed()), Reason.EXPIRED)
    assert keyring.asked == []


@pytest.mark.parametrize("minutes", [-64, -30, 30, 59])
async def test_08_a_clock_may_be_an_hour_wrong(
    handmade: Handmade, keyring: Keyring, minutes: int
) -> None:
    handmade.headers["date"] = http_date(NOW + timedelta(minutes=minutes))
    assert isinstance(await keyring.judge(handmade.signed()), Verified)


@pytest.mark.parametrize(
    "date", ["yesterday", "", "Tue, 99 Nov 2026 12:00:00 GMT", "Tue, 24 Xyz 2026 12:00:00 GMT"]
)
async def test_08_date_that_is_none(handmade: Handmade, keyring: Keyring, date: str) -> None:
    handmade.headers["date"] = date
    refused(await keyring.judge(handmade.signed()), Reason.MALFORMED)


async def test_08_date_absent(handmade: Handmade, keyring: Keyring) -> None:
    del handmade.headers["date"]
    assert isinstance(await keyring.judge(handmade.signed()), Refused)
    handmade.covered = ("(request-target)", "host", "digest")
    refused(await keyring.judge(handmade.signed()), Reason.UNCOVERED)


def timed(handmade: Handmade, created: int, expires: int | None = None) -> Request:
    handmade.algorithm = "hs2019"
    handmade.created = int(NOW.timestamp()) + created
    handmade.covered = ("(request-target)", "(created)", "host", "digest")
    if expires is not None:
        handmade.expires = int(NOW.timestamp()) + expires
        handmade.covered = (*handmade.covered, "(expires)")
    return handmade.signed()


async def test_09_created_and_expires(handmade: Handmade, keyring: Keyring) -> None:
    assert isinstance(await keyring.judge(timed(handmade, -60)), Verified)
    assert isinstance(await keyring.judge(timed(handmade, -10 * 3600, 60)), Verified)


@pytest.mark.parametrize(
    ("created", "expires"), [(7200, None), (-7200, None), (-7200, -3700), (-14 * 3600, 14 * 3600)]
)
async def test_09_outside_of_created_and_expires(
    handmade: Handmade, keyring: Keyring, created: int, expires: int | None
) -> None:
    refused(await keyring.judge(timed(handmade, created, expires)), Reason.EXPIRED)


async def test_09_created_needs_hs2019_and_a_value(handmade: Handmade, keyring: Keyring) -> None:
    request = timed(handmade, 0)
    handmade.algorithm = "rsa-sha256"
    refused(await keyring.judge(handmade.signed()), Reason.MALFORMED)
    headers = [
        (name, value.replace(f"created={handmade.created},", "")) for name, value in request.headers
    ]
    request = msgspec.structs.replace(request, headers=headers)
    refused(await keyring.judge(request), Reason.MALFORMED)


async def test_09_a_created_beyond_all_calendars(handmade: Handmade, keyring: Keyring) -> None:
    refused(await keyring.judge(timed(handmade, 10**14)), Reason.MALFORMED)


async def test_10_another_path(handmade: Handmade, keyring: Keyring) -> None:
    handmade.signed_target = "/users/carol/inbox"
    refused(await keyring.judge(handmade.signed()), Reason.MISMATCH)


async def test_10_another_method(handmade: Handmade, keyring: Keyring) -> None:
    request = msgspec.structs.replace(handmade.signed(), method="PUT")
    refused(await keyring.judge(request), Reason.MISMATCH)


@pytest.mark.parametrize("host", ["c.example", "b.example.evil.example", "x@b.example", ""])
async def test_10_another_host(handmade: Handmade, keyring: Keyring, host: str) -> None:
    handmade.headers["host"] = host
    refused(await keyring.judge(handmade.signed()), Reason.HOST)
    assert keyring.asked == []


@pytest.mark.parametrize("host", ["B.Example", "b.example:443", "b.example."])
async def test_10_the_same_host_otherwise_written(
    handmade: Handmade, keyring: Keyring, host: str
) -> None:
    handmade.headers["host"] = host
    assert isinstance(await keyring.judge(handmade.signed()), Verified)


@pytest.mark.parametrize("missing", ["(request-target)", "host"])
async def test_10_target_and_host_must_be_signed(
    handmade: Handmade, keyring: Keyring, missing: str
) -> None:
    assert handmade.covered is not None
    handmade.covered = [name for name in handmade.covered if name != missing]
    refused(await keyring.judge(handmade.signed()), Reason.UNCOVERED)


@pytest.mark.parametrize("signed", ["/outbox?page=1", "/outbox"])
async def test_11_query_signed_or_not(handmade: Handmade, keyring: Keyring, signed: str) -> None:
    request = handmade.get("/outbox?page=1")
    request.signed_target = signed
    assert isinstance(await keyring.judge(request.signed()), Verified)


async def test_11_another_query(handmade: Handmade, keyring: Keyring) -> None:
    request = handmade.get("/outbox?page=1")
    request.signed_target = "/outbox?page=2"
    refused(await keyring.judge(request.signed()), Reason.MISMATCH)


async def test_12_a_replay_can_be_told_by_its_signature(
    handmade: Handmade, keyring: Keyring
) -> None:
    first, again = [await keyring.judge(handmade.signed()) for _ in range(2)]
    handmade.target = "/users/bob/inbox"
    other = await keyring.judge(handmade.signed())
    assert isinstance(first, Verified) and isinstance(again, Verified)
    assert isinstance(other, Verified)
    assert first.signature == again.signature != other.signature


async def test_13_the_owner_is_the_keys_not_the_claims(
    handmade: Handmade, keyring: Keyring
) -> None:
    # that the actor is this owner is `origin.check`'s to say
    keyring.keys[KEY_ID] = msgspec.structs.replace(
        keyring.keys[KEY_ID], owner="https://a.example/users/mallory"
    )
    verdict = await keyring.judge(handmade.signed())
    assert isinstance(verdict, Verified)
    assert verdict.owner == "https://a.example/users/mallory"


@pytest.mark.parametrize(
    "key_id",
    [
        "https://b.example/users/bob#main-key",
        "https://B.EXAMPLE:443/users/bob#main-key",
        "file:///etc/passwd",
        "ftp://a.example/key",
        "data:text/plain,x",
        "acct:alice@a.example",
        "alice",
        "",
        "https://good.example@evil.example/key",
    ],
)
async def test_15_key_ids_that_are_never_fetched(
    handmade: Handmade, keyring: Keyring, key_id: str
) -> None:
    handmade.key_id = key_id
    refused(await keyring.judge(handmade.signed()), Reason.KEY_ID)
    assert keyring.asked == []


@pytest.mark.parametrize(
    ("trouble", "reason", "status"),
    [
        (KeyUnavailable("Not found."), Reason.KEY_UNAVAILABLE, 401),
        (KeyUnavailable("No answer.", permanent=False), Reason.KEY_UNAVAILABLE, 503),
        (KeyUnavailable("Gone.", gone=True), Reason.KEY_GONE, 401),
    ],
)
async def test_16_keys_that_cannot_be_had(
    handmade: Handmade, keyring: Keyring, trouble: KeyUnavailable, reason: Reason, status: int
) -> None:
    keyring.trouble = trouble
    verdict = await keyring.judge(handmade.signed())
    refused(verdict, reason)
    assert isinstance(verdict, Refused) and verdict.status == status


async def test_17_a_rotated_key_is_fetched_once(
    handmade: Handmade, keyring: Keyring, other_pair: tuple[str, str]
) -> None:
    keyring.rotated[KEY_ID] = keyring.keys[KEY_ID]
    old = Key(id=KEY_ID, owner=ALICE, public=keys.load_public(other_pair[1]))
    keyring.keys[KEY_ID] = old
    assert isinstance(await keyring.judge(handmade.signed()), Verified)
    assert keyring.asked == [(KEY_ID, False), (KEY_ID, True)]


async def test_17_somebody_elses_key(
    handmade: Handmade, keyring: Keyring, other_pair: tuple[str, str]
) -> None:
    handmade.private = keys.load_private(other_pair[0])
    refused(await keyring.judge(handmade.signed()), Reason.MISMATCH)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        'keyId="https://a.example/k',
        'keyId="https://a.example/k"',
        'signature="AAAA"',
        'keyId="https://a.example/k",signature="not base64!"',
        'keyId="https://a.example/k",signature="AAAA",signature="BBBB"',
        'keyId="https://a.example/k",keyId="https://c.example/k",signature="AAAA"',
        'keyId="https://a.example/k",headers="",signature="AAAA"',
        'keyId="https://a.example/k",headers="host host",signature="AAAA"',
        f'keyId="https://a.example/k",headers="{" ".join(map(str, range(500)))}",signature="AAAA"',
        'keyId="https://a.example/ü",signature="AAAA"',
        'keyId="https://a.example/k",created=1e9,signature="AAAA"',
        'keyId="https://a.example/k",created="x",signature="AAAA"',
        'keyId="https://a.example/k" signature="AAAA"',
        'keyId="https://a.example/k",,signature="AAAA"',
        'keyId="https://a.example/k",signature="AAAA",',
        'Signature keyId="https://a.example/k",signature="AAAA"',
        '%s%d="x",signature="%"',
        f'keyId="https://a.example/{"x" * 65536}",signature="AAAA"',
        "=" * 65536,
        "," * 4000,
        " " * 4000,
    ],
)
async def test_18_malformed_headers(keyring: Keyring, header: str) -> None:
    verdict = await keyring.judge(with_signature(header))
    refused(verdict, Reason.MALFORMED)
    assert isinstance(verdict, Refused) and verdict.status == 400
    assert keyring.asked == []


@given(
    st.text()
    | st.from_regex(r'\A(keyId|signature|headers|created)="[ -~]{0,20}"(,[a-z]+=[^,]{0,9}){0,4}\Z')
)
async def test_18_no_header_breaks_verification(header: str) -> None:
    assert isinstance(await Keyring().judge(with_signature(header)), Refused)


async def test_18_a_percent_sign_in_the_key_id(handmade: Handmade, keyring: Keyring) -> None:
    key_id = "https://a.example/users/%40alice#main-key"
    handmade.key_id = key_id
    keyring.keys[key_id] = keyring.keys[KEY_ID]
    assert isinstance(await keyring.judge(handmade.signed()), Verified)


async def test_18_upper_case_names_are_the_same(handmade: Handmade, keyring: Keyring) -> None:
    # Misskey's forks and httpsig differ here
    request = handmade.signed()
    headers = [
        (name.title(), value.replace("host date", "Host Date")) for name, value in request.headers
    ]
    request = msgspec.structs.replace(request, headers=headers)
    assert isinstance(await keyring.judge(request), Verified)


@pytest.mark.parametrize("value", ["ünïcode", "\udcff", "x\ud800"])
async def test_18_signed_headers_that_are_not_ascii(
    handmade: Handmade, keyring: Keyring, value: str
) -> None:
    request = handmade.signed()
    headers = [(n, value if n == "content-type" else v) for n, v in request.headers]
    refused(
        await keyring.judge(msgspec.structs.replace(request, headers=headers)), Reason.MALFORMED
    )


@pytest.mark.parametrize("name", ["Signature", "Host", "Digest", "Date", "Content-Type"])
async def test_21_repeated_headers(handmade: Handmade, keyring: Keyring, name: str) -> None:
    request = handmade.signed()
    again = [*request.headers, (name, dict(request.headers)[name.lower()])]
    verdict = await keyring.judge(msgspec.structs.replace(request, headers=again))
    refused(verdict, Reason.MALFORMED)
    assert isinstance(verdict, Refused) and verdict.status == 400


async def test_21_two_lengths(handmade: Handmade, keyring: Keyring) -> None:
    handmade.headers |= {"transfer-encoding": "chunked", "content-length": "15"}
    refused(await keyring.judge(handmade.signed()), Reason.MALFORMED)


async def test_headers_that_may_repeat_are_joined(handmade: Handmade, keyring: Keyring) -> None:
    # Misskey signs accept
    handmade.get("/users/bob")
    handmade.covered = ("(request-target)", "date", "host", "accept")
    handmade.headers["accept"] = "application/activity+json, application/ld+json"
    request = handmade.signed()
    headers = [pair for pair in request.headers if pair[0] != "accept"]
    headers += [("accept", "application/activity+json"), ("Accept", "application/ld+json")]
    request = msgspec.structs.replace(request, headers=headers)
    assert isinstance(await keyring.judge(request), Verified)


async def test_ed25519_follows_the_key(keyring: Keyring) -> None:
    private = Ed25519PrivateKey.generate()
    keyring.keys[KEY_ID] = Key(id=KEY_ID, owner=ALICE, public=private.public_key())
    handmade = Handmade(private)
    for algorithm in (None, "hs2019", "ed25519"):
        handmade.algorithm = algorithm
        assert isinstance(await keyring.judge(handmade.signed()), Verified)
    handmade.algorithm = "rsa-sha256"
    refused(await keyring.judge(handmade.signed()), Reason.ALGORITHM)


@pytest.mark.parametrize(
    "header", ["sha-256={}", "SHA-512=eA==,SHA-256={}", "md5=eA== , Sha-256={}"]
)
async def test_digests_as_peers_write_them(
    handmade: Handmade, keyring: Keyring, header: str
) -> None:
    value = b64encode(hashlib.sha256(BODY).digest()).decode()
    handmade.headers["digest"] = header.format(value)
    assert isinstance(await keyring.judge(handmade.signed()), Verified)


@pytest.mark.parametrize("header", ["SHA-256={0},SHA-256=eA==", "SHA-256=", "SHA-256", "ü"])
async def test_digests_that_say_two_things_or_nothing(
    handmade: Handmade, keyring: Keyring, header: str
) -> None:
    value = b64encode(hashlib.sha256(BODY).digest()).decode()
    handmade.headers["digest"] = header.format(value)
    refused(await keyring.judge(handmade.signed()), Reason.DIGEST)


@pytest.mark.parametrize("target", ["", "*", "?x=1"])
async def test_targets_that_are_no_path(handmade: Handmade, keyring: Keyring, target: str) -> None:
    request = msgspec.structs.replace(handmade.signed(), target=target)
    refused(await keyring.judge(request), Reason.MISMATCH)
