"""Pasture's six actors on a server of their own, who verify one of ours.

`verify.py PORT ACTOR`: serves on loopback, looks at ACTOR as each of the six, prints the result.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from typing import Any

import aiohttp.connector
import aiohttp.resolver
import uvicorn
from fediverse_pasture.data_provider import DataProvider
from fediverse_pasture.server import BlueprintForActors
from fediverse_pasture.server.verify_actor import ActorVerifier
from fediverse_pasture.types import Message
from quart import Quart

HOST = "pasture.localhost"


class Loopback(aiohttp.resolver.ThreadedResolver):
    """Names under `.localhost` are loopback, as RFC 6761 has it."""

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        found = await super().resolve("127.0.0.1", port, socket.AF_INET)
        return [{**found[0], "hostname": host}]


async def verify(port: int, actor: str) -> dict[str, Any]:
    aiohttp.connector.DefaultResolver = Loopback
    data = DataProvider.generate()
    actors = [*data.possible_actors, data.one_actor]
    app = Quart(__name__)
    app.register_blueprint(BlueprintForActors(actors).blueprint)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn tells in no other way)
        await asyncio.sleep(0.01)
    message = Message()
    verifier = ActorVerifier(
        actor_list=actors,
        remote_uri=actor,
        domain=f"{HOST}:{port}",
        message=message,
        timeout=30,
    )
    result = await verifier.verify()
    server.should_exit = True
    await serving
    return {"result": result, "steps": [str(step) for step in message.steps]}


if __name__ == "__main__":
    logging.disable()
    print(json.dumps(asyncio.run(verify(int(sys.argv[1]), sys.argv[2]))))
