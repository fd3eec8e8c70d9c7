"""What painters say of what they paint is not simply believed."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from sqlmodel import select

from fedi.database.tables import MediaAttachment
from fedi.studio import answers, paintings
from generation import protocol
from generation.protocol import Failed, Judgement, Progress
from generation.recipe import Lora, Recipe
from tests import rig
from tests.listening import listening
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import FLAT, WAIT_S, connected, picture

ASKED: dict[str, Any] = {"seed": 7, "width": 64, "height": 64, "steps": 4, "guidance": 2.0}
TOLD = Recipe(prompt="a lighthouse", model="test/flat", **ASKED)


def changed(**fields: Any) -> dict[str, Any]:
    return {"recipe": msgspec.structs.replace(TOLD, **fields)}


LIES: dict[str, dict[str, Any]] = {
    "another prompt": changed(prompt="something else"),
    "another negative prompt": changed(negative_prompt="ugly"),
    "another seed": changed(seed=8),
    "more steps": changed(steps=400),
    "another guidance": changed(guidance=3.0),
    "a strength of nothing": changed(strength=0.5),
    "a source": changed(source="zQm" + "1" * 44),
    "a LoRA": changed(loras=(Lora(name="ink"),)),
    "larger": changed(upscale=4),
    "another size": changed(width=640, height=640),
    "an impossible size": {"width": 10**9, "height": 64},
    "a folder": changed(model="/etc/passwd"),
    "a long model": {"model": "x" * 5000},
    "what cannot be written": {"sampler": "nul\0l"},
    "a long version": {"model_version": "0" * 5000},
    "a long classifier": {"judgement": Judgement(score=0.1, model="x" * 5000)},
    "many labels": {
        "judgement": Judgement(score=0.1, scores={str(number): 0.1 for number in range(500)})
    },
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_refused_and_its_painter_named(instance: rig.Instance, lie: str) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance, "liar") as liar:
        asked = await ask(easel, alice, **ASKED)
        given = await liar.given()
        await liar.say(protocol.Ready(slots=0))  # it is not to be given the same once more
        with listening() as logged:
            async with reaches(easel, asked, "queued"):
                await finish(liar, given, **LIES[lie])
    row = await look(easel, asked)
    assert (row.state, row.crashes) == ("queued", 1)
    async with easel.database.read() as session:
        assert (await session.exec(select(MediaAttachment))).all() == []
    [told] = [entry for entry in logged if entry["event"] == "picture_refused"]
    assert told["painter"] == "liar"


async def finish(hand: Any, given: protocol.Paint, **said: Any) -> None:
    message = protocol.Finished(
        painting=given.painting,
        media_type="image/png",
        **{"width": 64, "height": 64, "recipe": TOLD, "seconds": 0.5, **FLAT, **said},
    )
    await hand.say(message, picture())


async def test_what_was_left_open_is_the_painters_to_settle(instance: rig.Instance) -> None:
    """And what it could not follow, it may leave out, as endpoints do."""
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance) as card:
        for fields, said in (
            ({"seed": 7}, {"model": "test/flat", "steps": 9, "guidance": 1.5}),
            (ASKED, {"seed": None, "steps": None, "guidance": None}),
            (ASKED | {"width": 512, "height": 512}, {"width": 64, "height": 64}),
        ):
            asked = await ask(easel, alice, share_recipe=True, **fields)
            given = await card.given()
            recipe = msgspec.structs.replace(given.recipe, **said)
            async with reaches(easel, asked, "done"):
                await finish(card, given, recipe=recipe)
            done = await look(easel, asked)
            async with easel.database.read() as session:
                media = await session.get(MediaAttachment, done.media_id)
            assert media is not None and media.recipe is not None
            assert media.recipe == recipe.document()


async def test_what_is_said_on_the_way_is_bounded(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    asked = await ask(easel, alice, steps=4)
    async with connected(instance) as card:
        given = await card.given()
        with easel.events.listen([paintings.topic(asked.id)]) as heard:
            odd = Progress(
                painting=given.painting, stage="painting", step=-5, of=2**60,
                elapsed_s=-1.0, note="nul\0l" * 1_000,
            )  # fmt: skip
            await card.say(odd)
            async with asyncio.timeout(WAIT_S):
                while (event := await heard.next()).kind != "progress":
                    pass
        assert (event.data["step"], event.data["seconds"]) == (0, 0)
        assert event.data["steps"] == answers.MOST
        assert len(event.data["note"]) == answers.MAX_NOTE and "\0" not in event.data["note"]
        async with reaches(easel, asked, "failed"):
            await card.say(Failed(painting=given.painting, reason="nul\0l " * 1_000))
    row = await look(easel, asked)
    assert row.error.startswith("null null") and len(row.error) <= answers.MAX_REASON
    assert row.steps == answers.MOST
