"""Statuses with everything around them, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.engine import Engine

from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import favourites, posts, reblogs, statuses
from fedi.social.statuses import Received, ReceivedMedia
from tests.social import people
from tests.social.people import publish


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent to any database meanwhile, without what is only sometimes
    due (trimming homes) and what tells other processes of events."""
    sent: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if "pg_notify" not in statement and not statement.startswith("DELETE FROM home_entry"):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


async def test_a_boost_carries_what_it_boosts(easel: Easel) -> None:
    alice, bob = [await people.local(easel, name) for name in ("alice", "bob")]
    picture = await people.picture(easel, alice)
    status = await publish(easel, alice, "@bob #tag", media_ids=[picture])
    async with easel.database.write() as tx:
        boost = await reblogs.add(tx, bob, status)
        await favourites.add(tx, bob, status)
    async with easel.database.read() as session:
        [shown] = await posts.assemble(session, [boost], bob)
        [stranger] = await posts.assemble(session, [boost], None)
    assert shown.account.id == bob.id and shown.media == []
    assert shown.reblog is not None
    assert shown.reblog.account.id == alice.id
    assert [medium.id for medium in shown.reblog.media] == [picture]
    assert [tag.name for tag in shown.reblog.tags] == ["tag"]
    assert shown.reblog.favourited and shown.reblog.reblogged
    assert stranger.reblog is not None
    assert not stranger.reblog.favourited and not stranger.reblog.reblogged


async def test_the_order_is_kept_and_nothing_is_nothing(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    found = [await publish(easel, alice, str(n)) for n in range(3)]
    wanted = [found[1], found[0], found[2], found[1]]
    async with easel.database.read() as session:
        shown = await posts.assemble(session, wanted, None)
        assert await posts.assemble(session, [], alice) == []
    assert [post.status.id for post in shown] == [status.id for status in wanted]


async def _wall(easel: Easel, alice: Account, length: int) -> list[Status]:
    made = []
    for n in range(length):
        author = await people.local(easel, f"author{n}")
        picture = await people.picture(easel, author)
        status = await publish(easel, author, f"@alice #tag{n}", media_ids=[picture])
        async with easel.database.write() as tx:
            made.append(await reblogs.add(tx, alice, status))
        made.append(await publish(easel, author, in_reply_to_id=status.id))
    return made


async def test_more_posts_take_no_more_queries(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    wall = await _wall(easel, alice, 5)
    sent = []
    for length in (2, len(wall)):
        async with easel.database.read() as session:
            with counted() as statements:
                await posts.assemble(session, wall[:length], alice)
        sent.append(len([each for each in statements if each.lstrip().startswith("SELECT")]))
    assert sent[0] == sent[1] <= 9


async def test_more_followers_take_no_more_queries(easel: Easel) -> None:
    """Publishing, receiving and leaving cost the same however many people it concerns."""
    alice = await people.local(easel, "alice")
    far = await people.remote(easel, "far")
    await _receive(easel, far, "first")  # the tags exist from here on
    sent: list[tuple[int, int]] = []
    names = iter(f"reader{n}" for n in range(100))
    for readers in (1, 6):
        for _ in range(readers):
            reader = await people.local(easel, next(names))
            await people.follow(easel, reader, alice)
            await people.follow(easel, reader, far)
        with counted() as publishing:
            await publish(easel, alice, "hello")
        with counted() as receiving:
            await _receive(easel, far, str(readers))
        sent.append((len(publishing), len(receiving)))
    assert sent[0] == sent[1]


async def _receive(easel: Easel, author: Account, name: str) -> None:
    """A post with a picture and two tags comes from elsewhere."""
    async with easel.database.write() as tx:
        received = Received(
            uri=f"{author.uri}/{name}",
            media=(ReceivedMedia(remote_url="https://elsewhere.example/1.png"),),
            tags=("#one", "#two"),
        )
        await statuses.receive(tx, author, received)


async def test_more_names_take_no_more_queries(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    named = [await people.local(easel, f"p{n}") for n in range(6)]
    sent = []
    for count in (2, 6):
        words = " ".join(f"@{account.username}" for account in named[:count])
        with counted() as statements:
            await publish(easel, alice, words)
        sent.append(len(statements))
    assert sent[0] == sent[1]
