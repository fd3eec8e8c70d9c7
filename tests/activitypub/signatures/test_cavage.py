"""Signing, against httpsig as the independent counterpart and the vectors of the draft."""

from __future__ import annotations

import importlib.resources
import subprocess
import sys
import warnings
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from activitypub.errors import Malformed
from activitypub.signatures import Key, Request, Signer, Verified, keys, verify
from activitypub.signatures.cavage import http_date, message, parse, parse_http_date
from tests.activitypub.signatures.conftest import ALICE, BODY, KEY_ID, NOW

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from httpsig import HeaderVerifier
    from httpsig.sign import HeaderSigner
    from httpsig.utils import generate_message

INBOX = "https://b.example/users/bob/inbox"


def test_a_post_is_signed_as_every_peer_wants_it(pair: tuple[str, str]) -> None:
    headers = Signer(KEY_ID, pair[0]).sign("POST", INBOX, BODY, NOW)
    assert list(headers) == ["Host", "Date", "Digest", "Content-Type", "Signature"]
    assert headers["Host"] == "b.example"
    assert headers["Date"] == "Tue, 24 Nov 2026 12:00:00 GMT"
    assert headers["Content-Type"] == "application/activity+json"
    parameters = parse(headers["Signature"])
    assert parameters.key_id == KEY_ID
    assert parameters.algorithm == "rsa-sha256"
    assert parameters.covered == ("(request-target)", "host", "date", "digest", "content-type")


def test_a_get_is_signed_as_every_peer_wants_it(pair: tuple[str, str]) -> None:
    headers = Signer(KEY_ID, pair[0]).sign("GET", "http://b.localhost:8002/x?y=1", None, NOW)
    assert list(headers) == ["Host", "Date", "Signature"]
    assert headers["Host"] == "b.localhost:8002"
    assert parse(headers["Signature"]).covered == ("(request-target)", "host", "date")


@pytest.mark.parametrize(
    ("method", "url", "target", "body"),
    [
        ("POST", INBOX, "/users/bob/inbox", BODY),
        ("POST", "https://b.example/inbox?x=%20y", "/inbox?x=%20y", b""),
        ("GET", "https://b.example", "/", None),
        ("GET", "https://b.example/a?page=1#part", "/a?page=1", None),
    ],
)
@pytest.mark.parametrize("key_id", [KEY_ID, "https://a.example/users/%40a%s#main-key"])
def test_httpsig_verifies_what_we_sign(
    pair: tuple[str, str], key_id: str, method: str, url: str, target: str, body: bytes | None
) -> None:
    headers = Signer(key_id, pair[0]).sign(method, url, body, NOW)
    required = ["(request-target)", "host", "date"]
    if body is not None:
        required += ["digest", "content-type"]
    verifier = HeaderVerifier(
        headers, pair[1], required, method=method, path=target, sign_header="signature"
    )
    assert verifier.verify()
    assert parse(headers["Signature"]).key_id == key_id


async def test_we_verify_what_httpsig_signs(pair: tuple[str, str]) -> None:
    signer = HeaderSigner(
        KEY_ID, pair[0], "rsa-sha256", ["(request-target)", "host", "date"], "signature"
    )
    headers = signer.sign(
        {"host": "b.example", "date": http_date(NOW)}, method="GET", path="/users/bob"
    )
    request = Request(method="GET", target="/users/bob", headers=list(headers.items()))

    async def find(key_id: str, *, fresh: bool = False) -> Key:
        return Key(id=key_id, owner=ALICE, public=keys.load_public(pair[1]))

    assert isinstance(await verify(request, find, NOW, ["b.example"]), Verified)


def test_both_build_the_same_string() -> None:
    headers = {"host": "b.example", "date": http_date(NOW), "accept": "a, b"}
    covered = ["(request-target)", "accept", "date", "host"]
    ours = message(covered, headers, method="POST", target="/x?y")
    assert ours == generate_message(covered, headers, method="POST", path="/x?y")


DRAFT_HEADERS = {
    "host": "example.com",
    "date": "Thu, 05 Jan 2014 21:31:40 GMT",
    "content-type": "application/json",
    "digest": "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=",
    "content-length": "18",
}


@pytest.mark.parametrize(
    ("covered", "signature"),
    [
        (["date"], "jKyvPcxB4J"),
        (["(request-target)", "host", "date"], "HUxc9BS3P/"),
        (["(request-target)", *DRAFT_HEADERS], "Ef7MlxLXoB"),
    ],
)
def test_vectors_of_the_draft(covered: list[str], signature: str) -> None:
    pem = importlib.resources.files("httpsig.tests").joinpath("rsa_private.pem").read_text()
    made = message(covered, DRAFT_HEADERS, method="POST", target="/foo?param=value&pet=dog")
    signed = b64encode(keys.load_private(pem).sign(made, PKCS1v15(), SHA256())).decode()
    assert signed.startswith(signature)


@pytest.mark.parametrize(
    "key_id", ["", 'https://a.example/"', "https://a.example/a b", "ü", "a\nb"]
)
def test_key_ids_that_cannot_stand_in_a_header(pair: tuple[str, str], key_id: str) -> None:
    with pytest.raises(ValueError, match="key id"):
        Signer(key_id, pair[0])


def test_importing_the_library_does_not_import_httpsig() -> None:
    check = (
        "import sys, warnings; warnings.simplefilter('error');"
        "import activitypub.client, activitypub.webfinger;"
        "assert not {'httpsig', 'pkg_resources', 'Crypto'} & set(sys.modules);"
        "from activitypub.signatures import Signer, keys; from datetime import datetime, UTC;"
        "Signer('a#b', keys.generate()[0]).sign('GET', 'https://b/', None, datetime.now(UTC));"
        "assert 'httpsig' in sys.modules and 'pkg_resources' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_dates() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert http_date(moment) == "Tue, 03 Feb 2026 04:05:06 GMT"
    assert http_date(moment.astimezone(timezone(timedelta(hours=9)))) == http_date(moment)
    assert parse_http_date(http_date(moment)) == moment
    assert parse_http_date("03 Feb 2026 04:05:06 +0000") == moment
    with pytest.raises(Malformed):
        parse_http_date("Tue, 03 Feb 2026 04:05:06 +0200")
