"""The guarded HTTP client: signed GET and POST to servers that nobody vouches for.

The address that is connected to is the address that was checked: our resolver filters what DNS
says, and `socket_factory` sees the very address of every connection, literals included.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any

from msgspec import Struct

from activitypub.network import AddressPolicy
from activitypub.signatures.cavage import Signer

__all__ = ["Bytes", "Client", "FetchError", "Fetched", "Response", "Signer"]

DOCUMENT_LIMIT = 1024 * 1024
"""Bytes of a document (Mastodon 4.6: 1 MiB)."""

REDIRECTS_LIMIT = 3
"""Hops (Mastodon 4.6: 3)."""

CONNECT_TIMEOUT = 5.0
TOTAL_TIMEOUT = 20.0
"""Seconds. The total holds for all hops together, body included: a slow sender ends there."""

MEDIA_TIMEOUT = 60.0
"""Seconds for a media file, all hops together."""


class FetchError(Exception):
    """A fetch that gave nothing usable.

    `reason` is one plain sentence; `status` the peer's answer, None if there was none;
    `permanent` is False where trying later may help.
    """

    def __init__(self, reason: str, *, status: int | None = None, permanent: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.permanent = permanent

    @property
    def gone(self) -> bool:
        """Whether the peer said that it is deleted (410)."""
        return self.status == 410


class Fetched(Struct, frozen=True, kw_only=True):
    """A document that its own origin served: `document["id"] == url`."""

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


class Client:
    """One per server process; made inside a running event loop, closed by `close()`."""

    def __init__(
        self,
        policy: AddressPolicy,
        user_agent: str,
        *,
        now: Callable[[], datetime],
        total_timeout: float = TOTAL_TIMEOUT,
        media_timeout: float = MEDIA_TIMEOUT,
    ) -> None:
        """`user_agent` such as `Easel/0.1 (+https://example.org/)`: GoToSocial answers 418
        without one. `now` stamps the signatures."""
        raise NotImplementedError

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        raise NotImplementedError

    async def get_document(self, url: str, signer: Signer | None = None) -> Fetched:
        """Fetch an ActivityStreams document that its own origin answers for.

        Redirects are checked and signed anew, at most 3; the content type is strict; where the
        document's id is not the final address it is fetched once more at its id, by the same
        rules. Raises `FetchError`.
        """
        raise NotImplementedError

    async def get_json(self, url: str, *, accept: str = "application/json") -> dict[str, Any]:
        """Fetch any JSON object (WebFinger, NodeInfo). Raises `FetchError`."""
        raise NotImplementedError

    async def get_bytes(
        self, url: str, max_bytes: int, *, accept: str = "*/*", signer: Signer | None = None
    ) -> Bytes:
        """Fetch a file of at most `max_bytes`. Raises `FetchError`."""
        raise NotImplementedError

    async def post(self, url: str, body: bytes, signer: Signer) -> Response:
        """POST an activity, signed. Redirects are not followed (their 3xx is returned).

        Raises `FetchError` if there is no answer or the address may not be reached.
        """
        raise NotImplementedError
