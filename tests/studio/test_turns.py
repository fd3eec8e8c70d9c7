"""Whose turn it is: by weight, by model, and out of turn only within bounds."""

from __future__ import annotations

import random
from datetime import timedelta

from fedi.clock import FakeClock
from fedi.database.tables import Account, Painting
from fedi.runtime import Easel
from fedi.social import accounts
from fedi.studio import appraisal, claims, turns
from fedi.studio.turns import MAX_PASSING, MAX_PASSING_FOR
from tests.studio.asking import account, ask
from tests.studio.queueing import LEASE, order, painter, take

A, B, C = "test/a", "test/b", "test/c"


async def moderator(easel: Easel, name: str) -> Account:
    async with easel.database.write() as tx:
        return await accounts.create_local(tx, name, role="moderator")


async def served(easel: Easel, card: int, models: tuple[str, ...], warm: str = "") -> str:
    """The models that a painter which loads what it paints with is given, one letter each."""
    letters = ""
    while (taken := await take(easel, card, models, warm)) is not None:
        warm = taken.model
        letters += warm[-1]
    return letters


async def test_a_moderator_gets_two_pictures_for_anothers_one(easel: Easel) -> None:
    staff, bob = await moderator(easel, "staff"), await account(easel, "bob")
    for _ in range(3):
        await ask(easel, bob)
    for _ in range(6):
        await ask(easel, staff)
    names = {staff.id: "staff", bob.id: "bob"}
    assert await order(easel, await painter(easel), names) == "sbssbssbs"


async def test_nobody_with_one_picture_waits_behind_a_moderators_many(easel: Easel) -> None:
    staff, bob = await moderator(easel, "staff"), await account(easel, "bob")
    for _ in range(20):
        await ask(easel, staff)
    await ask(easel, bob)
    names = {staff.id: "staff", bob.id: "bob"}
    assert (await order(easel, await painter(easel), names)).index("b") == 2


async def test_newcomers_stand_level_where_a_model_is_behind(easel: Easel) -> None:
    """What other painters have done meanwhile with other models does not count."""
    alice, bob, carol = [await account(easel, name) for name in ("alice", "bob", "carol")]
    fast, slow = await painter(easel, "fast", (A,)), await painter(easel, "slow", (B,))
    for _ in range(10):
        await ask(easel, alice, model=A)
    for _ in range(5):
        await ask(easel, bob, model=B)
    while await take(easel, fast, (A,)) is not None:
        pass
    await ask(easel, carol, model=B)
    taken = [await take(easel, slow, (B,)) for _ in range(3)]
    assert carol.id in [one.account_id for one in taken if one is not None]


async def test_pictures_for_a_loaded_model_are_taken_in_batches(easel: Easel) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    card = await painter(easel, models=(A, B))
    for _ in range(20):
        await ask(easel, alice, model=A)
        await ask(easel, bob, model=B)
    # One in turn and eight out of turn; then nine in turn, that were passed over, and eight out
    # of turn; and so on.
    assert await served(easel, card, (A, B)) == "a" * 9 + "b" * 17 + "a" * 11 + "b" * 3


async def test_what_any_model_will_do_for_is_painted_with_the_painters_default(
    easel: Easel,
) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    card = await painter(easel, models=(A, B))
    await ask(easel, alice, model=B)
    anybody = await ask(easel, bob)
    taken = await take(easel, card, (A, B), warm=A)
    assert taken is not None and taken.id == anybody.id


async def test_nobody_is_passed_over_for_long(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    card = await painter(easel, models=(A, B))
    for _ in range(5):
        await ask(easel, alice, model=A)
        await ask(easel, bob, model=B)
    letters, warm = "", ""
    for _ in range(5):
        taken = await take(easel, card, (A, B), warm)
        assert taken is not None
        warm = taken.model
        letters += warm[-1]
        clock.advance(MAX_PASSING_FOR * 0.6)
    assert letters == "aaabb"  # passed over twice, within 72 seconds; after 144 it is its turn


async def test_what_was_taken_out_of_turn_is_charged(easel: Easel) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    card = await painter(easel, models=(A, B))
    for _ in range(5):
        await ask(easel, alice, model=A)
    for _ in range(3):
        await ask(easel, bob, model=B)
    for _ in range(3):
        taken = await take(easel, card, (A, B), warm=B)
        assert taken is not None and taken.account_id == bob.id
        async with easel.database.write() as tx:
            await claims.fail(tx, claims.claim_of(taken), "The card broke.")
    await ask(easel, bob, model=B)
    names = {alice.id: "alice", bob.id: "bob"}
    letters = ""
    while (taken := await take(easel, card, (A, B))) is not None:
        letters += names[taken.account_id][0]
    assert letters == "aaaaba"


async def test_no_picture_is_passed_over_more_often_than_the_bound(
    easel: Easel, clock: FakeClock
) -> None:
    """Whoever asks for whatever, and whoever paints with whatever."""
    dice = random.Random(7)
    people = [await account(easel, f"person{number}") for number in range(6)]
    cards = {
        await painter(easel, name, models): models
        for name, models in (("one", (A, B)), ("two", (B, C)), ("three", (C, A, B)))
    }
    warm = dict.fromkeys(cards, "")
    waiting: dict[int, Painting] = {}
    passed: dict[int, list[float]] = {}
    out_of_turn = 0
    now = 0.0
    for _ in range(200):
        while len(waiting) < 20:
            sizes = {"steps": dice.choice((2, 4, 20)), "width": 512, "height": 512}
            painting = await ask(
                easel, dice.choice(people), model=dice.choice((A, A, B, C)), **sizes
            )
            waiting[painting.id], passed[painting.id] = painting, []
        card = dice.choice(list(cards))
        taken = await take(easel, card, cards[card], warm[card])
        if taken is not None:
            warm[card] = taken.model
            del waiting[taken.id]
            over = [
                one.id
                for one in waiting.values()
                if one.model in cards[card] and (one.tag, one.id) < (taken.tag, taken.id)
            ]
            out_of_turn += bool(over)
            for one in over:
                passed[one].append(now)
            async with easel.database.write() as tx:
                await claims.fail(tx, claims.claim_of(taken), "Enough of it.")
        seconds = dice.choice((1, 1, 1, 1, 1, 40))
        clock.advance(timedelta(seconds=seconds))
        now += seconds
    assert out_of_turn > 50
    assert max(map(len, passed.values())) <= MAX_PASSING
    longest = max(times[-1] - times[0] for times in passed.values() if times)
    assert 0 < longest <= MAX_PASSING_FOR.total_seconds()


def sized(side: int) -> turns.Alike:
    """What goes with a picture of that size."""
    return turns.Alike("", "", lambda recipe: recipe.get("width") == side)


async def companions(easel: Easel, card: int, side: int) -> list[Painting]:
    """All that can be taken beside a picture of that size."""
    taken: list[Painting] = []
    while True:
        async with easel.database.write() as tx:
            painting = await claims.take(tx, card, (), LEASE, alike=sized(side))
        if painting is None:
            return taken
        taken.append(painting)


async def test_a_batch_is_filled_out_of_turn_within_bounds(easel: Easel) -> None:
    """One small picture stands before many large ones: no more than the bound pass it."""
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    card = await painter(easel)
    await ask(easel, alice, width=512, height=512)
    small = await ask(easel, bob, width=256, height=256)
    for _ in range(19):
        await ask(easel, alice, width=512, height=512)
    first = await take(easel, card)
    assert first is not None and first.id == small.id  # it costs least
    async with easel.database.write() as tx:
        await claims.give_back(tx, claims.claim_of(first))
    passing = await companions(easel, card, 512)
    assert len(passing) == MAX_PASSING
    assert all(painting.over_id == small.id for painting in passing)
    # Whose turn it is has nobody to pass.
    assert [painting.id for painting in await companions(easel, card, 256)] == [small.id]
    assert len(await companions(easel, card, 512)) == 12


async def test_what_goes_together_is_known_by_the_models_defaults(easel: Easel) -> None:
    same = appraisal.kind({"prompt": "a", "seed": 1}, "sdxl")
    assert same == appraisal.kind({"prompt": "b", "seed": 2, "width": 1024, "height": 1024}, "sdxl")
    assert same != appraisal.kind({"prompt": "a", "steps": 7}, "sdxl")
    assert same != appraisal.kind({"prompt": "a", "negative_prompt": "b"}, "sdxl")
    assert same != appraisal.kind({"prompt": "a"}, "z-image-turbo")
    assert appraisal.kind({"prompt": "a", "width": 72, "height": 64}, "z-image-turbo")
