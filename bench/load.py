"""The lightest load there is: requests as ready bytes over kept connections, nothing parsed twice.

Whoever measures a server on the same two cores must not be what is measured.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def request(method: str, url_path: str, host: str, headers: dict[str, str], body: bytes) -> bytes:
    """One HTTP/1.1 request as it goes over the wire."""
    lines = [f"{method} {url_path} HTTP/1.1"]
    headers = {"Host": host, **headers, "Content-Length": str(len(body))}
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


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
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head[9:12])
                statuses[status] = statuses.get(status, 0) + 1
                length = _LENGTH.search(head)
                if length is not None and int(length[1]):
                    await reader.readexactly(int(length[1]))
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return statuses
