"""What a push service carries and cannot read, in the two forms that apps decrypt.

`http_ece` (MIT, by the author of RFC 8188 and RFC 8291) encrypts; it is what the larger libraries
are built on, which bring HTTP clients of their own that would go past our guard, and know only the
later form. The token by which the service knows us (RFC 8292) is signed with `cryptography`.
"""

from __future__ import annotations

import base64
import os
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import http_ece
import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

KEPT_FOR = timedelta(days=2)  # by the service, while the device is off; as Mastodon
SIGNED_FOR = timedelta(hours=12)  # RFC 8292: at most a day
SALT_BYTES = 16
POINT_BYTES, SECRET_BYTES = 65, 16  # of an app's public key and its secret (RFC 8291, 3.2)
MAX_MESSAGE = 4096  # bytes that a service must carry (RFC 8030, 7.2)
OVERHEAD = 16 + 4 + 1 + POINT_BYTES + 16 + 1  # salt, record size, length, key, tag, padding


def decoded(text: str, length: int) -> bytes | None:
    """Bytes in base64url or base64, padded or not; None if they are not so many."""
    plain = text.strip().rstrip("=").translate(str.maketrans("+/", "-_"))
    try:
        found = base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except ValueError:
        return None
    return found if len(found) == length else None


def is_point(public_key: str) -> bool:
    """Whether this is a public key of P-256."""
    found = decoded(public_key, POINT_BYTES)
    try:
        return found is not None and bool(
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), found)
        )
    except ValueError:
        return False


def request(
    message: bytes,
    *,
    endpoint: str,
    public_key: str,
    secret: str,
    standard: bool,
    vapid: ec.EllipticCurvePrivateKey,
    contact: str,
    now: datetime,
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of one message.

    Args:
        message: at most `MAX_MESSAGE - OVERHEAD` bytes.
        endpoint: where it goes.
        public_key: of the app.
        secret: which the app shares with us.
        standard: as RFC 8291 has it, or as its draft 4 (`aesgcm`), which apps read that were
            written for Mastodon before 4.4.
        vapid: the key of this instance.
        contact: whom the service may ask, an address of the web or `mailto:`.
        now: when.
    """
    receiver, shared = decoded(public_key, POINT_BYTES), decoded(secret, SECRET_BYTES)
    assert receiver is not None
    assert shared is not None
    ours = ec.generate_private_key(ec.SECP256R1())
    salt = os.urandom(SALT_BYTES)
    version = "aes128gcm" if standard else "aesgcm"
    body: bytes = http_ece.encrypt(
        message, salt=salt, private_key=ours, dh=receiver, auth_secret=shared, version=version
    )
    token, key = _token(vapid, endpoint, contact, now), _text(_point(vapid.public_key()))
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": version,
        "TTL": str(int(KEPT_FOR.total_seconds())),
        "Urgency": "normal",
    }
    if standard:
        return body, headers | {"Authorization": f"vapid t={token}, k={key}"}
    return body, headers | {
        "Authorization": f"WebPush {token}",
        "Encryption": f"salt={_text(salt)}",
        "Crypto-Key": f"dh={_text(_point(ours.public_key()))};p256ecdsa={key}",
    }


def _token(key: ec.EllipticCurvePrivateKey, endpoint: str, contact: str, now: datetime) -> str:
    """A JSON Web Token by which the service knows us (RFC 8292, 2)."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + SIGNED_FOR).timestamp()),
        "sub": contact,
    }
    header = {"typ": "JWT", "alg": "ES256"}
    signed = f"{_text(msgspec.json.encode(header))}.{_text(msgspec.json.encode(claims))}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
