"""Signatures of draft-cavage-http-signatures-12 as the fediverse uses them."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class Signer:
    """Signs requests as one actor.

    `key_id` is `<actor>#main-key`; `private_key` is a PEM (parsed once, see `keys`) or a key.
    """

    def __init__(self, key_id: str, private_key: RSAPrivateKey | str) -> None:
        raise NotImplementedError

    def sign(self, method: str, url: str, body: bytes | None, now: datetime) -> dict[str, str]:
        """The headers to send: `Host`, `Date`, `Signature`; with a body `Digest` and
        `Content-Type` (`application/activity+json`) too, all of them signed.

        GET signs `(request-target) host date`, POST `(request-target) host date digest
        content-type`. `url` is the absolute address exactly as it goes over the wire.
        """
        raise NotImplementedError
