"""HTTP signatures: who sent a request, answered with a reason rather than a bool."""

from __future__ import annotations

from activitypub.signatures.keycache import KeyCache, KeyUnavailable
from activitypub.signatures.keys import Key
from activitypub.signatures.replay import Replays
from activitypub.signatures.signer import Scheme, Schemes, Signer
from activitypub.signatures.verdict import Reason, Refused, Request, Verified
from activitypub.signatures.verify import verify

__all__ = [
    "Key",
    "KeyCache",
    "KeyUnavailable",
    "Reason",
    "Refused",
    "Replays",
    "Request",
    "Scheme",
    "Schemes",
    "Signer",
    "Verified",
    "verify",
]
