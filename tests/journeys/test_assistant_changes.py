"""What the assistant of one server makes of others' pictures; and what happens on the way, when who
asks it thinks again, or its host does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlmodel import select

from activitypub.context import ACTIVITY_JSON
from fedi.clock import FakeClock
from fedi.database.tables import DomainRule, Job, MediaAttachment
from fedi.social import domains
from fedi.social.text import plain
from generation.protocol import Cancel
from tests import rig
from tests.api.apps import App
from tests.api.beginning import PUBLIC_POST, painted
from tests.journeys.asking import ANYONE, Asker, paint, paintings, said, servers, states, waiting
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.studio.asking import look, reaches
from tests.studio.easel_painter import connected

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

Browser = aiohttp.ClientSession


async def test_a_picture_of_another_server_is_changed_if_its_author_shares_it(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: Browser
) -> None:
    async with servers(tmp_path, new_database, clock, {"assistant": ANYONE}, {}, {}) as everybody:
        a, b, c = everybody
        carol = await Person.join(c, "carol")
        bob = await Asker.join(everybody, b, browser, "bob")
        await bob.person.follow(carol)
        await settle(*everybody)
        at_c = await App.of(c, browser, "carol")
        shared = await painted(at_c, post=PUBLIC_POST, negative_prompt="fog")
        kept = await painted(at_c, share=False, post=PUBLIC_POST)
        await settle(*everybody)
        uri = str(shared["status"]["uri"])

        # Nobody here has heard of that picture: it is fetched first.
        asked = await bob.say("…this, but at night", await bob.seen(uri))
        clock.advance(timedelta(seconds=10))
        await settle(*everybody)
        assert await waiting(a) == ["a lighthouse, at night"]
        [painting] = await paintings(a)
        assert (painting.recipe["seed"], painting.recipe["negative_prompt"]) == (42, "fog")
        assert painting.share_recipe and painting.based_on_uri == uri
        await paint(*everybody)
        [answer] = await bob.answers(asked)
        assert "Remix of" in answer["content"] and "carol" in answer["content"]
        async with browser.get(answer["uri"], headers={"Accept": ACTIVITY_JSON}) as page:
            note = await page.json(content_type=None)
        assert note["isBasedOn"] == uri
        # It credits her, and names only who asked.
        named = [tag["href"] for tag in note["tag"] if tag["type"] == "Mention"]
        assert named == [bob.person.uri]
        assert not any(str(whom).startswith(c.url) for whom in [*note["to"], *note["cc"]])
        assert await carol.notifications() == ["follow"]

        asked = await bob.say("this in winter", await bob.seen(str(kept["status"]["uri"])))
        clock.advance(timedelta(seconds=10))
        await settle(*everybody)
        assert await waiting(a) == []
        [refused] = await bob.answers(asked)
        assert "The author of that post does not share its recipe." in plain(refused["content"])

        # One's own picture is changed whatever is known of it: from the picture itself.
        mine = await painted(bob.app, share=False, post=PUBLIC_POST)
        asked = await bob.say("this, but at night", str(mine["status"]["id"]))
        clock.advance(timedelta(seconds=10))
        await settle(*everybody)
        async with connected(a) as card:
            given = await card.given()
            assert given.recipe.prompt == "at night"
            assert set(card.pictures) == {given.recipe.source} != {""}
            async with reaches(a.easel, int(given.painting), "done"):
                await card.finish(given)
        await settle(*everybody)
        [answer] = await bob.answers(asked)
        changed = await bob.person.status(str(answer["uri"]))
        assert changed is not None and changed.based_on_uri == mine["status"]["uri"]


async def test_who_asked_thinks_again(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: Browser
) -> None:
    async with servers(tmp_path, new_database, clock, {"assistant": ANYONE}, {}) as everybody:
        a, b = everybody
        early, late, gone, cross, shut = [
            await Asker.join(everybody, b, browser, name)
            for name in ("early", "late", "gone", "cross", "shut")
        ]
        us = await early.person.knows(Person(a, "imagine", ""))

        async def edit(who: Asker, status_id: str, words: str) -> None:
            clock.advance(timedelta(seconds=1))
            form = {"status": f"@imagine@{a.domain} {words}"}
            assert (await who.app.ask("PUT", f"/api/v1/statuses/{status_id}", form)).status == 200

        # Before it is read: what it says then. Later it stays what was asked for, once.
        asked = await early.write("a tyop")
        await edit(early, asked, "a typo")
        await settle(a, b)
        again = await late.say("a fox")
        await edit(late, again, "a cat")
        await settle(a, b)
        assert await waiting(a) == ["a typo", "a fox"]
        assert await paint(a, b, times=2) == ["a typo", "a fox"]
        assert [len(await early.answers(asked)), len(await late.answers(again))] == [1, 1]

        before = len(await said(a))
        gone_id = await gone.say("of who is gone")
        async with connected(a) as card:
            given = await card.given()
            await cross.say("of who blocks")
            await gone.say("of who is gone, too")
            # The request is deleted while it is painted: that stops, and its other one does not.
            assert (await gone.app.ask("DELETE", f"/api/v1/statuses/{gone_id}")).status == 200
            await settle(a, b)
            assert await card.hear() == Cancel(painting=given.painting)
            # Who blocks it gets nothing of it, and is not painted for.
            blocked = await cross.app.post(f"/api/v1/accounts/{us.id}/block")
            assert blocked.status == 200
            await settle(a, b)
            assert await waiting(a) == ["of who is gone, too"]
        assert await paint(a, b) == ["of who is gone, too"]
        await cross.say("of who blocks, still")
        assert await waiting(a) == []
        assert len(await said(a)) == before + 1

        # Told to stop, it stops, whatever it had begun.
        asked = await shut.say("a boat that nobody wants")
        await shut.say("stop", asked)
        assert await waiting(a) == []

        # The host shuts out their server while it is painted for them: nothing of it goes there.
        asked = await shut.say("of who is shut out")
        async with connected(a) as card:
            given = await card.given()
            assert given.recipe.prompt == "of who is shut out"
            async with a.easel.database.write() as tx:
                rule = DomainRule(domain=b.domain, severity="suspend", created_at=tx.now)
                await domains.put(tx, [rule], limited=False)
            async with reaches(a.easel, int(given.painting), "failed"):
                await card.finish(given)
        await settle(a, b)
        painting = await look(a.easel, int(given.painting))
        assert (painting.state, painting.status_id, painting.media_id) == ("failed", None, None)
        assert len(await said(a)) == before + 1 and await shut.answers(asked) == []
        async with a.easel.database.read() as session:
            # What was painted for nobody is not kept.
            media = (await session.exec(select(MediaAttachment))).all()
            assert all(medium.status_id is not None for medium in media)
            assert (
                await session.exec(select(Job.kind, Job.error).where(Job.state == "dead"))
            ).all() == []
        assert "taken" not in await states(a)
