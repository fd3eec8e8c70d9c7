"""What is judged, and how it is judged: the request, and the two answers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from activitypub.signatures.keys import Key


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
    """Why a request, or a proof inside it, is refused."""

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
    CONTEXT = "context"
    NOT_OWNER = "not_owner"
    UNPROVEN = "unproven"


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


class Refusal(Exception):
    """Carries a `Refused` out of a check."""

    def __init__(self, reason: Reason, detail: str, status: int = 401) -> None:
        super().__init__(detail)
        self.refused = Refused(reason=reason, detail=detail, status=status)


class FindKey(Protocol):
    """`KeyCache.find`, or anything like it; raises `KeyUnavailable`."""

    async def __call__(self, key_id: str, *, fresh: bool = False) -> Key: ...
