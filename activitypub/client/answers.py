"""What came of a request: a document, a file, an answer, or nothing usable."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from msgspec import Struct

TEMPORARY = frozenset({401, 408, 421, 425, 429})
"""Client errors after which trying again may help (Mastodon 4.6 retries 401, 408, 429)."""


class FetchError(Exception):
    """A fetch that gave nothing usable.

    `reason` is one plain sentence; `status` the peer's answer, None if there was none;
    `permanent` is False where trying later may help; `retry_after` is in seconds.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        permanent: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.permanent = permanent
        self.retry_after = retry_after

    @property
    def gone(self) -> bool:
        """Whether the peer said that it is deleted (410)."""
        return self.status == HTTPStatus.GONE


class Fetched(Struct, frozen=True, kw_only=True):
    """A document that its own origin served: `document["id"]` is `url`, a fragment aside."""

    document: dict[str, Any]
    url: str


class Bytes(Struct, frozen=True, kw_only=True):
    """A file: its bytes, the content type that was claimed, its final address."""

    body: bytes
    content_type: str
    url: str


class Response(Struct, frozen=True, kw_only=True):
    """The answer to a POST. `retry_after` is in seconds; `body` is cut at a few kB."""

    status: int
    retry_after: float | None = None
    location: str | None = None
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def permanent(self) -> bool:
        """Whether sending the same again is pointless."""
        return not self.ok and is_permanent(self.status)


def is_permanent(status: int) -> bool:
    """Whether an answer of this status will be the same later."""
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return True
    return status < 500 and status not in TEMPORARY
