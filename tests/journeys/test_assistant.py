"""Somebody on another server asks the assistant of ours in a thread, has its picture changed, asks
it something, and ends it there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Painting
from fedi.social.text import plain
from generation.protocol import Suggest, Suggested
from tests import rig
from tests.api.apps import App
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.rig import Instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

ASSISTANT = {"enabled": True, "callers": "anyone"}


async def paint(a: Instance, b: Instance, prompt: str) -> None:
    """What waits is painted, posted, and sent."""
    async with connected(a) as card:
        given = await card.given()
        assert given.recipe.prompt == prompt
        async with reaches(a.easel, int(given.painting), "done"):
            await card.finish(given)
    await settle(a, b)


async def test_it_is_asked_from_another_server(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    async with (
        rig.serve_instance(
            tmp_path / "a", new_database(), name="easel-a", clock=clock, assistant=ASSISTANT
        ) as a,
        rig.serve_instance(tmp_path / "b", new_database(), name="easel-b", clock=clock) as b,
    ):
        bob = await Person.join(b, "bob")
        app = await App.of(b, browser, "bob")

        async def say(words: str, answered: str | None = None) -> str:
            form = {"status": f"@imagine@{a.domain} {words}", "in_reply_to_id": answered}
            told = await app.post(
                "/api/v1/statuses", {name: value for name, value in form.items() if value}
            )
            assert told.status == 200, told.body
            await settle(a, b)
            return str(told.body["id"])

        async def answers(status_id: str) -> list[dict[str, object]]:
            context = (await app.get(f"/api/v1/statuses/{status_id}/context")).body
            found: list[dict[str, object]] = context["descendants"]
            return found

        await bob.knows(Person(a, "imagine", ""))
        asked = await say("a red boat --ar 2:1")
        # It likes what it was asked as soon as the picture waits.
        assert (await app.get(f"/api/v1/statuses/{asked}")).body["favourites_count"] == 1
        assert await answers(asked) == []
        await paint(a, b, "a red boat")
        [answer] = await answers(asked)
        account, [medium] = answer["account"], answer["media_attachments"]  # type: ignore[misc]
        assert account["acct"] == f"imagine@{a.domain}" and account["bot"]  # type: ignore[index]
        assert medium["description"] and "mention" in await bob.notifications()

        changed = await say("this, but at night", str(answer["id"]))
        await paint(a, b, "a red boat, at night")
        [second] = await answers(changed)
        note = await bob.status(str(second["uri"]))
        assert note is not None and note.based_on_uri == answer["uri"]

        async with connected(a, suggests=True) as card:
            form = {
                "status": f"@imagine@{a.domain} why are boats red?",
                "in_reply_to_id": second["id"],
            }
            question = (await app.post("/api/v1/statuses", form)).body["id"]
            await b.run_jobs()
            working = asyncio.create_task(settle(a, b))
            message = await card.hear()
            assert isinstance(message, Suggest) and message.text == "why are boats red?"
            reply = Suggested(request=message.request, reply="To be seen.", model="Small")
            await card.say(reply)
            await working
        [told] = await answers(question)
        assert plain(str(told["content"])) == "@bob To be seen."

        stopped = await say("stop", str(told["id"]))
        assert await answers(await say("a blue boat", stopped)) == []
        async with a.easel.database.read() as session:
            assert len((await session.exec(select(Painting))).all()) == 2
