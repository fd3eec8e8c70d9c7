"""All that Mastodon describes is here, and answers in the shapes that it describes.

`operations.json` and `shapes.json` have the names, types and choices of the description. Where the
description itself is at hand, `EASEL_MASTODON_OPENAPI` names it, and they are held against it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from fedi import api
from tests import rig
from tests.clients import describe, programs
from tests.clients.exceptions import ANSWERS, AWAITED, NOT_HERE, OTHERWISE, among
from tests.clients.walk import Neighbour

OPERATIONS: dict[str, Any] = json.loads(describe.OPERATIONS.read_text(encoding="utf-8"))
SHAPES: dict[str, Any] = json.loads(describe.SHAPES.read_text(encoding="utf-8"))["components"]
HELD = [
    name
    for name in OPERATIONS
    if not any(among(name, excepted) for excepted in (NOT_HERE, OTHERWISE, AWAITED))
]
EXAMPLES = 8  # of what is made up, for each operation, beside the cases that its schema names
ERROR = {"$ref": "#/components/schemas/Error"}
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance"
IDS = 3  # of each kind
FULFILLED = 125  # operations of the 152 that the made-up requests can fulfil


def plain(operation: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", operation)


ROUTES = {
    f"{method} {plain(route.path)}"
    for route in api.routes
    if isinstance(route, Route)
    for method in route.methods or ()
}


def test_every_operation_is_here_or_it_is_said_why_not() -> None:
    missing = [name for name in HELD if plain(name) not in ROUTES]
    assert missing == []


def test_what_is_awaited_is_not_there_yet() -> None:
    there = [n for n in OPERATIONS if among(n, AWAITED | NOT_HERE) and plain(n) in ROUTES]
    assert there == []


if "EASEL_MASTODON_OPENAPI" in os.environ:

    def test_the_operations_are_those_of_the_description() -> None:
        kept = describe.OPERATIONS.read_text(encoding="utf-8")
        describe.main()
        assert describe.OPERATIONS.read_text(encoding="utf-8") == kept


def seeded(server: rig.ServerProcess) -> tuple[Neighbour, dict[str, list[str]]]:
    """Somebody with something of everything; ids by the beginning of the paths that take them."""
    alice, bob = Neighbour(server, "alice"), Neighbour(server, "bob")
    ids: dict[str, list[str]] = {}
    me = alice.ask("GET", "/api/v1/accounts/verify_credentials")["id"]
    them = bob.ask("GET", "/api/v1/accounts/verify_credentials")["id"]
    alice.ask("POST", f"/api/v1/accounts/{them}/follow")
    ids["/api/v1/accounts"] = [them, me]
    made = [alice.post(f"One @bob #teal {number}") for number in range(IDS)]
    made += [bob.post(f"@alice #teal {number}", in_reply_to_id=made[0]["id"]) for number in (7, 8)]
    ids["/api/v1/statuses"] = [one["id"] for one in made]
    for one in made:
        alice.ask("POST", f"/api/v1/statuses/{one['id']}/favourite")
        alice.ask("POST", f"/api/v1/statuses/{one['id']}/bookmark")
    bob.ask("POST", f"/api/v1/statuses/{made[0]['id']}/reblog")
    asking = {"poll": {"options": ["this", "that"], "expires_in": 3600}}
    ids["/api/v1/polls"] = [bob.post("Which?", **asking)["poll"]["id"] for _ in range(IDS)]
    lists = [alice.ask("POST", "/api/v1/lists", title=f"L{n}")["id"] for n in range(IDS)]
    ids["/api/v1/lists"] = ids["/api/v1/timelines/list"] = lists
    for one in lists:
        alice.ask("POST", f"/api/v1/lists/{one}/accounts", account_ids=[them])
    filters = [
        alice.ask(
            "POST", "/api/v2/filters", title=f"turnip {n}", context=["home"],
            keywords_attributes=[{"keyword": f"turnip {n}"}],
        )
        for n in range(IDS)
    ]  # fmt: skip
    ids["/api/v2/filters/keywords"] = [one["keywords"][0]["id"] for one in filters]
    ids["/api/v1/filters"] = ids["/api/v2/filters/keywords"]
    ids["/api/v2/filters"] = [one["id"] for one in filters]
    later = {"scheduled_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    ids["/api/v1/scheduled_statuses"] = [alice.post("Later", **later)["id"] for _ in range(IDS)]
    tags = ["teal", "sea", "art"]
    ids["/api/v1/featured_tags"] = [
        alice.ask("POST", "/api/v1/featured_tags", name=name)["id"] for name in tags
    ]
    ids["/api/v1/tags"] = ids["/api/v1/timelines/tag"] = tags
    bob.post("@alice between us", visibility="direct")
    ids["/api/v1/conversations"] = [one["id"] for one in alice.ask("GET", "/api/v1/conversations")]
    return alice, ids


def document(ids: dict[str, list[str]]) -> dict[str, Any]:
    """The description in OpenAPI, as far as it holds for us, with ids that are there."""
    paths: dict[str, Any] = {}
    for name in HELD:
        method, path = name.split(" ")
        told = OPERATIONS[name]
        known = next((found for start, found in sorted(ids.items(), key=lambda item: -len(item[0]))
                      if path.startswith(start + "/")), None)  # fmt: skip
        parameters = []
        for where in ("path", "query", "cookie"):
            for parameter, held in told.get(where, {}).items():
                entry = {"name": parameter, "in": where, **held}
                if where == "path":
                    entry["required"] = True
                    if known and path.startswith(f"{path.split('{')[0]}{{{parameter}}}"):
                        entry["schema"] = {"enum": known}
                parameters.append(entry)
        answers: dict[str, Any] = {
            status: {"description": "", "content": _contents(name, contents)}
            for status, contents in told["answers"].items()
        }
        refused = {"description": "", "content": {"application/json": {"schema": ERROR}}}
        entry = {"parameters": parameters, "responses": answers | {"4XX": refused}}
        if "body" in told:
            contents = {kind: {"schema": schema} for kind, schema in told["body"].items()}
            entry["requestBody"] = {"content": contents}
        paths.setdefault(path, {})[method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "What Mastodon answers", "version": "4.7"},
        "paths": paths,
        "components": SHAPES,
    }


def _contents(name: str, contents: dict[str, Any]) -> dict[str, Any]:
    if name in ANSWERS or not contents:
        return {"application/json": {"schema": {}}}
    return {kind: {"schema": schema} for kind, schema in contents.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.ServerProcess]:
    folder = tmp_path_factory.mktemp("described")
    server = rig.ServerProcess(folder, "", server={"api_requests": 1_000_000})
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.mark.long
def test_no_answer_breaks_its_shape(server: rig.ServerProcess, tmp_path: Path) -> None:
    programs.needed(programs.PYTHON, "make test makes it")
    alice, ids = seeded(server)
    written, report = tmp_path / "openapi.json", tmp_path / "report.ndjson"
    written.write_text(json.dumps(document(ids)), encoding="utf-8")
    fulfilled: set[str] = set()
    for which in ("--exclude-method", "--include-method"):  # what is deleted can be asked no more
        done = subprocess.run(
            [
                programs.PYTHON.with_name("schemathesis"), "run", written, "--url", server.url,
                "--header", f"Authorization: Bearer {alice.token}", which, "DELETE",
                "--checks", CHECKS, "--phases", "coverage,fuzzing", "--seed", "1",
                "--max-examples", str(EXAMPLES), "--continue-on-failure", "--no-shrink",
                "--report", "ndjson", "--report-ndjson-path", report,
                "--warnings", "off", "--no-color", "--output-truncate", "false",
            ],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr + server.log()
        fulfilled |= _fulfilled(report)
    # Or it would be held to nothing but how it refuses.
    assert len(fulfilled) >= FULFILLED, sorted(set(HELD) - fulfilled)


def _fulfilled(report: Path) -> set[str]:
    """The operations that did, at least once, what they were asked for."""
    found = set()
    with report.open(encoding="utf-8") as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            answers = [one["response"] for one in recorder.get("interactions", {}).values()]
            if any(answer and answer["status_code"] < 300 for answer in answers):
                found.add(recorder["label"])
    return found
