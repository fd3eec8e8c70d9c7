"""A device that makes passkeys and signs with them, without a browser around it (WebAuthn)."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url as text
from webauthn.helpers import encode_cbor

from tests.api.oauth.person import Person, Seen

SECURITY = "/settings/security"
PRESENT_AND_VERIFIED, WITH_A_KEY = 0x05, 0x40  # flags of authenticator data


@dataclass
class Device:
    """A device with one passkey."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    used: int = 0

    async def add(self, visitor: Person, name: str) -> Seen:
        """Add its passkey in somebody's settings."""
        page = await visitor.get(SECURITY)
        asked = await self._asked(visitor, page, f"{SECURITY}/passkeys")
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        made = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(visitor, PRESENT_AND_VERIFIED | WITH_A_KEY) + made
        told = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        answer = self._answer(
            clientDataJSON=text(self._client(visitor, "webauthn.create", asked)),
            attestationObject=text(told),
        )
        return await visitor.submit(page, f"{SECURITY}/passkeys", answer=answer, name=name)

    async def sign_in(self, visitor: Person) -> Seen:
        """Sign somebody in by its passkey."""
        page = await visitor.get("/sign-in")
        asked = await self._asked(visitor, page, "/sign-in/passkey")
        self.used += 1
        data = self._data(visitor, PRESENT_AND_VERIFIED)
        client = self._client(visitor, "webauthn.get", asked)
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        answer = self._answer(
            clientDataJSON=text(client), authenticatorData=text(data), signature=text(signed)
        )
        return await visitor.submit(page, "/sign-in/passkey", answer=answer)

    async def _asked(self, visitor: Person, page: Seen, action: str) -> str:
        """The challenge that a page's program asks for."""
        form = next(form for form in page.page.all("form") if form["action"] == action)
        key = next(one["value"] for one in form.all("input") if one["name"] == "form_key")
        options = await visitor.post(f"{action}/ask", {"form_key": key})
        assert options.status == 200, options.body
        return str(json.loads(options.body)["challenge"])

    def _client(self, visitor: Person, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": visitor.instance.url}
        return json.dumps(told).encode()

    def _data(self, visitor: Person, flags: int) -> bytes:
        host = urlsplit(visitor.instance.url).hostname or ""
        count = self.used.to_bytes(4, "big")
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + count

    def _answer(self, **response: str) -> str:
        named = {"id": text(self.id), "rawId": text(self.id), "type": "public-key"}
        return json.dumps({**named, "response": response})
