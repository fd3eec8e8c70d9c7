"""What an app hears, and hears again when it was cut off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fedi.api.client import events
from fedi.api.mastodon.streaming import hub
from fedi.database.tables import Status
from fedi.social import blocks, chronicle, credentials, favourites, follows, reblogs, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.reading import members, post, read
from tests.federation import seeing
from tests.federation.peer import Internet
from tests.studio.asking import reaches
from tests.studio.easel_painter import WAIT_S, connected


class Ear:
    """A stream, as a browser's EventSource reads it."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last = ""
        self.ids: list[str] = []

    async def next(self) -> dict[str, Any]:
        data = ""
        async with asyncio.timeout(WAIT_S):
            async for raw in self.answer.content:
                line = raw.decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last = value
                    self.ids.append(value)
                elif name == "data":
                    data = value
                assert name != "event"  # browsers give what has a name to nobody who asks for none
                if not line and data:
                    found: dict[str, Any] = json.loads(data)
                    assert found["@context"]
                    return found
        raise AssertionError("it ended")

    async def short(self) -> tuple[str, str, str]:
        """Type, and what it is about: of an Add the type and the object of what was added."""
        told = await self.next()
        if told["type"] == "Add":
            added = told["object"]
            about = added["object"]
            where = told["target"].rpartition("/")[2]
            return where, added["type"], about["id"] if isinstance(about, dict) else about
        about = told["object"]
        return "", told["type"], about["id"] if isinstance(about, dict) else about


@asynccontextmanager
async def hearing(app: App, of: str = "", last: str = "") -> AsyncIterator[Ear]:
    actor = await read(app, app.account.uri)
    url = (await read(app, actor[of]))["eventStream"] if of else actor["eventStream"]
    headers = {"Authorization": f"Bearer {app.token}", "Accept": "text/event-stream"}
    if last:
        headers["Last-Event-ID"] = last
    timeout = aiohttp.ClientTimeout(total=None)
    async with app.browser.get(url, headers=headers, timeout=timeout) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        yield Ear(answer)


async def follow(follower: App, followed: App) -> None:
    async with follower.instance.easel.database.write() as tx:
        await follows.request(tx, follower.account, followed.account)


async def status_of(app: App, uri: str) -> Status:
    found = await seeing.status(app.instance, uri)
    assert found is not None
    return found


async def edit(app: App, uri: str, words: str) -> None:
    app.instance.clock.advance(timedelta(seconds=1))
    status = await status_of(app, uri)
    async with app.instance.easel.database.write() as tx:
        await statuses.edit(tx, app.account, await tx.get_one(Status, status.id), Draft(text=words))


async def delete(app: App, uri: str) -> None:
    app.instance.clock.advance(timedelta(seconds=1))
    status = await status_of(app, uri)
    async with app.instance.easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, status.id))


async def boost(app: App, uri: str) -> str:
    app.instance.clock.advance(timedelta(seconds=1))
    status = await status_of(app, uri)
    async with app.instance.easel.database.write() as tx:
        return (await reblogs.add(tx, app.account, await tx.get_one(Status, status.id))).uri


async def like(app: App, uri: str) -> None:
    app.instance.clock.advance(timedelta(seconds=1))
    status = await status_of(app, uri)
    async with app.instance.easel.database.write() as tx:
        await favourites.add(tx, app.account, await tx.get_one(Status, status.id))


async def test_what_comes_changes_and_goes_is_told_as_it_happens(
    instance: rig.Instance, alice: App, bob: App, internet: Internet
) -> None:
    await post(alice, "before")  # nobody is told of it
    await follow(alice, bob)
    async with hearing(alice) as ear:
        mine = await post(alice, "mine")
        told = await ear.next()
        assert told["type"] == "Add" and told["target"] == alice.account.outbox_uri
        [first, *_] = await members(alice, alice.account.outbox_uri)
        assert told["object"] == first and first["object"]["id"] == mine
        theirs = await post(bob, "theirs")
        told = await ear.next()
        assert told["type"] == "Add" and told["target"] == alice.account.inbox_uri
        [first, *_] = await members(alice, alice.account.inbox_uri)
        assert told["object"] == first and first["object"]["id"] == theirs
        await edit(bob, theirs, "theirs, changed")
        told = await ear.next()
        assert (told["type"], told["actor"]) == ("Update", bob.account.uri)
        assert "changed" in told["object"]["content"] and told["to"] == [PUBLIC]
        await like(bob, mine)
        assert await ear.short() == ("inbox", "Like", mine)
        boosted = await boost(bob, mine)
        assert await ear.short() == ("inbox", "Announce", mine)
        carol = internet.person("carol")
        instance.clock.advance(timedelta(seconds=1))
        await carol.does(instance, carol.activity("Follow", alice.account.uri))
        assert await ear.short() == ("inbox", "Follow", alice.account.uri)
        far = carol.note("<p>hi</p>", to=[alice.account.uri], cc=[],
                         tag=[{"type": "Mention", "href": alice.account.uri}])  # fmt: skip
        await carol.does(instance, carol.create(far))
        assert await ear.short() == ("inbox", "Create", far["id"])
        instance.clock.advance(timedelta(seconds=1))
        changed = far | {"content": "<p>ho</p>", "updated": "2030-01-01T00:00:00Z"}
        await carol.does(instance, carol.activity("Update", changed, to=far["to"]))
        told = await ear.next()
        assert told["type"] == "Update" and told["object"]["content"] == "<p>ho</p>"
        await carol.does(instance, carol.activity("Delete", far["id"]))
        assert await ear.short() == ("", "Delete", far["id"])
        await delete(bob, boosted)
        told = await ear.next()
        assert (told["type"], told["object"]) == ("Remove", boosted)
        await delete(alice, mine)
        assert await ear.short() == ("", "Delete", mine)
        await delete(bob, theirs)
        assert await ear.short() == ("", "Delete", theirs)
        assert len(set(ear.ids)) == len(ear.ids) == 12


async def test_what_apps_do_besides_posting_is_told(
    instance: rig.Instance, alice: App, bob: App
) -> None:
    theirs = await post(bob)
    async with hearing(alice, "outbox") as ear:
        for activity in (
            {"type": "Like", "object": theirs},
            {"type": "Follow", "object": bob.account.uri},
            {"type": "Announce", "object": theirs, "to": [PUBLIC]},
        ):
            answer = await alice.submit(activity)
            assert answer.status == 201
            told = await ear.next()
            assert told["type"] == "Add" and told["target"] == alice.account.outbox_uri
            assert told["object"]["id"] == answer.headers["Location"]
            assert told["object"]["type"] == activity["type"]
    found = await members(alice, alice.account.outbox_uri)
    assert [one["type"] for one in found] == ["Announce", "Follow", "Like"]


async def test_who_was_cut_off_hears_what_they_missed_and_goes_on(
    instance: rig.Instance, alice: App, bob: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chronicle, "BATCH", 3)  # several batches
    later = 2 * chronicle.OVERLAP
    await follow(alice, bob)
    mine, kept, gone = await post(alice), await post(bob), await post(bob)
    instance.clock.advance(later)
    async with hearing(alice) as ear:
        heard = await post(bob)
        assert await ear.short() == ("inbox", "Create", heard)
    last = ear.last
    instance.clock.advance(later)
    missed = [("inbox", "Create", await post(bob, f"n{n}")) for n in range(8)]
    await edit(bob, kept, "changed")
    missed.append(("", "Update", kept))
    await delete(bob, gone)
    missed.append(("", "Delete", gone))
    await like(bob, mine)
    missed.append(("inbox", "Like", mine))
    missed += [("outbox", "Create", await post(alice, f"m{n}")) for n in range(4)]
    instance.clock.advance(later)
    async with hearing(alice, last=last) as ear:
        assert [await ear.short() for _ in missed] == missed
        after = await post(bob, "after")
        assert await ear.short() == ("inbox", "Create", after)
    # Cut off in the midst of it, they hear the rest; what was just before may come once more.
    half = ear.ids[len(missed) // 2]
    async with hearing(alice, last=half) as again:
        while again.last != ear.last:
            await again.next()
    assert again.ids[-1] == ear.ids[-1]
    assert ear.ids[len(missed) // 2 + 1 :] == again.ids[-len(missed) // 2 :]
    # Who does not say what they heard, hears what comes.
    async with hearing(alice) as fresh:
        new = await post(bob, "new")
        assert await fresh.short() == ("inbox", "Create", new)
    # Who was away for too long hears of seven days.
    instance.clock.advance(chronicle.REMEMBERED + later)
    async with hearing(alice, last="1.add.1") as late:
        newest = await post(bob, "newest")
        assert await late.short() == ("inbox", "Create", newest)


async def test_each_collection_has_a_stream_of_its_own(
    instance: rig.Instance, alice: App, bob: App
) -> None:
    await follow(alice, bob)
    async with hearing(alice, "inbox") as inbox, hearing(alice, "outbox") as outbox:
        mine = await post(alice)
        assert await outbox.short() == ("outbox", "Create", mine)
        theirs = await post(bob)
        assert await inbox.short() == ("inbox", "Create", theirs)
        await edit(alice, mine, "changed")
        assert await outbox.short() == ("", "Update", mine)
        await edit(bob, theirs, "changed")
        assert await inbox.short() == ("", "Update", theirs)
        await delete(alice, mine)
        assert await outbox.short() == ("", "Delete", mine)
        await delete(bob, theirs)
        assert await inbox.short() == ("", "Delete", theirs)


async def test_nobody_hears_of_what_is_not_for_them(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App, bob: App
) -> None:
    carol = await App.of(instance, browser, "carol")
    await follow(alice, bob)
    await follow(alice, carol)
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, carol.account, alice.account)
    async with hearing(alice) as ear:
        secret = await post(bob, "not for alice", to=[carol.account.uri])
        await edit(bob, secret, "still not")
        hidden = await post(carol)
        await edit(carol, hidden, "either")
        await delete(bob, secret)
        await delete(carol, hidden)
        blind = await post(alice, to=[], bcc=[bob.account.uri])
        told = await ear.next()
        assert told["object"]["object"]["id"] == blind
        assert told["object"]["bcc"] == [bob.account.uri]
    async with hearing(bob) as ear:
        blind = await post(alice, to=[], bcc=[bob.account.uri, carol.account.uri])
        told = await ear.next()
        assert told["object"]["object"]["id"] == blind
        assert carol.account.uri not in json.dumps(told)
        assert "bcc" not in told["object"] and "bcc" not in told["object"]["object"]


async def test_how_a_picture_comes_along_is_told(instance: rig.Instance, alice: App) -> None:
    asked = {"type": "Note", "content": "/imagine a lighthouse --seed 7\nLook!",
             "mediaType": "text/plain", "to": [PUBLIC]}  # fmt: skip
    async with connected(instance) as card, hearing(alice) as ear:
        answer = await alice.submit(asked)
        uri = answer.body["object"]["id"]

        async def until(**wanted: Any) -> dict[str, Any]:
            while True:
                told = await ear.next()
                assert (told["type"], told["object"]["id"]) == ("Update", uri)
                assert "Look!" in told["object"]["content"]
                said: dict[str, Any] = told["object"]["progress"]
                if {name: said.get(name) for name in wanted} == wanted:
                    return dict(told["object"])

        given = await card.given()
        await until(state="painting")
        await card.step(given, 3, 8, b"\xff\xd8preview")
        shown = await until(step=3, steps=8)
        assert shown["preview"]["url"].startswith("data:image/jpeg;base64,")
        # Who comes now is told where it stands.
        async with hearing(alice) as other:
            assert (await other.next())["object"]["progress"]["state"] == "painting"
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
        while (told := await ear.next())["type"] == "Update":
            assert told["object"]["id"] == uri
        assert told["type"] == "Add" and told["target"] == alice.account.outbox_uri
        [picture] = told["object"]["object"]["attachment"]
        assert picture["url"] and told["object"]["object"]["id"] == uri
        failing = await alice.post("/api/easel/v1/paintings", {"recipe": {"prompt": "a boat"}})
        for _ in range(3):
            await card.finish(await card.given(), b"no picture")
        while (told := await ear.next())["object"]["progress"]["state"] != "failed":
            assert told["object"]["type"] == "Image"
        assert told["object"]["id"].endswith(failing.body["id"])
        assert told["object"]["progress"]["error"]


async def test_only_the_account_itself_may_listen_and_only_while_its_token_holds(
    instance: rig.Instance,
    browser: aiohttp.ClientSession,
    alice: App,
    bob: App,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"{alice.account.uri}/events"
    for app, status in (
        (App(instance, browser, alice.account, None), 401),
        (App(instance, browser, alice.account, "wrong"), 401),
        (bob, 403),
        (await App.of(instance, browser, "alice", "write"), 403),
    ):
        refused = await app.get(url)
        assert refused.status == status and refused.error
    assert (await alice.get(f"{url}/followers")).status == 404
    # A browser can send no header.
    async with browser.get(f"{url}?access_token={alice.token}") as answer:
        assert answer.status == 200
    monkeypatch.setattr(hub, "CHECK_EVERY_S", 0.05)
    async with hearing(alice) as ear:
        async with instance.easel.database.write() as tx:
            await credentials.sign_out_everywhere(tx, alice.account)
        async with asyncio.timeout(WAIT_S):
            while await ear.answer.content.readline():
                pass


async def test_a_lost_event_is_made_up_for(
    instance: rig.Instance, alice: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(instance.easel.events, "publish", lambda *_, **__: None)
    async with hearing(alice) as ear:
        mine = await post(alice)
        assert await ear.short() == ("outbox", "Create", mine)


async def test_it_is_heard_on_every_process(
    postgres: rig.Postgres, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    """Two processes on one database: what is posted by one is heard at the other, and who hears at
    one and is cut off goes on at the other."""
    url = postgres.new()
    async with rig.serve_instance(tmp_path / "here", url) as here:
        web = rig.ServerProcess(tmp_path / "web", instance={"url": here.url}, database={"url": url})
        await web.start()
        try:
            alice = await App.of(here, browser, "alice")
            stream = f"{web.url}/users/alice/events"
            headers = {"Authorization": f"Bearer {alice.token}"}
            timeout = aiohttp.ClientTimeout(total=None)
            async with browser.get(stream, headers=headers, timeout=timeout) as answer:
                there = Ear(answer)
                first = await post(alice)
                assert await there.short() == ("outbox", "Create", first)
            second = await post(alice)
            async with hearing(alice, last=there.last) as ear:
                while await ear.short() != ("outbox", "Create", second):
                    pass
        finally:
            await web.stop()
