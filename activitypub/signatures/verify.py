"""Was this request sent by the owner of the key that it names?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.origin import authority, host
from activitypub.signatures import cavage, digest
from activitypub.signatures.keycache import KeyUnavailable
from activitypub.signatures.keys import Key
from activitypub.signatures.verdict import FindKey, Reason, Refusal, Refused, Request, Verified

SKEW = timedelta(hours=1)
"""How wrong another server's clock may be (Mastodon 4.6)."""

LIFETIME = timedelta(minutes=5)
"""How long a signature without `(expires)` holds, the skew aside (Mastodon 4.6)."""

LIFETIME_LIMIT = timedelta(hours=12)
"""How long a signature may ask to hold (Mastodon 4.6)."""

SINGLE = frozenset(
    {"signature", "signature-input", "host", "digest", "content-digest", "date", "content-type",
     "content-length"}
)  # fmt: skip
"""Headers of which a second one could mean something else to another reader."""

BODILESS = frozenset({"GET", "HEAD"})

RSA_NAMES = frozenset({"rsa-sha256", "hs2019"})
ED25519_NAMES = frozenset({"ed25519", "hs2019"})
"""What `algorithm` may say; it never chooses. Absent is hs2019, and hs2019 is what the key is
(GoToSocial writes it for RSA-SHA256)."""

NAMES = RSA_NAMES | ED25519_NAMES


class _Claim(Struct, frozen=True):
    """What a request says of itself, once all that needs no key was judged: whose key made its
    signature, and whether a key did."""

    key_id: str
    signature: bytes
    made_by: Callable[[Key], bool]


async def verify(
    request: Request,
    find_key: FindKey,
    now: datetime,
    hosts: Collection[str],
    *,
    scheme: str = "https",
) -> Verified | Refused:
    """Check the signature of a request: RFC 9421 where it has a `Signature-Input`, and never
    anything weaker beside it; else draft-cavage.

    `hosts` are the authorities (`host` or `host:port`, lower case) that are ours, under
    `scheme`: the request must have been signed for one of them, and a key id on one of them is
    refused without a look-up. All that can be judged without the key is judged before it is
    looked up. A signature that the known key did not make is tried once more with the key
    fetched anew (rotation).

    Never raises for anything in the request.
    """
    try:
        headers = _headers(request.headers)
        if "signature-input" in headers:
            claim = _rfc9421(request, headers, now, [f"{scheme}://{host}" for host in hosts])
        else:
            claim = _cavage(request, headers, now, hosts)
        key_host = host(claim.key_id)
        if key_host is None or key_host in hosts:
            raise Refusal(Reason.KEY_ID, "The key id is no address of another server.")
        key = await known_key(find_key, claim.key_id)
        if not claim.made_by(key):
            fresh = await known_key(find_key, claim.key_id, fresh=True)
            if fresh is key or not claim.made_by(fresh):
                raise Refusal(Reason.MISMATCH, "The signature does not match the request.")
            key = fresh
    except Refusal as refusal:
        return refusal.refused
    except Malformed as malformed:
        return Refused(reason=Reason.MALFORMED, detail=malformed.reason, status=400)
    return Verified(key_id=claim.key_id, owner=key.owner, signature=claim.signature)


async def known_key(find_key: FindKey, key_id: str, *, fresh: bool = False) -> Key:
    """The key of this id; raises `Refusal` if it cannot be had."""
    try:
        return await find_key(key_id, fresh=fresh)
    except KeyUnavailable as unavailable:
        if unavailable.gone:
            raise Refusal(Reason.KEY_GONE, unavailable.detail) from unavailable
        status = 401 if unavailable.permanent else 503
        raise Refusal(Reason.KEY_UNAVAILABLE, unavailable.detail, status) from unavailable


def _rfc9421(
    request: Request, headers: dict[str, str], now: datetime, origins: Collection[str]
) -> _Claim:
    from activitypub.signatures import rfc9421

    if "signature" not in headers:
        raise Malformed("The request has a Signature-Input but no Signature.")
    parameters = rfc9421.parse(headers["signature-input"], headers["signature"])
    if parameters.algorithm is not None and parameters.algorithm not in rfc9421.NAMES:
        raise Refusal(Reason.ALGORITHM, "The signature's algorithm is not accepted.")
    bodiless = request.method.upper() in BODILESS
    for name in rfc9421.GET_COVERED if bodiless else rfc9421.POST_COVERED:
        if name not in parameters.covered:
            raise Refusal(Reason.UNCOVERED, f"The signature does not cover {name}.")
    _check_window([_moment(parameters.created)], parameters.expires, now)
    if not bodiless:
        if "content-digest" not in headers:
            raise Refusal(Reason.UNCOVERED, "The header content-digest is missing.")
        if not digest.content_matches(headers["content-digest"], request.body):
            raise Refusal(Reason.DIGEST, "The Content-Digest header does not match the body.")

    def made_by(key: Key) -> bool:
        rsa = isinstance(key.public, RSAPublicKey)
        if parameters.algorithm not in (None, rfc9421.RSA_NAME if rsa else rfc9421.ED25519_NAME):
            raise Refusal(Reason.ALGORITHM, "The algorithm is not the key's.")
        # @target-uri is what we are known as, not what the Host header says
        messages = (
            rfc9421.Message(request.method, origin + request.target, headers) for origin in origins
        )
        return any(rfc9421.made_by(key.public, message) for message in messages)

    return _Claim(parameters.key_id, parameters.signature, made_by)


def _cavage(
    request: Request, headers: dict[str, str], now: datetime, hosts: Collection[str]
) -> _Claim:
    parameters, covered = _parameters(headers)
    _check_covered(request.method, headers, parameters, covered)
    _check_host(headers["host"], hosts)
    starts = []
    if "date" in covered:
        starts.append(cavage.parse_http_date(headers.get("date", "")))
    if "(created)" in covered:
        starts.append(_moment(parameters.created))
    if "(expires)" in covered and parameters.expires is None:
        raise Malformed("The signature covers a moment that it does not name.")
    _check_window(starts, parameters.expires if "(expires)" in covered else None, now)
    if request.method.upper() not in BODILESS and not digest.matches(
        headers["digest"], request.body
    ):
        raise Refusal(Reason.DIGEST, "The Digest header does not match the body.")
    messages = _messages(request, headers, parameters, covered)
    return _Claim(
        parameters.key_id, parameters.signature, lambda key: _made_by(key, parameters, messages)
    )


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
    if "signature" not in headers:
        raise Refusal(Reason.UNSIGNED, "The request is not signed.")
    parameters = cavage.parse(headers["signature"])
    algorithm = parameters.algorithm
    if algorithm is not None and algorithm.lower() not in NAMES:
        raise Refusal(Reason.ALGORITHM, "The signature's algorithm is not accepted.")
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
            raise Refusal(Reason.UNCOVERED, f"The signature does not cover {name}.")
    for name in needed:
        if name not in headers:
            raise Refusal(Reason.UNCOVERED, f"The header {name} is missing.")
    if "date" not in covered and "(created)" not in covered:
        raise Refusal(Reason.UNCOVERED, "The signature covers neither date nor (created).")
    timed = "(created)" in covered or "(expires)" in covered
    if timed and (parameters.algorithm or "hs2019").lower() != "hs2019":
        # draft 2.3: only signatures of hs2019 may cover them
        raise Malformed("The algorithm does not allow (created) and (expires).")


def _check_host(header: str, hosts: Collection[str]) -> None:
    if authority(header, "https") not in hosts and authority(header, "http") not in hosts:
        raise Refusal(Reason.HOST, "The request was signed for another host.")


def _check_window(starts: list[datetime], expires_at: int | None, now: datetime) -> None:
    expires = None if expires_at is None else _moment(expires_at)
    for start in starts:
        end = start + LIFETIME if expires is None else min(expires, start + LIFETIME_LIMIT)
        if start > now + SKEW or end + SKEW < now:
            raise Refusal(Reason.EXPIRED, "The signature is too old or from the future.")


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
        raise Refusal(Reason.ALGORITHM, "The algorithm is not the key's.")
    return any(cavage.made_by(key.public, parameters.signature, message) for message in messages)
