"""From a page of one server to one's own, in a real browser: to follow somebody, and to answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.oauth.person import PASSWORD, join
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.rig import Instance
from tests.web import hanging
from tests.web.desk import Desk, desk
from tests.web.test_browser import chromium

__all__ = ["chromium"]


# What a browser does is the same on every database.
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_a_visitor_follows_and_answers_from_their_own_server(
    two_instances: tuple[Instance, Instance], chromium: Any
) -> None:
    a, b = two_instances
    alice = Person(a, (await join(a, "alice")).username, "")
    post = await hanging.hang(a, await alice.account(), text="Look at this")
    ways = {"bob": (390, False), "carol": (1280, True), "dora": (390, True)}
    for name, (width, scripts) in ways.items():
        visitor = Person(b, (await join(b, name)).username, "")
        async with desk(chromium, a, width=width, scripts=scripts, beside=(b,)) as at_desk:
            await at_desk.open("/@alice")
            await at_desk.follow("Follow")
            await _go_home(at_desk, visitor)
            # It asks who that is, and then whether they mean it: no link does anything.
            said = await at_desk.send("/sign-in", name=name, password=PASSWORD)
            assert "Follow alice" in said and f"@alice@{a.domain}" in said
            assert "They have been asked" in await at_desk.send("/intents/follow")
            await settle(a, b)
            await at_desk.page.reload()
            assert "You follow alice" in await at_desk.said()

            await at_desk.open(f"/@alice/{post.id}")
            await at_desk.follow("Answer, like or boost")
            assert "Look at this" in await _go_home(at_desk, visitor)
            await at_desk.open(f"/@alice/{post.id}")
            await at_desk.follow("Answer, like or boost")
            await _go_home(at_desk, visitor, "Reply")
            words = at_desk.page.locator("main [name=words]")
            assert await words.input_value() == f"@{alice.acct} "  # who else would hear nothing
            await words.press("End")
            await words.press_sequentially(f"Seen by {name}")
            assert "It is posted" in await at_desk.send("/intents/create")
            await settle(a, b)
            await at_desk.open(f"/@alice/{post.id}")
            await at_desk.page.reload()  # its browser may keep a page for some seconds
            assert f"Seen by {name}" in await at_desk.said()
    assert await alice.notifications() == sorted(["follow", "mention"] * len(ways))
    assert (await alice.account()).followers_count == len(ways)


async def _go_home(at_desk: Desk, visitor: Person, deed: str = "Go on to") -> str:
    """Type one's address where it is asked for, and follow where that leads."""
    said = await at_desk.send("/interact", who=f"@nobody@{visitor.instance.domain}")
    assert "is not to be found" in said
    said = await at_desk.send("/interact", who=f"@{visitor.acct}")
    assert f"Go on to {visitor.instance.domain}" in said
    return await at_desk.follow(deed)
