"""Keys made and read."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from activitypub import multibase
from activitypub.errors import Malformed
from activitypub.signatures.keys import (
    ED25519_CODE,
    RSA_CODE,
    generate_ed25519,
    load_ed25519,
    load_multikey,
    load_private,
    load_public,
    multikey,
    public_pem,
)


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> str:
    public = private.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_pair_belongs_together(pair: tuple[str, str]) -> None:
    assert pem(load_private(pair[0])) == pair[1]
    assert pair[1].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_private_key_is_parsed_once(pair: tuple[str, str]) -> None:
    assert load_private(pair[0]) is load_private(pair[0])


def test_public_keys_as_peers_write_them(pair: tuple[str, str]) -> None:
    private = load_private(pair[0])
    pkcs1 = private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    for written in (pkcs1, pair[1].replace("\n", "\r\n"), f"\n{pair[1].strip()}"):
        assert load_public(written) == private.public_key()
    ed25519 = Ed25519PrivateKey.generate()
    assert load_public(pem(ed25519)) == ed25519.public_key()


def test_keys_that_are_not_accepted(pair: tuple[str, str]) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    for refused in ("", "x", pair[0], pair[1][:-40], pem(small), pem(curve), "\0", "\ud800"):
        with pytest.raises(Malformed):
            load_public(refused)


def test_a_private_key_of_another_kind_is_refused() -> None:
    other = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(ValueError, match="RSA"):
        load_private(other.decode())


def test_an_ed25519_pair_belongs_together() -> None:
    private, public = generate_ed25519()
    assert pem(load_ed25519(private)) == public
    assert load_ed25519(private) is load_ed25519(private)
    assert generate_ed25519() != (private, public)


def test_a_multikey_is_read_and_written(pair: tuple[str, str]) -> None:
    # the Ed25519 key of FEP-8b32's test vector
    vector = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    for text in (vector, multikey(load_public(pair[1]))):
        assert multikey(load_multikey(text)) == text
    assert multikey(load_public(pair[1])).startswith("z4MX")
    assert public_pem(load_multikey(multikey(load_public(pair[1])))) == pair[1]


def test_a_private_key_of_another_kind(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError):
        load_ed25519(pair[0])
    with pytest.raises(ValueError):
        load_private(generate_ed25519()[0])


@pytest.mark.parametrize(
    "value",
    [b"", ED25519_CODE, ED25519_CODE + b"\0" * 31, ED25519_CODE + b"\0" * 33, RSA_CODE,
     RSA_CODE + b"\x30\x03\x02\x01\x00", b"\x80\x24" + b"\2" * 33, b"\xec\x01" + b"\1" * 32],
)  # fmt: skip
def test_multikeys_that_are_none_of_ours(value: bytes) -> None:
    with pytest.raises(Malformed):
        load_multikey(multibase.encode(value))


def test_an_rsa_multikey_that_is_too_short() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    encoded = small.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    with pytest.raises(Malformed):
        load_multikey(multibase.encode(RSA_CODE + encoded))
