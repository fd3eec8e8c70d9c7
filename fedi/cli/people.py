"""`easel post` and `easel follow`: what people do, from a terminal."""

from __future__ import annotations

import json
import socket
import sys
from typing import Annotated, Any

import aiohttp
import typer
from aiohttp.abc import ResolveResult
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fedi.cli import context
from fedi.cli.accounts import local
from fedi.runtime import Easel
from fedi.social import credentials, follows

AUDIENCES = ("public", "unlisted", "private", "direct")
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ACTIVITY_TYPE = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
EVENT_WAIT_S = 600.0  # a big model on a small card may need minutes for one step


def post(
    name: Annotated[str, typer.Argument(help="Who posts.")],
    text: Annotated[str, typer.Argument(help="What they say.")] = "",
    imagine: Annotated[
        str, typer.Option("--imagine", "-i", help="Paint a picture of this and post it.")
    ] = "",
    audience: Annotated[
        str, typer.Option(help="public, unlisted, private (followers) or direct.")
    ] = "public",
    share_recipe: Annotated[
        bool, typer.Option(help="Show the prompt to everybody, so that others can remix.")
    ] = True,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same picture.")] = None,
    server: Annotated[
        str, typer.Option(help="The server to post to; without it, this machine's own.")
    ] = "",
    token: Annotated[
        str,
        typer.Option(
            help="A bearer token; made by itself on the same machine.", envvar="EASEL_TOKEN"
        ),
    ] = "",
) -> None:
    """Post, through the account's ActivityPub outbox; the server must be running."""
    if not text and not imagine:
        raise context.CommandError("Say something, or ask for a picture with --imagine.")
    if audience not in AUDIENCES:
        raise context.CommandError(f"The audience is one of {', '.join(AUDIENCES)}.")
    context.run(_post(name, text, imagine, audience, share_recipe, seed, server, token))


def note(
    actor: str, text: str, imagine: str, audience: str, share_recipe: bool, seed: int | None
) -> dict[str, Any]:
    """The ActivityStreams Note that asks for this post; its ids are the server's to give."""
    followers = f"{actor}/followers"
    to, cc = {
        "public": ([PUBLIC], [followers]),
        "unlisted": ([followers], [PUBLIC]),
        "private": ([followers], []),
        "direct": ([], []),
    }[audience]
    document: dict[str, Any] = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "Note",
        "source": {"content": text, "mediaType": "text/markdown"},
        "to": to,
        "cc": cc,
    }
    if imagine:
        picture: dict[str, Any] = {"type": "Image", "AIPromptInformation": imagine}
        if seed is not None:
            picture["seed"] = seed
        document["attachment"] = [picture]
        document["shareRecipe"] = share_recipe
    return document


async def _post(
    name: str,
    text: str,
    imagine: str,
    audience: str,
    share_recipe: bool,
    seed: int | None,
    server: str,
    token: str,
) -> None:
    async with context.opened() as easel:
        base = server.rstrip("/") or easel.settings.instance.url
        if not token:
            if server:
                raise context.CommandError("Posting to another machine needs --token.")
            token = await _own_token(easel, name)
        actor = f"{base}/users/{name.removeprefix('@')}"
        document = note(actor, text, imagine, audience, share_recipe, seed)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": ACTIVITY_TYPE}
        async with open_session() as session:
            try:
                async with session.post(
                    f"{actor}/outbox", data=json.dumps(document), headers=headers
                ) as answer:
                    await _refuse_errors(answer)
                    location = answer.headers["Location"]
                    monitor = answer.links["monitor"]["url"] if "monitor" in answer.links else None
            except aiohttp.ClientConnectionError as error:
                raise context.CommandError(
                    f"Nothing answers at {base}: is the server running (`easel serve`)?"
                ) from error
            if monitor is not None:
                await watch(session, str(monitor), token)
        typer.echo(f"Posted: {location.removesuffix('/activity')}")


async def _own_token(easel: Easel, name: str) -> str:
    async with easel.database.write() as tx:
        account = await local(tx, name)
        return await credentials.issue_token(tx, account, "easel post", "read write")


class _Resolver(aiohttp.ThreadedResolver):
    """The system's names, and loopback for everything under `.localhost` (RFC 6761)."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        name = "localhost" if host.endswith(".localhost") else host
        return await super().resolve(name, port, family)


def open_session() -> aiohttp.ClientSession:
    """An HTTP client for a server of one's own: a host may reach what they please."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Resolver(), family=socket.AF_UNSPEC)
    )


async def _refuse_errors(answer: aiohttp.ClientResponse) -> None:
    if answer.status < 400:
        return
    try:
        reason = (await answer.json(content_type=None))["error"]
    except (ValueError, KeyError, TypeError):
        reason = answer.reason
    raise context.CommandError(f"The server refused it: {reason}")


async def watch(session: aiohttp.ClientSession, painting: str, token: str) -> dict[str, Any]:
    """Follow a painting by its event stream, with a progress bar, to its end.

    Args:
        session: an HTTP client.
        painting: the address of the painting.
        token: a bearer token of its author.

    Returns:
        The painting, as the server describes it.

    Raises:
        CommandError: it failed or was cancelled.
    """
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=EVENT_WAIT_S)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    ) as progress:
        bar = progress.add_task("Waiting for the painter", total=None)
        async with session.get(f"{painting}/events", headers=headers, timeout=timeout) as stream:
            await _refuse_errors(stream)
            async for kind, data in _events(stream):
                if kind == "progress":
                    progress.update(
                        bar, description="Painting", completed=data["step"], total=data["steps"]
                    )
                elif kind in {"done", "failed", "cancelled"}:
                    break
            else:
                raise context.CommandError("The server ended the connection.")
    async with session.get(painting, headers=headers) as answer:
        await _refuse_errors(answer)
        result: dict[str, Any] = await answer.json()
    if result["state"] != "done":
        raise context.CommandError(f"There is no picture: {result.get('error') or result['state']}")
    return result


async def _events(stream: aiohttp.ClientResponse) -> Any:
    """The (event, data) pairs of a server-sent event stream."""
    kind, data = "message", ""
    async for raw in stream.content:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event:"):
            kind = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield kind, json.loads(data)
            kind, data = "message", ""


def follow(
    name: Annotated[str, typer.Argument(help="Who follows.")],
    whom: Annotated[str, typer.Argument(help="Whom: user@host, or the address of an actor.")],
) -> None:
    """Follow somebody, here or on another server."""
    typer.echo(context.run(_follow(name, whom)))


async def _follow(name: str, whom: str) -> str:
    from fedi.federation import remote

    async with context.opened() as easel:
        async with easel.database.read() as session:
            account = await local(session, name)
        target = await remote.resolve(easel, whom.removeprefix("@"))
        async with easel.database.write() as tx:
            follow = await follows.request(tx, account, target)
        if follow.state == "accepted":
            return f"{name} follows {target.acct}."
        return (
            f"{name} asked to follow {target.acct}; the server sends it and waits for the answer."
        )
