"""The guarded HTTP client: signed GET and POST to servers that nobody vouches for.

The address that is connected to is the address that was checked: our resolver filters what DNS
says, and `socket_factory` sees the very address of every connection, literals included.
"""

from __future__ import annotations

import asyncio
import re
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from msgspec import Struct
from yarl import URL

from activitypub.context import ACCEPT, is_activity_type
from activitypub.errors import Malformed
from activitypub.json import decode
from activitypub.network import AddressPolicy, is_localhost
from activitypub.objects import values
from activitypub.origin import host, origin
from activitypub.signatures import Scheme, Schemes, Signer
from activitypub.signatures.cavage import parse_http_date

__all__ = ["Bytes", "Client", "FetchError", "Fetched", "Response", "Signer"]

DOCUMENT_LIMIT = 1024 * 1024
"""Bytes of a document (Mastodon 4.6: 1 MiB)."""

ANSWER_LIMIT = 4096
"""Bytes kept of the answer to a POST; peers put a sentence there."""

REDIRECTS_LIMIT = 3
"""Hops (Mastodon 4.6: 3)."""

CONNECT_TIMEOUT = 5.0
TOTAL_TIMEOUT = 20.0
"""Seconds. The total holds for all hops together, body included: a slow sender ends there."""

MEDIA_TIMEOUT = 60.0
"""Seconds for a media file, all hops together."""

HEAD_BYTES = 512
"""What is looked at to tell what a file is (WHATWG MIME Sniffing asks for up to 1445)."""

CONNECTIONS_LIMIT = 256
CONNECTIONS_PER_HOST = 8
"""Connections kept; GoToSocial answers 429 to many more from one sender."""

KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept for the next delivery to its host."""

RETRY_AFTER_LIMIT = 7 * 86400.0
"""Seconds; a peer cannot put us off for longer than a delivery lives."""

_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
"""Characters that stand in an address as they are (RFC 3986)."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
TEMPORARY = frozenset({401, 408, 421, 425, 429})
"""Client errors after which trying again may help (Mastodon 4.6 retries 401, 408, 429)."""

DISBELIEVED = frozenset({400, 401})
"""What a server answers to a signature of the kind that it does not read (Mastodon 4.7)."""


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


class AddressRefused(OSError):
    """The name leads to, or the literal is, an address that the policy refuses."""


class _Resolver(AbstractResolver):
    """DNS, less the addresses that must not be reached."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        own = self._policy.answer(host)
        if own is not None:
            return [_result(host, address, port) for address in own]
        if is_localhost(host):  # never a question for DNS (RFC 6761, 6.3)
            raise AddressRefused(f"{host} has no address that may be reached.")
        found = await self._system.resolve(host, port, family)
        allowed = [result for result in found if self._policy.allows(result["host"])]
        if not allowed:
            raise AddressRefused(f"{host} has no address that may be reached.")
        return allowed

    async def close(self) -> None:
        await self._system.close()


class Client:
    """One per server process; made inside a running event loop, closed by `close()`."""

    def __init__(
        self,
        policy: AddressPolicy,
        user_agent: str,
        *,
        now: Callable[[], datetime],
        schemes: Schemes | None = None,
        total_timeout: float = TOTAL_TIMEOUT,
        media_timeout: float = MEDIA_TIMEOUT,
    ) -> None:
        """`user_agent` such as `Easel/0.1 (+https://example.org/)`: GoToSocial answers 418
        without one. `now` stamps the signatures, `schemes` is what is known of the hosts."""
        self.policy = policy
        self.refuses: Callable[[str], bool] = lambda host: False
        """Whether a host (and port) must not be asked; set by who knows more than the policy."""
        self._schemes = schemes or Schemes()
        self._now = now
        self._total_timeout = total_timeout
        self._media_timeout = media_timeout
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(policy),
            socket_factory=self._socket,
            limit=CONNECTIONS_LIMIT,
            limit_per_host=CONNECTIONS_PER_HOST,
            keepalive_timeout=KEEP_ALIVE,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # identity: nothing to blow up; a gzip that comes all the same is bounded below
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            auto_decompress=False,
            trust_env=False,
        )

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
        await self._session.close()

    def origins(self, authority: str) -> list[str]:
        """The origins to try for a bare `host` or `host:port`: https, and on a network of our
        own http too, first where the name is under `.localhost`."""
        secure, plain = f"https://{authority}", f"http://{authority}"
        if not self.policy.allow_private:
            return [secure]
        return [plain, secure] if is_localhost(authority.split(":")[0]) else [secure, plain]

    async def get_document(self, url: str, signer: Signer | None = None) -> Fetched:
        """Fetch an ActivityStreams document that its own origin answers for.

        Redirects are checked and signed anew, at most 3; the content type is strict; where the
        document's id is not the final address it is fetched once more at its id, by the same
        rules. Raises `FetchError`.
        """
        async with self._deadline(self._total_timeout):
            document, final = await self._document(url, signer)
            id_ = values.web_uri(document.get("id"))
            if id_ is None:
                raise FetchError("The document has no id.")
            if not _same_address(id_, final):
                document, final = await self._document(id_, signer)
                if not _same_address(values.web_uri(document.get("id")), final):
                    raise FetchError("The document's id is not its address.")
            return Fetched(document=document, url=final)

    async def get_json(self, url: str, *, accept: str = "application/json") -> dict[str, Any]:
        """Fetch any JSON object (WebFinger, NodeInfo). Raises `FetchError`."""
        async with self._deadline(self._total_timeout):
            got = await self._get(url, accept, partial(_read, limit=DOCUMENT_LIMIT), None)
            return _decoded(got.body)

    async def get_bytes(
        self, url: str, max_bytes: int, *, accept: str = "*/*", signer: Signer | None = None
    ) -> Bytes:
        """Fetch a file of at most `max_bytes`. Raises `FetchError`."""
        async with self._deadline(self._media_timeout):
            return await self._get(url, accept, partial(_read, limit=max_bytes), signer)

    async def get_file(
        self,
        url: str,
        into: BinaryIO,
        limit: Callable[[bytes], int],
        *,
        signer: Signer | None = None,
    ) -> None:
        """Fetch a file piece by piece, so that a large one is never whole in memory.

        `limit` tells from its first bytes (at least `HEAD_BYTES`, unless it is shorter) how many
        it may have, or raises `FetchError` because it is not wanted. Raises `FetchError`.
        """
        async with self._deadline(self._media_timeout):
            await self._get(url, "*/*", partial(_pour, into=into, limit=limit), signer)

    async def post(
        self, url: str, body: bytes, signer: Signer, extra: Mapping[str, str] | None = None
    ) -> Response:
        """POST an activity, signed as its host wants it; if it does not believe that (400, 401),
        once more by the other scheme. `extra` headers go along and are signed, too. Redirects are
        not followed (their 3xx is returned): the signature would not hold there.

        Raises `FetchError` if there is no answer or the address may not be reached.
        """
        address = self._checked(url)
        async with self._deadline(self._total_timeout):
            scheme = self._schemes.first(_authority(address))
            answer = await self._posted(address, body, signer, scheme, extra)
            if answer.status not in DISBELIEVED:
                return answer
            again = await self._posted(address, body, signer, scheme.other, extra)
            if again.ok:
                await self._schemes.worked(_authority(address), scheme.other)
            return answer if again.status in DISBELIEVED else again

    async def _posted(
        self,
        address: URL,
        body: bytes,
        signer: Signer,
        scheme: Scheme,
        extra: Mapping[str, str] | None,
    ) -> Response:
        headers = signer.sign("POST", str(address), body, self._now(), scheme, extra=extra)
        async with self._session.post(
            address, data=body, headers=headers, allow_redirects=False
        ) as answer:
            return Response(
                status=answer.status,
                retry_after=self._retry_after(answer.headers),
                location=answer.headers.get("Location"),
                body=await _beginning(answer),
            )

    async def _document(self, url: str, signer: Signer | None) -> tuple[dict[str, Any], str]:
        got = await self._get(url, ACCEPT, partial(_read, limit=DOCUMENT_LIMIT), signer)
        if not is_activity_type(got.content_type):
            raise FetchError("The answer is no ActivityStreams document.")
        return _decoded(got.body), got.url

    async def _get(
        self,
        url: str,
        accept: str,
        read: Callable[[aiohttp.ClientResponse], Awaitable[bytes]],
        signer: Signer | None,
    ) -> Bytes:
        address = self._checked(url)
        for _ in range(REDIRECTS_LIMIT + 1):
            got = await self._got(address, accept, read, signer)
            if isinstance(got, Bytes):
                return got
            address = got
        raise FetchError("There are too many redirects.")

    async def _got(
        self,
        address: URL,
        accept: str,
        read: Callable[[aiohttp.ClientResponse], Awaitable[bytes]],
        signer: Signer | None,
    ) -> Bytes | URL:
        """What is at an address, or where it sends us; asked again by other signatures while
        they are not believed."""
        disbelief = None
        for scheme, query in self._knocks(address, signer):
            if not query and disbelief is not None and disbelief.status != HTTPStatus.UNAUTHORIZED:
                continue
            headers = {"Accept": accept}
            if signer is not None:
                headers |= signer.sign("GET", str(address), None, self._now(), scheme, query=query)
            async with self._session.get(address, headers=headers, allow_redirects=False) as answer:
                if answer.status in REDIRECTS:
                    return self._next(address, answer.headers.get("Location"))
                if answer.status == HTTPStatus.OK:
                    got = Bytes(
                        body=await read(answer),
                        content_type=answer.headers.get("Content-Type", ""),
                        url=str(address),
                    )
                    if disbelief is not None:
                        await self._schemes.worked(_authority(address), scheme)
                    return got
                error = FetchError(
                    f"{address.host} answered {answer.status}.",
                    status=answer.status,
                    permanent=is_permanent(answer.status),
                    retry_after=self._retry_after(answer.headers),
                )
                if answer.status not in DISBELIEVED:
                    raise error
                disbelief = disbelief or error
        assert disbelief is not None
        raise disbelief

    def _knocks(self, address: URL, signer: Signer | None) -> list[tuple[Scheme, bool]]:
        """The signatures to try for a GET, and whether they cover the query: GoToSocial 0.20
        asks senders to try again without it, as others do not look at it."""
        first = self._schemes.first(_authority(address))
        if signer is None:
            return [(first, True)]
        knocks = [(first, True), (first.other, True)]
        if address.query_string:
            knocks.insert(1 if first is Scheme.CAVAGE else 2, (Scheme.CAVAGE, False))
        return knocks

    def _checked(self, url: str) -> URL:
        """The address as it will go over the wire, if it is one that may be asked."""
        if origin(url) is None:
            raise FetchError("The address is no http(s) address.")
        try:
            address = _address(url)
        except ValueError as error:
            raise FetchError("The address is malformed.") from error
        if address.scheme != "https" and not self.policy.allow_private:
            raise FetchError("The address is not https.")
        if self.refuses(host(url) or ""):
            raise FetchError("Its server is blocked here.")
        return address

    def _next(self, address: URL, location: str | None) -> URL:
        try:
            following = self._checked(urljoin(str(address), location or ""))
        except ValueError as error:
            raise FetchError("The redirect leads nowhere.") from error
        if not location or (address.scheme == "https" and following.scheme != "https"):
            raise FetchError("The redirect leads nowhere or away from https.")
        return following

    def _retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds that the peer asks us to wait (RFC 9110, 10.2.3)."""
        value = headers.get("Retry-After", "").strip()
        if value.isascii() and value.isdigit() and len(value) < 10:
            return min(float(value), RETRY_AFTER_LIMIT)
        try:
            wait = (parse_http_date(value) - self._now()).total_seconds()
        except Malformed:
            return None
        return min(max(wait, 0.0), RETRY_AFTER_LIMIT)

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for this very address, if the policy allows it."""
        family, kind, protocol, _, address = info
        if not self.policy.allows(str(address[0])):
            raise AddressRefused(f"{address[0]} may not be reached.")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    @asynccontextmanager
    async def _deadline(self, seconds: float) -> AsyncIterator[None]:
        """A limit on everything inside, and every way to fail as a `FetchError`."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise FetchError("There was no answer in time.", permanent=False) from error
        except aiohttp.InvalidURL as error:
            raise FetchError("The address is malformed.") from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, AddressRefused):
                raise FetchError("The address may not be reached.") from error
            raise FetchError("The server cannot be reached.", permanent=False) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: what aiohttp and yarl raise for hosts and headers beyond saving
            raise FetchError("The answer broke off or is no HTTP.", permanent=False) from error


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


def _authority(address: URL) -> str:
    """The `host` or `host:port` of an address."""
    return address.authority.rpartition("@")[2].lower()


def _address(url: str) -> URL:
    """The address without its fragment, byte for byte unless it must be escaped: yarl would
    make `/users/%40a` another path than the one that is the id."""
    return URL(url, encoded=_PLAIN.fullmatch(url) is not None).with_fragment(None)


def _same_address(id_: str | None, final: str) -> bool:
    """Whether an id, its fragment aside, is the address that the document came from."""
    if id_ is None or origin(id_) is None:
        return False
    try:
        return _address(id_) == URL(final, encoded=True)
    except ValueError:
        return False


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        return decode(body)
    except Malformed as malformed:
        raise FetchError(malformed.reason) from malformed


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, at most `limit` bytes before and after decompression."""
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if (answer.content_length or 0) > limit:
        raise FetchError("The answer is too large.")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise FetchError("The answer is too large.")
    match coding:
        case "identity" | "":
            return bytes(body)
        case "gzip" | "x-gzip":
            return _gunzipped(bytes(body), limit)
        case _:
            raise FetchError(f"The answer is compressed by {coding[:20]}, unasked.")


async def _pour(
    answer: aiohttp.ClientResponse, into: BinaryIO, limit: Callable[[bytes], int]
) -> bytes:
    """The body into a file; nothing is given back."""
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"identity", ""}:
        raise FetchError(f"The answer is compressed by {coding[:20]}, unasked.")
    head, size = bytearray(), 0
    most: int | None = None
    async for chunk in answer.content.iter_any():
        if most is None:
            head += chunk
            if len(head) >= HEAD_BYTES:
                most = limit(bytes(head[:HEAD_BYTES]))
        size += len(chunk)
        if most is not None and max(size, answer.content_length or 0) > most:
            raise FetchError("The answer is too large.")
        into.write(chunk)
    if most is None and size > limit(bytes(head)):
        raise FetchError("The answer is too large.")
    return b""


def _gunzipped(body: bytes, limit: int) -> bytes:
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = machine.decompress(body, limit + 1)
    except zlib.error as error:
        raise FetchError("The answer is no gzip.") from error
    if len(plain) > limit:
        raise FetchError("The answer is too large.")
    if not machine.eof:
        raise FetchError("The answer broke off.", permanent=False)
    return plain


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """The first bytes of an answer; a longer one costs its connection, not our memory."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) >= ANSWER_LIMIT:
            answer.close()
            break
    return bytes(body[:ANSWER_LIMIT])
