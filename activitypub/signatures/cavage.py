"""Signatures of draft-cavage-http-signatures-12 as the fediverse uses them.

httpsig builds what we send; `cryptography` signs and verifies, with the algorithm that the key
has. Nothing of httpsig reads what others send: its verifier obeys the sender's `algorithm` and
can be forged with the victim's public key, its header parser takes 52 µs (a verification 29)
and swallows what is malformed, its string builder cannot do `(created)`.
"""

from __future__ import annotations

import re
import sys
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from activitypub.context import ACTIVITY_JSON
from activitypub.errors import Malformed
from activitypub.signatures.digest import digest
from activitypub.signatures.keys import PublicKeyMaterial

GET_COVERED = ("(request-target)", "host", "date")
POST_COVERED = ("(request-target)", "host", "date", "digest", "content-type")

HEADER_LIMIT = 4096
"""Characters of a Signature header; one with an RSA-8192 signature has 1,700."""

COVERED_LIMIT = 32
"""Names in `headers=`; Mastodon signs at most nine."""

TEMPLATES_KEPT = 4096
"""Signature headers prepared; two for each local account that posts."""

_PARAMETER = re.compile(
    r'[ \t]*([A-Za-z]{1,32})[ \t]*=[ \t]*(?:"([^"\\]*)"|([0-9]{1,15}))[ \t]*(,|$)'
)
_PADDING = PKCS1v15()
_SHA256 = SHA256()


class Parameters(Struct, frozen=True, kw_only=True):
    """A Signature header taken apart. `covered` is None where `headers` is missing; `created`
    and `expires` are seconds since the epoch."""

    key_id: str
    signature: bytes
    covered: tuple[str, ...] | None = None
    algorithm: str | None = None
    created: int | None = None
    expires: int | None = None


def sign(
    key_id: str,
    key: RSAPrivateKey,
    method: str,
    url: str,
    body: bytes | None,
    now: datetime,
    *,
    query: bool = True,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers to send: `Host`, `Date`, `Signature`; with a body `Digest` and `Content-Type`
    (`application/activity+json`) too, all of them signed.

    GET signs `(request-target) host date`, POST `(request-target) host date digest
    content-type`. `url` is the absolute address exactly as it goes over the wire; without
    `query` its query is not signed. `extra` are headers that are sent and signed besides. Raises
    `ValueError` if it is not plain ASCII.
    """
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query and query:
        target = f"{target}?{parts.query}"
    headers = {"Host": parts.netloc.rpartition("@")[2], "Date": http_date(now)}
    covered: tuple[str, ...] = GET_COVERED
    if body is not None:
        headers["Digest"] = digest(body)
        headers["Content-Type"] = ACTIVITY_JSON
        covered = POST_COVERED
    if extra:
        headers.update(extra)
        covered = (*covered, *(name.lower() for name in extra))
    message = _httpsig().generate_message(covered, headers, method=method, path=target)
    signature = key.sign(message, _PADDING, _SHA256)
    headers["Signature"] = _template(key_id, covered) % b64encode(signature).decode("ascii")
    return headers


@lru_cache(maxsize=TEMPLATES_KEPT)
def _template(key_id: str, covered: tuple[str, ...]) -> str:
    # httpsig fills it in by %: a key id such as /users/%40a must survive that
    return _httpsig().build_signature_template(
        key_id.replace("%", "%%"), "rsa-sha256", list(covered), "signature"
    )


def parse(header: str) -> Parameters:
    """Take a Signature header apart. Raises `Malformed`: unterminated, a parameter twice,
    without keyId or signature, too long, too many names, not ASCII."""
    if len(header) > HEADER_LIMIT or not header.isascii():
        raise Malformed("The Signature header is too long or not ASCII.")
    found: dict[str, str] = {}
    position = 0
    while True:
        match = _PARAMETER.match(header, position)
        if match is None:
            raise Malformed("The Signature header is malformed.")
        name, quoted, number, end = match.groups()
        if name in found:
            raise Malformed(f"The Signature header names {name} twice.")
        found[name] = number if quoted is None else quoted
        if not end:
            break
        position = match.end()
    try:
        signature = b64decode(found["signature"], validate=True)
        key_id = found["keyId"]
        created, expires = found.get("created"), found.get("expires")
        return Parameters(
            key_id=key_id,
            signature=signature,
            covered=_covered(found.get("headers")),
            algorithm=found.get("algorithm"),
            created=None if created is None else int(created),
            expires=None if expires is None else int(expires),
        )
    except (KeyError, Base64Error, ValueError) as error:
        raise Malformed("The Signature header is malformed.") from error


def message(
    covered: Sequence[str],
    headers: Mapping[str, str],
    *,
    method: str,
    target: str,
    created: int | None = None,
    expires: int | None = None,
) -> bytes:
    """The string that is signed (draft section 2.3). Names in `headers` are in lower case.

    Raises `Malformed` if a covered header is missing or not ASCII.
    """
    lines = []
    for name in covered:
        if name == "(request-target)":
            value: str | None = f"{method.lower()} {target}"
        elif name == "(created)":
            value = None if created is None else str(created)
        elif name == "(expires)":
            value = None if expires is None else str(expires)
        else:
            value = headers.get(name)
        if value is None:
            raise Malformed(f"The header {name} is signed but missing.")
        lines.append(f"{name}: {value}")
    try:
        return "\n".join(lines).encode("ascii")
    except UnicodeError as error:
        raise Malformed("A signed header is not ASCII.") from error


def made_by(key: PublicKeyMaterial, signature: bytes, message: bytes) -> bool:
    """Whether the signature is this key's: PKCS#1 v1.5 with SHA-256 for RSA, else Ed25519."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, _PADDING, _SHA256)
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}
_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|\+0000|-0000)"
)


def http_date(moment: datetime) -> str:
    """An IMF-fixdate (RFC 9110, 5.6.7)."""
    utc = moment.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    return f"{day}, {utc.day:02} {month} {utc.year:04} {utc:%H:%M:%S} GMT"


def parse_http_date(header: str) -> datetime:
    """Read an IMF-fixdate. Raises `Malformed`."""
    match = _DATE.fullmatch(header)
    try:
        if match is None:
            raise ValueError(header)
        day, month, year, hour, minute, second = match.groups()
        return datetime(
            int(year),
            _MONTH_NUMBERS[month],
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=UTC,
        )
    except (ValueError, KeyError) as error:
        raise Malformed("The Date header is no date.") from error


def _covered(headers: str | None) -> tuple[str, ...] | None:
    if headers is None:
        return None
    names = tuple(headers.lower().split())
    if not names or len(names) > COVERED_LIMIT or len(set(names)) != len(names):
        raise ValueError("headers")
    return names


class _Httpsig(Struct, frozen=True):
    generate_message: Callable[..., bytes]
    build_signature_template: Callable[..., str]


@cache
def _httpsig() -> _Httpsig:
    """httpsig, imported when the first request is signed.

    It asks pkg_resources for its own version, which takes 60 ms and 4 MB to import, warns, and
    is gone from setuptools 82. A stand-in answers that it does not know.
    """
    name = "pkg_resources"
    absent = name not in sys.modules
    if absent:
        stand_in: Any = ModuleType(name)
        stand_in.DistributionNotFound = type("DistributionNotFound", (Exception,), {})

        def get_distribution(distribution: str) -> None:
            raise stand_in.DistributionNotFound(distribution)

        stand_in.get_distribution = get_distribution
        sys.modules[name] = stand_in
    try:
        from httpsig import utils
    finally:
        if absent:
            sys.modules.pop(name, None)
    return _Httpsig(utils.generate_message, utils.build_signature_template)
