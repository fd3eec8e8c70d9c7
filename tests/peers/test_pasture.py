"""fediverse-pasture: six actors of its own look at one of ours, and all its inputs are sent.

It runs in a process and an environment of its own (`make test` makes it).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from activitypub.objects.note import NOTE_TYPES
from fedi.clock import FakeClock
from fedi.database.tables import Account
from fedi.social import accounts, text
from tests import rig
from tests.federation import peer, seeing
from tests.federation.peer import Internet
from tests.listening import nothing_fails
from tests.rig import Instance
from tests.web.reading import parse
from tests.web.test_hostile import inspect

HOME = Path(__file__).parent / "pasture"
PYTHON = HOME / ".venv/bin/python"
THEIR_SERVER = "http://pasture-one-actor"
GROUPS = [
    "attachments", "attributed_to", "content_warnings", "context", "hashtag_jsonld", "hashtags",
    "html_anchor", "html_bad", "html_tags", "html_tags_article", "html_tags_summary",
    "image_attachments", "image_description", "in_reply_to", "language", "mentions",
    "necessary_properties", "object_types", "public_addressing", "quotes",
    "recommended_attachments", "url",
]  # fmt: skip
INPUTS = 262


@pytest.fixture(scope="module")
def python() -> Path:
    if not PYTHON.exists():
        reason = "fediverse-pasture is not installed: make test does that"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return PYTHON


@pytest.fixture(scope="module")
def inputs(python: Path) -> dict[str, list[dict[str, Any]]]:
    printed = subprocess.run([python, HOME / "inputs.py"], check=True, capture_output=True)
    found: dict[str, list[dict[str, Any]]] = json.loads(printed.stdout)
    assert sorted(found) == GROUPS
    assert sum(len(examples) for examples in found.values()) == INPUTS
    return found


@pytest.fixture
async def internet(clock: FakeClock) -> AsyncIterator[Internet]:
    async with peer.opened(clock) as internet:
        yield internet


@pytest.fixture
async def alice(instance: Instance) -> Account:
    async with instance.easel.database.write() as tx:
        return await accounts.create_local(tx, "alice")


async def test_their_actors_verify_ours(
    instance: Instance, alice: Account, python: Path, tmp_path: Path
) -> None:
    with rig.free_socket() as probe:
        port = probe.getsockname()[1]
    with nothing_fails():
        process = await asyncio.create_subprocess_exec(
            python, HOME / "verify.py", str(port), alice.uri,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
        )  # fmt: skip
        printed, errors = await process.communicate()
        await instance.run_jobs()
    assert process.returncode == 0, errors.decode()
    answer = json.loads(printed)
    result = answer["result"]
    assert result.pop("webfinger") is True, answer
    # alice and dean do not sign what they post; claire lets nobody read her unsigned; emily and
    # frank have no preferredUsername, and without a name nobody is anybody here
    assert result == {
        name: {"get_actor": True, "post_inbox": name in {"bob", "claire"}}
        for name in ("alice", "bob", "claire", "dean", "emily", "frank")
    }, answer["steps"]


def _ours(example: dict[str, Any], person: peer.Person) -> dict[str, Any]:
    """An input with its server's name replaced, and its tags as they are meant: `<$form>`."""
    words = json.dumps(example).replace(f"{THEIR_SERVER}/actor", person.uri)
    words = words.replace(THEIR_SERVER, person.origin)
    replaced: dict[str, Any] = json.loads(re.sub(r"<(/?)\$", r"<\1", words))
    return replaced


@pytest.mark.parametrize("group", GROUPS)
async def test_their_inputs(
    instance: Instance,
    internet: Internet,
    alice: Account,
    inputs: dict[str, list[dict[str, Any]]],
    group: str,
) -> None:
    bob = internet.person("bob")
    post = await seeing.publish(instance, alice, "what is answered")
    for example in inputs[group]:
        note = {**bob.note(to=[alice.uri, peer.PUBLIC], inReplyTo=post), **_ours(example, bob)}
        with nothing_fails():
            status = await bob.send(instance, {**bob.create(note), "to": [alice.uri]})
            await instance.run_jobs()
        assert status in {202, 403}, (status, example)
        stored = await seeing.status(instance, str(note.get("id")))
        if not _is_a_post(note, bob):
            assert stored is None, example
            continue
        assert stored is not None, example
        # of an Article, which has a page of its own, a summary stands for the rest
        teaser = _kind(note) == "Article" and note.get("summary")
        for word in _words(teaser or note.get("content")):
            assert word in text.plain(stored.content), (example, stored.content)
        inspect(parse(f"<html><body><main>{stored.content}</main></body></html>"))


def _kind(note: dict[str, Any]) -> Any:
    kind = note.get("type")
    return kind[0] if isinstance(kind, list) and kind else kind


def _is_a_post(note: dict[str, Any], bob: peer.Person) -> bool:
    authors = note.get("attributedTo")
    first = authors[0] if isinstance(authors, list) and authors else authors
    author = first.get("id") if isinstance(first, dict) else first
    # without a word about it, who creates it is its author
    return _kind(note) in NOTE_TYPES and author in {None, bob.uri} and bool(note.get("id"))


def _words(content: Any) -> list[str]:
    """The words of an input that must still be read: those outside of tags and scripts."""
    if not isinstance(content, str):
        return []
    hidden = re.sub(r"<(script|style|title)>.*?</\1>", "", content, flags=re.DOTALL)
    return re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]*>|&\w+;", " ", hidden))
