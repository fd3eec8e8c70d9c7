"""«For you»: what is in it, why, and what never is; as its reader does things and undoes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from fedi.database.tables import (
    Account,
    ForYou,
    ForYouMark,
    ForYouRanking,
    MediaAttachment,
    PictureFeature,
    PictureTerm,
    Status,
)
from fedi.runtime import Easel
from fedi.social import (
    accounts,
    blocks,
    bookmarks,
    favourites,
    filters,
    followed_tags,
    hiding,
    mutes,
    reblogs,
    statuses,
)
from fedi.social.errors import Invalid, NotAllowed, NotFound
from fedi.social.for_you import choices, features, formula
from fedi.social.for_you.choices import Tuning
from tests.social import people
from tests.social.for_you.reading import (
    clock_of,
    hang,
    items,
    like,
    maker,
    mark,
    page,
    settle,
    shown,
    switch_on,
    why,
)

STORED = (ForYou, ForYouMark, ForYouRanking)
CALM = Tuning(surprise=0)  # nothing but what there is a reason for


async def stored(easel: Easel) -> int:
    async with easel.database.read() as session:
        return sum([len((await session.exec(select(table))).all()) for table in STORED])


async def test_it_is_off_and_nothing_is_stored_until_somebody_wants_it(easel: Easel) -> None:
    alice, mia = await people.local(easel, "alice"), await maker(easel, "mia")
    picture = await hang(easel, mia, "fog")
    await like(easel, alice, picture)
    await settle(easel)
    with pytest.raises(NotAllowed):
        await items(easel, alice)
    with pytest.raises(NotAllowed):
        await mark(easel, alice, picture, more=True)
    async with easel.database.write() as tx:
        await choices.reset(tx, alice)
    assert await stored(easel) == 0


async def test_what_one_does_moves_it_and_each_picture_says_why(easel: Easel) -> None:
    alice, bob = [await people.local(easel, name) for name in ("alice", "bob")]
    names = ("mia", "noa", "kim", "ann", "zoe")
    mia, noa, kim, ann, zoe = [await maker(easel, name) for name in names]
    await switch_on(easel, alice, CALM)
    liked = [await hang(easel, mia, "ukiyoe", "AIgenerated") for _ in range(4)]
    plain = await hang(easel, kim, "fog")
    same = await hang(easel, noa, "ukiyoe", "AIgenerated")
    await settle(easel)
    # Nothing is known of her yet: all of it is new, and nothing is hidden.
    reasons = await why(easel, alice)
    assert set(reasons.values()) == {"Something new"} and len(reasons) == 6
    await like(easel, alice, *liked)
    assert await why(easel, alice) == {
        same.id: "Because you liked 4 pictures with #ukiyoe"
    }  # and not because both are made with AI
    by_mia = await hang(easel, mia)
    await settle(easel)
    assert (await why(easel, alice))[
        by_mia.id
    ] == "Because you liked 4 pictures by @mia@elsewhere.example"
    # Each of what one does counts, and is told by its name.
    boosted = await hang(easel, kim, "fog")
    async with easel.database.write() as tx:
        await bookmarks.add(tx, alice, plain)
        await reblogs.add(tx, alice, boosted)
    foggy = await hang(easel, noa, "fog")
    await settle(easel)
    told = await why(easel, alice)
    assert told[foggy.id] == "Because you bookmarked or boosted 2 pictures with #fog"
    # What is undone says nothing any more.
    async with easel.database.write() as tx:
        await bookmarks.remove(tx, alice, plain)
    assert (await why(easel, alice))[foggy.id] == "Because you boosted a picture with #fog"
    # Whom and what one follows.
    async with easel.database.write() as tx:
        await followed_tags.follow(tx, alice, "Rain")
    await people.follow(easel, alice, ann)
    by_ann, rainy = await hang(easel, ann), await hang(easel, kim, "rain")
    await like(easel, bob, rainy)
    await settle(easel)
    told = await why(easel, alice)
    assert told[by_ann.id] == "From @ann@elsewhere.example, whom you follow"
    assert told[rainy.id] == "You follow #Rain"
    # What those like whom one follows.
    await people.follow(easel, alice, bob)
    other = await hang(easel, zoe, "snow")
    await like(easel, bob, other)
    await settle(easel)
    told = await why(easel, alice)
    assert told[other.id] == "Somebody whom you follow liked or boosted it"
    # Nothing of it is anybody else's.
    dora = await people.local(easel, "dora")
    await switch_on(easel, dora)
    assert set((await why(easel, dora)).values()) == {"Something new"}


async def test_words_of_shared_prompts_tell_what_a_picture_is_about(easel: Easel) -> None:
    alice, bob = [await people.local(easel, name) for name in ("alice", "bob")]
    await switch_on(easel, alice, CALM)

    async def paint(words: str, *, shared: bool = True, **draft: object) -> Status:
        recipe = {"ai_prompt": words, "share_recipe": shared}
        medium = await people.picture(easel, bob, **recipe)
        return await people.publish(easel, bob, "x", media_ids=[medium], **draft)

    liked = await paint("A fox, linocut print, highly detailed")
    await settle(easel)
    await like(easel, alice, liked)
    async with easel.database.write() as tx:  # so that nothing but the words can be the reason
        row = await tx.get_one(Account, bob.id)
        row.discoverable = False
        tx.add(row)
    carol = await people.local(easel, "carol")
    words = {"ai_prompt": "an owl; linocut print", "share_recipe": True}
    medium = await people.picture(easel, carol, **words)
    same = await people.publish(easel, carol, "y", media_ids=[medium])
    hidden = {"ai_prompt": "linocut print", "share_recipe": False}
    kept = await people.picture(easel, carol, **hidden)
    secret = await people.publish(easel, carol, "z", media_ids=[kept])
    warned = await people.picture(easel, carol, **words)
    await people.publish(easel, carol, "w", media_ids=[warned], spoiler_text="owls")
    await settle(easel)
    assert await why(easel, alice) == {
        same.id: "Because you liked a picture made of “linocut print”"
    }
    # Taken back, it is no reason any more.
    async with easel.database.write() as tx:
        row = await tx.get_one(MediaAttachment, medium)
        row.share_recipe = False
        tx.add(row)
    await settle(easel)
    assert await why(easel, alice) == {same.id: "Something new", secret.id: "Something new"}


async def test_less_like_this_removes_it_and_what_is_like_it(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    mia, noa, kim = [await maker(easel, name) for name in ("mia", "noa", "kim")]
    await switch_on(easel, alice)
    unloved = await hang(easel, mia, "crowds")
    like_it, other = await hang(easel, noa, "crowds"), await hang(easel, kim, "quiet")
    await settle(easel)
    assert set(await shown(easel, alice)) == {unloved.id, like_it.id, other.id}
    first = await page(easel, alice, None, 1)
    await mark(easel, alice, unloved, more=False)
    assert await shown(easel, alice) == [other.id]
    assert first.next is not None  # also from a feed that was begun
    rest = await page(easel, alice, first.next, 40)
    assert unloved.id not in [item.post.status.id for item in rest.items]
    # The last word counts; more like it is a reason.
    await mark(easel, alice, unloved, more=True)
    assert (await why(easel, alice))[
        like_it.id
    ] == "Because you wanted more like a picture with #crowds"


async def test_what_is_unwanted_is_not_counted_and_words_alone_are_no_picture(
    easel: Easel,
) -> None:
    alice = await people.local(easel, "alice")
    mia, noa, zoe = [await maker(easel, name) for name in ("mia", "noa", "zoe")]
    await switch_on(easel, alice, CALM)
    await people.follow(easel, alice, zoe)
    liked = [await hang(easel, mia, "fog") for _ in range(4)]
    unwanted, same = await hang(easel, mia, "fog"), await hang(easel, noa, "fog")
    by_zoe = await hang(easel, zoe)
    await people.receive(easel, zoe, "words")  # at home, but with nothing to look at
    await settle(easel)
    await like(easel, alice, *liked)
    await mark(easel, alice, unwanted, more=False)
    assert await why(easel, alice) == {
        same.id: "Because you liked 4 pictures with #fog",
        by_zoe.id: "From @zoe@elsewhere.example, whom you follow",
    }


async def test_what_somebody_hides_is_never_in_it(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    names = ("seen", "blocked", "blocking", "muted", "private", "silenced", "suspended")
    who = {name: await maker(easel, name) for name in names}
    who["hidden"] = await maker(easel, "hidden", "hidden.example")
    hung = {name: await hang(easel, author, "fog") for name, author in who.items()}
    hung["unlisted"] = await hang(easel, who["seen"], "fog", visibility="unlisted")
    hung["followers"] = await hang(easel, who["seen"], "fog", visibility="private")
    hung["answer"] = await hang(easel, who["seen"], "fog", in_reply_to_uri=hung["muted"].uri)
    hung["words"] = await hang(easel, who["seen"], "fog", media=())
    hung["warned"] = await hang(easel, who["seen"], "fog", sensitive=True)
    hung["filtered"] = await hang(easel, who["seen"], "fog", content="<p>spiders</p>")
    hung["ai"] = await hang(easel, who["seen"], "fog", ai="generated")
    liked = await hang(easel, who["muted"], "fog")
    await like(easel, alice, liked)
    async with easel.database.write() as tx:
        await blocks.add(tx, alice, who["blocked"])
        await blocks.add(tx, who["blocking"], alice, "https://elsewhere.example/block")
        await mutes.add(tx, alice, who["muted"])
        await hiding.add(tx, alice, "hidden.example")
        held = await filters.create(tx, alice)
        await filters.change(tx, held, title="x", context=["public"], action="hide")
        await filters.add_keyword(tx, held, "spiders", whole_word=True)
        for name, column in (("silenced", "silenced_at"), ("suspended", "suspended_at")):
            row = await tx.get_one(Account, who[name].id)
            setattr(row, column, tx.now)
            tx.add(row)
        row = await tx.get_one(Account, who["private"].id)
        row.discoverable = False
        tx.add(row)
    await settle(easel)
    await switch_on(easel, alice)
    assert set(await shown(easel, alice)) == {hung["seen"].id, hung["ai"].id}
    await switch_on(easel, alice, Tuning(ai="hide"))
    assert await shown(easel, alice) == [hung["seen"].id]
    await switch_on(easel, alice, Tuning(ai="only", warned=True))
    assert await shown(easel, alice) == [hung["ai"].id]
    await switch_on(easel, alice, Tuning(warned=True))
    assert hung["warned"].id in await shown(easel, alice)
    # Who is blocked, and what is deleted, is gone from a feed that was begun, too.
    begun = await page(easel, alice, None, 1)
    assert begun.next is not None
    async with easel.database.write() as tx:
        await blocks.add(tx, alice, who["seen"])
    assert (await page(easel, alice, begun.next, 40)).items == []
    clock_of(easel).advance(formula.WINDOW)
    await switch_on(easel, alice)
    assert await shown(easel, alice) == []


async def test_pages_repeat_nothing_and_leave_nothing_out_whatever_is_posted(
    easel: Easel,
) -> None:
    alice = await people.local(easel, "alice")
    makers = [await maker(easel, f"m{number}") for number in range(6)]
    before = {(await hang(easel, makers[n % 6], f"t{n % 3}")).id for n in range(30)}
    await settle(easel)
    await switch_on(easel, alice)
    await like(easel, alice, await hang(easel, makers[0], "t0"))
    seen: list[int] = []
    part = await page(easel, alice, None, 7)
    while True:
        seen += [item.post.status.id for item in part.items]
        if part.next is None:
            break
        await hang(easel, makers[len(seen) % 6], "t0")
        await settle(easel)
        await shown(easel, alice)  # in another window
        part = await page(easel, alice, part.next, 7)
        if len(seen) < 14:
            await like(easel, alice, await hang(easel, makers[1], "t1"))
    assert len(seen) == len(set(seen)) and set(seen) == before
    # Nobody else can go on in it, and nobody in what is no page.
    bob = await people.local(easel, "bob")
    await switch_on(easel, bob)
    begun = await page(easel, alice, None, 7)
    assert begun.next is not None
    for reader, cursor in (
        (bob, begun.next), (alice, "x"), (alice, "1.2"), (alice, f"{begun.next}0000"),
        (alice, "9" * 40),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await page(easel, reader, cursor, 7)
    # It holds for a day.
    clock_of(easel).advance(timedelta(days=1, minutes=1))
    await shown(easel, bob)
    with pytest.raises(NotFound):
        await page(easel, alice, begun.next, 7)


async def test_nobody_fills_a_page_and_a_share_is_new(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    mia, kim = await maker(easel, "mia"), await maker(easel, "kim")
    others = [await maker(easel, f"m{number}") for number in range(10)]
    await like(easel, alice, *[await hang(easel, mia, "fog") for _ in range(3)])
    many = {(await hang(easel, mia, "fog")).id for _ in range(6)}
    for who in others:
        await hang(easel, who, "fog")
    unknown = {(await hang(easel, kim, "snow")).id for _ in range(2)}
    await settle(easel)
    await switch_on(easel, alice, Tuning(surprise=50))
    first = (await shown(easel, alice))[:12]
    assert len(many & set(first)) <= formula.AUTHORS < len(many)
    assert unknown <= set(first[:4])


async def test_sliders_move_it(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    mia, noa = await maker(easel, "mia"), await maker(easel, "noa")
    await people.follow(easel, alice, mia)
    liked = await hang(easel, noa, "fog")
    followed, fitting = await hang(easel, mia), await hang(easel, noa, "fog")
    await like(easel, alice, liked)
    await settle(easel)
    orders = {}
    for follows_ in (0, 100):
        await switch_on(easel, alice, Tuning(follows=follows_, fresh=0, surprise=0))
        orders[follows_] = await shown(easel, alice)
    assert orders == {0: [fitting.id, followed.id], 100: [followed.id, fitting.id]}
    clock_of(easel).advance(timedelta(days=10))
    fresh = await hang(easel, mia)
    await settle(easel)
    await switch_on(easel, alice, Tuning(follows=0, fresh=100, surprise=0))
    assert (await shown(easel, alice))[0] == fresh.id
    await switch_on(easel, alice, Tuning(follows=0, fresh=0, surprise=0))
    assert (await shown(easel, alice))[0] == fitting.id
    for wrong in ({"follows": 101}, {"fresh": -1}, {"surprise": True}, {"ai": "x"}, {"warned": 1}):
        with pytest.raises(Invalid):
            choices.read(wrong, choices.USUAL)


async def test_reset_forgets_and_off_leaves_nothing(easel: Easel) -> None:
    alice, mia = await people.local(easel, "alice"), await maker(easel, "mia")
    noa, kim = await maker(easel, "noa"), await maker(easel, "kim")
    liked = [await hang(easel, mia, "fog") for _ in range(2)]
    foggy, unloved = await hang(easel, noa, "fog"), await hang(easel, kim, "crowds")
    await settle(easel)
    await like(easel, alice, *liked)
    await switch_on(easel, alice, Tuning(fresh=10, ai="hide"))
    await mark(easel, alice, unloved, more=False)
    told = await why(easel, alice)
    assert told[foggy.id] == "Because you liked 2 pictures with #fog" and unloved.id not in told
    clock_of(easel).advance(timedelta(minutes=1))
    async with easel.database.write() as tx:
        await choices.reset(tx, alice)
    assert await stored(easel) == 1
    async with easel.database.read() as session:
        row = await choices.of(session, alice)
    assert row is not None and choices.tuning(row) == choices.USUAL
    assert await why(easel, alice) == {foggy.id: "Something new", unloved.id: "Something new"}
    clock_of(easel).advance(timedelta(minutes=1))
    again = await hang(easel, mia, "fog")
    await settle(easel)
    await like(easel, alice, again)  # from now on it counts again
    assert (await why(easel, alice))[foggy.id] == "Because you liked a picture with #fog"
    async with easel.database.write() as tx:
        await choices.switch_off(tx, alice)
    assert await stored(easel) == 0
    async with easel.database.write() as tx:  # and it goes with its reader
        await choices.switch_on(tx, alice, choices.USUAL)
    await mark(easel, alice, foggy, more=True)
    await shown(easel, alice)
    async with easel.database.write() as tx:
        await accounts.delete_account(tx, await tx.get_one(Account, alice.id))
    assert await stored(easel) == 0


async def test_what_is_deleted_or_changed_is_about_nothing_any_more(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    medium = await people.picture(easel, alice)
    post = await people.publish(easel, alice, "Fog #fog", media_ids=[medium])
    words = await people.publish(easel, alice, "No picture #fog")
    await settle(easel)

    async def about(status: Status) -> set[int]:
        async with easel.database.read() as session:
            rows = await session.exec(
                select(PictureFeature.kind).where(PictureFeature.status_id == status.id)
            )
            return set(rows.all())

    kinds = features.Kind
    assert await about(post) == {kinds.ANY, kinds.AUTHOR, kinds.TAG} and not await about(words)
    async with easel.database.write() as tx:
        await favourites.add(tx, alice, post)
        row = await tx.get_one(Status, post.id)
        await statuses.edit(tx, alice, row, statuses.Draft(text="Fog"))
    await settle(easel)
    assert await about(post) == {kinds.ANY, kinds.AUTHOR}
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, post.id))
    await settle(easel)
    assert not await about(post)


async def test_words_that_nobody_shares_any_more_are_forgotten(easel: Easel) -> None:
    mia, noa = await maker(easel, "mia"), await maker(easel, "noa")
    gone = await hang(easel, mia, prompt="misty harbour, lanterns")
    await hang(easel, noa, prompt="foxes, lanterns")
    await settle(easel)

    async def words() -> set[str]:
        async with easel.database.read() as session:
            return set((await session.exec(select(PictureTerm.words))).all())

    assert await words() == {"misty harbour", "misty", "harbour", "lanterns", "foxes"}
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, gone.id))
    await settle(easel)
    assert await words() == {"lanterns", "foxes"}


def test_terms_are_what_tells_pictures_apart() -> None:
    found = features.terms(
        ["A red fox, soft light, masterpiece, best quality, 8k, ((linocut)) by night"]
    )
    assert list(found.values()) == ["soft light", "red", "fox", "soft", "light", "linocut", "night"]
    assert (
        len(features.terms([", ".join(f"word{n}x and" for n in range(99))])) == features.MAX_TERMS
    )
