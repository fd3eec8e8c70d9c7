"""docs/paintings.md: every example is sent, and answered as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.api.apps import App
from tests.api.test_watching import PREVIEW, Watcher
from tests.studio.easel_painter import connected

DOCUMENT = Path(__file__).parents[2] / "docs" / "paintings.md"
EXAMPLES = re.findall(r"^```(json|sse) (.+)\n([\s\S]*?)^```", DOCUMENT.read_text(), re.MULTILINE)


def shape(value: Any) -> Any:
    """What must be alike in two answers: names and types, not ids and moments."""
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shape(entry) for entry in value]
    return type(value).__name__


def events(written: str) -> list[dict[str, str]]:
    blocks = written.strip().split("\n\n")
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


async def watch(app: App, path: str, painting: str) -> list[tuple[str, str, Any]]:
    """The events of a picture that is painted meanwhile: ids, kinds and data."""
    async with (
        connected(app.instance) as card,
        app.browser.get(
            app.instance.url + path, headers={"Authorization": f"Bearer {app.token}"}
        ) as answer,
    ):
        given = await card.given()
        while given.painting != painting:  # what an example before this one asked for
            await card.finish(given)
            given = await card.given()
        watcher = Watcher(answer)
        heard: list[tuple[str, str, Any]] = []

        async def hear(wanted: str) -> None:
            data = await watcher.until(wanted)
            heard.append((watcher.last, wanted, data))

        await hear("painting")
        await card.step(given, 1, 4, PREVIEW)
        await hear("progress")
        await card.finish(given)
        await hear("done")
        return heard


async def test_every_example_is_answered_as_it_says(alice: App) -> None:
    painting, answer = "", None
    for kind, said, written in EXAMPLES:
        if said.isdigit():
            assert answer is not None and answer.status == int(said), answer
            told = json.loads(written)
            assert shape(answer.body) == shape(told)
            if ("error" in told and len(told) == 1) or "by" in told:
                assert answer.body == told
            continue
        method, path = said.split()
        path = path.replace("ID", painting)
        if kind == "sse":
            heard = await watch(alice, path, painting)
            for (event_id, name, data), block in zip(heard, events(written), strict=True):
                assert (event_id, name) == (block["id"], block["event"])
                if block["data"] == "the painting":
                    assert data["id"] == painting
                else:
                    assert shape(data) == shape(json.loads(block["data"]))
            continue
        answer = await alice.ask(method, path, json.loads(written) if written.strip() else None)
        if method == "POST" and answer.status == 201:
            painting = answer.body["id"]
            asked = json.loads(written)
            assert answer.body["recipe"] == asked["recipe"]
            assert asked["post"].items() <= answer.body["post"].items()
        elif method in ("GET", "DELETE"):
            assert answer.status == 200 and answer.body["id"] == painting
    assert len(EXAMPLES) == 9


async def test_what_is_read_of_a_post_can_be_sent_again_as_it_is(alice: App) -> None:
    first = next(one for one in EXAMPLES if one[1].startswith("POST"))
    made = await alice.post("/api/easel/v1/paintings", json.loads(first[2]))
    names = ("recipe", "share_recipe", "description", "post")
    again = {name: made.body[name] for name in names}
    sent = await alice.post("/api/easel/v1/paintings", again)
    assert sent.status == 201
    assert {name: sent.body[name] for name in names} == again
