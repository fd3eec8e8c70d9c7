"""The lightest load there is: requests as ready bytes over kept connections, nothing parsed twice.

Whoever measures a server on the same two cores must not be what is measured.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Sequence

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def request(method: str, url_path: str, host: str, headers: dict[str, str], body: bytes) -> bytes:
    """One HTTP/1.1 request as it goes over the wire."""
    lines = [f"{method} {url_path} HTTP/1.1"]
    headers = {"Host": host, **headers, "Content-Length": str(len(body))}
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def ask(port: int, data: bytes) -> tuple[int, bytes]:
    """Send one request to loopback; the status and the body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length is not None else b""
    return int(head[9:12]), body


async def send(port: int, requests: Sequence[bytes], *, clients: int) -> dict[int, int]:
    """Send requests to loopback over `clients` connections, each one after its last answer.

    Returns:
        How many answers had which status.
    """
    statuses: dict[int, int] = {}
    waiting = iter(requests)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for data in waiting:
                writer.write(data)
                status, _ = await _answer(reader)
                statuses[status] = statuses.get(status, 0) + 1
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return statuses


async def times(port: int, requests: Iterable[bytes]) -> list[float]:
    """Send requests to loopback over one connection, each one after the last answer.

    Returns:
        The seconds that each took, until its whole answer was there.
    """
    found = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for data in requests:
            began = time.perf_counter()
            writer.write(data)
            status, body = await _answer(reader)
            found.append(time.perf_counter() - began)
            if status != 200:
                raise RuntimeError(f"{status}: {body[:200]!r}")
    finally:
        writer.close()
    return found
