"""What is told live of what may be trained on; what apps say of it; and docs/data.md."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import select
from starlette.requests import Request
from starlette.responses import StreamingResponse

from fedi.api.easel import dataset
from fedi.database.tables import ConsentChange, DatasetExport
from fedi.social import attempts
from fedi.social.paging import Page
from fedi.social.training import choices, grants, ledger
from generation import provenance
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import nobody
from tests.api.test_paintings_document import shape
from tests.api.test_watching import Watcher
from tests.studio.dataset.giving import PURPOSE, choose, consent, export, learn, read
from tests.web import hanging

STREAM, WITHDRAWN = "/api/easel/v1/dataset/stream", "/api/easel/v1/dataset/withdrawn"
TRAINING = "/api/easel/v1/training"
DOCUMENT = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```json ?(.*)\n([\s\S]*?)^```", DOCUMENT, re.MULTILINE)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedi.api.easel.dataset.PAUSE_S", 0.1)


async def grant(instance: rig.Instance, name: str = "Example Lab") -> tuple[DatasetExport, str]:
    async with instance.easel.database.write() as tx:
        return await grants.grant(tx, name, purpose=PURPOSE)


@asynccontextmanager
async def listening(
    instance: rig.Instance, browser: aiohttp.ClientSession, token: str, last: str = ""
) -> AsyncIterator[Watcher]:
    headers = {"Authorization": f"Bearer {token}"}
    if last:
        headers["Last-Event-ID"] = last
    async with browser.get(
        instance.url + STREAM, headers=headers, timeout=aiohttp.ClientTimeout(total=None)
    ) as answer:
        assert answer.status == 200 and answer.content_type == "text/event-stream"
        yield Watcher(answer)


async def test_a_stream_tells_what_may_be_trained_on_and_what_no_more(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    alice, bob = [await hanging.join(instance, name) for name in ("alice", "bob")]
    first = await hanging.hang(instance, alice, text="one")
    await hanging.hang(instance, bob, text="of bob, who said nothing")
    await consent(instance, alice, credit="name")
    made, token = await grant(instance)
    seen: dict[str, str] = {}

    async def item(watcher: Watcher, post: Any) -> str:
        kind, said = await watcher.next()
        assert (kind, said["url"]) == ("item", post.url)
        seen[said["key"]] = watcher.last
        return str(said["key"])

    async with listening(instance, browser, token) as watcher:
        one = await item(watcher, first)
        second = await hanging.hang(instance, alice, text="two")  # as it is posted
        two = await item(watcher, second)
        url = f"{instance.url}/api/easel/v1/dataset/pictures/{one}"
        bearer = {"Authorization": f"Bearer {token}"}
        async with browser.get(url, headers=bearer) as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
            assert provenance.read(await answer.read()).mining == provenance.MINING_ALLOWED
        await choose(instance, first, False)
        kind, said = await watcher.next()
        assert (kind, said["key"], said["reason"]) == ("withdrawn", one, "post")
        async with browser.get(url, headers=bearer) as answer:
            assert answer.status == 404
    # Meanwhile nobody listens; then they go on where they were, or begin anew.
    await hanging.delete(instance, second)
    third = await hanging.hang(instance, alice, text="three")
    async with listening(instance, browser, token, last=seen[two]) as watcher:
        told = [await watcher.next() for _ in range(3)]
    assert [(kind, said.get("reason")) for kind, said in told] == [
        ("withdrawn", "post"), ("withdrawn", "deleted"), ("item", None)
    ]  # fmt: skip
    assert told[2][1]["url"] == third.url
    async with listening(instance, browser, token) as watcher:
        told = [await watcher.next() for _ in range(3)]
        assert [said["key"] for kind, said in told if kind == "item"] == [
            str(told[2][1]["key"])
        ]  # what was withdrawn is not told anew
        # All of it is taken back: the stream says so, and tells nothing more of hers.
        await consent(instance, alice, False)
        assert (await watcher.next())[1]["reason"] == "account"
        await hanging.hang(instance, alice, text="four")
        await consent(instance, alice)
        fresh = {(await watcher.next())[1]["created_at"] for _ in range(2)}
        assert len(fresh) >= 1  # three and four, now that she said yes again
        # Who may listen no more hears no more.
        async with instance.easel.database.write() as tx:
            await grants.revoke(tx, "Example Lab")
        assert (await watcher.next())[0] == ""
    for wrong in (token, "nonsense"):
        headers = {"Authorization": f"Bearer {wrong}"}
        async with browser.get(instance.url + STREAM, headers=headers) as answer:
            assert answer.status == 401 and "Bearer" in answer.headers["WWW-Authenticate"]
    # What went out stands written down as an export does.
    async with instance.easel.database.read() as session:
        [given] = await ledger.given(session, alice, Page())
    assert (given.export.id, given.export.purpose, given.items) == (made.id, PURPOSE, 4)
    assert given.withdrawn == 2


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_a_grant_takes_no_more_than_it_may_and_nothing_once_it_is_revoked(
    instance: rig.Instance, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await hanging.join(instance)
    for word in ("one", "two", "three"):
        await hanging.hang(instance, alice, text=word)
    await consent(instance, alice)
    _, token = await grant(instance)
    bearer = {"Authorization": f"Bearer {token}"}
    # However close together they come.
    async with AsyncExitStack() as stack:
        url = instance.url + STREAM
        asked = [browser.get(url, headers=bearer) for _ in range(dataset.MAX_STREAMS + 2)]
        answers = await asyncio.gather(*map(stack.enter_async_context, asked))
        assert sorted(answer.status for answer in answers) == [200] * 4 + [429] * 2
        [first, *_] = [answer for answer in answers if answer.status == 200]
        _, said = await Watcher(first).next()
    # A picture has to be decoded, perhaps: that stands in line with all others.
    for what, value, statuses in (
        ("fedi.studio.gate.LINE", 0, [503]),
        ("fedi.api.easel.dataset.PICTURES_OF_GRANT", attempts.Limit("few", 1, 60), [200, 429]),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(what, value)
            for status in statuses:
                async with browser.get(said["picture"], headers=bearer) as answer:
                    assert answer.status == status

    # Who goes gives their place back, also before a word was said; read piece by piece.
    _, token = await grant(instance, "Another Lab")
    scope = {
        "type": "http", "method": "GET", "path": STREAM, "app": instance.app, "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def nowhere(message: Any) -> None:
        pass

    for _ in range(dataset.MAX_STREAMS + 1):
        await (await dataset.stream(Request(scope)))(scope, gone, nowhere)
    monkeypatch.setattr("fedi.api.easel.dataset.BATCH", 1)
    answered = await dataset.stream(Request(scope))
    assert isinstance(answered, StreamingResponse)
    pieces = [await anext(aiter(answered.body_iterator)) for _ in range(2)]
    assert b"event: item" in bytes(pieces[1])
    async with instance.easel.database.write() as tx:
        await grants.revoke(tx, "Another Lab")
    assert [piece async for piece in answered.body_iterator] == []  # two more would be offered


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_the_list_is_asked_for_by_numbers_and_goes_on_page_by_page(
    instance: rig.Instance, browser: aiohttp.ClientSession, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("fedi.studio.dataset.withdrawals.PAGE", 2)
    alice = await App.of(instance, browser, "alice")
    anybody = nobody(instance, browser, alice)
    for number in range(3):
        await hanging.hang(instance, alice.account, text=str(number))
    await consent(instance, alice.account)
    made = await export(instance, tmp_path / "out")
    await consent(instance, alice.account, False)
    keys, url = [], f"{WITHDRAWN}?since={made.id}"
    while url:
        page = (await anybody.get(url)).body
        keys += [item["key"] for item in page["withdrawn"]["items"]]
        url = page.get("next", "")
    assert sorted(keys) == sorted(read(tmp_path / "out")) and len(keys) == 3
    for asked, status in (
        ("since=1", 404), ("since=x", 404), ("since=", 404), ("after=x", 400),
        (f"after={10**30}", 400),
    ):  # fmt: skip
        answer = await anybody.get(f"{WITHDRAWN}?{asked}")
        assert answer.status == status and answer.error.endswith(".")


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_apps_say_it_and_are_told_as_the_document_says(
    instance: rig.Instance, browser: aiohttp.ClientSession, tmp_path: Path
) -> None:
    alice, bob = [await App.of(instance, browser, name) for name in ("alice", "bob")]
    picture = await hanging.paint(
        instance, alice.account, share_recipe=True, ai_prompt="a lighthouse in fog"
    )
    post = await hanging.publish(
        instance, alice.account, text="Look", media_ids=[picture], language="en"
    )
    given = dict(BLOCKS)
    asked: str | None = None
    answer = None
    for said, written in BLOCKS:
        if said in ("sample", "withdrawn"):
            continue
        if said.isdigit():
            assert answer is not None and answer.status == int(said), (asked, answer)
            assert shape(answer.body) == shape(json.loads(written)), asked
            continue
        method, path = said.split()
        if path.endswith("/posts/ID"):  # between the two that stand before it and after it
            await export(instance, tmp_path / "out", recipient="Example Lab")
            style = await learn(instance, "ink")
            [sample] = read(tmp_path / "out").values()
            del sample["content"]
            expected = json.loads(given["sample"])
            expected["recipe"] = sample["recipe"]
            expected["reactions"]["emoji"] = {}
            assert shape(sample) == shape(expected)
        asked = path
        body = json.loads(written) if written.strip() else None
        number = style if "/styles/" in path else post.id
        answer = await alice.ask(method, path.replace("ID", str(number)), body)
    async with instance.easel.database.read() as session:
        files = select(DatasetExport).where(DatasetExport.kind == ledger.FILES)
        made = (await session.exec(files)).one()
        assert len((await session.exec(select(ConsentChange))).all()) == 2
    page = (await nobody(instance, browser, alice).get(f"{WITHDRAWN}?since={made.id}")).body
    del page["@context"], page["proof"]
    assert shape(page) == shape(json.loads(given["withdrawn"]))
    for reason in ledger.REASONS:
        assert f"| `{reason}` |" in DOCUMENT
    for licence in choices.LICENCES:
        assert f"`{licence}`" in DOCUMENT or not licence

    # What makes no sense is refused in words, and nobody speaks for another.
    for path, body in (
        (TRAINING, {"allowed": "yes"}),
        (TRAINING, {"allowed": True, "licence": "mine"}),
        (TRAINING, {"credit": 1}),
        (f"{TRAINING}/posts/{post.id}", {"training": "no"}),
        (f"{TRAINING}/posts/{post.id}", {}),
    ):
        refused = await alice.ask("PUT", path, body)
        assert refused.status == 422 and refused.error.endswith("."), (path, body)
    assert (await alice.get(TRAINING)).body["licence"] == "CC-BY-4.0"
    theirs = f"{TRAINING}/posts/{post.id}"
    assert (await bob.ask("PUT", theirs, {"training": True})).status == 403
    assert (await bob.get(theirs)).status == 404
    assert (await bob.get(f"{TRAINING}/exports")).body == []
    assert (await bob.get(f"{TRAINING}/styles")).body == []
    for number in (style, made.id, "x"):
        assert (await bob.get(f"{TRAINING}/styles/{number}/pictures")).status == 404
    # What is no export is none to the list of what was withdrawn, either.
    assert (await bob.get(f"{WITHDRAWN}?since={style}")).status == 404
    narrow = await App.of(instance, browser, "alice", "read:search")
    for app, status in ((nobody(instance, browser, alice), 401), (narrow, 403)):
        for path in ("", "/changes", "/exports", "/styles", f"/styles/{style}/pictures",
                     f"/posts/{post.id}"):  # fmt: skip
            assert (await app.get(TRAINING + path)).status == status, path
        for path in ("", f"/posts/{post.id}"):
            assert (await app.ask("PUT", TRAINING + path, {})).status == status, path


async def test_saying_it_twice_is_saying_it_once(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await App.of(instance, browser, "alice")
    said = (await alice.ask("PUT", TRAINING, {"allowed": True})).body
    instance.clock.advance(timedelta(hours=1))
    assert (await alice.ask("PUT", TRAINING, {"allowed": True})).body == said
    assert len((await alice.get(f"{TRAINING}/changes")).body) == 1
