"""Pictures of tests, and the feed of somebody as they read it."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

from fedi.clock import FakeClock
from fedi.database.tables import Account, Status
from fedi.jobs import Runner
from fedi.runtime import Easel
from fedi.social import favourites, statuses
from fedi.social.attachments import ReceivedMedia
from fedi.social.for_you import choices, feed, marks
from fedi.social.for_you.choices import USUAL, Tuning
from fedi.social.for_you.feed import Item, Part
from tests.social import people

_numbers = count(1)


async def maker(easel: Easel, name: str, domain: str = people.ELSEWHERE, **changes: Any) -> Account:
    """Somebody elsewhere who wants to be found."""
    return await people.remote(easel, name, domain, **{"discoverable": True, **changes})


async def hang(
    easel: Easel, author: Account, *tags: str, prompt: str = "", **changes: Any
) -> Status:
    """A picture from elsewhere comes in; `changes` are of the post."""
    number = next(_numbers)
    picture = ReceivedMedia(
        remote_url=f"{author.uri}/media/{number}.png", media_type="image/png", ai_prompt=prompt
    )
    status = await people.receive(
        easel, author, f"p{number}", **{"media": (picture,), "tags": tags, **changes}
    )
    assert status is not None
    return status


async def settle(easel: Easel) -> None:
    """What came in is found out about."""
    await Runner(easel).run_once()


async def switch_on(easel: Easel, reader: Account, tuning: Tuning = USUAL) -> None:
    async with easel.database.write() as tx:
        await choices.switch_on(tx, await tx.get_one(Account, reader.id), tuning)


async def like(easel: Easel, reader: Account, *liked: Status) -> None:
    async with easel.database.write() as tx:
        account = await tx.get_one(Account, reader.id)
        for status in liked:
            await favourites.add(tx, account, status)


async def mark(easel: Easel, reader: Account, status: Status, *, more: bool) -> None:
    async with easel.database.write() as tx:
        seen = await statuses.load(tx, reader, status.id)
        assert seen is not None
        await marks.put(tx, await tx.get_one(Account, reader.id), seen, more=more)


async def page(easel: Easel, reader: Account, cursor: str | None, limit: int) -> Part:
    """A page of somebody's feed, as it is read and done with."""
    async with feed.page(easel.database, reader, cursor, limit) as (_, part):
        return part


async def items(easel: Easel, reader: Account, limit: int = 40) -> list[Item]:
    """The first page of somebody's feed."""
    return (await page(easel, reader, None, limit)).items


async def shown(easel: Easel, reader: Account) -> list[int]:
    return [item.post.status.id for item in await items(easel, reader)]


async def why(easel: Easel, reader: Account) -> dict[int, str]:
    """The reason of each picture of the first page."""
    return {item.post.status.id: item.reason.words for item in await items(easel, reader)}


def clock_of(easel: Easel) -> FakeClock:
    return cast(FakeClock, easel.clock)
