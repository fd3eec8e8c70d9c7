"""The queue of pictures: fair, limited, and true about where a picture stands."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Painting
from fedi.runtime import Easel
from fedi.social.errors import Invalid, NotFound, TooMany
from fedi.studio import claims, paintings, standing
from generation import lora_files
from generation.recipe import Lora
from tests import rig
from tests.studio.asking import account, ask, look
from tests.studio.queueing import LEASE, order, painter, take


async def test_one_picture_never_waits_behind_anothers_fifty(easel: Easel) -> None:
    alice, bob, carol = [await account(easel, name) for name in ("alice", "bob", "carol")]
    for number in range(5):
        await ask(easel, alice, f"a {number}")
    await ask(easel, bob)
    for number in range(2):
        await ask(easel, carol, f"c {number}")
    names = {person.id: person.username for person in (alice, bob, carol)}
    assert await order(easel, await painter(easel), names) == "abcacaaa"


async def test_a_large_picture_counts_for_several_small_ones(easel: Easel) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    for number in range(2):
        await ask(easel, alice, f"large {number}", width=1024, height=1024, steps=40)
    for number in range(6):
        await ask(easel, bob, f"small {number}", width=512, height=512, steps=40)
    names = {alice.id: "alice", bob.id: "bob"}
    served = await order(easel, await painter(easel), names)
    assert served.index("a") >= 3  # a small one before a large one
    assert served.rindex("a") == len(served) - 1


async def test_staying_away_saves_up_nothing(easel: Easel) -> None:
    """Who comes late stands level with the rest, neither before nor behind all of it."""
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    names, card = {alice.id: "alice", bob.id: "bob"}, await painter(easel)
    for number in range(6):
        await ask(easel, alice, f"a {number}")
    for _ in range(3):
        await take(easel, card)
    for number in range(3):
        await ask(easel, bob, f"b {number}")
    assert await order(easel, card, names) == "ababab"


async def test_the_seed_is_drawn_once(easel: Easel) -> None:
    alice = await account(easel, "alice")
    drawn, given = await ask(easel, alice), await ask(easel, alice, seed=0)
    assert isinstance(drawn.recipe["seed"], int)
    assert given.recipe["seed"] == 0


async def test_limits_are_refused_in_a_sentence(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> None:
    settings = rig.settings_for(
        tmp_path,
        new_database(),
        painting={
            "local": False,
            "max_steps": 10,
            "max_megapixels": 0.5,
            "max_waiting": 2,
            "blocked_words": ["Grusel", "naked lunch"],
        },
    )
    async with rig.opened(settings, clock) as easel:
        alice, bob = await account(easel, "alice"), await account(easel, "bob")
        for recipe, sentence in (
            ({"steps": 11}, "10 steps"),
            ({"width": 1024, "height": 1024}, "0.5 megapixels"),
            ({"prompt": "ein GRUSEL, bitte"}, "word"),
            ({"prompt": "a Naked,  lunch"}, "word"),
            ({"prompt": "a grúsel"}, "word"),
            ({"model": "other/model"}, "Nobody here paints with other/model"),
        ):
            with pytest.raises(Invalid, match=sentence) as refusal:
                await ask(easel, alice, **recipe)
            assert str(refusal.value).endswith(".")
        await ask(easel, alice, "Gruselig is another word")
        await ask(easel, alice)
        with pytest.raises(Invalid, match="at most 2 are allowed"):
            await ask(easel, alice)
        await ask(easel, bob)
        taken = await take(easel, await painter(easel))
        assert taken is not None
        async with easel.database.write() as tx:  # what has ended waits no more
            await paintings.cancel(tx, taken)
        await ask(easel, alice if taken.account_id == alice.id else bob)


async def test_who_asks_too_often_is_told_when_to_ask_again(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> None:
    settings = rig.settings_for(
        tmp_path, new_database(), painting={"local": False, "max_per_hour": 2}
    )
    async with rig.opened(settings, clock) as easel:
        alice, bob = await account(easel, "alice"), await account(easel, "bob")
        unwanted = await ask(easel, alice)
        async with easel.database.write() as tx:  # it counts, although nobody began with it
            await paintings.cancel(tx, unwanted)
        clock.advance(timedelta(minutes=20))
        taken = await ask(easel, alice)
        begun = await take(easel, await painter(easel))
        assert begun is not None and begun.id == taken.id
        async with easel.database.write() as tx:  # and so does what somebody began with
            await paintings.cancel(tx, taken)
        with pytest.raises(TooMany, match=r"asked for 2 pictures .* in 40 minutes") as refusal:
            await ask(easel, alice)
        assert (refusal.value.status, refusal.value.retry_after) == (429, 40 * 60)
        await ask(easel, bob)
        clock.advance(timedelta(minutes=39, seconds=59))
        with pytest.raises(TooMany, match=r"in 1 second\."):
            await ask(easel, alice)
        clock.advance(timedelta(seconds=1))
        await ask(easel, alice)
        with pytest.raises(TooMany, match="in 20 minutes"):
            await ask(easel, alice)


async def test_what_the_model_cannot_do_is_refused_before_it_is_queued(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    settings = rig.settings_for(tmp_path, new_database(), painting={"model": "flux2-klein-4b"})
    async with rig.opened(settings) as easel:
        alice = await account(easel, "alice")
        with pytest.raises(Invalid, match=r"FLUX\.2 klein 4B takes no negative prompt"):
            await ask(easel, alice, negative_prompt="fog")
        with pytest.raises(Invalid, match=r"FLUX\.2 klein 4B needs a width"):
            await ask(easel, alice, width=520, height=512)
        async with easel.database.read() as session:
            assert await paintings.list_own(session, alice, limit=10) == []


async def test_a_lora_for_other_models_is_refused_before_it_is_queued(
    new_database: rig.NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASEL_LORAS", str(tmp_path / "loras"))
    said = json.dumps({"a.lora_A": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    for name, base in (("ink", "sdxl"), ("chalk", "flux2-klein-4b")):
        file = tmp_path / f"{name}.safetensors"
        file.write_bytes(len(said).to_bytes(8, "little") + said + bytes(4))
        lora_files.take(file, base)
    settings = rig.settings_for(tmp_path, new_database(), painting={"model": "flux2-klein-4b"})
    async with rig.opened(settings) as easel:
        alice = await account(easel, "alice")
        told = (
            r"The LoRA ink is for Stable Diffusion XL and its like, and does not fit FLUX\.2 klein"
        )
        with pytest.raises(Invalid, match=told):
            await ask(easel, alice, loras=(Lora(name="chalk"), Lora(name="ink")))
        async with easel.database.read() as session:
            assert await paintings.list_own(session, alice, limit=10) == []
        # What its host laid there says nothing of itself, but its weights do.
        sizes = {"lora_A": [4, 2048], "lora_B": [640, 4]}
        cross = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
        said = json.dumps(
            {
                f"{cross}.{side}.weight": {"dtype": "F32", "shape": size, "data_offsets": [0, 0]}
                for side, size in sizes.items()
            }
        ).encode()
        laid = tmp_path / "loras" / "laid.safetensors"
        laid.write_bytes(len(said).to_bytes(8, "little") + said)
        with pytest.raises(Invalid, match=r"The LoRA laid does not fit FLUX\.2 klein"):
            await ask(easel, alice, loras=(Lora(name="laid"),))
        for name in ("chalk", "chalk.safetensors", "of-another-machine"):
            await ask(easel, alice, loras=(Lora(name=name),))


async def test_a_picture_goes_to_who_has_its_model(easel: Easel) -> None:
    alice = await account(easel, "alice")
    small = await painter(easel, "small", ("test/small",))
    large = await painter(easel, "large", ("test/large", "flux2-klein-4b"))
    first = await ask(easel, alice, model="test/large")
    second = await ask(easel, alice, model="black-forest-labs/FLUX.2-klein-4B")
    anybody = await ask(easel, alice)
    taken = await take(easel, small, ("test/small",))
    assert taken is not None and taken.id == anybody.id
    for expected in (first, second):
        taken = await take(easel, large, ("test/large", "flux2-klein-4b"))
        assert taken is not None and taken.id == expected.id


async def test_where_a_picture_stands(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    card = await painter(easel)

    async def ahead(painting: Painting) -> object:
        async with easel.database.read() as session:
            where = await standing.position(session, await look(easel, painting))
        return None if where is None else (where.ahead, where.seconds)

    first = await ask(easel, alice, steps=10, width=1000, height=1000)
    assert await ahead(first) == (0, None)
    second = await ask(easel, alice, steps=10, width=1000, height=1000)
    third = await ask(easel, bob, steps=30, width=1000, height=1000)
    assert await ahead(second) == (1, None)
    assert await ahead(third) == (2, None)
    await take(easel, card)
    assert await ahead(first) == (0, None)
    assert await ahead(second) == (1, None)

    # Ten of cost in five seconds: two a second.
    clock.advance(timedelta(seconds=5))
    async with easel.database.write() as tx:
        row = await tx.get(Painting, first.id)
        assert row is not None
        paintings.end(tx, row, paintings.DONE)
    assert await ahead(first) is None
    assert await ahead(second) == (0, pytest.approx(5.0))
    assert await ahead(third) == (1, pytest.approx(20.0))


async def test_only_its_author_finds_a_picture(easel: Easel) -> None:
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    painting = await ask(easel, alice)
    async with easel.database.read() as session:
        assert (await paintings.find(session, alice, painting.id)).id == painting.id
        for who, number in ((bob, painting.id), (alice, painting.id + 1)):
            with pytest.raises(NotFound):
                await paintings.find(session, who, number)


async def test_a_cancelled_picture_is_not_painted(easel: Easel) -> None:
    alice, card = await account(easel, "alice"), await painter(easel)
    painting = await ask(easel, alice)
    async with easel.database.write() as tx:
        await paintings.cancel(tx, painting)
        await paintings.cancel(tx, painting)
    assert await take(easel, card) is None
    assert (await look(easel, painting)).state == paintings.CANCELLED


async def test_who_lost_a_picture_cannot_end_it(easel: Easel) -> None:
    alice = await account(easel, "alice")
    old, new = await painter(easel, "old"), await painter(easel, "new")
    painting = await ask(easel, alice)
    stale = claims.claim_of(await take(easel, old) or painting)
    async with easel.database.write() as tx:
        await claims.give_back(tx, stale)
    current = claims.claim_of(await take(easel, new) or painting)
    async with easel.database.write() as tx:
        await claims.fail(tx, stale, "It is mine.")
        await claims.give_back(tx, stale, crashed=True)
        await claims.progress(tx, stale, 3, 4)
        assert await claims.renew(tx, [stale, current], LEASE) == [stale]
        assert await claims.held(tx, stale) is None
        assert await claims.held(tx, current) is not None
    row = await look(easel, painting)
    assert (row.state, row.painter_id, row.step, row.crashes) == (paintings.PAINTING, new, 0, 0)


async def test_who_took_a_picture_again_ends_it_only_by_its_last_taking(easel: Easel) -> None:
    """A painter that came back is the same painter, and its old word counts no more."""
    alice, card = await account(easel, "alice"), await painter(easel)
    painting = await ask(easel, alice)
    stale = claims.claim_of(await take(easel, card) or painting)
    async with easel.database.write() as tx:
        await claims.give_back(tx, stale)
    current = claims.claim_of(await take(easel, card) or painting)
    async with easel.database.write() as tx:
        await claims.progress(tx, stale, 3, 4)
        assert await claims.renew(tx, [stale, current], LEASE) == [stale]
        await claims.fail(tx, stale, "It is mine.")
    row = await look(easel, painting)
    assert (row.state, row.step) == (paintings.PAINTING, 0)


async def test_a_silent_painter_loses_its_picture_when_its_lease_ends(
    easel: Easel, clock: FakeClock
) -> None:
    alice, card = await account(easel, "alice"), await painter(easel)
    painting = await ask(easel, alice)
    claim = claims.claim_of(await take(easel, card) or painting)

    async def reap() -> int:
        async with easel.database.write() as tx:
            return await claims.reap(tx)

    clock.advance(LEASE * 0.9)
    assert await reap() == 0
    async with easel.database.write() as tx:
        assert await claims.renew(tx, [claim], LEASE) == []
    clock.advance(LEASE * 0.9)
    assert await reap() == 0
    clock.advance(LEASE * 0.2)
    assert await reap() == 1
    assert (await look(easel, painting)).state == paintings.QUEUED


async def test_a_picture_given_back_is_the_next(easel: Easel) -> None:
    alice, card = await account(easel, "alice"), await painter(easel)
    first, _ = await ask(easel, alice), await ask(easel, alice)
    claim = claims.claim_of(await take(easel, card) or first)
    async with easel.database.write() as tx:
        await claims.give_back(tx, claim)
    again = await take(easel, card)
    assert again is not None and again.id == first.id
