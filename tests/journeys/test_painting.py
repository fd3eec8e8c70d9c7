"""A picture is asked for on one server, painted there, and seen on another, whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Painting
from fedi.studio import paintings
from generation import provenance, random_weights
from tests import rig
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.studio.test_dispatcher import dispatcher

PATIENCE_S = 600.0  # torch is read from the disk twice, on a machine that is busy
STEPS = 100  # so many that the painter is killed in the middle of them


async def test_a_picture_whose_painter_is_killed_is_painted_and_reaches_a_follower(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    model = random_weights.build("stable-diffusion", tmp_path / "models" / "tiny")
    here = {"local": True, "model": str(model), "device": "cpu", "max_steps": STEPS}
    async with (
        rig.serve_instance(
            tmp_path / "a", new_database(), name="easel-a", clock=clock, painting=here
        ) as a,
        rig.serve_instance(tmp_path / "b", new_database(), name="easel-b", clock=clock) as b,
    ):
        alice, bob = await Person.join(a, "alice"), await Person.join(b, "bob")
        await bob.follow(alice)
        await settle(a, b)
        wish = {"type": "Image", "AIPromptInformation": "a lighthouse", "steps": STEPS}
        uri = await alice.post(browser, "The keeper stays.", attachment=[wish])
        async with a.easel.database.read() as session:
            asked = (await session.exec(select(Painting))).one()
        with a.easel.events.listen([paintings.topic(asked.id)]) as heard:
            async with asyncio.timeout(PATIENCE_S):
                while (await heard.next()).data.get("step", 0) < 2:
                    pass
                painter = dispatcher(a).local
                assert painter is not None and painter.pid is not None
                os.kill(painter.pid, signal.SIGKILL)
                while (await heard.next()).kind != "done":
                    pass
        async with a.easel.database.read() as session:
            done = (await session.exec(select(Painting))).one()
        assert (done.state, done.crashes) == ("done", 1)

        await settle(a, b)
        [post] = await bob.home()
        assert post.status.uri == uri
        assert post.status.ai == "generated"
        [picture] = post.media
        assert picture.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
        assert (picture.focus_x, picture.focus_y) == (0.0, 0.0)
        assert picture.remote_url is not None
        async with browser.get(picture.remote_url) as answer:
            assert answer.status == 200
            content = await answer.read()
        assert provenance.read(content).generated
        files = [path for path in a.easel.settings.media.folder.rglob("*.png") if path.is_file()]
        assert [path.read_bytes() for path in files] == [content]
