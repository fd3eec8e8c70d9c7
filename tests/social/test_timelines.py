"""Timelines: pages of them, what goes into homes, and how long those are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Account, HomeEntry, Status
from fedi.runtime import Easel
from fedi.social import blocks, reblogs, timelines
from fedi.social.homes import HOME_LENGTH, TRIM_EVERY
from fedi.social.timelines import Page
from tests.social import people
from tests.social.people import home_ids, publish, receive


@pytest.fixture
async def alice(easel: Easel) -> Account:
    return await people.local(easel, "alice")


@pytest.fixture
async def bob(easel: Easel, alice: Account) -> Account:
    """Somebody who follows alice."""
    account = await people.local(easel, "bob")
    await people.follow(easel, account, alice)
    return account


async def test_a_page_is_cut_where_it_is_asked_to_be(
    easel: Easel, alice: Account, bob: Account
) -> None:
    ids = [(await publish(easel, alice, str(n))).id for n in range(6)]
    for page, wanted in (
        (Page(), ids[::-1]),
        (Page(limit=2), [ids[5], ids[4]]),
        (Page(limit=2, max_id=ids[4]), [ids[3], ids[2]]),
        (Page(limit=2, since_id=ids[1]), [ids[5], ids[4]]),
        (Page(limit=2, min_id=ids[1]), [ids[3], ids[2]]),
        (Page(limit=9, min_id=ids[1], max_id=ids[4]), [ids[3], ids[2]]),
        (Page(max_id=ids[0]), []),
        (Page(limit=0), [ids[5]]),
        (Page(limit=-5), [ids[5]]),
    ):
        async with easel.database.read() as session:
            for found in (
                await timelines.home(session, bob, page),
                await timelines.public(session, bob, page),
                await timelines.of_account(session, bob, alice, page),
            ):
                assert [status.id for status in found] == wanted, page


async def test_only_posts_with_pictures_if_asked(
    easel: Easel, alice: Account, bob: Account
) -> None:
    await publish(easel, alice, "words")
    picture = await publish(easel, alice, "", media_ids=[await people.picture(easel, alice)])
    page = Page(only_media=True)
    async with easel.database.read() as session:
        assert [each.id for each in await timelines.home(session, bob, page)] == [picture.id]
        assert [each.id for each in await timelines.public(session, None, page)] == [picture.id]


async def test_what_an_account_posted_with_and_without_answers_and_boosts(
    easel: Easel, alice: Account, bob: Account
) -> None:
    theirs = await publish(easel, bob)
    first = await publish(easel, alice)
    thread = await publish(easel, alice, in_reply_to_id=first.id)
    answer = await publish(easel, alice, in_reply_to_id=theirs.id)
    async with easel.database.write() as tx:
        boost = await reblogs.add(tx, alice, theirs)
    everything = [boost.id, answer.id, thread.id, first.id]
    async with easel.database.read() as session:
        for replies, boosts, wanted in (
            (True, True, everything),
            (False, True, [boost.id, thread.id, first.id]),
            (True, False, [answer.id, thread.id, first.id]),
            (False, False, [thread.id, first.id]),
        ):
            found = await timelines.of_account(
                session, None, alice, Page(), replies=replies, boosts=boosts
            )
            assert [status.id for status in found] == wanted
        # The public timeline begins conversations, and is nobody's boosts.
        found = await timelines.public(session, None, Page())
        assert [status.id for status in found] == [thread.id, first.id, theirs.id]


async def test_a_conversation_is_for_those_who_follow_both(
    easel: Easel, alice: Account, bob: Account
) -> None:
    carol, dave = [await people.local(easel, name) for name in ("carol", "dave")]
    await people.follow(easel, dave, alice)
    await people.follow(easel, dave, carol)
    question = await publish(easel, carol)
    answer = await publish(easel, alice, in_reply_to_id=question.id)
    assert answer.id in await home_ids(easel, dave)
    assert answer.id not in await home_ids(easel, bob)
    assert answer.id not in await home_ids(easel, carol)  # she is told; she does not follow
    await people.follow(easel, carol, alice)
    again = await publish(easel, alice, in_reply_to_id=question.id)
    assert again.id in await home_ids(easel, carol)


async def test_a_boost_of_what_a_reader_blocks_does_not_come_home(
    easel: Easel, alice: Account, bob: Account
) -> None:
    carol = await people.local(easel, "carol")
    status = await publish(easel, carol)
    async with easel.database.write() as tx:
        await blocks.add(tx, bob, carol)
        boost = await reblogs.add(tx, alice, status)
    assert boost.id not in await home_ids(easel, bob)


async def test_a_remote_reader_has_no_home_here(easel: Easel, alice: Account) -> None:
    far = await people.remote(easel, "far")
    await people.follow(easel, far, alice)
    await publish(easel, alice)
    assert await home_ids(easel, far) == []
    await receive(easel, far)
    assert await home_ids(easel, far) == []


async def test_homes_keep_their_newest_posts(
    easel: Easel, alice: Account, bob: Account, clock: FakeClock
) -> None:
    """Filled by hand: what is looked at is the trimming, which comes with one post in so many."""
    old = await receive(easel, await people.remote(easel, "far"))
    assert old is not None
    filled = [old.id - 10_000 + n for n in range(HOME_LENGTH + TRIM_EVERY)]
    async with easel.database.write() as tx:
        for n in filled:
            uri = f"https://elsewhere.example/old/{n}"
            tx.add(Status(id=n, uri=uri, account_id=old.account_id, created_at=tx.now))
        await tx.flush()
        for n in filled:
            tx.add(HomeEntry(account_id=bob.id, status_id=n))
    posted: list[int] = []
    kept = filled
    while len(kept) > HOME_LENGTH and len(posted) < 20 * TRIM_EVERY:
        clock.advance(timedelta(milliseconds=1))
        posted.append((await publish(easel, alice)).id)
        kept = await home_ids(easel, bob)
    assert kept == [*filled, *posted][-HOME_LENGTH:]
    assert await home_ids(easel, alice) == posted[-HOME_LENGTH:]


async def test_a_hashtag_is_found_in_any_spelling(easel: Easel, alice: Account) -> None:
    status = await publish(easel, alice, "#Käse and #AIart")
    hidden = await publish(easel, alice, "#AIart", visibility="unlisted")
    async with easel.database.read() as session:
        for name in ("käse", "KÄSE", "#Käse", "aiart"):
            found = await timelines.tagged(session, None, name, Page())
            assert [each.id for each in found] == [status.id], name
        assert await timelines.tagged(session, None, "nothing", Page()) == []
    assert hidden.id
