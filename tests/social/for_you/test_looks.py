"""What a painter sees in pictures: which it is asked about, and what comes of it in a feed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import col, select

from fedi.database.tables import MediaAttachment, PictureFeature, PictureLook, Status
from fedi.runtime import Easel
from fedi.social import statuses
from fedi.social.for_you import formula, looks
from fedi.social.for_you.choices import Tuning
from fedi.social.for_you.features import Kind
from fedi.social.for_you.reasons import Reason
from generation.recognition import SKETCH_BYTES, Sight
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

CALM = Tuning(surprise=0)
EYE = "Eye"


async def asked(easel: Easel, model: str = EYE, most: int = 50) -> list[int]:
    """Of which posts a painter with this model is given pictures, in this order."""
    async with easel.database.write() as tx:
        taken = await looks.take(tx, model, most)
        return [one.media.status_id for one in taken if one.media.status_id is not None]


async def see(
    easel: Easel, post: Status, *concepts: str, model: str = EYE, sketch: bytes = b""
) -> None:
    """A painter says what the picture of a post shows."""
    async with easel.database.write() as tx:
        query = select(MediaAttachment.id).where(MediaAttachment.status_id == post.id)
        sight = Sight(concepts, sketch)
        await looks.answer(tx, model, dict.fromkeys((await tx.exec(query)).all(), sight))
    await settle(easel)


def near(sketch: bytes, bits: int) -> bytes:
    """A sketch in which so many bits are others."""
    return (int.from_bytes(sketch, "big") ^ (1 << bits) - 1).to_bytes(len(sketch), "big")


async def meet(easel: Easel, model: str) -> bool:
    async with easel.database.write() as tx:
        return await looks.meet(tx, model)


async def kept(easel: Easel, posts: Sequence[Status]) -> tuple[set[int], set[int]]:
    """Of which of some posts there is something that was seen, as rows and as features."""
    numbers = [post.id for post in posts]
    async with easel.database.read() as session:
        rows = select(PictureLook.status_id).where(col(PictureLook.status_id).in_(numbers))
        having = select(PictureFeature.status_id).where(
            PictureFeature.kind == Kind.LOOK, col(PictureFeature.status_id).in_(numbers)
        )
        return set((await session.exec(rows)).all()), set((await session.exec(having)).all())


async def test_what_looks_alike_is_brought_near_and_says_so(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    mia, noa, kim = [await maker(easel, name) for name in ("mia", "noa", "kim")]
    await switch_on(easel, alice, CALM)
    first, second = await hang(easel, mia, "tea"), await hang(easel, mia, "rain")
    same = await hang(easel, noa, "harbour", prompt="ships at anchor")
    other = await hang(easel, kim, "cities", prompt="towers of glass")
    await settle(easel)
    assert await asked(easel) == [other.id, same.id, second.id, first.id]  # the newest first
    await like(easel, alice, first, second)
    # They have no hashtag, no word and no maker in common: nothing leads from one to the other.
    assert await why(easel, alice) == {same.id: "Something new", other.id: "Something new"}
    await see(easel, first, "a watercolour", "calm")
    await see(easel, second, "a watercolour", "no concept of ours")
    await see(easel, same, "a watercolour", "ships")
    await see(easel, other, "neon light")
    assert await why(easel, alice) == {
        same.id: "Because you liked 2 pictures that look like a watercolour"
    }
    assert await asked(easel) == []  # all of them were looked at
    # It counts against a picture as all else does, and as little is left of it by a reset.
    await mark(easel, alice, second, more=False)
    await mark(easel, alice, first, more=False)
    assert same.id not in await why(easel, alice)


async def test_what_looks_like_a_picture_they_liked_comes_first(easel: Easel) -> None:
    alice = await people.local(easel, "alice")
    mia, noa, kim = [await maker(easel, name) for name in ("mia", "noa", "kim")]
    await switch_on(easel, alice, CALM)
    liked = await hang(easel, mia, prompt="a quiet harbour")
    same, nearly, other = [await hang(easel, noa), await hang(easel, kim), await hang(easel, kim)]
    elsewise = await hang(easel, noa)
    await settle(easel)
    drawn = random.Random(1).randbytes(SKETCH_BYTES)
    await see(easel, liked, sketch=drawn)
    await see(easel, nearly, sketch=near(drawn, 40))
    await see(easel, same, sketch=near(drawn, 8))
    await see(easel, other, sketch=near(drawn, 120))
    await see(easel, elsewise, sketch=drawn, model="Another")  # says nothing beside what Eye says
    await like(easel, alice, liked)
    found = await items(easel, alice)
    assert [item.post.status.id for item in found][:2] == [same.id, nearly.id]
    reasons = {item.post.status.id: item.reason for item in found}
    words = "Because you liked a picture that looks like this"
    assert reasons[same.id] == Reason("alike", words, str(liked.id), 1)
    assert reasons[nearly.id] == reasons[same.id]
    assert reasons.keys() == {same.id, nearly.id}
    # On later pages it is there as long as both are.
    part = await page(easel, alice, None, 1)
    again = await page(easel, alice, part.next, 1)
    assert [item.reason.kind for item in again.items] == ["alike"]
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, liked.id))
    await settle(easel)
    again = await page(easel, alice, part.next, 1)
    assert again.items == []


async def test_what_looks_like_a_picture_they_want_less_of_stays_away(easel: Easel) -> None:
    alice, mia = await people.local(easel, "alice"), await maker(easel, "mia")
    noa, kim = await maker(easel, "noa"), await maker(easel, "kim")
    await switch_on(easel, alice, CALM)
    unwanted, same, other = await hang(easel, mia), await hang(easel, noa), await hang(easel, kim)
    await settle(easel)
    drawn = random.Random(2).randbytes(SKETCH_BYTES)
    for post, bits in ((unwanted, 0), (same, 20), (other, 120)):
        await see(easel, post, sketch=near(drawn, bits))
    await mark(easel, alice, unwanted, more=False)
    assert await shown(easel, alice) == [other.id]
    await mark(easel, alice, unwanted, more=True)
    assert (await why(easel, alice))[same.id] == (
        "Because you wanted more like a picture that looks like this"
    )


async def test_where_all_pictures_are_near_to_each_other_the_nearest_stand_out(
    easel: Easel,
) -> None:
    alice, mia = await people.local(easel, "alice"), await maker(easel, "mia")
    await switch_on(easel, alice, CALM)
    liked = await hang(easel, mia)
    crowd = [await hang(easel, await maker(easel, f"m{number}")) for number in range(20)]
    await settle(easel)
    drawn = random.Random(3).randbytes(SKETCH_BYTES)
    await see(easel, liked, sketch=drawn)
    for number, post in enumerate(crowd):
        await see(easel, post, sketch=near(drawn, 10 if number < 3 else 60))
    await like(easel, alice, liked)
    found = {
        item.post.status.id for item in await items(easel, alice) if item.reason.kind == "alike"
    }
    assert found == {post.id for post in crowd[:3]}


async def test_only_what_everybody_may_see_without_a_warning_is_looked_at(easel: Easel) -> None:
    mia, bob = await maker(easel, "mia"), await people.local(easel, "bob")
    open_ = await hang(easel, mia)
    for changes in (
        {"visibility": "private"}, {"visibility": "unlisted"}, {"visibility": "direct"},
        {"sensitive": True}, {"spoiler_text": "Careful"}, {"media": ()},
    ):  # fmt: skip
        await hang(easel, mia, **changes)
    picture = await people.picture(easel, bob)
    own = await people.publish(easel, bob, "mine", media_ids=[picture])
    followers = await people.picture(easel, bob)
    await people.publish(easel, bob, "not for all", media_ids=[followers], visibility="private")
    await settle(easel)
    assert await asked(easel) == [own.id, open_.id]
    await see(easel, open_, "owls")
    await see(easel, own, "a forest")
    # A post that changes is not looked at again, and nothing of what was seen is lost.
    async with easel.database.write() as tx:
        row = await tx.get_one(Status, own.id)
        await statuses.edit(tx, bob, row, statuses.Draft(text="mine, still"))
    await settle(easel)
    assert await kept(easel, [own, open_]) == ({own.id, open_.id},) * 2
    assert await asked(easel) == []
    # With a warning it is not written out, and a deleted post leaves nothing.
    async with easel.database.write() as tx:
        row = await tx.get_one(Status, own.id)
        await statuses.edit(tx, bob, row, statuses.Draft(text="mine", spoiler_text="Careful"))
        await statuses.delete(tx, await tx.get_one(Status, open_.id))
    await settle(easel)
    assert await kept(easel, [own, open_]) == (set(), set())


async def test_pictures_are_handed_out_once_and_again_for_a_model_that_is_new(easel: Easel) -> None:
    clock, mia = clock_of(easel), await maker(easel, "mia")
    old = await hang(easel, mia)
    await settle(easel)
    clock.advance(formula.WINDOW + formula.DAY)
    first, second = await hang(easel, mia), await hang(easel, mia)
    await settle(easel)  # and nobody looked at the old one while it could be in a feed
    assert await kept(easel, [old]) == (set(), set())
    assert await meet(easel, EYE)
    assert await asked(easel, most=1) == [second.id]
    assert await asked(easel) == [first.id]  # the other is somebody's
    async with easel.database.read() as session:
        assert not await looks.is_due(session, EYE, 1, timedelta())
    # Who does not answer is given up, and what painters die of is left alone.
    for _ in range(looks.TRIES - 1):
        clock.advance(looks.LEASE)
        assert await asked(easel) == [second.id, first.id]
    clock.advance(looks.LEASE)
    assert await asked(easel) == []
    await see(easel, first, "owls")
    await see(easel, second, "owls")
    # Another model looks at them as well; the one before it is not asked again, and neither is
    # any of both when it comes back.
    assert not await meet(easel, EYE)
    assert await meet(easel, "Better")
    assert (await asked(easel, EYE), await kept(easel, [first])) == ([], ({first.id},) * 2)
    assert await asked(easel, "Better") == [second.id, first.id]
    await see(easel, first, "herons", model="Better")
    assert not await meet(easel, EYE) and not await meet(easel, "Better")
    # What the host does not want any more is gone.
    async with easel.database.write() as tx:
        await looks.forget(tx)
    assert await kept(easel, [first, second]) == (set(), set())
