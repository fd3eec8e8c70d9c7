"""Signing and verifying a delivery, ours against bare `cryptography`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from activitypub.signatures import Key, Request, Signer, Verified, verify
from activitypub.signatures.keys import generate, load_private, load_public
from bench.measure import ROUNDS, Figure, async_rate, rate

BODY = b'{"type":"Create","object":{"type":"Note","content":"' + b"x" * 2000 + b'"}}'
URL = "https://easel.example/inbox"
ACTOR = "https://other.example/users/alice"
SECONDS = 1.0  # of each measurement


def measure() -> list[Figure]:
    """`sign_vs_bare` and `verify_vs_bare`: 1.0 is as fast as the RSA operation alone."""
    private_pem, public_pem = generate()
    private, public = load_private(private_pem), load_public(public_pem)
    signer = Signer(f"{ACTOR}#main-key", private)
    key = Key(id=f"{ACTOR}#main-key", owner=ACTOR, public=public)
    now = datetime.now(UTC)
    headers = signer.sign("POST", URL, BODY, now)
    request = Request(method="POST", target="/inbox", headers=[*headers.items()], body=BODY)
    signature = private.sign(b"signed", PKCS1v15(), SHA256())

    async def find(key_id: str, *, fresh: bool = False) -> Key:
        return key

    async def ours() -> None:
        answer = await verify(request, find, now, {"easel.example"})
        assert isinstance(answer, Verified), answer

    def bare_verify() -> None:
        public.verify(signature, b"signed", PKCS1v15(), SHA256())  # type: ignore[union-attr, call-arg]

    signs, verifies = [], []
    for _ in range(ROUNDS):
        bare = rate(lambda: private.sign(b"signed", PKCS1v15(), SHA256()), SECONDS)
        signs.append(rate(lambda: signer.sign("POST", URL, BODY, now), SECONDS) / bare)
        bare = rate(bare_verify, SECONDS)
        verifies.append(asyncio.run(async_rate(ours, SECONDS)) / bare)
    return [
        Figure("sign_vs_bare", max(signs), 0.7, True, "sign a POST, against the RSA sign alone"),
        Figure(
            "verify_vs_bare",
            max(verifies),
            0.35,
            True,
            "verify a signed POST with its digest, against the RSA verify alone",
        ),
    ]
