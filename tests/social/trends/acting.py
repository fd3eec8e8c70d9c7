"""What people do in the tests of the trends, and the job that counts it."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from fedi.clock import FakeClock
from fedi.database.tables import Account, Status
from fedi.jobs import Runner
from fedi.runtime import Easel
from fedi.social import favourites, reblogs
from fedi.social.trends import counting, listing
from fedi.social.trends.verdicts import Which
from tests.social import people

A_YEAR = timedelta(days=365)


async def settle(easel: Easel) -> None:
    """What happened is counted: the job is asked for, waits a moment, and runs."""
    runner = Runner(easel)
    await runner.run_once()
    cast(FakeClock, easel.clock).advance(counting.SETTLE)
    await runner.run_once()


async def elder(easel: Easel, name: str, domain: str = people.ELSEWHERE) -> Account:
    """Somebody elsewhere who has long been there, as their server says; here they are new."""
    created_at = easel.clock.now() - A_YEAR
    return await people.remote(easel, name, domain, created_at=created_at, discoverable=True)


async def like(easel: Easel, status: Status, *accounts: Account) -> None:
    for account in accounts:
        async with easel.database.write() as tx:
            await favourites.add(tx, account, status, f"{account.uri}#likes/{status.id}")


async def boost(easel: Easel, status: Status, *accounts: Account) -> None:
    for account in accounts:
        async with easel.database.write() as tx:
            await reblogs.add(tx, account, status)


async def posts(easel: Easel, viewer: Account | None = None, which: Which = "usual") -> list[int]:
    """The ids of the posts that trend, for somebody."""
    async with easel.database.read() as session:
        found = await listing.statuses(session, viewer, which, limit=40)
    return [status.id for status in found]


async def tags(easel: Easel, viewer: Account | None = None, which: Which = "usual") -> list[str]:
    async with easel.database.read() as session:
        return [tag.name for tag in await listing.tags(session, viewer, which, limit=40)]


async def links(easel: Easel, viewer: Account | None = None) -> list[str]:
    async with easel.database.read() as session:
        return [link.address for link in await listing.links(session, viewer, limit=40)]


async def prompts(easel: Easel, viewer: Account | None = None) -> list[str]:
    async with easel.database.read() as session:
        return [prompt.words for prompt in await listing.prompts(session, viewer, limit=40)]


async def chains(easel: Easel, viewer: Account | None = None) -> list[int]:
    async with easel.database.read() as session:
        return [status.id for status in await listing.chains(session, viewer, limit=40)]
