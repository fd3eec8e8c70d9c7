"""Who sees what: every viewer, every visibility, every way to a post."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import (
    accounts,
    blocks,
    favourites,
    follows,
    posts,
    reblogs,
    remote_accounts,
    statuses,
    timelines,
)
from fedi.social.errors import NotFound
from fedi.social.statuses import Draft
from fedi.social.timelines import Page
from tests.social import people

VIEWERS = ("nobody", "stranger", "follower", "pending", "mentioned", "blocked", "author")
VISIBILITIES = ("public", "unlisted", "private", "direct")

# Who may see a post of each visibility. `blocked` is mentioned too, and followed once.
SEEN = {
    "public": {"nobody", "stranger", "follower", "pending", "mentioned", "author"},
    "unlisted": {"nobody", "stranger", "follower", "pending", "mentioned", "author"},
    "private": {"follower", "mentioned", "author"},
    "direct": {"mentioned", "author"},
}


@dataclass
class World:
    """An author, everybody who may look, and a post of each visibility."""

    easel: Easel
    author: Account
    viewers: dict[str, Account | None]
    statuses: dict[str, Status]

    def who(self, viewer: str) -> Account | None:
        return self.viewers[viewer]


@pytest.fixture(params=["local", "remote"])
async def world(request: pytest.FixtureRequest, easel: Easel) -> World:
    """The author is ours, and once more somebody elsewhere; so are the viewers, the other way."""
    ours = request.param == "local"
    author = await (people.local if ours else people.remote)(easel, "author")
    other = people.remote if ours else people.local
    names = [name for name in VIEWERS if name not in {"nobody", "author"}]
    viewers = {name: await other(easel, name) for name in names}
    await people.follow(easel, viewers["follower"], author)
    await people.follow(easel, viewers["blocked"], author)
    async with easel.database.write() as tx:
        author.locked = True
        tx.add(author)
    await _ask(easel, viewers["pending"], author)
    addressed = [viewers["mentioned"].id, viewers["blocked"].id]
    found: dict[str, Status] = {}
    for visibility in VISIBILITIES:
        if ours:
            found[visibility] = await people.publish(
                easel, author, f"#tagged {visibility}", visibility=visibility, recipients=addressed
            )
        else:
            status = await people.receive(
                easel,
                author,
                visibility,
                visibility=visibility,
                mentions=tuple(addressed),
                tags=("#tagged",),
            )
            assert status is not None
            found[visibility] = status
    async with easel.database.write() as tx:
        await blocks.add(tx, author, viewers["blocked"])
    return World(easel, author, {"nobody": None, "author": author, **viewers}, found)


async def _ask(easel: Easel, account: Account, target: Account) -> None:
    async with easel.database.write() as tx:
        if account.local:
            await follows.request(tx, account, target)
        else:
            await follows.receive(tx, account, target, f"{account.uri}#asks")


def expected(visible: dict[str, set[str]]) -> set[tuple[str, str]]:
    return {(visibility, viewer) for visibility, who in visible.items() for viewer in who}


async def every_way(
    session: Session, world: World, viewer: Account | None, status: Status
) -> set[str]:
    """The ways on which a viewer comes to a post."""
    found = set()
    if await statuses.load(session, viewer, status.id) is not None:
        found.add("load")
    if await statuses.load_by_uri(session, viewer, status.uri) is not None:
        found.add("load_by_uri")
    page = Page(limit=40)
    for name, shown in (
        ("of_account", await timelines.of_account(session, viewer, world.author, page)),
        ("public", await timelines.public(session, viewer, page)),
        ("public local", await timelines.public(session, viewer, page, local=True)),
        ("tagged", await timelines.tagged(session, viewer, "#Tagged", page)),
    ):
        if status.id in {each.id for each in shown}:
            found.add(name)
    return found


async def test_every_loader_decides_alike(world: World) -> None:
    seen: dict[str, set[tuple[str, str]]] = {}
    async with world.easel.database.read() as session:
        for visibility, status in world.statuses.items():
            for viewer in VIEWERS:
                for way in await every_way(session, world, world.who(viewer), status):
                    seen.setdefault(way, set()).add((visibility, viewer))
    everything = expected(SEEN)
    everybody = {pair for pair in everything if pair[0] == "public"}
    assert seen.pop("load") == everything
    assert seen.pop("load_by_uri") == everything
    assert seen.pop("of_account") == everything
    assert seen.pop("public") == everybody
    assert seen.pop("tagged") == everybody
    assert seen.pop("public local", set()) == (everybody if world.author.local else set())
    assert seen == {}


async def test_only_what_may_be_seen_can_be_liked_boosted_and_answered(world: World) -> None:
    liked, answered = set(), set()
    for visibility, status in world.statuses.items():
        for viewer in VIEWERS:
            account = world.who(viewer)
            if account is None:
                continue
            async with world.easel.database.write() as tx:
                try:
                    await favourites.add(tx, account, status)
                    liked.add((visibility, viewer))
                except NotFound:
                    pass
                if not account.local:
                    continue
                try:
                    await statuses.publish(tx, account, Draft(text="so", in_reply_to_id=status.id))
                    answered.add((visibility, viewer))
                except NotFound:
                    pass
    everything = {pair for pair in expected(SEEN) if pair[1] != "nobody"}
    assert liked == everything
    ours = {name for name in VIEWERS if (who := world.who(name)) is not None and who.local}
    assert answered == {pair for pair in everything if pair[1] in ours}


async def test_a_boost_is_seen_where_its_original_is(world: World) -> None:
    booster = await people.local(world.easel, "booster")
    async with world.easel.database.write() as tx:
        boost = await reblogs.add(tx, booster, world.statuses["public"])
    async with world.easel.database.read() as session:
        seen = {
            viewer
            for viewer in VIEWERS
            if await statuses.load(session, world.who(viewer), boost.id) is not None
        }
    assert seen == SEEN["public"]


async def test_the_parent_of_an_answer_is_not_shown_to_those_who_may_not_see_it(
    world: World,
) -> None:
    answerer = world.who("mentioned")
    assert answerer is not None
    if answerer.local:
        answer = await people.publish(
            world.easel, answerer, "so", in_reply_to_id=world.statuses["direct"].id
        )
    else:
        received = await people.receive(
            world.easel, answerer, "so", in_reply_to_uri=world.statuses["direct"].uri
        )
        assert received is not None
        answer = received
    async with world.easel.database.read() as session:
        seen = set()
        for viewer in VIEWERS:
            [post] = await posts.assemble(session, [answer], world.who(viewer))
            if post.in_reply_to is not None:
                seen.add(viewer)
    assert seen == SEEN["direct"]


@pytest.mark.parametrize("end", ["deleted", "suspended", "author gone"])
async def test_what_is_over_nobody_sees(world: World, end: str) -> None:
    async with world.easel.database.write() as tx:
        author = await tx.get(Account, world.author.id)
        assert author is not None
        if end == "suspended":
            author.suspended_at = tx.now
        elif end == "author gone" and author.local:
            await accounts.delete_account(tx, author)
        elif end == "author gone":
            await remote_accounts.tombstone_remote(tx, author)
        else:
            for status in world.statuses.values():
                current = await tx.get(Status, status.id)
                assert current is not None
                await statuses.delete(tx, current)
    async with world.easel.database.read() as session:
        for status in world.statuses.values():
            for viewer in VIEWERS:
                assert await every_way(session, world, world.who(viewer), status) == set()


async def test_homes_hold_what_their_owners_follow(easel: Easel) -> None:
    author = await people.local(easel, "author")
    follower, stranger, mentioned, both = [
        await people.local(easel, name) for name in ("follower", "stranger", "mentioned", "both")
    ]
    await people.follow(easel, follower, author)
    await people.follow(easel, both, author)
    posted = {
        visibility: await people.publish(easel, author, "@mentioned @both", visibility=visibility)
        for visibility in VISIBILITIES
    }
    homes: dict[str, set[str]] = {}
    async with easel.database.read() as session:
        for account in (author, follower, stranger, mentioned, both):
            shown = {each.id for each in await timelines.home(session, account, Page())}
            homes[account.username] = {name for name, row in posted.items() if row.id in shown}
    assert homes == {
        "author": set(VISIBILITIES),
        "follower": {"public", "unlisted", "private"},
        "both": set(VISIBILITIES),
        "stranger": set(),
        "mentioned": set(),
    }


async def test_a_home_forgets_what_its_owner_may_not_see_any_more(easel: Easel) -> None:
    author, booster, reader = [
        await people.local(easel, name) for name in ("author", "booster", "reader")
    ]
    await people.follow(easel, reader, booster)
    status = await people.publish(easel, author, "hello")
    async with easel.database.write() as tx:
        await reblogs.add(tx, booster, status)
    async with easel.database.read() as session:
        assert len(await timelines.home(session, reader, Page())) == 1
    async with easel.database.write() as tx:
        await blocks.add(tx, author, reader)
    async with easel.database.read() as session:
        assert await timelines.home(session, reader, Page()) == []


async def test_public_timelines_leave_out_whom_the_viewer_blocks(easel: Easel) -> None:
    author, viewer = [await people.local(easel, name) for name in ("author", "viewer")]
    status = await people.publish(easel, author, "#tagged")
    async with easel.database.write() as tx:
        await blocks.add(tx, viewer, author)
    async with easel.database.read() as session:
        assert await timelines.public(session, viewer, Page()) == []
        assert await timelines.tagged(session, viewer, "tagged", Page()) == []
        # Whoever opens it on purpose may read what everybody may.
        assert await statuses.load(session, viewer, status.id) is not None
