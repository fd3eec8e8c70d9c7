"""Who takes back their yes to all takes back all, posts with a yes of their own among it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import Account, Status
from fedi.social import scheduling
from fedi.social.drafts import Draft
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import nobody
from tests.api.oauth.person import at, join
from tests.api.test_dataset import TRAINING, WITHDRAWN, grant, listening
from tests.studio.asking import ask, reaches
from tests.studio.dataset.giving import choose, export, read
from tests.studio.easel_painter import connected
from tests.web import hanging
from tests.web.filling import filled, form_of, send

HERE = "/settings/training"


async def test_no_takes_back_each_post_that_had_a_yes_of_its_own(
    instance: rig.Instance,
    browser: aiohttp.ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fedi.api.easel.dataset.PAUSE_S", 0.1)
    alice = await App.of(instance, browser, "alice")
    yes, no, silent = [
        await hanging.hang(instance, alice.account, text=word) for word in ("yes", "no", "silent")
    ]
    await choose(instance, yes, True)
    await choose(instance, no, False)

    async def say(**words: object) -> None:
        instance.clock.advance(timedelta(minutes=1))
        assert (await alice.ask("PUT", TRAINING, words)).status == 200

    async def exported(name: str) -> dict[str, str]:
        """The keys of what goes out now, by the address of its post."""
        instance.clock.advance(timedelta(minutes=1))
        await export(instance, tmp_path / name)
        return {said["url"]: key for key, said in read(tmp_path / name).items()}

    async def listed() -> set[tuple[str, str]]:
        items = (await nobody(instance, browser, alice).get(WITHDRAWN)).body["withdrawn"]["items"]
        return {(item["key"], item["reason"]) for item in items}

    await say(allowed=True, credit="name")
    out = await exported("first")
    assert set(out) == {yes.url, silent.url}
    _, token = await grant(instance)
    async with listening(instance, browser, token) as watcher:
        assert {(await watcher.next())[1]["url"] for _ in range(2)} == set(out)
        await say(allowed=False)
        told = [await watcher.next() for _ in range(2)]
        assert {(kind, said["key"]) for kind, said in told} == {
            ("withdrawn", key) for key in out.values()
        }
        assert await exported("second") == {}
        assert await listed() == {(key, "account") for key in out.values()}
        changes = (await alice.get(f"{TRAINING}/changes")).body
        assert [(one["post"], one["allowed"]) for one in changes[:2]] == [
            (None, False),
            (str(yes.id), None),
        ]
        assert changes[0]["at"] == changes[1]["at"]
        # Who says yes of one afterwards means that one; terms alone say nothing of it.
        await choose(instance, yes, True)
        assert (await watcher.next())[1]["url"] == yes.url
        await say(licence="CC0-1.0")
        assert set(await exported("third")) == {yes.url}
        # No is no, also where nothing else was allowed.
        await say(allowed=False)
        assert (await watcher.next())[0] == "withdrawn"
    assert await exported("fourth") == {}
    # A no to one post outlives a yes to all.
    await say(allowed=True)
    assert set(await exported("fifth")) == {yes.url, silent.url}


async def test_no_takes_back_what_posts_that_wait_say(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await App.of(instance, browser, "alice")
    async with instance.easel.database.write() as tx:
        author = await tx.get_one(Account, alice.account.id)
        later = tx.now + timedelta(hours=1)
        for said in (True, False):
            await scheduling.add(tx, author, Draft(text=f"planned {said}", training=said), later)
    pictured = [
        await ask(instance.easel, author, draft=Draft(text=f"painted {said}", training=said))
        for said in (True, False)
    ]
    for words in ({"allowed": True}, {"allowed": False}):
        assert (await alice.ask("PUT", TRAINING, words)).status == 200
    instance.clock.advance(timedelta(hours=2))
    await instance.run_jobs()
    async with connected(instance) as card:
        for one in pictured:
            async with reaches(instance.easel, one.id, "done"):
                await card.finish(await card.given())
    await instance.run_jobs()
    async with instance.easel.database.read() as session:
        found = (await session.exec(select(Status))).all()
    assert {one.source: one.training for one in found} == {
        "planned True": None,
        "planned False": False,
        "painted True": None,
        "painted False": False,
    }


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_the_form_says_how_many_posts_a_no_concerns(instance: rig.Instance) -> None:
    alice = await join(instance)
    post = await hanging.hang(instance, alice, text="Look")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(HERE)
        assert "separately" not in seen.page.text and "everything" not in seen.body
        await choose(instance, post, True)
        seen = await visitor.get(HERE)
        assert "1 post by a yes of its own" in " ".join(seen.page.text.split())
        # An empty box that was empty before changes the terms alone; the button takes it back.
        await send(visitor, seen, HERE, credit="name")
        assert "1 post by a yes of its own" in (await visitor.get(HERE)).page.text
        await send(visitor, seen, HERE, everything="1")
        assert "everything" not in (await visitor.get(HERE)).body
        await choose(instance, post, True)
        await send(visitor, seen, HERE, training="1")
        seen = await visitor.get(HERE)
        assert "1 post to which you said yes separately, too" in seen.page.text
        fields = filled(form_of(seen, HERE))
        del fields["training"]
        await visitor.post(HERE, fields)
        seen = await visitor.get(HERE)
        assert "everything" not in seen.body
        assert "As on all pictures, of one post" in " ".join(seen.page.text.split())
