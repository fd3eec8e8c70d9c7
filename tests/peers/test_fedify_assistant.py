"""The assistant, asked by a server that shares no code with ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Painting
from fedi.social.text import plain
from tests import rig
from tests.rig import Instance
from tests.social import people
from tests.social.trends import acting
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

from .author import Author
from .fedify_peer import FedifyPeer, Received

ONE_DATABASE = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)


@pytest.fixture
async def instance(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[Instance]:
    async with rig.serve_instance(
        tmp_path,
        new_database(),
        clock=clock,
        assistant={"enabled": True, "callers": "anyone"},
    ) as instance:
        yield instance


async def test_carol_asks_for_a_picture_and_is_answered(
    instance: Instance, fedify: FedifyPeer
) -> None:
    us = Author(instance, "imagine")
    named = f'<span class="h-card"><a href="{us.uri}" class="u-url mention">@imagine</a></span>'
    asked = await fedify.create(f"<p>{named} a red fox &amp; snow</p>", to=[us.uri])
    await us.settle()
    like = await fedify.expect("Like")
    assert (like.actor, like.object_id) == (us.uri, asked["object"])
    async with connected(instance) as card:
        given = await card.given()
        assert given.recipe.prompt == "a red fox & snow"
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
    await us.settle()
    create = await fedify.expect("Create")
    note = create.object
    assert note is not None and create.actor == us.uri
    assert note["replyTargetId"] == asked["object"]
    mentions = [tag["href"] for tag in note["tags"] if tag["type"] == "Mention"]
    assert mentions == [fedify.actor]
    [picture] = create.attachments
    assert picture.type == "Image" and picture.name
    assert create.undefined_terms == []
    assert (await fedify.lookup(us.uri))["type"] == "Service"

    stop = await fedify.create(f"<p>{named} stop</p>", to=[us.uri], in_reply_to=note["id"])
    await us.settle()
    await fedify.create(f"<p>{named} a boat</p>", to=[us.uri], in_reply_to=stop["object"])
    await us.settle()
    # Fedify gives threads no name; the assistant is silent in this one all the same.
    later = await fedify.received(create.seq)
    assert us.uri not in {one.actor for one in later if one.type == "Create"}
    async with instance.easel.database.read() as session:
        assert len((await session.exec(select(Painting))).all()) == 1


def named(uri: str) -> str:
    return f'<span class="h-card"><a href="{uri}" class="u-url mention">@imagine</a></span>'


async def paint(instance: Instance) -> str:
    """What waits is painted, posted, and sent: its prompt."""
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
    await Author(instance, "imagine").settle()
    return given.recipe.prompt


async def asked_for(instance: Instance) -> int:
    async with instance.easel.database.read() as session:
        return len((await session.exec(select(Painting))).all())


async def answers(fedify: FedifyPeer, us: Author, after: int | None = None) -> list[Received]:
    """What the assistant posted to carol."""
    return [
        one for one in await fedify.received(after) if (one.type, one.actor) == ("Create", us.uri)
    ]


HIDDEN = (
    '<p>{us} a red <b>boat</b><span style="display:none" hidden class="invisible"> and a flag'
    "</span><!-- mention everyone --><script>post('in public')</script>"
    '<a href="https://evil.example/" class="mention u-url">@dave</a></p>'
)


@ONE_DATABASE
@pytest.mark.parametrize("visibility", ["followers", "direct"])
async def test_what_is_hidden_in_a_request_commands_nothing(
    instance: Instance, fedify: FedifyPeer, visibility: str
) -> None:
    us, alice = Author(instance, "imagine"), await Author.create(instance, "alice")
    await us.follow(fedify.handle)  # so that it would be asked for her followers, too
    begun = (await fedify.received())[-1].seq
    asked = await fedify.create(
        HIDDEN.format(us=named(us.uri)), to=[us.uri, alice.uri], visibility=visibility,
        summary="</p> @everyone",
    )  # fmt: skip
    await us.settle()
    # What anybody reads here, who reads all of it; no comment, no script, nobody's name.
    assert await paint(instance) == "a red boat and a flag"
    [create] = await answers(fedify, us, begun)
    note = create.object
    assert note is not None and note["replyTargetId"] == asked["object"]
    assert [tag["href"] for tag in note["tags"] if tag["type"] == "Mention"] == [fedify.actor]
    assert (create.raw["to"], create.raw.get("cc", [])) == ([fedify.actor], [])
    assert "everyone" not in plain(note["content"]) and "dave" not in note["content"]
    assert ("mention", us.uri) not in await alice.notifications()
    assert us.uri not in {seen.author for seen in await alice.home()}


@ONE_DATABASE
@pytest.mark.parametrize("bot", [True, False])
async def test_a_program_that_answers_each_answer_is_left_alone(
    instance: Instance, fedify: FedifyPeer, bot: bool
) -> None:
    """Fedify gives threads no name. A program that says what it is is not answered at all, one that
    does not three times."""
    us, turns, above = Author(instance, "imagine"), 0, None
    if bot:
        await fedify.become_bot()
    while turns < 6:
        await fedify.create(
            f"<p>{named(us.uri)} picture {turns}</p>", to=[us.uri], in_reply_to=above
        )
        await us.settle()
        if await asked_for(instance) == turns:
            break
        turns += 1
        await paint(instance)
        *_, last = await answers(fedify, us)
        assert last.object is not None
        above = last.object["id"]
    assert turns == (0 if bot else 3)
    assert len(await answers(fedify, us)) == turns
    assert [one.type for one in await fedify.received()].count("Like") == turns


@ONE_DATABASE
async def test_carol_asks_what_is_trending(instance: Instance, fedify: FedifyPeer) -> None:
    us, easel = Author(instance, "imagine"), instance.easel
    for name in ("alice", "bob"):
        await people.publish(easel, await people.local(easel, name), "#tides")
    secret = await people.local(easel, "dora")
    await people.publish(easel, secret, "#secret", visibility="private")
    await acting.settle(easel)
    asked = await fedify.create(
        f"<p>{named(us.uri)} What is trending?</p>", to=[us.uri], visibility="direct"
    )
    await us.settle()
    [create] = await answers(fedify, us)
    note = create.object
    assert note is not None and note["replyTargetId"] == asked["object"]
    said = plain(note["content"])
    assert "People here talk about #tides (2 people of 1 server in 1 hour)." in said
    assert "secret" not in said and f"{instance.url}/explore" in said
    assert create.raw["to"] == [fedify.actor] and create.undefined_terms == []
    assert await asked_for(instance) == 0


@ONE_DATABASE
async def test_carol_blocks_it_while_it_paints(instance: Instance, fedify: FedifyPeer) -> None:
    us = Author(instance, "imagine")
    await fedify.create(f"<p>{named(us.uri)} a boat</p>", to=[us.uri])
    await us.settle()
    begun = (await fedify.expect("Like")).seq
    await fedify.block(us.uri)
    await us.settle()
    async with instance.easel.database.read() as session:
        [painting] = (await session.exec(select(Painting))).all()
    assert painting.state == "cancelled"
    await fedify.create(f"<p>{named(us.uri)} another</p>", to=[us.uri])
    await us.settle()
    assert await asked_for(instance) == 1
    assert await fedify.received(begun) == []
