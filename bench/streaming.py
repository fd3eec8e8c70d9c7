"""How soon an app hears of a post: one server process, and many who listen to it at once."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import aiohttp

from bench import server
from bench.measure import ROUNDS, Figure
from fedi.database import Database
from fedi.database.insertion import row_values
from fedi.database.migrations import migrate
from fedi.database.tables import Account, Follow
from fedi.settings import DatabaseSettings, InstanceSettings
from fedi.social import accounts, credentials

LISTENERS = 500  # each follows alice, and listens to their own home timeline
POSTS = 10  # of each round, one after the other
PATIENCE_S = 60.0


def measure() -> list[Figure]:
    """`streaming_lag_ms`: from the beginning of a post's request until the last has its event."""
    return [
        Figure(
            "streaming_lag_ms",
            min(asyncio.run(_round()) for _ in range(ROUNDS)),
            100,
            False,
            f"a post until the last of {LISTENERS} streams has it, median, ms",
        )
    ]


async def _round() -> float:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), server.free_port()
        url = f"http://localhost:{port}"
        token, listeners = await _prepare(folder, url)
        with server.process(folder, port, url) as process:
            await asyncio.to_thread(server.answer, process, port, any_status=True)
            return await _listen(url, token, listeners)


async def _prepare(folder: Path, url: str) -> tuple[str, list[str]]:
    """A database with alice and her followers, who have her keys: nobody uses them."""
    settings = DatabaseSettings.model_validate({"url": f"sqlite:///{folder / 'easel.db'}"})
    await migrate(settings.url)
    database = Database(settings, InstanceSettings.model_validate({"url": url}))
    tokens: list[str] = []
    async with database.write() as tx:
        alice = await accounts.create_local(tx, "alice")
        mine = await credentials.issue_token(tx, alice, "bench")
        for number in range(LISTENERS):
            name = f"fan{number}"
            fan = Account(
                **{
                    **row_values(alice),
                    "id": tx.new_id(),
                    "username": name,
                    "handle": name,
                    "uri": f"{url}/users/{name}",
                    "public_key_id": f"{url}/users/{name}#main-key",
                }
            )
            tx.add(fan)
            await tx.flush()
            tx.add(
                Follow(
                    id=tx.new_id(),
                    account_id=fan.id,
                    target_account_id=alice.id,
                    uri=f"{fan.uri}/follows/1",
                    created_at=tx.now,
                )
            )
            tokens.append(await credentials.issue_token(tx, fan, "bench"))
    await database.close()
    return mine, tokens


async def _listen(url: str, token: str, tokens: list[str]) -> float:
    """Open the streams, post, and wait until all have heard."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        streams = [await _open(session, url, one) for one in tokens]
        lags = []
        for number in range(POSTS):
            began = time.perf_counter()
            hearing = [asyncio.create_task(_hear(stream)) for stream in streams]
            async with session.post(
                f"{url}/api/v1/statuses",
                json={"status": f"A fox, {number}"},
                headers={"Authorization": f"Bearer {token}"},
            ) as answer:
                assert answer.status == 200, await answer.text()
            async with asyncio.timeout(PATIENCE_S):
                heard = await asyncio.gather(*hearing)
            lags.append((max(heard) - began) * 1000)
        for stream in streams:
            await stream.close()
        return sorted(lags)[len(lags) // 2]


async def _open(
    session: aiohttp.ClientSession, url: str, token: str
) -> aiohttp.ClientWebSocketResponse:
    # Compression is offered, as browsers and apps do.
    address = f"{url}/api/v1/streaming?stream=user&access_token={token}"
    return await session.ws_connect(address, compress=15)


async def _hear(stream: aiohttp.ClientWebSocketResponse) -> float:
    said = await stream.receive_str()
    heard = time.perf_counter()
    assert '"event":"update"' in said  # to read it all would keep the others waiting
    return heard


if __name__ == "__main__":
    print(measure())
