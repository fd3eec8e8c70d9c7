"""What an instance knows, as the tests of federation look at it."""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database.tables import Account, Job, Notification, Status
from fedi.social import accounts, follows, posts, statuses, timelines
from fedi.social.posts import Post
from fedi.social.statuses import Draft
from fedi.social.trends.counting import TRENDS
from tests.federation.peer import Person
from tests.rig import Instance


async def jobs(instance: Instance) -> list[Job]:
    """What waits, but for the counting of trends: that comes some time after anything at all."""
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(Job).where(col(Job.kind) != TRENDS))).all())


async def account(instance: Instance, uri: str) -> Account | None:
    async with instance.easel.database.read() as session:
        return await accounts.by_uri(session, uri)


async def known(instance: Instance, uri: str) -> Account:
    found = await account(instance, uri)
    assert found is not None, uri
    return found


async def followers(instance: Instance, account: Account) -> list[str]:
    async with instance.easel.database.read() as session:
        return [other.uri for _, other in await follows.followers(session, account)]


async def following(instance: Instance, account: Account) -> list[str]:
    async with instance.easel.database.read() as session:
        return [other.uri for _, other in await follows.following(session, account)]


async def follow(instance: Instance, account: Account, uri: str) -> str:
    """Follow somebody elsewhere without waiting for their answer; the id of the Follow."""
    from fedi.federation import remote

    target = await remote.resolve(instance.easel, uri)
    async with instance.easel.database.write() as tx:
        return (await follows.request(tx, account, target)).uri


async def status(instance: Instance, uri: str) -> Status | None:
    """A status as it is stored, dead or alive, for nobody's eyes in particular."""
    async with instance.easel.database.read() as session:
        return (await session.exec(select(Status).where(Status.uri == uri))).first()


async def seen(instance: Instance, viewer: Account | None, uri: str) -> Post | None:
    """A status as somebody may see it."""
    async with instance.easel.database.read() as session:
        found = await statuses.load_by_uri(session, viewer, uri)
        if found is None:
            return None
        [post] = await posts.assemble(session, [found], viewer)
        return post


async def home(instance: Instance, account: Account) -> list[str]:
    """The ids of the posts in somebody's home; for a boost, its own."""
    async with instance.easel.database.read() as session:
        shown = await timelines.home(session, account, timelines.Page(limit=40))
        return [status.uri for status in shown]


async def notices(instance: Instance, account: Account) -> list[str]:
    async with instance.easel.database.read() as session:
        rows = await session.exec(
            select(Notification.type)
            .where(Notification.account_id == account.id)
            .order_by(col(Notification.type))
        )
        return list(rows.all())


async def publish(instance: Instance, author: Account, text: str = "hello", **draft: object) -> str:
    """A post of a local account; its id."""
    async with instance.easel.database.write() as tx:
        made = await statuses.publish(tx, author, Draft(text=text, **draft))  # type: ignore[arg-type]
        return made.uri


async def uris(instance: Instance) -> list[str]:
    """The ids of all accounts from elsewhere."""
    async with instance.easel.database.read() as session:
        rows = await session.exec(select(Account.uri).where(col(Account.domain).is_not(None)))
        return sorted(rows.all())


async def befriend(instance: Instance, account: Account, person: Person) -> None:
    """A local account follows somebody elsewhere, who agrees."""
    asked = await follow(instance, account, person.handle)
    await instance.run_jobs()
    await person.does(instance, person.activity("Accept", asked))
    person.internet.posted.clear()
