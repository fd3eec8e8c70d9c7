"""docs/outbox.md: every example is posted, and answered as it says; every type is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from activitypub.objects.collection import COLLECTION_TYPES
from fedi.api.client import submission
from fedi.api.client.activities import WAYS
from tests.api.apps import App

DOCUMENT = (Path(__file__).parents[3] / "docs" / "outbox.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json (\d+)\n([\s\S]*?)^```", DOCUMENT, re.MULTILINE)


def rows(title: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.M)
    lines = [line for line in section.splitlines() if line[:1] == "|"]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


async def test_every_example_is_answered_as_it_says(alice: App) -> None:
    assert len(EXAMPLES) == 7
    for status, written in EXAMPLES:
        answer = await alice.submit(json.loads(written))
        assert answer.status == int(status), (written, answer.body)


def test_every_type_is_in_the_document() -> None:
    done = {name for row in rows("What else can be done") for name in named(row[0])}
    assert done | {"Create"} == WAYS.keys()
    assert {name for row in rows("Posts") for name in named(row[0])} == (
        submission.TYPES | COLLECTION_TYPES
    )


def test_every_scope_is_in_the_document() -> None:
    for scope, types in (
        (named(row[0]).pop(), row[1]) for row in rows("What an app must be allowed")
    ):
        for name in named(types) - {"Undo"}:
            assert scope in WAYS[name].scope.split(), (scope, name)
