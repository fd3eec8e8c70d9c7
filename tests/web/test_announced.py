"""What the host tells everybody, above one's home, and who has put it away."""

from __future__ import annotations

from datetime import timedelta

from fedi.social import announcements, moderation
from tests.api.oauth.person import Person, at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import send
from tests.web.test_hostile import STRINGS


async def told(visitor: Person, path: str = "/home") -> list[str]:
    page = (await visitor.get(path)).page
    return [one.one("div", _class="prose").text for one in page.all("section", _class="announced")]


async def test_it_stands_above_a_home_until_it_ends_or_is_put_away(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    for number in range(21):
        await hanging.publish(instance, alice, text=f"number {number}")
    async with instance.easel.database.write() as tx:
        first = await announcements.publish(tx, "**Down** tonight.")
        ends = tx.now + timedelta(hours=1)
        await announcements.publish(tx, STRINGS[1], ends_at=ends)
        by_app = await announcements.publish(tx, "Read in an app.")
        await announcements.dismiss(tx, alice, by_app)
    away = f"/announcements/{first.id}/away"
    async with at(instance) as nobody:
        assert (await nobody.post(away, {})).location.startswith("/sign-in")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        assert await told(visitor) == [STRINGS[1], "Down tonight."]
        seen = await visitor.get("/home")
        older = seen.page.one("a", rel="next")["href"]
        assert await told(visitor, older) == await told(visitor, "/local") == []
        assert (await visitor.post(away, {})).status == 403  # without our key
        sent = await send(visitor, seen, away)
        assert (sent.status, sent.location) == (303, "/home")
        assert await told(visitor) == [STRINGS[1]]
        assert (await send(visitor, seen, away)).status == 303  # twice is once
        assert (await send(visitor, seen, away, to="/announcements/1/away")).status == 404
        instance.clock.advance(timedelta(hours=2))
        assert await told(visitor) == []
    async with at(instance) as visitor:
        await visitor.sign_in(bob.username)
        assert await told(visitor) == ["Read in an app.", "Down tonight."]


async def test_who_is_warned_reads_why_and_nobody_else_does(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with instance.easel.database.write() as tx:
        await moderation.act(tx, None, alice, "none", words=f"Please stop.\n{STRINGS[0]}")
        await moderation.act(tx, None, alice, "silence", words="")
        await moderation.act(tx, None, bob, "none", words="Of Bob alone.")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        page = (await visitor.get("/notifications")).page.one("ol", _class="notices")
        silenced, warned = page.all("li")
    assert "shown only to who follows you" in silenced.text and not silenced.all("blockquote")
    assert warned.one("blockquote").text == f"Please stop. {STRINGS[0]}"
    assert "Of Bob" not in page.text
