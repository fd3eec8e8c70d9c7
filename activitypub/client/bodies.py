"""Bodies of answers, each read within a limit: before and after it is decompressed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import aiohttp

from activitypub.client.answers import FetchError
from activitypub.errors import Malformed
from activitypub.json import decode

ANSWER_LIMIT = 4096
"""Bytes kept of the answer to a POST; peers put a sentence there."""

HEAD_BYTES = 512
"""What is looked at to tell what a file is (WHATWG MIME Sniffing asks for up to 1445)."""


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `FetchError`."""
    try:
        return decode(body)
    except Malformed as malformed:
        raise FetchError(malformed.reason) from malformed


async def read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
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


async def page(answer: aiohttp.ClientResponse, limit: int, kinds: tuple[str, ...]) -> bytes:
    """The first `limit` bytes of a body of one of these types. What comes after them, and a body
    of another type, is not read: it costs the connection."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if kind not in kinds:
        answer.close()
        raise FetchError("The answer is no page.")
    body = await beginning(answer, limit)
    match coding:
        case "identity" | "":
            return body
        case "gzip" | "x-gzip":
            try:
                return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, limit)
            except zlib.error as error:
                raise FetchError("The answer is no gzip.") from error
        case _:
            raise FetchError(f"The answer is compressed by {coding[:20]}, unasked.")


async def pour(
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


async def beginning(answer: aiohttp.ClientResponse, limit: int = ANSWER_LIMIT) -> bytes:
    """The first bytes of an answer; a longer one costs its connection, not our memory."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) >= limit:
            answer.close()
            break
    return bytes(body[:limit])
