"""The painter that the server starts itself: a real process with a real, tiny pipeline."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from fedi.database.tables import MediaAttachment, Painting, Status
from fedi.runtime import Easel
from fedi.social import adjusting
from fedi.social.statuses import Draft
from fedi.studio import paintings
from fedi.studio.local import LocalPainter
from generation import provenance, random_weights
from generation.protocol import Hello, Leave, Ready
from tests import rig
from tests.generation.images_server import Reply, open_images_server
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected, opened
from tests.studio.test_dispatcher import dispatcher

START_S = 120.0  # torch and diffusers are read from the disk, on a busy machine


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_weights.build("stable-diffusion", tmp_path_factory.mktemp("models") / "tiny")


@asynccontextmanager
async def painting_here(
    folder: Path, database_url: str, model: Path, *, ping_s: float = 20.0, **painting: object
) -> AsyncIterator[rig.Instance]:
    settings = {"local": True, "model": str(model), "device": "cpu", "max_steps": 100, **painting}
    async with rig.serve_instance(
        folder, database_url, ping_s=ping_s, painting=settings
    ) as instance:
        yield instance


def local(instance: rig.Instance) -> LocalPainter:
    painter = dispatcher(instance).local
    assert painter is not None
    return painter


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_words_become_a_posted_picture(
    new_database: rig.NewDatabase, tmp_path: Path, tiny: Path
) -> None:
    async with painting_here(tmp_path, new_database(), tiny) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        assert not local(instance).running  # nothing to paint: no process, no memory
        painting = await ask(
            easel, alice, "a lighthouse", seed=7, share_recipe=True, draft=Draft(text="Look!")
        )
        async with reaches(easel, painting, "done", seconds=START_S):
            pass
        pid = local(instance).pid
        assert pid is not None and alive(pid)
        done = await look(easel, painting)
        async with easel.database.read() as session:
            media = await session.get(MediaAttachment, done.media_id)
            status = await session.get(Status, done.status_id)
        assert media is not None and media.file and status is not None
        said = provenance.read(await easel.storage.read(media.file))
        assert said.generated and said.prompt == "a lighthouse" and said.fields["Seed"] == "7"
        # Where the model lies on this machine is nobody's business.
        assert str(tiny) not in str(media.recipe) and "tmp" not in media.ai_system
    assert not alive(pid)


async def strike(instance: rig.Instance, painting: Painting, blow: signal.Signals) -> int:
    """Send a signal to the painter in the middle of a picture; gives its process id."""
    with instance.easel.events.listen([paintings.topic(painting.id)]) as heard:
        async with asyncio.timeout(START_S):
            while (await heard.next()).data.get("step", 0) < 2:
                pass
    pid = local(instance).pid
    assert pid is not None
    os.kill(pid, blow)
    return pid


async def test_a_picture_whose_painter_is_killed_is_painted(
    new_database: rig.NewDatabase, tmp_path: Path, tiny: Path
) -> None:
    async with painting_here(tmp_path, new_database(), tiny) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        painting = await ask(easel, alice, steps=100, draft=Draft())
        async with reaches(easel, painting, "done", seconds=2 * START_S):
            pid = await strike(instance, painting, signal.SIGKILL)
        done = await look(easel, painting)
        assert (done.state, done.attempts, done.crashes) == ("done", 2, 1)
        assert done.status_id is not None
        assert local(instance).pid != pid


async def test_a_painter_that_hangs_is_killed_and_its_picture_painted(
    sqlite_template: Path, tmp_path: Path, tiny: Path
) -> None:
    """A process that stands still answers no ping, hears no farewell, and keeps the card."""
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    async with painting_here(tmp_path, url, tiny, ping_s=3.0) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        painting = await ask(easel, alice, steps=100)
        async with reaches(easel, painting, "done", seconds=2 * START_S):
            pid = await strike(instance, painting, signal.SIGSTOP)
        done = await look(easel, painting)
        assert (done.state, done.attempts, done.crashes) == ("done", 2, 1)
        assert not alive(pid) and local(instance).pid != pid


async def test_pictures_of_different_people_are_painted_as_one_batch(
    sqlite_template: Path, tmp_path: Path, tiny: Path
) -> None:
    """And each is the picture that it is alone, also in another process."""
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    async with painting_here(tmp_path, url, tiny, batch=4) as instance:
        easel = instance.easel
        people = [await account(easel, name) for name in ("alice", "bob", "carol", "dave")]
        # Alone, while the model is loaded; it keeps the painter busy until all have asked, and the
        # painter is held meanwhile, however slow they are.
        first = await ask(easel, people[0], "a lighthouse", seed=1, steps=100)
        async with reaches(easel, first, "painting", seconds=START_S):
            pass
        pid = local(instance).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        asked = [await ask(easel, who, "a lighthouse", seed=2) for who in people]
        os.kill(pid, signal.SIGCONT)
        topics = [paintings.topic(painting.id) for painting in asked]
        with easel.events.listen(topics) as heard:
            kinds = []
            async with asyncio.timeout(START_S):
                while kinds.count("done") < 4:
                    event = await heard.next()
                    kinds.append(event.kind)
                    if event.kind == "progress" and event.data["step"] == 1:
                        kinds.append("begun")
        assert kinds.index("done") > max(n for n, kind in enumerate(kinds) if kind == "begun")
        together = [await shown(easel, painting) for painting in asked]
        os.kill(pid, signal.SIGKILL)
        again = await ask(easel, people[0], "a lighthouse", seed=2)
        async with reaches(easel, again, "done", seconds=START_S):
            pass
        alone = await shown(easel, again)
    for picture in together:
        extremes = ImageChops.difference(picture, alone).getextrema()
        assert max(high for _, high in extremes) <= 1


async def shown(easel: Easel, painting: Painting) -> Image.Image:
    """A finished picture's pixels."""
    done = await look(easel, painting)
    async with easel.database.read() as session:
        media = await session.get(MediaAttachment, done.media_id)
    assert media is not None and media.file
    with Image.open(io.BytesIO(await easel.storage.read(media.file))) as image:
        return image.convert("RGB")


async def test_the_painter_ends_when_nothing_is_asked_for_and_comes_back(
    sqlite_template: Path, tmp_path: Path, tiny: Path
) -> None:
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    async with painting_here(tmp_path, url, tiny, idle_exit_s=5) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        for _ in range(2):
            painting = await ask(easel, alice)
            async with reaches(easel, painting, "done", seconds=START_S):
                pass
            await rig.until(lambda: not local(instance).running, seconds=START_S)


async def test_no_process_is_started_while_a_card_elsewhere_can_paint(
    new_database: rig.NewDatabase, tmp_path: Path, tiny: Path
) -> None:
    async with painting_here(tmp_path, new_database(), tiny) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        async with connected(instance, models=(str(tiny),)) as card:
            first, second = await ask(easel, alice), await ask(easel, alice)
            async with reaches(easel, first, "done"):
                await card.finish(await card.given())
            await card.given()
            await dispatcher(instance).hand_out()
            assert not local(instance).running
            async with easel.database.write() as tx:
                await paintings.cancel(tx, second)


async def test_a_painter_that_cannot_start_leaves_the_queue_as_it_is(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one whose torch is broken: it dies before it connects, and rests between tries."""
    broken = tmp_path / "broken"
    (broken / "generation").mkdir(parents=True)
    (broken / "generation" / "__init__.py").write_text("raise ImportError('no torch')\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    async with painting_here(tmp_path, url, tmp_path / "model") as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        painting = await ask(easel, alice)
        await rig.until(lambda: local(instance).wait() > 0, seconds=START_S)
        await local(instance).start()
        assert not local(instance).running  # not before the rest is over
        row = await look(easel, painting)
        assert (row.state, row.attempts, row.crashes) == ("queued", 0, 0)


async def test_an_endpoint_paints_instead_of_this_machine(
    sqlite_template: Path, tmp_path: Path
) -> None:
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    with open_images_server() as images:
        images.token = "secret"
        images.models = Reply.of({"data": [{"id": "house/usual"}, {"id": "house/special"}]})
        fleet = {"endpoint": images.url, "endpoint_token": "secret", "idle_exit_s": 5}
        async with rig.serve_instance(tmp_path, url, painting={"local": True, **fleet}) as instance:
            easel = instance.easel
            alice = await account(easel, "alice")
            asked = [await ask(easel, alice, f"number {n}", draft=Draft()) for n in range(3)]

            async def all_done() -> bool:
                return {(await look(easel, one)).state for one in asked} == {"done"}

            await rig.until(all_done, seconds=START_S)
            done = await look(easel, asked[0])
            async with easel.database.read() as session:
                media = await session.get(MediaAttachment, done.media_id)
            assert media is not None and media.file and done.status_id is not None
            assert (media.ai_system, media.ai_system_version) == ("house/usual", "")
            assert provenance.read(await easel.storage.read(media.file)).generated
            # The process ends when nothing is asked for, and comes back for any of its models.
            await rig.until(lambda: not local(instance).running, seconds=START_S)
            special = await ask(easel, alice, model="house/special")
            async with reaches(easel, special, "done", seconds=START_S):
                pass
            assert images.bodies()[-1]["model"] == "house/special"


async def choose(instance: rig.Instance, model: str, *, outdated: bool) -> None:
    """An admin has it paint with another model, and the dispatcher has seen that."""
    async with instance.easel.database.write() as tx:
        await adjusting.change(tx, instance.easel.base, {"painting.model": model})
    await instance.easel.adjust()
    await rig.until(lambda: local(instance).outdated is outdated)


async def test_it_stays_if_its_model_is_chosen_again_before_it_has_left(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = tmp_path / "idle"  # a process that only lives: the test speaks for it
    (idle / "generation").mkdir(parents=True)
    (idle / "generation" / "__init__.py").write_text("")
    (idle / "generation" / "painter.py").write_text("import sys\nsys.stdin.read()\n")
    monkeypatch.setenv("PYTHONPATH", str(idle))
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    settings = {"local": True, "model": "test/a"}
    async with rig.serve_instance(tmp_path, url, painting=settings) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        first = await ask(easel, alice)
        await rig.until(lambda: local(instance).running)
        async with opened(instance, local(instance)._token) as card:
            await card.say(Hello(name="local", device="cpu", models=("test/a",), suggests=True))
            card.model = "test/a"
            await card.say(Ready(slots=1))
            given = await card.given()
            await choose(instance, "test/b", outdated=True)
            await choose(instance, "test/a", outdated=False)
            async with reaches(easel, first, "done"):
                await card.finish(given)
            second = await ask(easel, alice)
            given = await card.given()
            assert given.painting == str(second.id)

            await choose(instance, "test/b", outdated=True)
            # A question is nothing that it would stay for.
            asking = asyncio.create_task(dispatcher(instance).assistance.propose(alice, "fog"))
            async with reaches(easel, second, "done"):
                await card.finish(given)
            assert isinstance(await card.hear(), Leave)
            assert not asking.done()
            asking.cancel()
