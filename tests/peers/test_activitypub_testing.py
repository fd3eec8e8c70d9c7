"""activitypub-testing, by the Social Web Cooperative, tests an account of ours: as it comes from
npm, in a process of its own, against a server in another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fedi.social import accounts, credentials
from tests.rig import ServerProcess

FOLDER = Path(__file__).parent / "activitypub-testing"
PROGRAM = FOLDER / "node_modules" / "activitypub-testing" / "src" / "cli.js"
PATIENCE_S = 180
SEPARATOR = "\x1e"  # between the records of its report (RFC 7464)

# What must not only have nothing against us, but apply. Two of its tests post by no media type of
# JSON, and one a Note without words: these are refused here (attack 64), and it lets them be.
PASSED = {
    "actor-must-serve-as2-object-to-get",
    "actor-objects-must-have-inbox-outbox-properties",
    "followers-collection-must-be-a-collection",
    "following-collection-must-be-a-collection",
    "liked-collection-must-be-a-collection",
    "outbox-must-be-an-orderedcollection",
    "outbox-post-must-accept-non-activity-object",
    "outbox-post-servers-must-return-a-201-created-http-code",
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    if not PROGRAM.exists():
        pytest.skip(f"run `npm ci` in {FOLDER.name} first")
    server = ServerProcess(tmp_path, "")  # node finds `localhost` alone
    await server.start()
    yield server
    await server.stop()


async def run(*arguments: str) -> str:
    """What it prints."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(PROGRAM),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_nothing_is_found_wrong_with_an_account(server: ServerProcess) -> None:
    async with server.database() as database, database.write() as tx:
        alice = await accounts.create_local(tx, "alice")
        token = await credentials.issue_token(tx, alice, "activitypub-testing")
    allowed = f"--input.authorization=Bearer {token}"
    said = await run("test", "actor", alice.uri, allowed, "--output=json-seq")
    told: list[dict[str, Any]] = [
        json.loads(part) for part in said.split(SEPARATOR) if part.strip()
    ]
    outcomes = {one["test"]["slug"]: one["result"] for one in told}
    wrong = {name: result for name, result in outcomes.items() if result["outcome"] == "failed"}
    assert wrong == {}
    unknown = {name for name, result in outcomes.items() if result["outcome"] == "cantTell"}
    assert unknown == set()
    passed = {name for name, result in outcomes.items() if result["outcome"] == "passed"}
    assert passed >= PASSED, PASSED - passed

    note = {
        "@context": ["https://www.w3.org/ns/activitystreams"],
        "type": "Note",
        "content": "<p>Wrapped</p>",
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "cc": [alice.followers_uri],
    }
    said = await run(
        "run",
        "test",
        "--slug=outbox-wraps-object-with-create-checked-using-get-location",
        f"--input.outbox={alice.outbox_uri}",
        f"--input.submission={json.dumps(note)}",
        allowed,
    )
    assert json.loads(said)["result"]["outcome"] == "passed", said
