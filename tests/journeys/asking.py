"""Asking the assistant of one server from others, for journeys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlmodel import col, select

from fedi.clock import FakeClock
from fedi.database.tables import Account, AssistantRequest, Painting, Status
from fedi.social import accounts
from tests import rig
from tests.api.apps import App
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.rig import Instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

ANYONE = {"enabled": True, "callers": "anyone"}


@asynccontextmanager
async def servers(
    folder: Path, new_database: rig.NewDatabase, clock: FakeClock, *sections: dict[str, Any]
) -> AsyncIterator[list[Instance]]:
    """Some servers that share a clock: easel-a, easel-b, …, each with its own sections."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                rig.serve_instance(
                    folder / letter, new_database(), name=f"easel-{letter}", clock=clock, **section
                )
            )
            for letter, section in zip("abc", sections, strict=False)
        ]


class Asker:
    """Somebody with an app, on any server, who asks the assistant of the first of some."""

    def __init__(self, everybody: Sequence[Instance], app: App) -> None:
        self.everybody = everybody
        self.app = app

    @classmethod
    async def join(
        cls,
        everybody: Sequence[Instance],
        instance: Instance,
        browser: aiohttp.ClientSession,
        name: str,
    ) -> Asker:
        person = await Person.join(instance, name)
        if instance is not everybody[0]:
            await person.knows(Person(everybody[0], "imagine", ""))
        return cls(everybody, await App.of(instance, browser, name))

    @property
    def person(self) -> Person:
        return Person(self.app.instance, self.app.account.username, self.app.token or "")

    async def say(self, words: str, answered: str | None = None, **form: Any) -> str:
        """Post, name the assistant, and let everybody do what there is to do: the post's id."""
        posted = await self.write(words, answered, **form)
        await settle(*self.everybody)
        return posted

    async def write(self, words: str, answered: str | None = None, **form: Any) -> str:
        """The same, while nobody does anything."""
        home = self.everybody[0]
        host = "" if self.app.instance is home else f"@{home.domain}"
        said = {"status": f"@imagine{host} {words}", "in_reply_to_id": answered, **form}
        told = await self.app.post(
            "/api/v1/statuses", {name: value for name, value in said.items() if value is not None}
        )
        assert told.status == 200, told.body
        return str(told.body["id"])

    async def answers(self, status_id: str) -> list[dict[str, Any]]:
        """What answers a post, as they see it."""
        context = (await self.app.get(f"/api/v1/statuses/{status_id}/context")).body
        found: list[dict[str, Any]] = context["descendants"]
        return found

    async def seen(self, uri: str) -> str:
        """The id that a post has on their server."""
        status = await self.person.status(uri)
        assert status is not None
        return str(status.id)


async def paint(*everybody: Instance, times: int = 1) -> list[str]:
    """The first server paints what waits, and it is posted and sent: the prompts in their turn."""
    prompts = []
    async with connected(everybody[0]) as card:
        for _ in range(times):
            given = await card.given()
            prompts.append(given.recipe.prompt)
            async with reaches(everybody[0].easel, int(given.painting), "done"):
                await card.finish(given)
    await settle(*everybody)
    return prompts


async def waiting(instance: Instance) -> list[str]:
    """The prompts of what waits for a painter, in the order in which it was asked for."""
    return [one.recipe["prompt"] for one in await paintings(instance) if one.state == "queued"]


async def paintings(instance: Instance) -> list[Painting]:
    async with instance.easel.database.read() as session:
        return list(await session.exec(select(Painting).order_by(col(Painting.id))))


async def states(instance: Instance) -> list[str]:
    """What became of all that was asked, the first first."""
    async with instance.easel.database.read() as session:
        return list(
            await session.exec(
                select(AssistantRequest.state).order_by(col(AssistantRequest.status_id))
            )
        )


async def said(instance: Instance) -> list[Status]:
    """What the assistant of a server posted, the first first."""
    async with instance.easel.database.read() as session:
        us = await accounts.find_local(session, "imagine")
        assert us is not None
        rows = select(Status).where(Status.account_id == us.id, col(Status.deleted_at).is_(None))
        return list(await session.exec(rows.order_by(col(Status.id))))


async def heard_of(instance: Instance, home: Instance) -> bool:
    """Whether a server has a post, or the account, of another's assistant."""
    async with instance.easel.database.read() as session:
        uri = f"{home.url}/users/imagine"
        return (
            await session.exec(select(Account.id).where(Account.uri == uri))
        ).first() is not None
