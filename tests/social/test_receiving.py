"""Posts from elsewhere: in any order, any number of times."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import posts, reblogs, remote_accounts, statuses
from fedi.social.errors import NotFound
from fedi.social.statuses import Received, ReceivedMedia
from tests.social import people
from tests.social.people import fresh, home_ids, notices, publish, receive


@pytest.fixture
async def bob(easel: Easel) -> Account:
    """A local follower."""
    return await people.local(easel, "bob")


@pytest.fixture
async def far(easel: Easel, bob: Account) -> Account:
    """A remote author, whom bob follows."""
    author = await people.remote(easel, "far")
    await people.follow(easel, bob, author)
    return author


async def test_a_post_is_stored_harmless_and_spread(
    easel: Easel, bob: Account, far: Account
) -> None:
    status = await receive(
        easel,
        far,
        content='<p onclick="x()">Hi<script>alert(1)</script></p>',
        spoiler_text="a < b\x00",
        url="https://elsewhere.example/@far/1",
        mentions=(bob.id,),
        tags=("#Cats", "#cats", "#AIgenerated"),
        media=(
            ReceivedMedia(remote_url="https://elsewhere.example/1.png", description="a cat"),
            ReceivedMedia(remote_url="https://elsewhere.example/2.png", ai_prompt="a dog"),
        ),
        ai="generated",
        generator="Model\nOne",
        published=easel.clock.now() - timedelta(hours=1),
    )
    assert status is not None
    assert status.content == "<p>Hi</p>"
    assert status.spoiler_text == "a < b"
    assert not status.local and status.ai == "generated" and status.generator == "Model One"
    assert status.created_at == easel.clock.now() - timedelta(hours=1)
    async with easel.database.read() as session:
        [post] = await posts.assemble(session, [status], bob)
    assert [medium.description for medium in post.media] == ["a cat", ""]
    assert [medium.share_recipe for medium in post.media] == [False, True]
    assert [tag.display_name for tag in post.tags] == ["AIgenerated", "Cats"]
    assert [account.id for account in post.mentions] == [bob.id]
    assert await home_ids(easel, bob) == [status.id]
    assert await notices(easel, bob) == [("mention", far.id, status.id)]
    assert (await fresh(easel, far)).statuses_count == 1


async def test_a_post_that_comes_twice_is_there_once(
    easel: Easel, bob: Account, far: Account
) -> None:
    parent = await publish(easel, bob)
    details = {"in_reply_to_uri": parent.uri, "mentions": (bob.id,)}
    first = await receive(easel, far, **details)
    again = await receive(easel, far, **details)
    assert first is not None and again is not None and again.id == first.id
    assert (await fresh(easel, far)).statuses_count == 1
    assert (await fresh(easel, parent)).replies_count == 1
    assert len(await notices(easel, bob)) == 1


async def test_a_time_to_come_is_now(easel: Easel, far: Account) -> None:
    status = await receive(easel, far, published=easel.clock.now() + timedelta(days=365))
    assert status is not None
    assert status.created_at == easel.clock.now()


async def test_an_id_belongs_to_who_had_it_first(easel: Easel, far: Account) -> None:
    status = await receive(easel, far)
    assert status is not None
    thief = await people.remote(easel, "thief")
    assert await receive(easel, thief, uri=status.uri, content="<p>mine</p>") is None
    assert (await fresh(easel, status)).account_id == far.id


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("visibility", ["private", "direct"])
async def test_what_is_not_for_everybody_is_no_answer_in_its_count(
    easel: Easel, bob: Account, far: Account, visibility: str, live: bool
) -> None:
    parent = await publish(easel, bob)
    hidden = {"visibility": visibility, "mentions": (bob.id,), "live": live}
    await receive(easel, far, "1", in_reply_to_uri=parent.uri, **hidden)
    await receive(easel, far, "2", in_reply_to_uri=parent.uri, live=live)
    assert (await fresh(easel, parent)).replies_count == 1
    above = f"{far.uri}/statuses/above"
    await receive(easel, far, "3", in_reply_to_uri=above, **hidden)
    await receive(easel, far, "4", in_reply_to_uri=above, live=live)
    late = await receive(easel, far, "above", live=live)
    assert late is not None
    assert (await fresh(easel, late)).replies_count == 1
    assert (await fresh(easel, far)).statuses_count == (3 if visibility == "direct" else 5)


async def test_an_answer_may_come_before_what_it_answers(
    easel: Easel, bob: Account, far: Account
) -> None:
    parent_uri = f"{far.uri}/statuses/parent"
    answers = [
        await receive(easel, far, f"answer-{n}", in_reply_to_uri=parent_uri) for n in range(2)
    ]
    assert await home_ids(easel, bob) == []  # nobody knows yet whom it answers
    parent = await receive(easel, far, "parent")
    assert parent is not None
    assert (await fresh(easel, parent)).replies_count == 2
    for answer in answers:
        linked = await fresh(easel, answer)
        assert linked.in_reply_to_id == parent.id
        assert linked.in_reply_to_account_id == far.id
    assert len(await home_ids(easel, bob)) == 3


async def test_a_late_parent_brings_no_conversation_of_strangers_into_homes(
    easel: Easel, bob: Account, far: Account
) -> None:
    stranger = await people.remote(easel, "stranger")
    await receive(easel, far, in_reply_to_uri=f"{stranger.uri}/statuses/parent")
    await receive(easel, stranger, "parent")
    assert await home_ids(easel, bob) == []


async def test_what_was_deleted_before_it_came_stays_dead(
    easel: Easel, bob: Account, far: Account
) -> None:
    uri = f"{far.uri}/statuses/1"
    for _ in range(2):
        async with easel.database.write() as tx:
            await statuses.remember_deleted(tx, far, uri)
    assert await receive(easel, far) is None
    assert await home_ids(easel, bob) == []
    async with easel.database.read() as session:
        assert await statuses.load_by_uri(session, far, uri) is None
    assert (await fresh(easel, far)).statuses_count == 0


async def test_what_was_deleted_stays_dead(easel: Easel, far: Account) -> None:
    status = await receive(easel, far)
    assert status is not None
    async with easel.database.write() as tx:
        await statuses.delete(tx, status)
    assert await receive(easel, far) is None
    async with easel.database.write() as tx:
        dead = await tx.get(Status, status.id)
        assert dead is not None
        await statuses.update_received(tx, dead, Received(uri=status.uri, content="<p>back</p>"))
    assert (await fresh(easel, status)).content == ""
    assert await people.told(easel, "delete") == []  # it is not ours to tell


async def test_a_boost_that_was_taken_back_before_it_came_stays_dead(
    easel: Easel, bob: Account, far: Account
) -> None:
    status = await publish(easel, bob)
    uri = f"{far.uri}/announces/1"
    async with easel.database.write() as tx:
        await statuses.remember_deleted(tx, far, uri)
    with pytest.raises(NotFound):
        async with easel.database.write() as tx:
            await reblogs.add(tx, far, status, uri=uri)
    assert (await fresh(easel, status)).reblogs_count == 0


async def test_what_was_only_looked_up_is_put_before_nobody(
    easel: Easel, bob: Account, far: Account
) -> None:
    long_ago = easel.clock.now() - timedelta(days=400)
    old = await receive(easel, far, "old", live=False, published=long_ago, mentions=(bob.id,))
    new = await receive(easel, far, "new")
    assert old is not None and new is not None
    assert old.id < new.id
    assert await home_ids(easel, bob) == [new.id]
    assert await notices(easel, bob) == []
    assert (await fresh(easel, far)).statuses_count == 2


async def test_what_was_looked_up_and_then_comes_is_spread(
    easel: Easel, bob: Account, far: Account
) -> None:
    await receive(easel, far, live=False, mentions=(bob.id,))
    status = await receive(easel, far, mentions=(bob.id,))
    assert status is not None
    assert await home_ids(easel, bob) == [status.id]
    assert await notices(easel, bob) == [("mention", far.id, status.id)]
    assert (await fresh(easel, far)).statuses_count == 1


async def test_an_update_changes_what_it_may(
    easel: Easel, bob: Account, far: Account, clock: FakeClock
) -> None:
    one = ReceivedMedia(remote_url="https://elsewhere.example/1.png", description="one")
    two = ReceivedMedia(remote_url="https://elsewhere.example/2.png")
    status = await receive(
        easel, far, media=(one, two), visibility="private", mentions=(bob.id,), tags=("#old",)
    )
    assert status is not None
    async with easel.database.read() as session:
        [before] = await posts.assemble(session, [status], bob)
    clock.advance(timedelta(minutes=1))
    moment = clock.now()
    three = ReceivedMedia(remote_url="https://elsewhere.example/3.png")
    changed = Received(
        uri=status.uri,
        content="<p>mended</p>",
        visibility="public",
        media=(three, ReceivedMedia(remote_url=one.remote_url, description="better")),
        tags=("#new",),
        updated=moment,
    )
    for _ in range(2):
        async with easel.database.write() as tx:
            current = await tx.get(Status, status.id)
            assert current is not None
            await statuses.update_received(tx, current, changed)
    async with easel.database.read() as session:
        current = await session.get(Status, status.id)
        assert current is not None
        [post] = await posts.assemble(session, [current], bob)
    assert post.status.content == "<p>mended</p>"
    assert post.status.visibility == "private"
    assert post.status.edited_at == moment
    assert [medium.description for medium in post.media] == ["", "better"]
    assert post.media[1].id == before.media[0].id  # apps remember pictures by id
    assert [tag.name for tag in post.tags] == ["new"]
    assert [account.id for account in post.silent] == [bob.id]

    older = Received(uri=status.uri, content="<p>typo</p>", updated=moment - timedelta(seconds=30))
    async with easel.database.write() as tx:
        current = await tx.get(Status, status.id)
        assert current is not None
        await statuses.update_received(tx, current, older)
    assert (await fresh(easel, status)).content == "<p>mended</p>"


async def test_the_dead_do_not_speak(easel: Easel, far: Account) -> None:
    async with easel.database.write() as tx:
        gone = await tx.get(Account, far.id)
        assert gone is not None
        await remote_accounts.tombstone_remote(tx, gone)
    assert await receive(easel, gone) is None


async def test_floods_are_cut(easel: Easel, bob: Account, far: Account) -> None:
    status = await receive(
        easel,
        far,
        content="<p>x</p>" * 100_000,
        source="x" * 1_000_000,
        spoiler_text="x" * 100_000,
        tags=tuple(f"#tag{n}" for n in range(1000)),
        mentions=(bob.id, *range(1, 10_000)),
        media=tuple(ReceivedMedia(remote_url=f"https://x.example/{n}") for n in range(500)),
    )
    assert status is not None
    async with easel.database.read() as session:
        [post] = await posts.assemble(session, [status], bob)
    assert len(post.status.content) <= 200_000
    assert len(post.status.spoiler_text) <= 2000
    assert len(post.tags) == 50
    assert len(post.media) == 16
    assert [account.id for account in post.mentions] == [bob.id]
