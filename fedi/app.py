"""All routes in one application, and what runs beside it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fedi import api, logs, web
from fedi.api import problems
from fedi.api.mastodon.cors import Cors
from fedi.api.problems import Problem
from fedi.database.room import is_full
from fedi.federation import (  # the JOBS below register theirs when they are imported
    answers,
    approving,
    archiving,
    delivery,
    discovery,
    documents,
    guard,
    hearsay,
    importing,
    inbox,
    incoming,
    outgoing,
    polling,
    previewing,
    pruning,
    quoting,
    relayed,
    synchronisation,
    threads,
    verifying,
)
from fedi.jobs import Runner
from fedi.mail import jobs as mail_jobs
from fedi.rooms import Rooms
from fedi.runtime import Easel
from fedi.social import (
    accounts,
    domain_settings,
    hiding,
    ip_blocks,
    registration,
    requests,
    seals,
    vapid,
)
from fedi.social.errors import Later, SocialError
from fedi.social.for_you import index as picture_index
from fedi.social.push import delivery as push
from fedi.social.search import index
from fedi.social.trends import counting
from fedi.studio import cleaning, departed, faces, local, orphans, reviews, scheduled, unposted
from fedi.studio.assistant import account as assistants
from fedi.studio.assistant import answering
from fedi.studio.dataset import marking
from fedi.studio.dispatcher import Dispatcher
from fedi.studio.pulling import Puller
from fedi.studio.remote_files import claims, fetching
from fedi.studio.remote_files import jobs as remote_file_jobs

JOBS = (
    answering,
    answers,
    approving,
    archiving,
    cleaning,
    counting,
    delivery,
    departed,
    faces,
    hearsay,
    hiding,
    importing,
    incoming,
    index,
    mail_jobs,
    marking,
    orphans,
    outgoing,
    picture_index,
    polling,
    previewing,
    pruning,
    push,
    quoting,
    registration,
    relayed,
    remote_file_jobs,
    requests,
    reviews,
    scheduled,
    synchronisation,
    threads,
    unposted,
    verifying,
)

log = logs.get(__name__)


def create_app(easel: Easel, *, run_jobs: bool = True) -> Starlette:
    """The application of an opened instance.

    Args:
        easel: the instance; the application does not close it.
        run_jobs: whether this process does jobs too (`easel serve` without `--role web`).
    """
    dispatcher = Dispatcher(easel)
    paints_here = easel.settings.painting.local and not easel.settings.painting.endpoint
    puller = Puller(easel, local.name(easel.settings)) if paints_here else None
    runner = Runner(easel) if run_jobs else None

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with easel.database.write() as tx:
            await accounts.ensure_instance_actor(tx)
            await domain_settings.keep(tx, easel.settings.federation)
            await vapid.ensure(tx)
            await assistants.ensure(tx, easel.settings.assistant)
        await seals.of(easel)
        await fetching.recover(easel)
        # Made now: who needs it later holds a session already, and may be one of many at once.
        await claims.addresses(easel)
        await dispatcher.start()
        if puller is not None:
            puller.start()
        keeping_up = asyncio.create_task(easel.keep_up(), name="settings")
        running = asyncio.create_task(runner.run_forever(), name="jobs") if runner else None
        try:
            yield
        finally:
            keeping_up.cancel()
            if puller is not None:
                await puller.stop()
            await dispatcher.stop()
            if runner is not None and running is not None:
                runner.stop()
                await running

    routes: list[BaseRoute] = [
        Route("/healthz", _health),
        Route("/health", _health),  # where Mastodon has it
        *discovery.routes,
        *inbox.routes,
        *api.routes,  # POST outbox is a client's; GET outbox is everybody's
        *guard.guarded(documents.routes),
        *web.routes,
    ]
    app = Starlette(
        middleware=[Middleware(_PlainPaths), Middleware(_Unwelcome), Middleware(Cors)],
        exception_handlers={
            HTTPException: _http_error,
            SocialError: _social_error,
            ClientDisconnect: _gone,
            Exception: _unexpected,
        },
    )
    app.router = Rooms(routes, lifespan)
    app.state.easel = easel
    app.state.dispatcher = dispatcher
    app.state.puller = puller
    return app


class _PlainPaths:
    """There is nothing under a path with NUL, which PostgreSQL takes in no query."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and "\0" in scope["path"]:
            app = _answer(Request(scope), 404, "There is nothing here.", {})
        await app(scope, receive, send)


class _Unwelcome:
    """Nothing is served to networks that a moderator has shut out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await self._shut_out(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = _answer(Request(scope), 403, "Nothing is served to where you are.", {})
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close"})  # before it was accepted: 403

    @staticmethod
    async def _shut_out(scope: Scope) -> bool:
        if scope["type"] == "lifespan" or not scope.get("client"):
            return False
        easel = cast(Easel, scope["app"].state.easel)
        return await ip_blocks.severity(easel, scope["client"][0]) == "no_access"


async def _health(request: Request) -> Response:
    """200 while the database answers: for load balancers and `easel doctor`."""
    easel = cast(Easel, request.app.state.easel)
    async with easel.database.read() as session:
        await accounts.instance_actor(session)
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


def _answer(
    request: Request,
    status: int,
    message: str,
    headers: dict[str, str],
    problem: Problem | None = None,
) -> Response:
    if _wants_page(request):
        response = web.error_page(request, status, message)
    elif problems.spoken(request):
        response = problems.answer(status, message, headers, problem)
    else:
        response = JSONResponse({"error": message}, status)
    response.headers.update(headers)
    return response


def _wants_page(request: Request) -> bool:
    """A browser that opened a page, or sent a form of one of ours: everything else gets a problem,
    or `{"error": …}`."""
    if "text/html" not in request.headers.get("accept", ""):
        return False
    return request.method in {"GET", "HEAD"} or request.scope.get("route") in web.routes


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = error.detail or HTTPStatus(error.status_code).phrase
    await _recognise(request)
    problem = error if isinstance(error, Problem) else None
    return _answer(request, error.status_code, message, dict(error.headers or {}), problem)


async def _social_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SocialError)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Later) else {}
    await _recognise(request)
    return _answer(request, error.status, str(error), headers)


async def _recognise(request: Request) -> None:
    """Who is signed in reads what is wrong in the frame that all their pages have."""
    if _wants_page(request):
        await web.recognise(request)


async def _gone(request: Request, error: Exception) -> Response:
    """The client hung up while it was still sending: nobody reads this answer."""
    return Response(status_code=400)


async def _unexpected(request: Request, error: Exception) -> Response:
    if is_full(error):
        log.error("disk_full", path=request.url.path)
        return _answer(request, 503, "This server has no room left: nothing was kept.", {})
    log.error("request_failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, "Something went wrong on this server.", {})
