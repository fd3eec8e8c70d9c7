"""What we are measured against: an inbox that only verifies, a loop that only signs and sends.

Run as a process of its own, because what it is measured against is one, too.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from datetime import UTC, datetime

import aiohttp
import uvicorn
import uvloop
from aiohttp.abc import AbstractResolver, ResolveResult
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from yarl import URL

from activitypub.signatures import Key, Signer, Verified, verify
from activitypub.signatures import Request as SignedRequest
from activitypub.signatures.keys import load_public
from bench import peers


def serve_inbox(port: int, host: str) -> None:
    """A Starlette application that verifies what comes to `/inbox`, and does nothing more."""
    public = load_public(sys.stdin.read())

    async def find(key_id: str, *, fresh: bool = False) -> Key:
        return Key(id=key_id, owner=key_id.partition("#")[0], public=public)

    async def inbox(request: Request) -> Response:
        body = await request.body()
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        signed = SignedRequest(method="POST", target="/inbox", headers=headers, body=body)
        answer = await verify(signed, find, datetime.now(UTC), {host})
        return Response(status_code=202 if isinstance(answer, Verified) else 401)

    app = Starlette(routes=[Route("/inbox", inbox, methods=["POST"])])
    config = uvicorn.Config(app, port=port, http="httptools", loop="uvloop", log_config=None)
    uvloop.run(uvicorn.Server(config).serve())


class _Loopback(AbstractResolver):
    """All names are here; as many hosts are as many connections, as they are for us."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = {"hostname": host, "host": "127.0.0.1", "port": port}
        return [ResolveResult(**found, family=family, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        """Nothing is open."""


async def send_all(port: int, inboxes: int, hosts: int, at_once: int, body: bytes) -> float:
    """Sign and POST one activity to each inbox by aiohttp.

    Returns:
        Seconds.
    """
    signer = Signer("http://sender.localhost/users/alice#main-key", peers.key(0)[0])
    waiting = iter(range(inboxes))
    connector = aiohttp.TCPConnector(limit=0, resolver=_Loopback())
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one() -> None:
            for number in waiting:
                host = f"h{number % hosts}.localhost:{port}"
                url = f"http://{host}/users/user{number}/inbox"
                headers = signer.sign("POST", url, body, datetime.now(UTC))
                async with session.post(URL(url), data=body, headers=headers) as answer:
                    assert answer.status == 202

        peers.key(0)
        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(at_once)))
        return time.perf_counter() - began


def main() -> None:
    if sys.argv[1] == "inbox":
        serve_inbox(int(sys.argv[2]), sys.argv[3])
    else:
        port, inboxes, hosts, at_once = map(int, sys.argv[2:6])
        seconds = uvloop.run(send_all(port, inboxes, hosts, at_once, sys.stdin.buffer.read()))
        print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
