"""Was this request sent by the owner of the key that it names?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.origin import authority, host
from activitypub.signatures import cavage, digest
from activitypub.signatures.keycache import KeyUnavailable
from activitypub.signatures.keys import Key

SKEW = timedelta(hours=1)
"""How wrong another server's clock may be (Mastodon 4.6)."""

LIFETIME = timedelta(minutes=5)
"""How long a signature without `(expires)` holds, the skew aside (Mastodon 4.6)."""

LIFETIME_LIMIT = timedelta(hours=12)
"""How long a signature may ask to hold (Mastodon 4.6)."""

SINGLE = frozenset({"signature", "host", "digest", "date", "content-type", "content-length"})
"""Headers of which a second one could mean something else to another reader."""

BODILESS = frozenset({"GET", "HEAD"})

RSA_NAMES = frozenset({"rsa-sha256", "hs2019"})
ED25519_NAMES = frozenset({"ed25519", "hs2019"})
"""What `algorithm` may say; it never chooses. Absent is hs2019, and hs2019 is what the key is
(GoToSocial writes it for RSA-SHA256)."""

NAMES = RSA_NAMES | ED25519_NAMES


class Request(Struct, frozen=True, kw_only=True):
    """A request as it came over the wire.

    `method` in any case; `target` is path and query as sent (`/inbox?x=1`); `headers` are
    pairs of name and value, repeated ones included; `body` is the raw bytes, before any
    content coding is undone.
    """

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""


class Reason(StrEnum):
    """Why a request is refused."""

    UNSIGNED = "unsigned"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNCOVERED = "uncovered"
    HOST = "host"
    DIGEST = "digest"
    EXPIRED = "expired"
    KEY_ID = "key_id"
    KEY_GONE = "key_gone"
    KEY_UNAVAILABLE = "key_unavailable"
    MISMATCH = "mismatch"


class Verified(Struct, frozen=True, kw_only=True):
    """The request is the work of whoever holds this key. `owner` is the actor's id.

    `signature` with `key_id` identifies the very request, for a replay cache.
    """

    key_id: str
    owner: str
    signature: bytes


class Refused(Struct, frozen=True, kw_only=True):
    """The request is not believed. `detail` is one plain sentence, `status` the HTTP answer."""

    reason: Reason
    detail: str
    status: int = 401


class FindKey(Protocol):
    """`KeyCache.find`, or anything like it; raises `KeyUnavailable`."""

    async def __call__(self, key_id: str, *, fresh: bool = False) -> Key: ...


class _Refusal(Exception):
    """Carries a `Refused` out of the checks below."""

    def __init__(self, reason: Reason, detail: str, status: int = 401) -> None:
        self.refused = Refused(reason=reason, detail=detail, status=status)


async def verify(
    request: Request, find_key: FindKey, now: datetime, hosts: Collection[str]
) -> Verified | Refused:
    """Check the signature of a request (draft-cavage; RFC 9421 is refused as unsupported).

    `hosts` are the authorities (`host` or `host:port`, lower case) that are ours: the signed
    `Host` must be one of them, and a key id on one of them is refused without a look-up. All
    that can be judged without the key is judged before it is looked up. A signature that the
    known key did not make is tried once more with the key fetched anew (rotation).

    Never raises for anything in the request.
    """
    try:
        headers = _headers(request.headers)
        parameters, covered = _parameters(headers)
        _check_covered(request.method, headers, parameters, covered)
        _check_host(headers["host"], hosts)
        _check_window(headers, parameters, covered, now)
        if request.method.upper() not in BODILESS and not digest.matches(
            headers["digest"], request.body
        ):
            raise _Refusal(Reason.DIGEST, "The Digest header does not match the body.")
        key_host = host(parameters.key_id)
        if key_host is None or key_host in hosts:
            raise _Refusal(Reason.KEY_ID, "The key id is no address of another server.")
        messages = _messages(request, headers, parameters, covered)
        key = await _key(find_key, parameters.key_id, fresh=False)
        if not _made_by(key, parameters, messages):
            fresh = await _key(find_key, parameters.key_id, fresh=True)
            if fresh is key or not _made_by(fresh, parameters, messages):
                raise _Refusal(Reason.MISMATCH, "The signature does not match the request.")
            key = fresh
    except _Refusal as refusal:
        return refusal.refused
    except Malformed as malformed:
        return Refused(reason=Reason.MALFORMED, detail=malformed.reason, status=400)
    return Verified(key_id=parameters.key_id, owner=key.owner, signature=parameters.signature)


def _headers(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Headers by lower-case name; what may be repeated is joined (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        if name not in headers:
            headers[name] = value.strip()
        elif name in SINGLE:
            raise Malformed(f"The header {name} stands twice.")
        else:
            headers[name] = f"{headers[name]}, {value.strip()}"
    if "transfer-encoding" in headers and "content-length" in headers:
        raise Malformed("The request has both Transfer-Encoding and Content-Length.")
    return headers


def _parameters(headers: dict[str, str]) -> tuple[cavage.Parameters, tuple[str, ...]]:
    if "signature-input" in headers:
        # no falling back to a draft-cavage signature beside it: that would be a downgrade
        raise _Refusal(Reason.UNSUPPORTED, "RFC 9421 signatures are not supported.")
    if "signature" not in headers:
        raise _Refusal(Reason.UNSIGNED, "The request is not signed.")
    parameters = cavage.parse(headers["signature"])
    algorithm = parameters.algorithm
    if algorithm is not None and algorithm.lower() not in NAMES:
        raise _Refusal(Reason.ALGORITHM, "The signature's algorithm is not accepted.")
    return parameters, parameters.covered or ("date",)


def _check_covered(
    method: str,
    headers: dict[str, str],
    parameters: cavage.Parameters,
    covered: tuple[str, ...],
) -> None:
    needed = ("host",) if method.upper() in BODILESS else ("host", "digest")
    for name in ("(request-target)", *needed):
        if name not in covered:
            raise _Refusal(Reason.UNCOVERED, f"The signature does not cover {name}.")
    for name in needed:
        if name not in headers:
            raise _Refusal(Reason.UNCOVERED, f"The header {name} is missing.")
    if "date" not in covered and "(created)" not in covered:
        raise _Refusal(Reason.UNCOVERED, "The signature covers neither date nor (created).")
    timed = "(created)" in covered or "(expires)" in covered
    if timed and (parameters.algorithm or "hs2019").lower() != "hs2019":
        # draft 2.3: only signatures of hs2019 may cover them
        raise Malformed("The algorithm does not allow (created) and (expires).")


def _check_host(header: str, hosts: Collection[str]) -> None:
    if authority(header, "https") not in hosts and authority(header, "http") not in hosts:
        raise _Refusal(Reason.HOST, "The request was signed for another host.")


def _check_window(
    headers: dict[str, str],
    parameters: cavage.Parameters,
    covered: tuple[str, ...],
    now: datetime,
) -> None:
    starts = []
    if "date" in covered:
        starts.append(cavage.parse_http_date(headers.get("date", "")))
    if "(created)" in covered:
        starts.append(_moment(parameters.created))
    expires = _moment(parameters.expires) if "(expires)" in covered else None
    for start in starts:
        end = start + LIFETIME if expires is None else min(expires, start + LIFETIME_LIMIT)
        if start > now + SKEW or end + SKEW < now:
            raise _Refusal(Reason.EXPIRED, "The signature is too old or from the future.")


def _moment(seconds: int | None) -> datetime:
    try:
        if seconds is None:
            raise ValueError
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed("The signature covers a moment that it does not name.") from error


def _messages(
    request: Request,
    headers: dict[str, str],
    parameters: cavage.Parameters,
    covered: tuple[str, ...],
) -> list[bytes]:
    """What may have been signed: the target with its query, or without (Mastodon, GoToSocial)."""
    path, query, _ = request.target.partition("?")
    return [
        cavage.message(
            covered,
            headers,
            method=request.method,
            target=target,
            created=parameters.created,
            expires=parameters.expires,
        )
        for target in ([request.target, path] if query else [request.target])
    ]


def _made_by(key: Key, parameters: cavage.Parameters, messages: list[bytes]) -> bool:
    names = RSA_NAMES if isinstance(key.public, RSAPublicKey) else ED25519_NAMES
    if (parameters.algorithm or "hs2019").lower() not in names:
        raise _Refusal(Reason.ALGORITHM, "The algorithm is not the key's.")
    return any(cavage.made_by(key.public, parameters.signature, message) for message in messages)


async def _key(find_key: FindKey, key_id: str, *, fresh: bool) -> Key:
    try:
        return await find_key(key_id, fresh=fresh)
    except KeyUnavailable as unavailable:
        if unavailable.gone:
            raise _Refusal(Reason.KEY_GONE, unavailable.detail) from unavailable
        status = 401 if unavailable.permanent else 503
        raise _Refusal(Reason.KEY_UNAVAILABLE, unavailable.detail, status) from unavailable
