"""What painters can do is known before they are asked: who gets what, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedi.database.tables import Account, InputPicture, Painter, Painting
from fedi.runtime import Easel
from fedi.social.errors import Invalid
from fedi.studio import inputs, painters, paintings
from fedi.studio.inputs import Found
from generation.abilities import Abilities
from generation.protocol import Able, Ready
from generation.recipe import Lora, Recipe
from tests import rig
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected, picture
from tests.studio.test_dispatcher import dispatcher

FLAT = "test/flat"
PICTURE = "zQm" + "1" * 44
WORDS_ONLY = Abilities(can={FLAT: ()}, loras=(), upscales=False)
ABLE = Abilities(
    can={FLAT: ("strength", "inpaint", "lora")}, loras=("ink", "ink.safetensors"), upscales=True
)
START: dict[str, Any] = {"source": PICTURE, "strength": 0.5}
INK = {"loras": (Lora(name="ink"),)}


async def ask_from_picture(easel: Easel, who: Account, prompt: str = "a lighthouse") -> Painting:
    content = picture()
    row = InputPicture(
        digest=PICTURE, file="", media_type="image/png", width=64, height=64, size=len(content),
        created_at=easel.clock.now(),
    )  # fmt: skip
    found = Found(row, content)
    await inputs.keep_files(easel, [found])
    async with easel.database.write() as tx:
        recipe = Recipe(prompt=prompt, **START)
        return await paintings.request(tx, easel.settings.painting, who, recipe, pictures=[found])


async def row_of(easel: Easel, name: str) -> Painter:
    async with easel.database.read() as session:
        [found] = [p for p in await painters.list_painters(session) if p.name == name]
        return found


async def test_each_gets_only_what_it_can(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with (
        connected(instance, "endpoint", slots=0, abilities=WORDS_ONLY) as endpoint,
        connected(instance, "card", slots=0, abilities=ABLE) as card,
    ):
        drawn = await ask_from_picture(easel, alice, "from a picture")
        inked = await ask(easel, alice, "with ink", **INK)
        large = await ask(easel, alice, "large", upscale=2)
        plain = await ask(easel, alice, "from words")
        await endpoint.say(Ready(slots=4))
        assert (await endpoint.given()).painting == str(plain.id)
        await card.say(Ready(slots=4))
        given = {(await card.given()).painting for _ in range(3)}
        assert given == {str(one.id) for one in (drawn, inked, large)}


REFUSED = {
    "No painter here can start from a picture.": START,
    "No painter here can paint inside a mask.": {**START, "mask": PICTURE},
    "No painter here can look at reference pictures.": {"references": (PICTURE,)},
    "No painter here can paint with the LoRA ink.": INK,
    "No painter here can make pictures larger.": {"upscale": 2},
    "No painter here can start from a picture and make pictures larger.": START | {"upscale": 2},
}


@pytest.mark.parametrize("sentence", REFUSED)
async def test_what_nobody_here_can_is_refused_in_words(
    instance: rig.Instance, sentence: str
) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance, "endpoint", abilities=WORDS_ONLY):
        with pytest.raises(Invalid, match=sentence):
            await ask(easel, alice, **REFUSED[sentence])
        await ask(easel, alice)
    with pytest.raises(Invalid, match=sentence):  # and while it is away, as it is remembered
        await ask(easel, alice, **REFUSED[sentence])


async def test_where_nothing_is_known_it_is_queued(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    asked = await ask_from_picture(easel, alice)
    assert (await look(easel, asked)).state == "queued"
    async with connected(instance, "silent") as silent:
        assert (await silent.given()).painting == str(asked.id)


async def test_who_is_connected_counts_before_who_was(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance, "card", abilities=ABLE):
        pass
    asked = await ask(easel, alice, **INK)  # it may come back
    async with connected(instance, "endpoint", abilities=WORDS_ONLY):
        with pytest.raises(Invalid, match="No painter here can paint with the LoRA ink"):
            await ask(easel, alice, **INK)
        await dispatcher(instance).hand_out()
        assert (await look(easel, asked)).state == "queued"
    async with connected(instance, "card", abilities=ABLE) as card:
        assert (await card.given()).painting == str(asked.id)


async def test_what_waits_fails_in_words_when_it_turns_out_that_nobody_can(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    asked, plain = await ask(easel, alice, **INK), await ask(easel, alice)
    async with (
        reaches(easel, asked, "failed"),
        connected(instance, "endpoint", slots=1, abilities=WORDS_ONLY) as endpoint,
    ):
        assert (await endpoint.given()).painting == str(plain.id)
    assert (await look(easel, asked)).error == "No painter here can paint with the LoRA ink."


async def test_what_each_could_alone_is_refused_together(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    inks = Abilities(can={FLAT: ("lora",)}, loras=("ink",), upscales=False)
    draws = Abilities(can={FLAT: ("strength",)}, loras=(), upscales=False)
    async with connected(instance, "one", abilities=inks), connected(
        instance, "two", abilities=draws
    ):  # fmt: skip
        await ask(easel, alice, **START)
        await ask(easel, alice, **INK)
        sentence = "No painter here can paint with the LoRA ink and start from a picture."
        with pytest.raises(Invalid, match=sentence):
            await ask(easel, alice, **START, **INK)


async def test_a_lora_that_comes_later_is_told(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    without = Abilities(can=ABLE.can, loras=(), upscales=True)
    async with connected(instance, "card", abilities=without) as card:
        with pytest.raises(Invalid):
            await ask(easel, alice, **INK)
        await card.say(Able(abilities=ABLE))

        async def told() -> bool:
            document = (await row_of(easel, "card")).abilities
            return document is not None and "ink" in document["loras"]

        await rig.until(told)
        asked = await ask(easel, alice, **INK)
        assert (await card.given()).painting == str(asked.id)


async def test_a_lora_that_does_not_fit_the_model_is_refused_for_it_alone(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    deep = "test/deep"
    can = Abilities(
        can={FLAT: ("lora",), deep: ("lora",)}, loras=("ink", "chalk"), misfits={FLAT: ("ink",)}
    )
    async with connected(instance, "card", models=(FLAT, deep), abilities=can) as card:
        for asked in (INK, INK | {"model": FLAT}):
            with pytest.raises(Invalid, match="No painter here can paint with the LoRA ink"):
                await ask(easel, alice, **asked)
        made = await ask(easel, alice, **INK, model=deep)
        assert (await card.given()).painting == str(made.id)
    with pytest.raises(Invalid, match="the LoRA ink"):  # as it is remembered
        await ask(easel, alice, **INK)


async def test_what_a_painter_says_of_itself_is_bounded(instance: rig.Instance) -> None:
    long, odd = "x" * 5000, "nul\0l"
    said = Abilities(
        can={FLAT: ("strength", long, odd), long: ("inpaint",), odd: ("edit",)},
        loras=("ink", long, odd),
        misfits={FLAT: ("ink", long, odd), long: ("ink",), odd: ("ink",)},
        judges=odd * 100,
    )
    models = (FLAT, long, odd)
    async with connected(instance, "odd", models=models, abilities=said, slots=0):
        row = await row_of(instance.easel, "odd")
        assert row.models == [FLAT]
        assert row.abilities is not None and len(row.abilities.pop("judges")) == 100
        assert row.abilities == {
            "can": {FLAT: ["strength"]}, "loras": ["ink"], "misfits": {FLAT: ["ink"]}
        }  # fmt: skip


async def test_the_line_of_those_who_need_more_stands_level_with_the_others(
    instance: rig.Instance,
) -> None:
    """Who comes new with a need is not behind all that are in the line of the same model."""
    easel = instance.easel
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    for number in range(6):
        await ask(easel, alice, f"number {number}")
    newcomer = await ask_from_picture(easel, bob)
    async with connected(instance, "card", abilities=ABLE) as card:
        order = []
        for _ in range(2):
            given = await card.given()
            order.append(given.painting)
            async with reaches(easel, int(given.painting), "done"):
                await card.finish(given)
    assert str(newcomer.id) in order


async def test_the_host_is_told(new_database: rig.NewDatabase, tmp_path: Path) -> None:
    server = rig.ServerProcess(tmp_path, database={"url": new_database()})
    async with rig.opened(server.settings) as easel, easel.database.write() as tx:
        for name, can in (("home", ABLE), ("fleet", WORDS_ONLY)):
            await painters.issue_token(tx, name)
            painter = await painters.named(tx, name)
            assert painter is not None
            judging = Abilities(
                can=can.can, loras=can.loras, upscales=can.upscales,
                judges="Falcon" if name == "home" else "",
            )  # fmt: skip
            await painters.connected(tx, painter.id, device="cpu", models=(FLAT,), can=judging)
    told = await server.easel("painters", "list")
    assert "home: paints from words, pictures, masks, LoRAs, enlarging; judges (Falcon)." in told
    assert "fleet: paints from words; does not judge." in told
