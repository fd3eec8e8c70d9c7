"""What trends, for whom, and why: as people do things, undo them, and time goes by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from fedi import ids
from fedi.clock import FakeClock
from fedi.database.insertion import insert_new, row_values
from fedi.database.tables import Account, MediaAttachment, Status, Tag
from fedi.runtime import Easel
from fedi.social import blocks, favourites, hiding, mutes, reblogs, statuses
from fedi.social.trends import histories, listing, verdicts
from tests.social import people
from tests.social.trends import acting
from tests.social.trends.acting import boost, elder, like, settle


async def crowd(easel: Easel, count: int = 3) -> list[Account]:
    """Established people of different servers."""
    return [await elder(easel, f"c{number}", f"c{number}.example") for number in range(count)]


async def test_posts_are_in_the_order_of_the_people_who_like_and_boost_them(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    one, two, three = await crowd(easel)
    first, second, third = [await people.publish(easel, alice, text) for text in "abc"]
    await like(easel, first, one, two)
    await like(easel, second, one, two, three)
    await boost(easel, third, one, two)
    await boost(easel, third, three)
    await settle(easel)
    assert await acting.posts(easel) == [third.id, second.id, first.id]
    async with easel.database.read() as session:
        why = await listing.reasons(session, "status", [second.id])
    assert why[second.id].words == "3 people of 3 servers in 1 hour"


async def test_one_person_makes_no_trend_whatever_they_do(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    [one] = await crowd(easel, 1)
    post = await people.publish(easel, alice, "mine")
    await like(easel, post, one, alice)  # an author's own count nothing
    await boost(easel, post, one)
    for number in range(4):
        await people.receive(
            easel, one, f"{number}", content="<p>again</p>", tags=(f"again{number}",)
        )
    await settle(easel)
    assert await acting.posts(easel) == [] and await acting.tags(easel) == []


async def test_what_is_undone_counts_no_more(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    one, two, three = await crowd(easel)
    post = await people.publish(easel, alice, "look")
    await like(easel, post, one)
    await boost(easel, post, two)
    await settle(easel)
    assert await acting.posts(easel) == [post.id]
    async with easel.database.write() as tx:
        await reblogs.remove(tx, two, post)
    await settle(easel)
    assert await acting.posts(easel) == []
    await like(easel, post, three)
    await settle(easel)
    assert await acting.posts(easel) == [post.id]
    async with easel.database.write() as tx:
        await favourites.remove(tx, three, post)
    await settle(easel)
    assert await acting.posts(easel) == []


@pytest.mark.parametrize("days", [2, 60])  # that the instance is old
async def test_newcomers_bots_and_silenced_people_weigh_less(
    easel: Easel, clock: FakeClock, days: int
) -> None:
    alice = await people.local(easel, "alice")
    one, two, three = await crowd(easel)
    clock.advance(timedelta(days=days))
    # Their server says that they are a year old; here nobody has ever seen them.
    brigade = [await elder(easel, f"b{n}", "brigade.example") for n in range(8)]
    robots = [
        await people.remote(easel, f"r{n}", "robots.example", actor_type="Service")
        for n in range(8)
    ]
    pushed, robotic, honest = [await people.publish(easel, alice, text) for text in "abc"]
    await like(easel, pushed, *brigade)
    await like(easel, robotic, *robots)
    await like(easel, honest, one, two, three)
    await settle(easel)
    assert await acting.posts(easel) == [honest.id]
    await like(easel, pushed, one)  # one who is fooled makes of it two voices, and no more
    await settle(easel)
    assert await acting.posts(easel) == [honest.id, pushed.id]
    async with easel.database.write() as tx:  # and who is silenced has none, from then on
        for who in (one, two):
            row = await tx.get_one(Account, who.id)
            row.silenced_at = tx.now
            tx.add(row)
    await settle(easel)
    assert await acting.posts(easel) == []


async def test_it_fades(easel: Easel, clock: FakeClock) -> None:
    alice = await people.local(easel, "alice")
    many = await crowd(easel, 6)
    old = await people.publish(easel, alice, "old #old")
    for number, who in enumerate(many):
        await people.receive(easel, who, f"{number}", tags=("old", "AIgenerated"))
    await like(easel, old, *many)
    await settle(easel)
    clock.advance(timedelta(days=2))
    new = await people.publish(easel, alice, "new #new")
    await like(easel, new, *many[:2])
    await settle(easel)
    assert await acting.posts(easel) == [new.id, old.id]
    assert await acting.tags(easel) == ["old"]
    clock.advance(timedelta(days=2))
    assert await acting.posts(easel) == [new.id] and await acting.tags(easel) == []
    clock.advance(timedelta(days=2))
    assert await acting.posts(easel) == []


async def test_only_what_is_public_of_who_wants_to_be_found(easel: Easel) -> None:
    alice, shy = [await people.local(easel, name) for name in ("alice", "shy")]
    many = await crowd(easel)
    for who in many:
        await people.follow(easel, who, alice)
    posts = {
        visibility: await people.publish(easel, alice, "x #x", visibility=visibility)
        for visibility in ("public", "unlisted", "private")
    }
    posts["hidden"] = await people.publish(easel, shy, "x #y")
    posts["answer"] = await people.publish(
        easel, shy, "an answer", in_reply_to_id=posts["public"].id
    )
    async with easel.database.write() as tx:
        row = await tx.get_one(Account, shy.id)
        row.discoverable = False
        tx.add(row)
    for post in posts.values():
        await like(easel, post, *many)
    await settle(easel)
    assert await acting.posts(easel) == [posts["public"].id]
    assert await acting.tags(easel) == []  # of one person each
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, posts["public"].id))
    assert await acting.posts(easel) == []


async def test_each_sees_nothing_of_whom_they_hide_or_who_hides_from_them(easel: Easel) -> None:
    viewer = await people.local(easel, "viewer")
    authors = [await elder(easel, name, f"{name}.example") for name in "abcde"]
    many = await crowd(easel)
    posts = [await people.receive(easel, author, ai="none") for author in authors]
    for post in posts:
        assert post is not None
        await like(easel, post, *many)
    await settle(easel)
    assert len(await acting.posts(easel, viewer)) == 5
    async with easel.database.write() as tx:
        viewer = await tx.get_one(Account, viewer.id)
        rows = [await tx.get_one(Account, author.id) for author in authors]
        await blocks.add(tx, viewer, rows[0])
        await blocks.add(tx, rows[1], viewer)
        await mutes.add(tx, viewer, rows[2])
        await hiding.add(tx, viewer, "d.example")
    left = posts[4]
    assert left is not None
    assert await acting.posts(easel, viewer) == [left.id]
    assert len(await acting.posts(easel)) == 5


async def test_moderators_judge(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    many = await crowd(easel)
    post = await people.publish(easel, alice, "look")
    await like(easel, post, *many)
    await settle(easel)
    assert await acting.posts(easel) == [post.id]
    assert await acting.posts(easel, which="approved") == []
    for allowed, usual, approved in ((True, [post.id], [post.id]), (False, [], [])):
        async with easel.database.write() as tx:
            await verdicts.judge(tx, "status", post.id, allowed=allowed)
        assert await acting.posts(easel) == usual
        assert await acting.posts(easel, which="approved") == approved
        assert await acting.posts(easel, which="all") == [post.id]


async def test_links_that_people_post(easel: Easel) -> None:
    viewer = await people.local(easel, "viewer")
    one, two, three = await crowd(easel)
    address = "https://news.example/a?b=1&c=2"
    page = f'<a href="{address.replace("&", "&amp;")}">look</a>'
    for number, who in enumerate((one, two)):
        named = '<a href="https://c2.example/@c2" class="u-url mention">@c2</a>'
        tagged = '<a href="https://c2.example/tags/x" class="mention hashtag" rel="tag">#x</a>'
        inward = f'<a href="{easel.settings.instance.url}/@viewer">here</a>'
        content = f"<p>{page} {named} {tagged} {inward}</p>"
        await people.receive(easel, who, f"{number}", content=content)
    fragment = '<p><a href="https://news.example/a?b=1&amp;c=2#part">look</a></p>'
    await people.receive(easel, three, "3", content=fragment)
    await people.receive(easel, three, "4", content=fragment, visibility="unlisted")
    await settle(easel)
    assert await acting.links(easel) == [address]
    async with easel.database.read() as session:
        [link] = await listing.links(session, None, limit=1)
        used = (await histories.of_trends(session, "link", [link.number]))[link.number]
        why = (await listing.reasons(session, "link", [link.number]))[link.number]
        query = await listing.with_link(session, None, address)
        assert len((await session.exec(query)).all()) == 3
    assert [day.accounts for day in used] in ([3, *[0] * 6], [0, 3, *[0] * 5])
    assert (why.people, why.servers) == (3, 3)
    async with easel.database.write() as tx:
        await hiding.add(tx, await tx.get_one(Account, viewer.id), "news.example")
    assert await acting.links(easel, viewer) == []


async def test_prompts_only_of_recipes_that_are_shared(easel: Easel) -> None:
    alice, bob = [await people.local(easel, name) for name in ("alice", "bob")]
    many = await crowd(easel)
    made = {}
    for who, words, share in (
        (alice, "A Lighthouse  in fog", True),
        (bob, "a lighthouse in fog", True),
        (bob, "my secret", False),
    ):
        medium = await people.picture(easel, who, ai_prompt=words, share_recipe=share)
        made[words] = await people.publish(easel, who, "made", media_ids=[medium])
    await like(easel, made["my secret"], *many)
    await settle(easel)
    assert await acting.prompts(easel) == ["a lighthouse in fog"]
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, made["a lighthouse in fog"].id))
    await like(easel, made["A Lighthouse  in fog"], *many)
    await settle(easel)
    assert await acting.prompts(easel) == ["A Lighthouse  in fog"]
    async with easel.database.write() as tx:
        [medium] = (
            await tx.exec(
                select(MediaAttachment).where(
                    MediaAttachment.status_id == made["A Lighthouse  in fog"].id
                )
            )
        ).all()
        medium.share_recipe = False
        tx.add(medium)
    assert await acting.prompts(easel) == []


async def test_a_flood_of_one_prompt_hides_no_other(easel: Easel) -> None:
    await people.local(easel, "founder")
    one, two, three = await crowd(easel)
    foggy = await painted(easel, one, 1, "a lighthouse in fog")
    [rainy] = await painted(easel, two, 1, "a fox in the rain")
    await painted(easel, three, 400, "a fox in the rain", spoiler_text="not for all")
    flood = await painted(easel, one, 1050, "buy this")
    for [post, *_] in (foggy, flood):
        await like(easel, post, two, three)
    await settle(easel)
    async with easel.database.read() as session:
        found = await listing.prompts(session, None, limit=40)
    assert {prompt.words: prompt.example.id for prompt in found} == {
        "a lighthouse in fog": foggy[0].id,
        "a fox in the rain": rainy.id,
        "buy this": flood[-1].id,
    }


async def painted(
    easel: Easel, author: Account, count: int, prompt: str, **columns: Any
) -> list[Status]:
    """Posts with pictures of one prompt, all at once, the newest last."""
    now = easel.clock.now()
    posts = [
        Status(
            id=ids.new(now),
            uri=f"{author.uri}/{prompt}/{number}",
            account_id=author.id,
            created_at=now,
            **columns,
        )
        for number in range(count)
    ]
    media = [
        MediaAttachment(
            id=ids.new(now),
            account_id=author.id,
            status_id=post.id,
            media_type="image/png",
            ai_prompt=prompt,
            share_recipe=True,
            created_at=now,
        )
        for post in posts
    ]
    async with easel.database.write() as tx:
        for rows in (posts, media):
            values = [row_values(row) for row in rows]
            for start in range(0, count, 300):
                await insert_new(tx, type(rows[0]), values[start : start + 300])
    return posts


async def test_chains_of_remixes_lead_to_what_they_began_with(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    one, two, three = await crowd(easel)
    first = await people.publish(easel, alice, "the first")
    above = first
    for number, who in enumerate((one, two, three)):
        made = await people.receive(easel, who, f"{number}", based_on_uri=above.uri)
        assert made is not None
        above = made
    await settle(easel)
    assert await acting.chains(easel) == [first.id]
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, first.id))
    assert await acting.chains(easel) == []


@pytest.mark.parametrize("ended", ["suspended", "silenced"])
async def test_of_whom_moderators_shut_out_nothing_trends(easel: Easel, ended: str) -> None:
    author = await elder(easel, "author", "a.example")
    many = await crowd(easel)
    post = await people.receive(easel, author)
    assert post is not None
    await like(easel, post, *many)
    await settle(easel)
    assert await acting.posts(easel) == [post.id]
    async with easel.database.write() as tx:
        row = await tx.get_one(Account, author.id)
        setattr(row, f"{ended}_at", tx.now)
        tx.add(row)
    assert await acting.posts(easel) == []


async def test_what_is_old_is_let_go_of(easel: Easel, clock: FakeClock) -> None:
    alice = await people.local(easel, "alice")
    many = await crowd(easel)
    post = await people.publish(easel, alice, "look")
    await like(easel, post, *many)
    await settle(easel)
    clock.advance(timedelta(days=8))
    await people.publish(easel, alice, "another #day")
    await settle(easel)
    async with easel.database.read() as session:
        assert await listing.reasons(session, "status", [post.id]) == {}
        assert (await session.exec(select(Tag))).one().name == "day"
