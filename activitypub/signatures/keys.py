"""Keys: made, read once and kept parsed."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from activitypub import multibase
from activitypub.errors import Malformed

RSA_BITS = 2048
"""Mastodon, GoToSocial and Misskey all use 2048."""

RSA_BITS_ACCEPTED = range(2048, 8193)
"""Below it forging is thinkable, above it verifying is a way to keep us busy."""

PRIVATE_KEYS_KEPT = 4096
"""Own keys kept parsed; one for each local account that posts."""

ED25519_CODE = b"\xed\x01"
RSA_CODE = b"\x85\x24"
"""What stands before the bytes of a key in a Multikey (multicodec); RSA keys are PKCS#1."""

PublicKeyMaterial = RSAPublicKey | Ed25519PublicKey


class Key(Struct, frozen=True, kw_only=True):
    """A public key that was fetched and parsed: its id, the actor that owns it, the key."""

    id: str
    owner: str
    public: PublicKeyMaterial


def generate() -> tuple[str, str]:
    """A new RSA-2048 pair as `(private PKCS8 PEM, public SPKI PEM)`.

    Takes about 60 ms of one core: run it in a thread on a busy server.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return _private_pem(key), public_pem(key.public_key())


def generate_ed25519() -> tuple[str, str]:
    """A new Ed25519 pair in the same form; takes no time."""
    key = Ed25519PrivateKey.generate()
    return _private_pem(key), public_pem(key.public_key())


def _private_pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key: PublicKeyMaterial) -> str:
    """A public key as SPKI PEM."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


@lru_cache(maxsize=PRIVATE_KEYS_KEPT)
def load_private(pem: str) -> RSAPrivateKey:
    """Our own private key, parsed once and kept (the check of the primes, 75 ms, is left out:
    we made the key). Raises `ValueError` for anything else."""
    key = serialization.load_pem_private_key(
        pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("The private key is no RSA key.")
    return key


@lru_cache(maxsize=PRIVATE_KEYS_KEPT)
def load_ed25519(pem: str) -> Ed25519PrivateKey:
    """Our own Ed25519 key, parsed once and kept. Raises `ValueError` for anything else."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("The private key is no Ed25519 key.")
    return key


def load_public(pem: str) -> PublicKeyMaterial:
    """Somebody's public key (SPKI or PKCS1 PEM). Raises `Malformed` for anything else."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("The public key cannot be read.") from error
    return _accepted(key)


def load_multikey(text: str) -> PublicKeyMaterial:
    """Somebody's public key as a Multikey (`publicKeyMultibase`, FEP-521a). Raises `Malformed`
    for anything but Ed25519 and RSA."""
    value = multibase.decode(text)
    try:
        if value.startswith(ED25519_CODE):
            return Ed25519PublicKey.from_public_bytes(value[len(ED25519_CODE) :])
        if value.startswith(RSA_CODE):
            return _accepted(serialization.load_der_public_key(value[len(RSA_CODE) :]))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("The public key cannot be read.") from error
    raise Malformed("The public key is neither RSA nor Ed25519.")


def multikey(key: PublicKeyMaterial) -> str:
    """A public key as a Multikey."""
    if isinstance(key, RSAPublicKey):
        encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        return multibase.encode(RSA_CODE + encoded)
    return multibase.encode(ED25519_CODE + key.public_bytes_raw())


def _accepted(key: object) -> PublicKeyMaterial:
    if isinstance(key, RSAPublicKey):
        if key.key_size not in RSA_BITS_ACCEPTED:
            raise Malformed(f"An RSA key of {key.key_size} bits is not accepted.")
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise Malformed("The public key is neither RSA nor Ed25519.")
