"""Requests with lies in them: signed as draft-cavage has it, each part open to change."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from activitypub.signatures.cavage import http_date
from tests.federation.peer import ACTIVITY_JSON, Document, Person, public_pem

Headers = list[tuple[str, str | bytes]]

COVERED = ("(request-target)", "host", "date", "digest")


class Forgery:
    """A request that `person` signs.

    Args:
        body: an activity, or any bytes.
        target: where it is sent to; it is signed for `signed_target`.
        headers: changes to what is signed and sent (None takes one away).
        after: what is sent instead, once the signature is made.
        covered: the names in `headers=`; None leaves the parameter out.
        algorithm: what the header says; None says nothing.
        more: further parameters, such as `created`.
        make: signs the bytes in another way than RSA-SHA256.
    """

    def __init__(
        self,
        person: Person,
        body: Document | bytes,
        *,
        method: str = "POST",
        signed_method: str | None = None,
        target: str = "/inbox",
        signed_target: str | None = None,
        headers: dict[str, str | None] | None = None,
        after: dict[str, str | None] | None = None,
        sent: bytes | None = None,
        covered: tuple[str, ...] | None = COVERED,
        algorithm: str | None = "rsa-sha256",
        more: str = "",
        key_id: str | None = None,
        make: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.person, self.method, self.target = person, method, target
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.sent = self.body if sent is None else sent
        self.signed_method = signed_method or method
        self.signed_target = signed_target or target
        self.headers, self.after = headers or {}, after or {}
        self.covered, self.algorithm, self.more = covered, algorithm, more
        self.key_id, self.make = key_id or person.key_id, make or self._rsa_sha256

    def build(self, host: str) -> Headers:
        values: dict[str, str | None] = {
            "host": host,
            "date": http_date(self.person.internet.clock.now()),
            "digest": f"SHA-256={digest(self.body)}",
            "content-type": ACTIVITY_JSON,
            **self.headers,
        }
        lines = []
        for name in self.covered or ("date",):
            if name == "(request-target)":
                lines.append(f"{name}: {self.signed_method.lower()} {self.signed_target}")
            elif name in {"(created)", "(expires)"}:
                lines.append(f"{name}: {self._parameter(name[1:-1])}")
            else:
                lines.append(f"{name}: {values.get(name)}")
        signature = base64.b64encode(self.make("\n".join(lines).encode())).decode()
        parts = [f'keyId="{self.key_id}"']
        parts += [f'algorithm="{self.algorithm}"'] if self.algorithm is not None else []
        parts += [f'headers="{" ".join(self.covered)}"'] if self.covered is not None else []
        parts += [self.more] if self.more else []
        values["signature"] = ",".join([*parts, f'signature="{signature}"'])
        values.update(self.after)
        return [(name, value) for name, value in values.items() if value is not None]

    def _parameter(self, name: str) -> str:
        for parameter in self.more.split(","):
            key, _, value = parameter.partition("=")
            if key == name:
                return value.strip('"')
        return ""

    def _rsa_sha256(self, message: bytes) -> bytes:
        return self.person.key.sign(message, padding.PKCS1v15(), hashes.SHA256())


class Newer(Forgery):
    """A request that `person` signs as RFC 9421 has it.

    Args:
        components: what is covered.
        created: seconds; "" leaves the parameter out, None is now.
        bend: changes to the headers that are sent, once the signature is made; `{value}` stands
            for what would be sent.
        rest: as `Forgery` has it.
    """

    def __init__(
        self,
        person: Person,
        body: Document | bytes,
        *,
        components: tuple[str, ...] = ("@method", "@target-uri", "content-digest"),
        created: str | None = None,
        bend: dict[str, str | None] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(person, body, **rest)
        self.components, self.created, self.bend = components, created, bend or {}

    def build(self, host: str) -> Headers:
        hashed = f"sha-256=:{digest(self.body)}:"
        values = {
            "@method": self.signed_method,
            "@target-uri": f"http://{host}{self.signed_target}",
            "content-digest": hashed,
        }
        created = self.created
        if created is None:
            created = str(int(self.person.internet.clock.now().timestamp()))
        names = " ".join(f'"{name}"' for name in self.components)
        parameters = f"({names})" + (f";created={created}" if created else "")
        parameters += f';keyid="{self.key_id}"'
        lines = [f'"{name}": {values[name]}' for name in self.components]
        base = "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
        sent: dict[str, str | None] = {
            "host": host,
            "content-type": ACTIVITY_JSON,
            "content-digest": hashed,
            "signature-input": f"sig1={parameters}",
            "signature": f"sig1=:{base64.b64encode(self.make(base)).decode()}:",
        }
        for name, bent in self.bend.items():
            sent[name] = bent and bent.replace("{value}", sent[name] or "")
        return [(name, value) for name, value in sent.items() if value is not None]


def digest(body: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode()


def hmac_with_public_key(victim: Person) -> Callable[[bytes], bytes]:
    """What httpsig's verifier takes for the victim's own signature."""
    secret = public_pem(victim.key).encode()
    return lambda message: hmac.new(secret, message, "sha256").digest()


def rsa_with(person: Person, algorithm: hashes.HashAlgorithm) -> Callable[[bytes], bytes]:
    return lambda message: person.key.sign(message, padding.PKCS1v15(), algorithm)


async def request(
    url: str, method: str, target: str, headers: Iterable[tuple[str, str | bytes]], body: bytes
) -> tuple[int, bytes]:
    """One request byte for byte as it is told, over a socket of its own: status and body.

    0 is the status of a server that hangs up without a word.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    head = [f"{method} {target} HTTP/1.1".encode("latin-1")]
    names = {name.lower() for name, _ in headers}
    for name, value in headers:
        raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
        head.append(name.encode() + b": " + raw)
    if not names & {"content-length", "transfer-encoding"}:
        head.append(f"content-length: {len(body)}".encode())
    head.append(b"connection: close")
    writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
    try:
        await writer.drain()
        answer = await reader.read()
    except ConnectionError:
        return 0, b""
    finally:
        writer.close()
    head_, _, content = answer.partition(b"\r\n\r\n")
    words = head_.split(b" ", 2)
    return (int(words[1]) if len(words) > 1 else 0), content


def error_of(body: bytes) -> Any:
    """The reason that an answer gives."""
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return None
