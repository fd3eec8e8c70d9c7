"""One actor with a key, and requests that are signed by hand where ours would refuse to."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from activitypub.signatures import Key, KeyUnavailable, Refused, Request, Verified, keys, verify
from activitypub.signatures.cavage import http_date
from activitypub.signatures.digest import digest

ALICE = "https://a.example/users/alice"
KEY_ID = f"{ALICE}#main-key"
HOSTS = ("b.example",)
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
BODY = b'{"type":"Like"}'
POST = ("(request-target)", "host", "date", "digest", "content-type")
GET = ("(request-target)", "host", "date")


class Handmade:
    """A request signed by the draft's letter, each part of which can be bent."""

    def __init__(self, private: RSAPrivateKey | Ed25519PrivateKey) -> None:
        self.private = private
        self.method = "POST"
        self.target = "/inbox"
        self.body = BODY
        self.key_id = KEY_ID
        self.algorithm: str | None = "rsa-sha256"
        self.covered: Sequence[str] | None = POST
        self.created: int | None = None
        self.expires: int | None = None
        self.signed_target: str | None = None
        self.headers = {
            "host": "b.example",
            "date": http_date(NOW),
            "digest": digest(BODY),
            "content-type": "application/activity+json",
        }

    def get(self, target: str) -> Handmade:
        self.method, self.target, self.covered, self.body = "GET", target, GET, b""
        return self

    def signed(self, make: Callable[[bytes], bytes] | None = None) -> Request:
        """The request; `make` signs instead of the key."""
        lines = []
        for name in self.covered or ("date",):
            if name == "(request-target)":
                value = f"{self.method.lower()} {self.signed_target or self.target}"
            elif name == "(created)":
                value = str(self.created)
            elif name == "(expires)":
                value = str(self.expires)
            else:
                value = self.headers.get(name, "")
            lines.append(f"{name}: {value}")
        message = "\n".join(lines).encode()
        if make is None:
            if isinstance(self.private, RSAPrivateKey):
                signature = self.private.sign(message, PKCS1v15(), SHA256())
            else:
                signature = self.private.sign(message)
        else:
            signature = make(message)
        parts = [f'keyId="{self.key_id}"']
        if self.algorithm is not None:
            parts.append(f'algorithm="{self.algorithm}"')
        if self.created is not None:
            parts.append(f"created={self.created}")
        if self.expires is not None:
            parts.append(f"expires={self.expires}")
        if self.covered is not None:
            parts.append(f'headers="{" ".join(self.covered)}"')
        parts.append(f'signature="{b64encode(signature).decode()}"')
        headers = [*self.headers.items(), ("signature", ",".join(parts))]
        return Request(method=self.method, target=self.target, headers=headers, body=self.body)


class Keyring:
    """Keys by id, what was asked of it, and which key it gives when asked anew."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.rotated: dict[str, Key] = {}
        self.trouble: KeyUnavailable | None = None
        self.asked: list[tuple[str, bool]] = []

    async def find(self, key_id: str, *, fresh: bool = False) -> Key:
        self.asked.append((key_id, fresh))
        if self.trouble is not None:
            raise self.trouble
        if fresh and key_id in self.rotated:
            return self.rotated[key_id]
        if key_id not in self.keys:
            raise KeyUnavailable("There is no such key.")
        return self.keys[key_id]

    async def judge(self, request: Request, now: datetime = NOW) -> Verified | Refused:
        return await verify(request, self.find, now, HOSTS)


@pytest.fixture(scope="session")
def pair() -> tuple[str, str]:
    return keys.generate()


@pytest.fixture(scope="session")
def other_pair() -> tuple[str, str]:
    return keys.generate()


@pytest.fixture
def handmade(pair: tuple[str, str]) -> Handmade:
    return Handmade(keys.load_private(pair[0]))


@pytest.fixture
def keyring(pair: tuple[str, str]) -> Keyring:
    ring = Keyring()
    ring.keys[KEY_ID] = Key(id=KEY_ID, owner=ALICE, public=keys.load_public(pair[1]))
    return ring
