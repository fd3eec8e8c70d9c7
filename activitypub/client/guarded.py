"""Signed GET and POST to servers that nobody vouches for: see `Client`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from activitypub.client import addresses, bodies
from activitypub.client.answers import Bytes, Fetched, FetchError, Response, is_permanent
from activitypub.client.connections import AddressRefused, Resolver, connect_to
from activitypub.context import ACCEPT, is_activity_type
from activitypub.errors import Malformed
from activitypub.network import AddressPolicy, is_localhost
from activitypub.objects import values
from activitypub.origin import host, origin
from activitypub.signatures import Scheme, Schemes, Signer
from activitypub.signatures.cavage import parse_http_date

DOCUMENT_LIMIT = 1024 * 1024
"""Bytes of a document (Mastodon 4.6: 1 MiB)."""

REDIRECTS_LIMIT = 3
"""Hops (Mastodon 4.6: 3)."""

CONNECT_TIMEOUT = 5.0
TOTAL_TIMEOUT = 20.0
"""Seconds. The total holds for all hops together, body included: a slow sender ends there."""

MEDIA_TIMEOUT = 60.0
"""Seconds for a media file, all hops together."""

CONNECTIONS_LIMIT = 256
CONNECTIONS_PER_HOST = 8
"""Connections kept; GoToSocial answers 429 to many more from one sender."""

KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept for the next delivery to its host."""

RETRY_AFTER_LIMIT = 7 * 86400.0
"""Seconds; a peer cannot put us off for longer than a delivery lives."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
LASTING = frozenset({301, 308})
"""Redirects that say where something is from now on."""

DISBELIEVED = frozenset({400, 401})
"""What a server answers to a signature of the kind that it does not read (Mastodon 4.7)."""


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
        self._resolver = Resolver(policy)
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            socket_factory=partial(connect_to, policy),
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
        await self._resolver.close()  # whose it is, aiohttp does not know

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
            if not addresses.same(id_, final):
                document, final = await self._document(id_, signer)
                if not addresses.same(values.web_uri(document.get("id")), final):
                    raise FetchError("The document's id is not its address.")
            return Fetched(document=document, url=final)

    async def get_json(
        self,
        url: str,
        *,
        accept: str = "application/json",
        limit: int = DOCUMENT_LIMIT,
        redirects: int = REDIRECTS_LIMIT,
        believes: Callable[[str], bool] = lambda content_type: True,
    ) -> dict[str, Any]:
        """Fetch any JSON object (WebFinger, NodeInfo, the description of an app).

        `limit` is in bytes; `believes` says whether a body of this content type is what was asked
        for. Raises `FetchError`.
        """
        async with self._deadline(self._total_timeout):
            read = partial(bodies.read, limit=limit)
            got = await self._get(url, accept, read, None, redirects)
            if not believes(got.content_type):
                raise FetchError("The answer is no JSON document.")
            return bodies.decoded(got.body)

    async def get_bytes(
        self, url: str, max_bytes: int, *, accept: str = "*/*", signer: Signer | None = None
    ) -> Bytes:
        """Fetch a file of at most `max_bytes`. Raises `FetchError`."""
        async with self._deadline(self._media_timeout):
            return await self._get(url, accept, partial(bodies.read, limit=max_bytes), signer)

    async def get_page(self, url: str, most: int, kinds: tuple[str, ...]) -> Bytes:
        """Fetch the first bytes of a page of one of these types. Raises `FetchError`."""
        async with self._deadline(self._total_timeout):
            read = partial(bodies.page, limit=most, kinds=kinds)
            return await self._get(url, ", ".join(kinds), read, None)

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
            await self._get(url, "*/*", partial(bodies.pour, into=into, limit=limit), signer)

    async def post(
        self, url: str, body: bytes, signer: Signer, extra: Mapping[str, str] | None = None
    ) -> Response:
        """POST an activity, signed as its host wants it; if it does not believe that (400, 401),
        once more by the other scheme. `extra` headers go along and are signed, too.

        A lasting redirect (301, 308) within its origin is followed, at most 3 of them, by a POST
        that is signed anew for where it goes. No other is: the 3xx is returned. What is addressed
        to one server is not given to another because the first one says so, and what is only for
        now elsewhere (302, 303, 307) is no inbox.

        Raises `FetchError` if there is no answer or the address may not be reached.
        """
        address = self._checked(url)
        async with self._deadline(self._total_timeout):
            answer = await self._delivered(address, body, signer, extra)
            for _ in range(REDIRECTS_LIMIT):
                moved = self._moved(address, answer)
                if moved is None:
                    break
                address = moved
                answer = await self._delivered(address, body, signer, extra)
            return answer

    async def submit(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        """POST something that is no activity, unsigned and as it is: no redirect is followed.

        Raises `FetchError` if there is no answer or the address may not be reached.
        """
        address = self._checked(url)
        async with (
            self._deadline(self._total_timeout),
            self._session.post(
                address, data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            return Response(
                status=answer.status,
                retry_after=self._retry_after(answer.headers),
                location=answer.headers.get("Location"),
                body=await bodies.beginning(answer),
            )

    async def _delivered(
        self, address: URL, body: bytes, signer: Signer, extra: Mapping[str, str] | None
    ) -> Response:
        """The answer to a POST, by the scheme that is believed."""
        scheme = self._schemes.first(addresses.authority(address))
        answer = await self._posted(address, body, signer, scheme, extra)
        if answer.status not in DISBELIEVED:
            return answer
        again = await self._posted(address, body, signer, scheme.other, extra)
        if again.ok:
            await self._schemes.worked(addresses.authority(address), scheme.other)
        return answer if again.status in DISBELIEVED else again

    def _moved(self, address: URL, answer: Response) -> URL | None:
        """Where an inbox is from now on, if that is within its origin."""
        if answer.status not in LASTING:
            return None
        try:
            following = self._next(address, answer.location)
        except FetchError:
            return None
        return following if origin(str(following)) == origin(str(address)) else None

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
                body=await bodies.beginning(answer),
            )

    async def _document(self, url: str, signer: Signer | None) -> tuple[dict[str, Any], str]:
        got = await self._get(url, ACCEPT, partial(bodies.read, limit=DOCUMENT_LIMIT), signer)
        if not is_activity_type(got.content_type):
            raise FetchError("The answer is no ActivityStreams document.")
        return bodies.decoded(got.body), got.url

    async def _get(
        self,
        url: str,
        accept: str,
        read: Callable[[aiohttp.ClientResponse], Awaitable[bytes]],
        signer: Signer | None,
        redirects: int = REDIRECTS_LIMIT,
    ) -> Bytes:
        address = self._checked(url)
        for _ in range(redirects + 1):
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
                        await self._schemes.worked(addresses.authority(address), scheme)
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
        first = self._schemes.first(addresses.authority(address))
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
            address = addresses.parse(url)
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
