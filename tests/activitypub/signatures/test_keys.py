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

from activitypub.errors import Malformed
from activitypub.signatures.keys import load_private, load_public


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
