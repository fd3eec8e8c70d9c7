"""Following, and blocking, which ends it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, event

from fedi.database.tables import Account
from fedi.runtime import Easel
from fedi.social import accounts, blocks, follow_batches, follows, hiding, reblogs
from fedi.social.errors import Invalid, NotAllowed
from fedi.social.follows import Relationship
from tests.social import people
from tests.social.people import fresh, home_ids, notices, told


@pytest.fixture
async def alice(easel: Easel) -> Account:
    return await people.local(easel, "alice")


@pytest.fixture
async def bob(easel: Easel) -> Account:
    return await people.local(easel, "bob")


@pytest.fixture
async def far(easel: Easel) -> Account:
    return await people.remote(easel, "far")


async def counts(easel: Easel, account: Account) -> tuple[int, int]:
    """(followers, following)"""
    current = await fresh(easel, account)
    return current.followers_count, current.following_count


async def request(easel: Easel, account: Account, target: Account) -> str:
    async with easel.database.write() as tx:
        return (await follows.request(tx, account, target)).state


async def relation(easel: Easel, account: Account, other: Account) -> Relationship:
    async with easel.database.read() as session:
        return await follows.relationship(session, account, other)


async def test_neighbours_follow_at_once_and_nobody_else_is_told(
    easel: Easel, alice: Account, bob: Account
) -> None:
    for _ in range(2):
        assert await request(easel, bob, alice) == "accepted"
    assert await counts(easel, alice) == (1, 0)
    assert await counts(easel, bob) == (0, 1)
    assert await notices(easel, alice) == [("follow", bob.id, None)]
    assert await told(easel) == []
    found = await relation(easel, bob, alice)
    assert (found.following, found.followed_by, found.requested) == (True, False, False)
    async with easel.database.read() as session:
        [(_, follower)] = await follows.followers(session, alice)
        [(_, followed)] = await follows.following(session, bob)
    assert (follower.id, followed.id) == (bob.id, alice.id)


async def test_the_locked_are_asked_first(easel: Easel, bob: Account) -> None:
    carol = await people.local(easel, "carol", locked=True)
    assert await request(easel, bob, carol) == "pending"
    assert await counts(easel, carol) == (0, 0)
    assert await notices(easel, carol) == [("follow_request", bob.id, None)]
    assert (await relation(easel, bob, carol)).requested
    async with easel.database.write() as tx:
        [asked] = await follows.requests(tx, carol)
        await follows.accept(tx, asked)
        await follows.accept(tx, asked)
    assert await counts(easel, carol) == (1, 0)
    assert await notices(easel, carol) == [("follow", bob.id, None)]
    async with easel.database.read() as session:
        assert await follows.requests(session, carol) == []


async def test_somebody_elsewhere_is_asked_by_their_server(
    easel: Easel, bob: Account, far: Account
) -> None:
    assert await request(easel, bob, far) == "pending"
    assert await request(easel, bob, far) == "pending"  # it may have been lost: asked again
    asked = await told(easel)
    assert [each["what"] for each in asked] == ["follow", "follow"]
    # under another id: one that came already would not be heard again
    first, second = (each.pop("uri") for each in asked)
    assert first != second and asked[0] == asked[1]
    async with easel.database.write() as tx:
        follow = await follows.by_uri(tx, second)
        assert follow is not None
        await follows.accept(tx, follow)
        await follows.accept(tx, follow)
    assert await counts(easel, bob) == (0, 1)
    assert await counts(easel, far) == (1, 0)
    assert await told(easel, "accept_follow") == []


async def test_a_follow_from_elsewhere_is_answered_each_time_and_counted_once(
    easel: Easel, alice: Account, far: Account
) -> None:
    for uri in ("https://elsewhere.example/f/1", "https://elsewhere.example/f/1",
                "https://elsewhere.example/f/2"):  # fmt: skip
        async with easel.database.write() as tx:
            await follows.receive(tx, far, alice, uri)
    assert await counts(easel, alice) == (1, 0)
    assert [each["uri"][-1] for each in await told(easel, "accept_follow")] == ["1", "1", "2"]
    assert await notices(easel, alice) == [("follow", far.id, None)]


async def test_a_follow_from_elsewhere_waits_for_the_locked(easel: Easel, far: Account) -> None:
    carol = await people.local(easel, "carol", locked=True)
    async with easel.database.write() as tx:
        follow = await follows.receive(tx, far, carol, "https://elsewhere.example/f/1")
    assert follow.state == "pending" and await told(easel) == []
    async with easel.database.write() as tx:
        [asked] = await follows.requests(tx, carol)
        await follows.reject(tx, asked)
    [answer] = await told(easel)
    assert answer == {
        "what": "reject_follow",
        "account_id": far.id,
        "target_account_id": carol.id,
        "uri": "https://elsewhere.example/f/1",
    }
    assert await notices(easel, carol) == []


async def test_many_follows_at_once_take_few_statements(
    easel: Easel, alice: Account, far: Account
) -> None:
    strangers = [await people.remote(easel, f"stranger{n}") for n in range(8)]
    hidden = await people.remote(easel, "hidden", "hidden.example")
    async with easel.database.write() as tx:
        await blocks.add(tx, alice, far)
        await hiding.add(tx, alice, hidden.domain or "")
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        async with easel.database.write() as tx:
            target = await tx.get_one(Account, alice.id)
            asked = [(one, target, f"{one.uri}#f") for one in [*strangers, far, hidden]]
            held = await follow_batches.receive_all(tx, asked)
            assert target.followers_count == 8
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert held == [True] * 8 + [False] * 2
    assert len(statements) < 3 * len(asked), statements  # one by one it is about a dozen for each
    assert await counts(easel, alice) == (8, 0)
    assert [await counts(easel, one) for one in strangers] == [(0, 1)] * 8
    assert sorted(await notices(easel, alice)) == [("follow", one.id, None) for one in strangers]


async def test_unfollowing_empties_the_home_and_is_told(
    easel: Easel, bob: Account, far: Account
) -> None:
    other = await people.remote(easel, "other")
    for author in (far, other):
        await people.follow(easel, bob, author)
        await people.receive(easel, author)
    kept = (await home_ids(easel, bob))[1]
    for _ in range(2):
        async with easel.database.write() as tx:
            await follows.remove(tx, bob, far)
    assert await home_ids(easel, bob) == [kept]
    assert await counts(easel, bob) == (0, 1)
    assert await counts(easel, far) == (0, 0)
    [undone] = await told(easel, "undo_follow")
    assert undone["target_account_id"] == far.id
    await people.receive(easel, far, "2")
    assert await home_ids(easel, bob) == [kept]


async def test_an_unfollow_from_elsewhere_is_no_answer(
    easel: Easel, alice: Account, far: Account
) -> None:
    await people.follow(easel, far, alice)
    async with easel.database.write() as tx:
        await follows.remove(tx, far, alice)
    assert await counts(easel, alice) == (0, 0)
    assert await told(easel, "undo_follow", "reject_follow") == []


@pytest.mark.parametrize("whom", ["self", "instance", "gone"])
async def test_nobody_follows_what_cannot_be_followed(
    easel: Easel, alice: Account, far: Account, whom: str
) -> None:
    async with easel.database.write() as tx:
        instance = await accounts.ensure_instance_actor(tx)
    gone = await people.local(easel, "gone", deleted_at=easel.clock.now())
    target = {"self": alice, "instance": instance, "gone": gone}[whom]
    with pytest.raises(Invalid):
        await request(easel, alice, target)
    if whom != "self":
        with pytest.raises(Invalid):
            async with easel.database.write() as tx:
                await follows.receive(tx, far, target, "https://elsewhere.example/f/1")


# Blocks


async def test_a_block_ends_every_tie_both_ways(easel: Easel, alice: Account, bob: Account) -> None:
    carol = await people.local(easel, "carol")
    await people.follow(easel, alice, bob)
    await people.follow(easel, bob, alice)
    await people.follow(easel, alice, carol)
    status = await people.publish(easel, bob, "@alice")
    async with easel.database.write() as tx:
        await reblogs.add(tx, carol, status)
    assert len(await home_ids(easel, alice)) == 2
    for _ in range(2):
        async with easel.database.write() as tx:
            await blocks.add(tx, alice, bob)
    assert await home_ids(easel, alice) == []
    assert await counts(easel, alice) == (0, 1)
    assert await counts(easel, bob) == (0, 0)
    assert await notices(easel, alice) == []
    assert await told(easel, "block") == []
    assert await relation(easel, alice, bob) == Relationship(False, False, False, True, False)
    assert await relation(easel, bob, alice) == Relationship(False, False, False, False, True)
    for one, other in ((alice, bob), (bob, alice)):
        with pytest.raises(NotAllowed):
            await request(easel, one, other)
    await people.publish(easel, bob, "@alice again")
    async with easel.database.write() as tx:
        await reblogs.remove(tx, carol, status)
        await reblogs.add(tx, carol, status)
    assert await notices(easel, alice) == []
    assert await home_ids(easel, alice) == []


async def test_a_block_of_somebody_elsewhere_is_told(
    easel: Easel, alice: Account, far: Account
) -> None:
    await people.follow(easel, alice, far)
    await people.follow(easel, far, alice)
    async with easel.database.write() as tx:
        block = await blocks.add(tx, alice, far)
    assert [each["what"] for each in await told(easel)][-3:] == [
        "reject_follow",
        "undo_follow",
        "block",
    ]
    # What they ask for now is refused, and the refusal goes to them.
    before = len(await told(easel, "reject_follow"))
    async with easel.database.write() as tx:
        try:
            await follows.receive(tx, far, alice, "https://elsewhere.example/f/9")
        except NotAllowed:
            pass
    assert len(await told(easel, "reject_follow")) == before + 1
    for _ in range(2):
        async with easel.database.write() as tx:
            await blocks.remove(tx, alice, far)
    [undone] = await told(easel, "undo_block")
    assert undone["uri"] == block.uri
    assert (await relation(easel, alice, far)).blocking is False


async def test_a_block_from_elsewhere_ends_the_follow_quietly(
    easel: Easel, bob: Account, far: Account
) -> None:
    await people.follow(easel, bob, far)
    asked = len(await told(easel))
    async with easel.database.write() as tx:
        await blocks.add(tx, far, bob, "https://elsewhere.example/b/1")
    assert await counts(easel, bob) == (0, 0)
    assert len(await told(easel)) == asked
    with pytest.raises(NotAllowed):
        await request(easel, bob, far)


async def test_nobody_blocks_themselves(easel: Easel, alice: Account) -> None:
    with pytest.raises(Invalid):
        async with easel.database.write() as tx:
            await blocks.add(tx, alice, alice)
