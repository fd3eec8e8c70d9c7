"""Signatures of RFC 9421 (HTTP Message Signatures) in the profile of the fediverse.

`http-message-signatures` rebuilds what was signed, and verifies it with the algorithm that we name
after the key. What others send is bounded and read before it gets there, and its look at a clock
that is not ours is left out. What we send always covers the same, which takes no library.

Import this module where the first such signature is made or met: most servers never do, and the
library takes 40 ms.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
)
from http_message_signatures.algorithms import ED25519, RSA_V1_5_SHA256
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from msgspec import Struct

from activitypub.context import ACTIVITY_JSON
from activitypub.errors import Malformed
from activitypub.signatures.digest import content_digest
from activitypub.signatures.fields import dictionary
from activitypub.signatures.keys import PublicKeyMaterial

GET_COVERED = ("@method", "@target-uri")
POST_COVERED = ("@method", "@target-uri", "content-digest")
"""What Mastodon 4.7 demands; what is not covered no proxy can break."""

LABEL = "sig1"

INPUT_LIMIT = 2048
"""Characters of a Signature-Input header; Fedify's have 300."""

SIGNATURE_LIMIT = 4096
"""Characters of a Signature header; one with an RSA-8192 signature has 1,400."""

COVERED_LIMIT = 32
"""Components of one signature; Fedify 2.3 covers six."""

RSA_NAME = "rsa-v1_5-sha256"
ED25519_NAME = "ed25519"
NAMES = frozenset({RSA_NAME, ED25519_NAME})
"""What `alg` may say; it never chooses, and must be what the key is."""


class Parameters(Struct, frozen=True, kw_only=True):
    """The one signature of a request. `covered` are the components that have no parameters;
    `created` and `expires` are seconds since the epoch."""

    key_id: str
    signature: bytes
    covered: frozenset[str]
    created: int
    expires: int | None = None
    algorithm: str | None = None


class Message:
    """A request as the library wants it; `url` is absolute, header names come once."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        self.method = method.upper()
        self.url = url
        self.headers = dict(headers)


def parse(signature_input: str, signature: str) -> Parameters:
    """Read the two headers.

    Raises `Malformed`: no structured fields, not exactly one signature under one label, without
    keyid or created, too long, too many components, not ASCII.
    """
    inputs = dictionary(signature_input, INPUT_LIMIT, "Signature-Input")
    signatures = dictionary(signature, SIGNATURE_LIMIT, "Signature")
    if len(inputs) != 1 or inputs.keys() != signatures.keys():
        raise Malformed("The request must have exactly one signature, under one label.")
    [(components, parameters)] = inputs.values()
    [(value, _)] = signatures.values()
    if not isinstance(components, list) or type(value) is not bytes:
        raise Malformed("The signature is malformed.")
    if len(components) > COVERED_LIMIT:
        raise Malformed("The signature covers too many components.")
    if not all(type(name) is str for name, _ in components):
        raise Malformed("The signature covers what has no name.")
    expires = parameters.get("expires")
    if type(parameters.get("created")) is not int or type(expires) not in (int, type(None)):
        raise Malformed("The signature does not say when it was created.")
    if type(parameters.get("keyid")) is not str:
        raise Malformed("The signature has no keyid.")
    algorithm = parameters.get("alg")
    if algorithm is not None and type(algorithm) is not str:
        raise Malformed("The signature's alg is no text.")
    return Parameters(
        key_id=parameters["keyid"],
        signature=value,
        covered=frozenset(name for name, bent in components if not bent),
        created=parameters["created"],
        expires=expires,
        algorithm=algorithm,
    )


def made_by(key: PublicKeyMaterial, message: Message) -> bool:
    """Whether the one signature of this message is this key's; when it was made is not looked
    at. Raises nothing for anything in the message."""
    algorithm = RSA_V1_5_SHA256 if isinstance(key, RSAPublicKey) else ED25519
    verifier = _Verifier(signature_algorithm=algorithm, key_resolver=_OneKey(key))
    try:
        verifier.verify(message, max_age=None)
    except HTTPMessageSignaturesException:
        return False
    return True


def sign(
    key_id: str,
    key: RSAPrivateKey,
    method: str,
    url: str,
    body: bytes | None,
    now: datetime,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers to send: `Signature-Input` and `Signature`; with a body `Content-Digest` and
    `Content-Type` (`application/activity+json`) too.

    `url` is the absolute address exactly as it goes over the wire, `key_id` has no quotes, `extra`
    are headers that are sent and signed besides. Raises `ValueError` if the address is not plain
    ASCII.
    """
    headers: dict[str, str] = {}
    values = {"@method": method.upper(), "@target-uri": url}
    if body is not None:
        headers = {"Content-Digest": content_digest(body), "Content-Type": ACTIVITY_JSON}
        values["content-digest"] = headers["Content-Digest"]
    for name, value in (extra or {}).items():
        headers[name] = values[name.lower()] = value
    covered = " ".join(f'"{name}"' for name in values)
    parameters = f'({covered});created={int(now.timestamp())};keyid="{key_id}"'
    # The library would take 1.8 ms for these lines; without alg, as the key says what it is.
    lines = [f'"{name}": {value}' for name, value in values.items()]
    base = "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")
    signature = b64encode(key.sign(base, PKCS1v15(), SHA256())).decode("ascii")
    headers["Signature-Input"] = f"{LABEL}={parameters}"
    headers["Signature"] = f"{LABEL}=:{signature}:"
    return headers


class _OneKey(HTTPSignatureKeyResolver):
    """The key that was found for the key id."""

    def __init__(self, key: PublicKeyMaterial) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:
        return self._key


class _Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Judged by our own clock, before the key is looked up."""
