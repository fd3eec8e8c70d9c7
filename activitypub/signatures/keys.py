"""Keys: made, read once and kept parsed."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

RSA_BITS = 2048
"""Mastodon, GoToSocial and Misskey all use 2048; Pixelfed refuses other types."""

RSA_BITS_ACCEPTED = range(2048, 8193)
"""Below it forging is thinkable, above it verifying is a way to keep us busy."""

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
    raise NotImplementedError


def load_private(pem: str) -> RSAPrivateKey:
    """Our own private key, parsed once and kept (the check of the primes, 75 ms, is left out:
    we made the key). Raises `ValueError` for anything else."""
    raise NotImplementedError


def load_public(pem: str) -> PublicKeyMaterial:
    """Somebody's public key (SPKI or PKCS1 PEM). Raises `Malformed` for anything else."""
    raise NotImplementedError
