"""A server of our own making on loopback, and clients to ask it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from aiohttp import web

from activitypub.client import Client
from activitypub.context import ACTIVITY_JSON
from activitypub.json import encode
from activitypub.network import AddressPolicy
from activitypub.signatures import Request

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGENT = "Easel/0.1 (+https://a.example/)"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Peer:
    """A server that answers each path as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.port = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        seen = Request(
            method=request.method,
            target=request.raw_path,
            headers=[(name.decode(), value.decode()) for name, value in request.raw_headers],
            body=await request.read(),
        )
        self.requests.append(seen)
        answer = self.answers.get(request.path)
        return await answer(request) if answer else web.Response(status=404)

    def url(self, path: str, host: str = "peer.localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(
        self, path: str, body: bytes, content_type: str = ACTIVITY_JSON, **headers: str
    ) -> str:
        async def answer(request: web.Request) -> web.Response:
            sent = {"Content-Type": content_type}
            sent |= {name.replace("_", "-"): value for name, value in headers.items()}
            return web.Response(body=body, headers=sent)

        self.answers[path] = answer
        return self.url(path)

    def serve_document(self, path: str, content_type: str = ACTIVITY_JSON) -> str:
        url = self.url(path)
        return self.serve(path, encode({"id": url, "type": "Note"}), content_type)

    def redirect(self, path: str, location: str, status: int = 302) -> str:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": location})

        self.answers[path] = answer
        return self.url(path)

    def status(self, path: str, status: int, **headers: str) -> str:
        async def answer(request: web.Request) -> web.Response:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return web.Response(status=status, headers=sent, text="a sentence")

        self.answers[path] = answer
        return self.url(path)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", peer.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer.port = runner.addresses[0][1]
    yield peer
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(AddressPolicy(allow_private=True), AGENT, now=lambda: NOW) as client:
        yield client
