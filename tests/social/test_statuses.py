"""Publishing, editing, deleting."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Account, MediaAttachment, Mention, Status
from fedi.runtime import Easel
from fedi.social import accounts, blocks, favourites, posts, reblogs, statuses
from fedi.social.errors import Invalid, NotAllowed, NotFound, SocialError
from fedi.social.posts import Post
from fedi.social.statuses import Draft
from fedi.social.text import plain
from tests.social import people
from tests.social.people import PAINTED, PAINTED_OVER, fresh, notices, publish, told


@pytest.fixture
async def alice(easel: Easel) -> Account:
    return await people.local(easel, "alice")


async def assembled(easel: Easel, status: Status, viewer: Account | None) -> Post:
    async with easel.database.read() as session:
        [post] = await posts.assemble(session, [status], viewer)
    return post


async def test_a_post_is_made_whole_in_one_go(easel: Easel, alice: Account) -> None:
    bob = await people.local(easel, "bob")
    far = await people.remote(easel, "far")
    await people.follow(easel, bob, alice)
    picture = await people.picture(easel, alice, description="a cat")
    with easel.events.listen([f"account:{alice.id}", f"account:{bob.id}"]) as listener:
        status = await publish(
            easel,
            alice,
            "Hi @bob and @far@elsewhere.example #Cats",
            media_ids=[picture],
            language="en",
        )
        kinds = {(await listener.next()).kind, (await listener.next()).kind}
    assert kinds == {"status", "notification"}
    post = await assembled(easel, status, alice)
    assert post.status.uri == f"{alice.uri}/statuses/{status.id}"
    assert post.status.url == f"{alice.url}/{status.id}"
    assert post.status.local and post.status.language == "en"
    assert {account.id for account in post.mentions} == {bob.id, far.id}
    assert [tag.display_name for tag in post.tags] == ["Cats"]
    assert [medium.description for medium in post.media] == ["a cat"]
    assert await people.home_ids(easel, alice) == await people.home_ids(easel, bob) == [status.id]
    assert await notices(easel, bob) == [("mention", alice.id, status.id)]
    assert await told(easel) == [{"what": "create", "status_id": status.id}]
    counted = await fresh(easel, alice)
    assert counted.statuses_count == 1
    assert counted.last_status_at == easel.clock.now()


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (Draft(), "words or a picture"),
        (Draft(text=" \n\t "), "words or a picture"),
        (Draft(content_html="<p></p><script>x</script>"), "words or a picture"),
        (Draft(text="x" * 5001), "at most 5000 characters"),
        (Draft(content_html="x" * 5001), "at most 5000 characters"),
        (Draft(text="x", spoiler_text="x" * 501), "warning has at most 500"),
        (Draft(text="x", visibility="secret"), "visibility is one of"),
        (Draft(text="x", language="not a language"), "language is a tag"),
        (Draft(text="x", media_ids=[1, 2, 3, 4, 5]), "at most 4 pictures"),
        (Draft(text="x", media_ids=[1]), "not there, not yours"),
        (Draft(text="x", in_reply_to_id=1), "What this answers"),
        (Draft(text="x", based_on_uri="javascript:alert(1)"), "by its address"),
        (Draft(text="x", recipients=list(range(60))), "at most 50 people"),
    ],
)
async def test_what_cannot_be_posted_is_refused_in_words(
    easel: Easel, alice: Account, draft: Draft, words: str
) -> None:
    with pytest.raises(SocialError, match=words):
        async with easel.database.write() as tx:
            await statuses.publish(tx, alice, draft)
    assert await told(easel) == []
    assert (await fresh(easel, alice)).statuses_count == 0


async def test_pictures_are_their_owners_and_are_posted_once(easel: Easel, alice: Account) -> None:
    bob = await people.local(easel, "bob")
    picture = await people.picture(easel, alice)
    with pytest.raises(Invalid):
        await publish(easel, bob, media_ids=[picture])
    await publish(easel, alice, media_ids=[picture, picture])
    with pytest.raises(Invalid):
        await publish(easel, alice, media_ids=[picture])


async def test_pictures_keep_the_order_of_the_draft(easel: Easel, alice: Account) -> None:
    pictures = [await people.picture(easel, alice) for _ in range(4)]
    status = await publish(easel, alice, "", media_ids=pictures[::-1])
    post = await assembled(easel, status, alice)
    assert [medium.id for medium in post.media] == pictures[::-1]


async def test_who_is_deleted_or_suspended_cannot_post(easel: Easel) -> None:
    for column in ("deleted_at", "suspended_at"):
        account = await people.local(easel, column, **{column: easel.clock.now()})
        with pytest.raises(NotAllowed):
            await publish(easel, account)


async def test_a_minted_id_is_published_under_once(easel: Easel, alice: Account) -> None:
    async with easel.database.write() as tx:
        uri = statuses.mint_uri(tx, alice)
    async with easel.database.write() as tx:
        first = await statuses.publish(tx, alice, Draft(text="x"), uri=uri)
    async with easel.database.write() as tx:
        again = await statuses.publish(tx, alice, Draft(text="x"), uri=uri)
    assert first.uri == uri and again.id == first.id
    assert len(await told(easel)) == 1
    assert (await fresh(easel, alice)).statuses_count == 1


def test_a_draft_survives_json() -> None:
    draft = Draft(text="x", media_ids=[1], recipients=[2], blind=[3], content_html="<p>x</p>")
    stored = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(draft)))
    assert msgspec.convert(stored, Draft) == draft


# The label


@pytest.mark.parametrize(
    ("source", "text", "ai", "tags", "ends"),
    [
        (PAINTED, "a cat", "generated", ["AIgenerated"], "#AIgenerated"),
        (PAINTED, "", "generated", ["AIgenerated"], "#AIgenerated"),
        (PAINTED, "a #aigenerated cat", "generated", ["aigenerated"], "cat"),
        (PAINTED_OVER, "a cat", "edited", ["AIgenerated"], "#AIgenerated"),
        (None, "a cat", "undeclared", [], "a cat"),
        (None, "a #AIgenerated cat", "generated", ["AIgenerated"], "cat"),
    ],
)
async def test_painted_pictures_are_labelled(
    easel: Easel, alice: Account, source: str | None, text: str, ai: str, tags: list[str], ends: str
) -> None:
    picture = await people.picture(
        easel, alice, digital_source_type=source, ai_system="Model One" if source else ""
    )
    status = await publish(easel, alice, text, media_ids=[picture])
    post = await assembled(easel, status, None)
    assert post.status.ai == ai
    assert [tag.display_name for tag in post.tags] == tags
    assert [tag.name for tag in post.tags] == [tag.lower() for tag in tags]
    assert plain(post.status.content).endswith(ends)
    assert post.status.generator == ("Model One" if source else "")
    # An edit cannot lose the label.
    async with easel.database.write() as tx:
        await statuses.edit(tx, alice, status, Draft(text="other words"))
    post = await assembled(easel, status, None)
    assert ("aigenerated" in [tag.name for tag in post.tags]) is (source is not None)
    assert post.status.ai == (ai if source else "undeclared")
    assert post.status.source == "other words"


# Whom it names


async def test_html_names_those_whom_it_links_to(easel: Easel, alice: Account) -> None:
    await people.local(easel, "bob")
    far = await people.remote(easel, "bob")  # the same name elsewhere
    html = f'<p>Hi <a href="{far.url}" class="u-url mention">@<span>bob</span></a> #Cats</p>'
    status = await publish(easel, alice, "", content_html=html)
    post = await assembled(easel, status, alice)
    assert [account.id for account in post.mentions] == [far.id]
    assert [tag.name for tag in post.tags] == ["cats"]
    assert post.status.source == "Hi @bob #Cats"


async def test_nobody_is_named_by_borrowing_their_address(easel: Easel, alice: Account) -> None:
    victim = await people.remote(easel, "victim")
    thief = await people.remote(easel, "thief", "evil.example", url=victim.url)
    html = f'<a href="{victim.url}" class="mention">@victim</a>'
    status = await publish(easel, alice, "", content_html=html, visibility="direct")
    post = await assembled(easel, status, alice)
    assert [account.id for account in post.mentions] == [victim.id]
    assert thief.url == thief.uri


async def test_the_addressed_are_told_and_the_blind_are_kept_apart(
    easel: Easel, alice: Account
) -> None:
    bob, carol, dave = [await people.local(easel, name) for name in ("bob", "carol", "dave")]
    status = await publish(
        easel, alice, "@bob", visibility="direct", recipients=[bob.id, carol.id], blind=[dave.id]
    )
    post = await assembled(easel, status, alice)
    assert [account.id for account in post.mentions] == [bob.id]
    assert [account.id for account in post.silent] == [carol.id]
    assert [account.id for account in post.blind] == [dave.id]
    for account in (bob, carol, dave):
        assert await notices(easel, account) == [("mention", alice.id, status.id)]


# Answers


async def test_an_answer_counts_and_knows_its_parent(easel: Easel, alice: Account) -> None:
    bob = await people.local(easel, "bob")
    parent = await publish(easel, alice)
    answer = await publish(easel, bob, in_reply_to_id=parent.id)
    assert (await fresh(easel, parent)).replies_count == 1
    post = await assembled(easel, answer, None)
    assert post.in_reply_to is not None and post.in_reply_to.id == parent.id
    assert answer.in_reply_to_uri == parent.uri
    assert answer.in_reply_to_account_id == alice.id
    async with easel.database.write() as tx:
        await statuses.delete(tx, answer)
    assert (await fresh(easel, parent)).replies_count == 0


@pytest.mark.parametrize(
    ("visibility", "answers", "posts"),
    [("public", 1, 1), ("unlisted", 1, 1), ("private", 0, 1), ("direct", 0, 0)],
)
async def test_counts_tell_nothing_of_what_is_not_for_everybody(
    easel: Easel, alice: Account, visibility: str, answers: int, posts: int
) -> None:
    bob = await people.local(easel, "bob")
    parent, other = await publish(easel, alice), await publish(easel, alice)
    for above in (parent, other):  # a count that goes below what it should is seen
        await publish(easel, alice, in_reply_to_id=above.id)
    answer = await publish(easel, bob, "@alice", in_reply_to_id=parent.id, visibility=visibility)
    assert (await fresh(easel, parent)).replies_count == 1 + answers
    author = await fresh(easel, bob)
    assert (author.statuses_count, author.last_status_at is not None) == (posts, bool(posts))
    await publish(easel, bob)
    async with easel.database.write() as tx:
        await statuses.delete(tx, answer)
    assert (await fresh(easel, parent)).replies_count == 1
    assert (await fresh(easel, bob)).statuses_count == 1
    await publish(easel, bob, "@alice", in_reply_to_id=other.id, visibility=visibility)
    assert (await fresh(easel, other)).replies_count == 1 + answers
    async with easel.database.write() as tx:
        found = await accounts.find_local(tx, "bob")
        assert found is not None
        await accounts.delete_account(tx, found)
    assert (await fresh(easel, other)).replies_count == 1


async def test_an_answer_to_a_boost_answers_what_was_boosted(easel: Easel, alice: Account) -> None:
    bob = await people.local(easel, "bob")
    parent = await publish(easel, alice)
    async with easel.database.write() as tx:
        boost = await reblogs.add(tx, bob, parent)
    answer = await publish(easel, alice, in_reply_to_id=boost.id)
    assert answer.in_reply_to_id == parent.id


# Edits


async def test_an_edit_changes_words_tags_names_and_pictures(
    easel: Easel, alice: Account, clock: FakeClock
) -> None:
    bob, carol = [await people.local(easel, name) for name in ("bob", "carol")]
    old, kept, new = [await people.picture(easel, alice) for _ in range(3)]
    status = await publish(easel, alice, "@bob #one", media_ids=[old, kept])
    async with easel.database.write() as tx:
        await reblogs.add(tx, bob, status)
    clock.advance(timedelta(minutes=1))
    async with easel.database.write() as tx:
        await statuses.edit(
            tx, alice, status, Draft(text="@carol #two", spoiler_text="cw", media_ids=[new, kept])
        )
    post = await assembled(easel, status, alice)
    assert post.status.edited_at == clock.now()
    assert post.status.sensitive and post.status.spoiler_text == "cw"
    assert [tag.name for tag in post.tags] == ["two"]
    assert [medium.id for medium in post.media] == [new, kept]
    assert [account.id for account in post.mentions] == [carol.id]
    assert [account.id for account in post.silent] == [bob.id]  # has it, and hears of its end
    assert await notices(easel, carol) == [("mention", alice.id, status.id)]
    assert await notices(easel, bob) == [
        ("mention", alice.id, status.id),
        ("update", alice.id, status.id),
    ]
    assert await told(easel, "update") == [{"what": "update", "status_id": status.id}]
    async with easel.database.write() as tx:
        row = await tx.get(MediaAttachment, old)
        assert row is not None and row.status_id is None


async def test_only_the_author_edits_and_only_while_it_is_there(
    easel: Easel, alice: Account
) -> None:
    bob = await people.local(easel, "bob")
    status = await publish(easel, alice)
    async with easel.database.write() as tx:
        boost = await reblogs.add(tx, alice, status)
    for author, which in ((bob, status), (alice, boost)):
        with pytest.raises(NotFound):
            async with easel.database.write() as tx:
                await statuses.edit(tx, author, which, Draft(text="mine"))
    async with easel.database.write() as tx:
        await statuses.delete(tx, status)
    with pytest.raises(NotFound):
        async with easel.database.write() as tx:
            await statuses.edit(tx, alice, status, Draft(text="again"))


# Deletion


async def test_a_deleted_post_leaves_a_tombstone_and_nothing_else(
    easel: Easel, alice: Account
) -> None:
    bob, carol = [await people.local(easel, name) for name in ("bob", "carol")]
    await people.follow(easel, bob, alice)
    await people.follow(easel, bob, carol)
    picture = await people.picture(easel, alice)
    status = await publish(easel, alice, "@bob #tag", media_ids=[picture], spoiler_text="cw")
    async with easel.database.write() as tx:
        await favourites.add(tx, bob, status)
        boost = await reblogs.add(tx, carol, status)
    for _ in range(2):  # a job that runs twice
        async with easel.database.write() as tx:
            current = await tx.get(Status, status.id)
            assert current is not None
            await statuses.delete(tx, current)
    tombstone = await fresh(easel, status)
    assert tombstone.deleted_at is not None
    assert tombstone.uri == status.uri
    assert tombstone.content == tombstone.source == tombstone.spoiler_text == ""
    assert (await fresh(easel, boost)).deleted_at is not None
    assert await people.home_ids(easel, bob) == await people.home_ids(easel, alice) == []
    assert ("mention", alice.id, status.id) not in await notices(easel, bob)
    assert not [each for each in await notices(easel, alice) if each[2] is not None]
    assert (await fresh(easel, alice)).statuses_count == 0
    assert await told(easel, "delete") == [{"what": "delete", "status_id": status.id}]
    async with easel.database.read() as session:
        row = await session.get(MediaAttachment, picture)
        assert row is not None and row.status_id is None  # the storage removes it
        # Whom it named must still be told of its end.
        named = await session.exec(select(Mention.account_id))
        assert named.all() == [bob.id]


async def test_counts_seen_in_a_transaction_are_right_at_once(easel: Easel, alice: Account) -> None:
    async with easel.database.write() as tx:
        status = await statuses.publish(tx, alice, Draft(text="x"))
        await statuses.publish(tx, alice, Draft(text="y", in_reply_to_id=status.id))
        await favourites.add(tx, alice, status)
        assert (status.replies_count, status.favourites_count) == (1, 1)
        await favourites.remove(tx, alice, status)
        assert status.favourites_count == 0
    assert (await fresh(easel, status)).replies_count == 1


async def test_a_failed_transaction_leaves_nothing(easel: Easel, alice: Account) -> None:
    with pytest.raises(RuntimeError), easel.events.listen([f"account:{alice.id}"]):
        async with easel.database.write() as tx:
            await statuses.publish(tx, alice, Draft(text="x"))
            raise RuntimeError
    assert await told(easel) == []
    assert await people.home_ids(easel, alice) == []


async def test_the_blocked_cannot_answer(easel: Easel, alice: Account) -> None:
    bob = await people.local(easel, "bob")
    status = await publish(easel, alice)
    async with easel.database.write() as tx:
        await blocks.add(tx, alice, bob)
    with pytest.raises(NotFound):
        await publish(easel, bob, in_reply_to_id=status.id)
