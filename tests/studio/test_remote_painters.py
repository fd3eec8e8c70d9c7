"""Painters on other machines: real processes, real sockets, and what goes wrong between them."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from sqlmodel import select

from fedi.database.tables import MediaAttachment, Painter, Painting
from fedi.runtime import Easel
from fedi.social import accounts
from fedi.studio import painters, paintings
from generation import catalogue, protocol, random_weights
from generation.painter import EXIT_REFUSED
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from tests import rig
from tests.generation.images_server import (
    Asked,
    Reply,
    as_json,
    file_of,
    open_images_server,
    takes_all,
)
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import token_for
from tests.studio.remote import PATIENCE_S, in_thread, network, painting
from tests.studio.test_dispatcher import dispatcher

ROOM = 2**24  # bytes: less than one layer of a megapixel takes
STEPS = 100  # so many that it can be interrupted in the middle


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_weights.build("stable-diffusion", tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """What goes wrong here goes wrong between machines: one kind of database will do."""
    return rig.SQLiteFiles(sqlite_template, tmp_path).new()


@asynccontextmanager
async def server(
    tmp_path: Path, database_url: str, model: Path, **settings: object
) -> AsyncIterator[rig.Instance]:
    changed = {"model": str(model), "max_steps": STEPS, **settings}
    async with rig.serve_instance(tmp_path / "server", database_url, painting=changed) as instance:
        yield instance


def port_of(instance: rig.Instance) -> int:
    port = urlsplit(instance.url).port
    assert port is not None
    return port


async def until_step(easel: Easel, asked: Painting, step: int) -> None:
    with easel.events.listen([paintings.topic(asked.id)]) as heard:
        async with asyncio.timeout(PATIENCE_S):
            while (await heard.next()).data.get("step", 0) < step:
                pass


async def picture_of(easel: Easel, asked: Painting) -> tuple[MediaAttachment, bytes]:
    done = await look(easel, asked)
    async with easel.database.read() as session:
        media = await session.get(MediaAttachment, done.media_id)
    assert media is not None and media.file
    with Image.open(io.BytesIO(await easel.storage.read(media.file))) as image:
        return media, image.convert("RGB").tobytes()


def painted_alone(folder: Path, recipe: Recipe) -> bytes:
    """The pixels that a model paints of a recipe, without any server."""
    made = Pipeline.load(catalogue.find(str(folder)), device="cpu").paint([recipe])[0]
    with Image.open(io.BytesIO(made.png)) as image:
        return image.tobytes()


async def test_two_machines_with_different_models_each_paint_their_own(
    database_url: str, tmp_path: Path, tiny: Path
) -> None:
    other = random_weights.build("stable-diffusion", tmp_path / "other")
    async with server(tmp_path, database_url, tiny) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        one, two = await token_for(instance, "attic"), await token_for(instance, "cellar")
        with (
            painting(tmp_path / "attic", instance.url, one, "--model", str(tiny)) as attic,
            painting(tmp_path / "cellar", instance.url, two, "--model", str(other)) as cellar,
        ):
            await rig.until(lambda: len(dispatcher(instance).connected) == 2, seconds=PATIENCE_S)
            asked = [
                await ask(easel, alice, f"number {n}", seed=n, model=str(model), steps=2)
                for n, model in enumerate((tiny, other, tiny, other))
            ]

            async def all_done() -> bool:
                return {(await look(easel, one)).state for one in asked} == {"done"}

            await rig.until(all_done, seconds=PATIENCE_S)
            # Neither has ever opened the database, nor a file of the server's.
            opened = attic.files() | cellar.files()
            assert not [file for file in opened if str(tmp_path / "server") in file]
            assert not [file for file in opened if file.endswith((".db", "-wal"))]
        names = {p.id: p.name for p in await everybody(easel)}
        by = [names[(await look(easel, one)).painter_id or 0] for one in asked]
        assert by == ["attic", "cellar", "attic", "cellar"]


async def everybody(easel: Easel) -> list[Painter]:
    async with easel.database.read() as session:
        return list(await painters.list_painters(session))


async def test_a_connection_that_is_cut_in_the_middle_is_taken_up_again(
    database_url: str, tmp_path: Path, tiny: Path
) -> None:
    async with (
        server(tmp_path, database_url, tiny) as instance,
        network(port_of(instance)) as way,
    ):
        easel = instance.easel
        alice = await account(easel, "alice")
        token = await token_for(instance, "home")
        recipe = Recipe(prompt="a lighthouse", seed=7, steps=STEPS)
        asked = await ask(easel, alice, recipe.prompt, seed=7, steps=STEPS)
        with painting(tmp_path / "home", way.url, token, "--model", str(tiny)) as home:
            async with reaches(easel, asked, "done", seconds=PATIENCE_S):
                await until_step(easel, asked, 3)
                way.cut()
            assert home.process.poll() is None
        done = await look(easel, asked)
        assert (done.attempts, done.crashes, way.connections) == (2, 1, 2)
        _, pixels = await picture_of(easel, asked)
        assert pixels == await asyncio.to_thread(painted_alone, tiny, recipe)


async def test_when_a_machine_dies_in_the_middle_another_goes_on(
    database_url: str, tmp_path: Path, tiny: Path
) -> None:
    async with server(tmp_path, database_url, tiny) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        asked = await ask(easel, alice, steps=STEPS)
        token = await token_for(instance, "one")
        with painting(tmp_path / "one", instance.url, token, "--model", str(tiny)) as one:
            await until_step(easel, asked, 3)
            one.kill()
            await rig.until(lambda: not dispatcher(instance).connected)
            row = await look(easel, asked)
            assert (row.state, row.step, row.crashes) == ("queued", 0, 1)
        token = await token_for(instance, "two")
        with painting(tmp_path / "two", instance.url, token, "--model", str(tiny)):
            async with reaches(easel, asked, "done", seconds=PATIENCE_S):
                pass
        assert [p.name for p in await everybody(easel)] == ["one", "two"]


async def test_a_machine_without_memory_says_so_and_paints_on_when_it_has_some(
    database_url: str, tmp_path: Path, tiny: Path
) -> None:
    """Its allocator gives no more: what is too large fails in words, and nothing else does."""
    async with server(tmp_path, database_url, tiny) as instance:
        easel = instance.easel
        alice = await account(easel, "alice")
        token = await token_for(instance, "home")
        with painting(tmp_path / "home", instance.url, token, "--model", str(tiny)) as home:
            before = await ask(easel, alice, steps=2)
            async with reaches(easel, before, "done", seconds=PATIENCE_S):
                pass
            home.limit_memory(ROOM)
            large = await ask(easel, alice, steps=2, width=1024, height=1024)
            async with reaches(easel, large, "failed", seconds=PATIENCE_S):
                pass
            assert "too little memory" in (await look(easel, large)).error
            home.limit_memory(None)
            after = await ask(easel, alice, steps=2)
            async with reaches(easel, after, "done", seconds=PATIENCE_S):
                pass
            assert home.process.poll() is None
            assert "Traceback" not in home.said()


async def test_a_server_that_is_killed_finds_its_painter_again(tmp_path: Path, tiny: Path) -> None:
    here = {"model": str(tiny), "max_steps": STEPS}
    process = rig.ServerProcess(tmp_path / "server", painting=here)
    await process.easel("account", "create", "alice", "--password", "correct horse battery")
    token = await token_by_command(process, "home")
    await process.start()
    try:
        with painting(tmp_path / "home", process.url, token, "--model", str(tiny)) as home:
            asked = await ask_by_database(process, Recipe(prompt="a", steps=STEPS))

            async def begun() -> bool:
                return (await row_of(process, asked)).step >= 2

            async def done() -> bool:
                return (await row_of(process, asked)).state == "done"

            await rig.until(begun, seconds=PATIENCE_S)
            await process.kill()
            await process.start()
            await rig.until(done, seconds=PATIENCE_S)
            assert home.process.poll() is None
        row = await row_of(process, asked)
        assert (row.crashes, row.attempts) == (0, 2)  # nobody is to blame
        async with process.database() as database, database.read() as session:
            assert len((await session.exec(select(MediaAttachment))).all()) == 1
    finally:
        await process.stop()


async def test_a_painter_that_is_removed_is_shut_out_at_once(tmp_path: Path) -> None:
    """By a command, in a process of its own; what it had in hand goes back, unblamed."""
    process = rig.ServerProcess(tmp_path / "server", painting={"lease_s": 3600})
    await process.easel("account", "create", "alice", "--password", "correct horse battery")
    token = await token_by_command(process, "home")
    await process.start()
    hung_up = threading.Event()

    def paint(asked: Asked) -> None:
        if asked.gone():
            hung_up.set()

    try:
        with open_images_server() as images:
            images.answer = paint
            options = ("--endpoint", images.url)
            with painting(tmp_path / "home", process.url, token, *options) as home:
                asked = await ask_by_database(process, Recipe(prompt="a", seed=1))
                await asyncio.to_thread(images.asked.get, timeout=PATIENCE_S)
                told = await process.easel("painters", "list")
                assert "home" in told and str(asked) in told and "since" in told

                told = await process.easel("painters", "remove", "home")
                assert "1 of its pictures went back" in told
                assert await home.ended() == EXIT_REFUSED
                assert "withdrawn" in home.said()
                assert await in_thread(hung_up)
                row = await row_of(process, asked)
                assert (row.state, row.crashes, row.painter_id) == ("queued", 0, None)
            with painting(tmp_path / "home", process.url, token, *options) as home:
                assert await home.ended() == EXIT_REFUSED
                assert "does not know this painter's token" in home.said()
            assert "No painter has ever connected." in await process.easel("painters", "list")

            # The same for whoever shows an old token after a new one was made.
            first = await token_by_command(process, "home")
            with painting(tmp_path / "home", process.url, first, *options) as home:
                await asyncio.to_thread(images.asked.get, timeout=PATIENCE_S)
                second = await token_by_command(process, "home")
                assert await home.ended() == EXIT_REFUSED
            images.answer = takes_all
            with painting(tmp_path / "home", process.url, second, *options):

                async def done() -> bool:
                    return (await row_of(process, asked)).state == "done"

                await rig.until(done, seconds=PATIENCE_S)
                # "nothing" in hand, one picture within the hour.
                [line] = [
                    line
                    for line in (await process.easel("painters", "list")).splitlines()
                    if "home" in line and "│" in line
                ]
                assert "nothing" in line and line.rstrip("│ ").endswith("1")
    finally:
        await process.stop()


async def token_by_command(process: rig.ServerProcess, name: str) -> str:
    command = await process.easel("painters", "token", name)
    assert command.endswith(f" easel paint --server {process.url}")
    return command.split()[0].removeprefix("EASEL_PAINTER_TOKEN=")


async def ask_by_database(process: rig.ServerProcess, recipe: Recipe) -> int:
    async with process.database() as database, database.write() as tx:
        alice = await accounts.find_local(tx, "alice")
        assert alice is not None
        settings = process.settings.painting
        return (await paintings.request(tx, settings, alice, recipe)).id


async def row_of(process: rig.ServerProcess, painting_id: int) -> Painting:
    async with process.database() as database, database.read() as session:
        found = await session.get(Painting, painting_id)
        assert found is not None
        return found


async def test_a_slow_wire_is_no_dead_one(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that is longer on its way than the server waits for the answer to a ping."""
    monkeypatch.setattr(protocol, "PING_S", 1.0)
    monkeypatch.setattr(protocol, "PING_TIMEOUT_S", 1.0)
    noise = Image.frombytes("RGB", (700, 700), os.urandom(700 * 700 * 3))
    async with (
        rig.serve_instance(tmp_path / "server", database_url, painting={"lease_s": 2}) as instance,
        network(port_of(instance)) as way,
    ):
        easel = instance.easel
        way.rate = 300_000.0
        alice = await account(easel, "alice")
        asked = await ask(easel, alice)
        with open_images_server() as images:
            images.replies(as_json(file_of(noise)))
            token = await token_for(instance, "home")
            options = ("--endpoint", images.url)
            folder = tmp_path / "home"
            with painting(folder, way.url, token, *options):
                async with reaches(easel, asked, "done", seconds=PATIENCE_S):
                    pass
        done = await look(easel, asked)
        assert way.carried > 1_400_000
        assert (done.attempts, done.crashes, way.connections) == (1, 0, 1)
        assert (await picture_of(easel, asked))[1] == noise.tobytes()


OLDER = (
    "import functools, generation.link as link\n"
    "link.Hello = functools.partial(link.Hello, version=0)"
)


async def test_a_painter_of_an_older_easel_is_told_so(database_url: str, tmp_path: Path) -> None:
    async with rig.serve_instance(tmp_path / "server", database_url) as instance:
        token = await token_for(instance, "old")
        with open_images_server() as images:
            options = ("--endpoint", images.url)
            folder = tmp_path / "home"
            with painting(folder, instance.url, token, *options, script=OLDER) as old:
                assert await old.ended() == EXIT_REFUSED
                told = "This painter is older than the server: install the same Easel on both."
                assert told in old.said() and "Traceback" not in old.said()
        assert dispatcher(instance).connected == []


async def test_a_server_that_stops_does_not_send_its_painters_home(
    database_url: str, tmp_path: Path
) -> None:
    sock = rig.free_socket()
    port = sock.getsockname()[1]
    with open_images_server() as images:
        images.answer = lambda asked: Reply(500) if asked.gone() else None
        async with rig.serve_instance(tmp_path / "server", database_url, sock=sock) as instance:
            alice = await account(instance.easel, "alice")
            asked = await ask(instance.easel, alice)
            token = await token_for(instance, "home")
            remote = painting(tmp_path / "home", instance.url, token, "--endpoint", images.url)
            home = remote.__enter__()
            await asyncio.to_thread(images.asked.get, timeout=PATIENCE_S)
        try:
            images.answer = takes_all
            async with rig.serve_instance(
                tmp_path / "server", database_url, sock=rig.socket_on(port)
            ) as instance:
                async with reaches(instance.easel, asked.id, "done", seconds=PATIENCE_S):
                    pass
                done = await look(instance.easel, asked)
                assert (done.attempts, done.crashes) == (2, 0)
                assert home.process.poll() is None
        finally:
            remote.__exit__(None, None, None)
