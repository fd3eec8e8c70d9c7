"""The assistant, asked by a server that shares no code with ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Painting
from tests import rig
from tests.rig import Instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

from .author import Author
from .fedify_peer import FedifyPeer


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
