"""One images endpoint: `POST {address}/images/generations`, `GET {address}/models`.

What is asked for goes beyond OpenAI's own fields, by the names that vLLM-Omni and SGLang-Diffusion
share. A field that an endpoint says it does not know is left out from then on, and what was left
out is not said of the picture.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from generation.catalogue import Model
from generation.endpoint import messages
from generation.endpoint.messages import MAX_ANSWER, MAX_WORDS, EndpointError, one_line
from generation.protocol import MAX_PICTURE
from generation.recipe import Recipe

CONNECT_S = 10.0  # seconds for the connection and TLS
ASK_S = 20.0  # seconds for the list of models
PAINT_S = 900.0  # seconds for one picture, waiting there included
MOST_WAIT_S = 300.0  # seconds that an endpoint may be busy, in all
FIRST_PAUSE_S = 0.5  # seconds before the second try, doubled with each where nothing else is asked
TRIES = 3  # connections that are tried before an endpoint counts as gone
BUSY = frozenset((429, 503))


class Unreachable(ConnectionError):
    """No picture can be had from an endpoint for now; the message is one sentence."""


class TokenRefused(Exception):
    """An endpoint does not know our token; the message is one sentence."""


@dataclass(frozen=True)
class Made:
    """A picture that an endpoint made: PNG, its size in pixels, the recipe as far as it was
    followed, and the seconds from the request to the answer."""

    png: bytes
    width: int
    height: int
    recipe: Recipe
    seconds: float


@dataclass(frozen=True)
class _Reply:
    status: int
    body: bytes
    retry_after: str
    location: str


class Endpoint:
    """One endpoint.

    address: `http://host:8000`, or with a path where that is not `/v1`. token: a bearer token;
    empty sends none. Raises ValueError for an address that is none.
    """

    def __init__(self, address: str, token: str = "") -> None:
        self._base = base_address(address)
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._unknown: dict[str, set[str]] = {}  # by model: the fields that it does not take

    @property
    def host(self) -> str:
        """Its host and port, for people."""
        return urlsplit(self._base).netloc

    async def models(self) -> tuple[str, ...]:
        """The ids of what it paints with; empty where it does not say.

        Raises Unreachable, TokenRefused, EndpointError.
        """
        async with self._session(ASK_S) as session:
            try:
                reply = await self._ask(session, "GET", f"{self._base}/models", limit=MAX_WORDS)
            except TimeoutError as error:
                raise Unreachable(f"The endpoint {self.host} does not answer.") from error
        if reply.status in (404, 405, 501):
            return ()
        if reply.status in BUSY or reply.status >= 500:
            raise Unreachable(f"The endpoint {self.host} answers {reply.status}.")
        if reply.status != 200:
            raise EndpointError(self._refusal(reply))
        return messages.model_names(reply.body)

    async def paint(
        self, recipe: Recipe, name: str, model: Model, note: Callable[[str], None]
    ) -> Made:
        """Has one picture made. Cancelling this drops the request.

        recipe, name, model: as `messages.request` takes them. note: is told why it takes longer.
        Raises Unreachable, TokenRefused, EndpointError.
        """
        body = messages.request(recipe, name, model)
        unknown = self._unknown.setdefault(name, set())
        async with self._session(PAINT_S) as session:
            try:
                while True:
                    sent = {key: value for key, value in body.items() if key not in unknown}
                    began = time.monotonic()
                    reply = await self._generate(session, sent, note)
                    if reply.status == 200:
                        break
                    new = messages.not_taken(reply.body, sent)
                    if reply.status not in (400, 422) or not new:
                        raise EndpointError(self._refusal(reply), retry=reply.status >= 500)
                    unknown |= new
                content = await self._picture(session, reply.body)
            except TimeoutError as error:
                raise EndpointError(
                    f"The endpoint did not finish this picture within {PAINT_S / 60:.0f} minutes."
                ) from error
        seconds = time.monotonic() - began
        png, width, height = await asyncio.to_thread(messages.as_png, content)
        used = messages.followed(recipe, set(body) - set(sent), width, height)
        return Made(png, width, height, used, seconds)

    async def _generate(
        self, session: aiohttp.ClientSession, body: dict[str, Any], note: Callable[[str], None]
    ) -> _Reply:
        """The answer to a request, once the endpoint is not busy any more."""
        address = f"{self._base}/images/generations"
        waited, pause = 0.0, FIRST_PAUSE_S
        while True:
            reply = await self._ask(session, "POST", address, body=body, limit=MAX_ANSWER)
            if reply.status not in BUSY:
                return reply
            asked = messages.seconds_of(reply.retry_after)
            rest = pause if asked is None else max(asked, FIRST_PAUSE_S)
            if waited + rest > MOST_WAIT_S:
                if reply.status == 503:
                    raise Unreachable(f"The endpoint {self.host} answers 503.")
                raise EndpointError("The endpoint is too busy to paint this picture.", retry=True)
            note(f"The endpoint is busy; it is asked again in {rest:.0f} s.")
            await asyncio.sleep(rest)
            waited, pause = waited + rest, pause * 2

    async def _picture(self, session: aiohttp.ClientSession, body: bytes) -> bytes:
        found = await asyncio.to_thread(messages.picture, body)
        if isinstance(found, bytes):
            return found
        address = self._own(found)
        if address is None:
            raise EndpointError(
                "The endpoint has its pictures fetched from somewhere else, which is not done."
            )
        reply = await self._ask(session, "GET", address, limit=MAX_PICTURE)
        if reply.status != 200:
            raise EndpointError("The endpoint does not hand out the picture that it made.")
        return reply.body

    def _own(self, address: str) -> str | None:
        """An address that the endpoint named, if it is the endpoint's own."""
        try:
            whole = urljoin(f"{self._base}/", address)  # SGLang's begin with a slash
            own = _origin(whole) == _origin(self._base)
        except ValueError:
            return None
        return whole if own else None

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        method: str,
        address: str,
        *,
        limit: int,
        body: dict[str, Any] | None = None,
    ) -> _Reply:
        for again in range(TRIES):
            try:
                async with session.request(
                    method, address, json=body, headers=self._headers, allow_redirects=False
                ) as response:
                    if response.status in (401, 403):
                        raise TokenRefused(f"The endpoint {self.host} does not know our token.")
                    return _Reply(
                        response.status,
                        await _read(response, limit),
                        response.headers.get("Retry-After", ""),
                        response.headers.get("Location", ""),
                    )
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                reason = one_line(str(error)).rstrip(".")
                gone = Unreachable(f"The endpoint {self.host} cannot be reached: {reason}.")
                gone.__cause__ = error
            except TimeoutError:
                raise
            except (aiohttp.ClientError, ValueError) as error:
                # The request was there: whatever happened, it may have been this picture.
                raise EndpointError(
                    "The connection to the endpoint broke off.", retry=True
                ) from error
            if again < TRIES - 1:
                await asyncio.sleep(FIRST_PAUSE_S * 2**again)
        raise gone

    def _session(self, seconds: float) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_S),
            auto_decompress=False,  # nothing small becomes something large
        )

    def _refusal(self, reply: _Reply) -> str:
        if 300 <= reply.status < 400:
            return (
                f"The endpoint {self.host} sends one on to “{one_line(reply.location)}”: "
                "give that address instead."
            )
        words = messages.refusal(reply.body) or f"it answered {reply.status}"
        return f"The endpoint refused: {words}."


def base_address(address: str) -> str:
    """Where an endpoint's paths begin: `http://host:8000/v1`. Raises ValueError."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"“{address}” is no address of an endpoint: write http://host:8000/v1")
    if "@" in parts.netloc:
        raise ValueError("an endpoint's token does not belong into its address")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        content += chunk
        if len(content) > limit:
            raise EndpointError("The endpoint answered with more than a picture can be.")
    return bytes(content)


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port
