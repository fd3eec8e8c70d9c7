"""Likes, boosts, and what people hear of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import blocks, favourites, notifications, reblogs, statuses
from fedi.social.errors import NotAllowed, NotFound
from tests.social import people
from tests.social.people import fresh, home_ids, notices, publish, receive, told


@pytest.fixture
async def alice(easel: Easel) -> Account:
    return await people.local(easel, "alice")


@pytest.fixture
async def bob(easel: Easel) -> Account:
    return await people.local(easel, "bob")


@pytest.fixture
async def far(easel: Easel) -> Account:
    return await people.remote(easel, "far")


async def like(easel: Easel, account: Account, status: Status, uri: str | None = None) -> None:
    async with easel.database.write() as tx:
        await favourites.add(tx, account, status, uri)


async def boost(easel: Easel, account: Account, status: Status, uri: str | None = None) -> Status:
    async with easel.database.write() as tx:
        return await reblogs.add(tx, account, status, uri=uri)


async def test_liking_twice_is_liking_once(easel: Easel, alice: Account, bob: Account) -> None:
    status = await publish(easel, alice)
    for _ in range(2):
        await like(easel, bob, status)
    assert (await fresh(easel, status)).favourites_count == 1
    assert await notices(easel, alice) == [("favourite", bob.id, status.id)]
    assert await told(easel, "like") == []
    for _ in range(2):
        async with easel.database.write() as tx:
            await favourites.remove(tx, bob, status)
    assert (await fresh(easel, status)).favourites_count == 0
    assert await notices(easel, alice) == []


async def test_a_like_from_elsewhere_keeps_its_id(
    easel: Easel, alice: Account, far: Account
) -> None:
    status = await publish(easel, alice)
    uri = "https://elsewhere.example/likes/1"
    for _ in range(2):
        await like(easel, far, status, uri)
    async with easel.database.read() as session:
        found = await favourites.by_uri(session, uri)
    assert found is not None and found.account_id == far.id
    assert (await fresh(easel, status)).favourites_count == 1
    assert await told(easel, "like") == []


async def test_a_like_of_something_elsewhere_is_told_and_untold(
    easel: Easel, alice: Account, far: Account
) -> None:
    status = await receive(easel, far)
    assert status is not None
    await like(easel, alice, status)
    async with easel.database.write() as tx:
        await favourites.remove(tx, alice, status)
    [liked, undone] = await told(easel)
    assert liked == {
        "what": "like", "account_id": alice.id, "status_id": status.id, "uri": liked["uri"],
    }  # fmt: skip
    assert undone == {**liked, "what": "undo_like"}


async def test_nobody_hears_of_themselves(easel: Easel, alice: Account) -> None:
    status = await publish(easel, alice, "@alice")
    await like(easel, alice, status)
    await boost(easel, alice, status)
    assert await notices(easel, alice) == []


async def test_a_boost_goes_to_the_followers_of_who_boosts(
    easel: Easel, alice: Account, bob: Account
) -> None:
    carol = await people.local(easel, "carol")
    await people.follow(easel, carol, bob)
    await people.follow(easel, alice, bob)
    status = await publish(easel, alice)
    first = await boost(easel, bob, status)
    assert (await boost(easel, bob, status)).id == first.id
    assert (await boost(easel, bob, first)).id == first.id  # of a boost: of what was boosted
    assert (await fresh(easel, status)).reblogs_count == 1
    assert await home_ids(easel, carol) == [first.id]
    assert await home_ids(easel, alice) == [status.id]  # her own comes to her no second time
    assert await notices(easel, alice) == [("reblog", bob.id, status.id)]
    assert await told(easel, "announce") == [{"what": "announce", "status_id": first.id}]

    async with easel.database.write() as tx:
        await reblogs.remove(tx, bob, status)
        await reblogs.remove(tx, bob, status)
    assert await home_ids(easel, carol) == []
    assert (await fresh(easel, status)).reblogs_count == 0
    assert await notices(easel, alice) == []
    assert await told(easel, "undo_announce") == [{"what": "undo_announce", "status_id": first.id}]
    second = await boost(easel, bob, status)
    assert second.id != first.id and second.uri != first.uri
    assert (await fresh(easel, status)).reblogs_count == 1


async def test_a_boost_from_elsewhere_is_taken_once(
    easel: Easel, alice: Account, bob: Account, far: Account
) -> None:
    await people.follow(easel, bob, far)
    status = await publish(easel, alice)
    async with easel.database.write() as tx:
        first = await reblogs.add(
            tx,
            far,
            status,
            uri="https://elsewhere.example/a/1",
            published=tx.now + timedelta(days=9),
        )
    again = await boost(easel, far, status, "https://elsewhere.example/a/1")
    other = await boost(easel, far, status, "https://elsewhere.example/a/2")
    assert first.id == again.id == other.id
    assert first.created_at == easel.clock.now()
    assert (await fresh(easel, status)).reblogs_count == 1
    assert await home_ids(easel, bob) == [first.id]
    assert await told(easel, "announce") == []


async def test_a_boosts_id_stays_with_what_it_boosted(
    easel: Easel, alice: Account, far: Account
) -> None:
    one, two = await publish(easel, alice, "one"), await publish(easel, alice, "two")
    await boost(easel, far, one, "https://elsewhere.example/a/1")
    with pytest.raises(NotFound):
        await boost(easel, far, two, "https://elsewhere.example/a/1")
    assert (await fresh(easel, two)).reblogs_count == 0


@pytest.mark.parametrize("visibility", ["public", "unlisted", "private", "direct"])
async def test_what_may_be_boosted_by_whom(
    easel: Easel, alice: Account, bob: Account, visibility: str
) -> None:
    await people.follow(easel, bob, alice)
    status = await publish(easel, alice, "@bob", visibility=visibility)
    allowed = set()
    for account in (alice, bob):
        try:
            assert (await boost(easel, account, status)).visibility == visibility
            allowed.add(account.username)
        except NotAllowed:
            pass
    assert (
        allowed
        == {
            "public": {"alice", "bob"},
            "unlisted": {"alice", "bob"},
            "private": {"alice"},
            "direct": set(),
        }[visibility]
    )


async def test_the_blocked_neither_like_nor_boost(
    easel: Easel, alice: Account, far: Account
) -> None:
    status = await publish(easel, alice)
    async with easel.database.write() as tx:
        await blocks.add(tx, alice, far)
    for react in (like, boost):
        with pytest.raises(NotFound):
            await react(easel, far, status, "https://elsewhere.example/x/1")
    assert await notices(easel, alice) == []


async def test_what_is_deleted_is_neither_liked_nor_boosted(
    easel: Easel, alice: Account, bob: Account
) -> None:
    status = await publish(easel, alice)
    async with easel.database.write() as tx:
        await statuses.delete(tx, status)
    for react in (like, boost):
        with pytest.raises(NotFound):
            await react(easel, bob, status)


async def test_a_failed_painting_is_told_to_who_asked(easel: Easel, alice: Account) -> None:
    for _ in range(2):
        async with easel.database.write() as tx:
            await notifications.notify(tx, alice, alice, "painting_failed")
    assert [kind for kind, *_ in await notices(easel, alice)] == ["painting_failed"] * 2


async def test_the_newest_notifications_come_first(
    easel: Easel, alice: Account, bob: Account
) -> None:
    posted = [await publish(easel, bob, "@alice") for _ in range(3)]
    async with easel.database.read() as session:
        found = await notifications.newest(session, alice, limit=2)
    assert [each.status_id for each in found] == [posted[2].id, posted[1].id]
