"""`easel style`: from an author's posts to a LoRA in the studio, and a picture painted with it."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from fedi.database.tables import Account, MediaAttachment, Painting, Status
from fedi.runtime import Easel
from fedi.social import audit, statuses
from fedi.social.paging import Page
from fedi.social.training import choices, lessons
from fedi.studio import media
from generation import lora_files, random_weights
from generation.recipe import Lora
from generation.style import brief
from tests import rig
from tests.api.oauth.person import at, join
from tests.social import people
from tests.studio.asking import ask, look, reaches
from tests.studio.test_local_painter import START_S

pytest.importorskip("diffusers", reason="easel[paint] is not installed")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EASEL_LORAS", str(tmp_path / "loras"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "200")


class Host:
    """Who runs an instance, at a terminal."""

    def __init__(self, folder: Path, instance: rig.Instance, database: str, model: Path) -> None:
        self._server = rig.ServerProcess(
            folder / "host",
            instance={"url": instance.url},
            database={"url": database},
            media={"folder": str(folder / "media")},
            painting={"local": False, "model": str(model), "device": "cpu"},
        )

    def command(self, *words: str) -> list[str]:
        return self._server.command("style", *words)

    async def style(self, *words: str) -> tuple[int, str]:
        """The exit status of `easel style …`, and all that it says, on one line."""
        return await self.easel("style", *words)

    async def easel(self, *words: str) -> tuple[int, str]:
        """The same of any command."""
        process = await asyncio.create_subprocess_exec(
            *self._server.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = await process.communicate()
        said = output.decode()
        assert "Traceback" not in said, said
        assert process.returncode is not None
        return process.returncode, " ".join(said.split())


async def posted(easel: Easel, author: Account, colour: str) -> int:
    """A post of an author's with a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (80, 64), colour).save(out, "PNG")
    prepared = await media.prepare_upload(out.getvalue(), easel.settings.media)
    stored = await media.store(easel.storage, prepared)
    async with easel.database.write() as tx:
        medium = media.add_upload(tx, author, stored, description=f"All {colour}.").id
    return (await people.publish(easel, author, "Look!", media_ids=[medium])).id


async def told(easel: Easel, author: Account) -> list[tuple[str, str, int, int, bool]]:
    """What an author sees of styles: name, kind, how many pictures, how many withdrawn, and
    whether it was removed."""
    async with easel.database.read() as session:
        found = await lessons.of_author(session, author, Page())
    return [
        (one.style.purpose, one.style.kind, one.pictures, one.withdrawn, bool(one.style.revoked_at))
        for one in found
    ]


@asynccontextmanager
async def hosted(
    database: str, folder: Path, model: Path
) -> AsyncIterator[tuple[rig.Instance, Host]]:
    painting = {"local": True, "model": str(model), "device": "cpu"}
    async with rig.serve_instance(folder, database, painting=painting) as instance:
        yield instance, Host(folder, instance, database, model)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_from_an_authors_posts_to_a_picture_in_their_style(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    model = random_weights.build("stable-diffusion", tmp_path / "models" / "tiny")
    async with hosted(new_database(), tmp_path, model) as (instance, host):
        easel = instance.easel
        alice = await join(instance)
        posts = [await posted(easel, alice, colour) for colour in ("red", "orange")]

        small = ("--resolution", "64", "--rank", "2", "--rate", "0.02")
        train = ("train", "alices-ink", "--from", "@alice", "--steps", "6", *small)
        status, said = await host.style(*train)
        assert (status, "has no picture that may be learned from" in said) == (1, True), said
        status, said = await host.style(*train, "--asked", "--base", "ernie-image-turbo")
        assert (status, "No style can be learned for ERNIE-Image" in said) == (1, True), said
        assert await told(easel, alice) == []
        status, said = await host.style("train", "alices-ink", "--from", "@zoe")
        assert (status, "There is no account @zoe here" in said) == (1, True), said

        status, said = await host.style(*train, "--asked")
        assert (status, "learns from 2 pictures of @alice" in said) == (0, True), said
        assert "alices-ink is here" in said and "family stable-diffusion" in said
        assert "Step 6 of 6" in said and said.count("A sample: ") == 2
        assert await told(easel, alice) == [("alices-ink", lessons.ASKED, 2, 0, False)]
        table = (await host.style("list"))[1]
        assert re.search(r"alices-ink │ alices ink │ Random stable-diffusion +│ 2 +│ 6 ", table)
        card = (await host.style("show", "alices-ink"))[1]
        assert card.count(f"<{instance.url}/@alice/") == 2 and "asked for this style" in card

        # The real painter says what it has; the studio offers it, and paints with it.
        plain = await ask(easel, alice, "alices ink", seed=1, width=64, height=64, steps=2)
        async with reaches(easel, plain, "done", seconds=START_S):
            pass
        async with at(instance) as visitor:
            await visitor.sign_in("alice")
            assert '<option value="alices-ink">' in (await visitor.get("/studio")).body
        loras = (Lora(name="alices-ink"),)
        styled = await ask(
            easel, alice, "alices ink", seed=1, width=64, height=64, steps=2, loras=loras
        )
        async with reaches(easel, styled, "done", seconds=START_S):
            pass
        assert await pixels(easel, plain) != await pixels(easel, styled)

        # What is taken back is told; the style goes with all that it has.
        async with easel.database.write() as tx:
            await statuses.delete(tx, await tx.get_one(Status, posts[0]))
        card = (await host.style("show", "alices-ink"))[1]
        assert "1 of its 2 pictures may not be learned from any more" in card
        assert await told(easel, alice) == [("alices-ink", lessons.ASKED, 2, 1, False)]
        assert (await host.style("remove", "alices-ink", "--yes"))[0] == 0
        assert not lora_files.all_here() and not brief.kept("alices-ink").exists()
        assert await told(easel, alice) == [("alices-ink", lessons.ASKED, 2, 1, True)]
        async with easel.database.read() as session:
            noted = [entry.action for entry in await audit.newest(session, Page(limit=10))]
        assert noted == ["style.remove", "style.train"]


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
async def test_it_goes_on_without_what_was_taken_back(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    model = random_weights.build("stable-diffusion", tmp_path / "models" / "tiny")
    async with hosted(new_database(), tmp_path, model) as (instance, host):
        easel = instance.easel
        alice = await join(instance)
        async with easel.database.write() as tx:
            await choices.consent(tx, await tx.get_one(Account, alice.id), True)
        posts = [await posted(easel, alice, colour) for colour in ("red", "orange", "teal")]
        train = ("train", "ink", "--consented", "--steps", "400", "--resolution", "64")
        process = await asyncio.create_subprocess_exec(
            *host.command(*train, "--rank", "2", "--keep-every", "2"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        async for line in process.stdout:
            if b"Step " in line:
                process.terminate()
                break
        rest = await process.stdout.read()
        assert await process.wait() == 0 and b"Stopped: `easel style train ink --resume`" in rest
        done = brief.steps_done(brief.work("ink"))
        assert 0 < done < 400
        assert f"{done} of 400, not done" in (await host.style("list"))[1]
        status, said = await host.style(*train)
        assert (status, "ink was begun already" in said) == (1, True), said
        assert await told(easel, alice) == [("ink", lessons.STYLE, 3, 0, False)]

        async with easel.database.write() as tx:  # of this one alone
            row = await tx.get_one(Account, alice.id)
            await choices.exclude(tx, row, await tx.get_one(Status, posts[1]))
        plan = brief.read(brief.work("ink"))
        assert len(os.listdir(brief.work("ink") / "pictures")) == 3
        # As if it had been meant to end here.
        short = done + 3
        brief.write(brief.work("ink"), msgspec.structs.replace(plan, steps=short))
        status, said = await host.style("train", "ink", "--resume")
        assert (status, "1 of its pictures went since: it learns from 2" in said) == (0, True), said
        assert f"Going on from step {done}" in said and "ink is here" in said
        [found] = brief.all_learned()
        assert len(found.brief.pictures) == 2 and found.brief.steps == short
        # It is written down once; what was left out stays out, whatever is said of it later.
        async with easel.database.write() as tx:
            row = await tx.get_one(Account, alice.id)
            await choices.as_usual(tx, row, await tx.get_one(Status, posts[1]))
        assert await told(easel, alice) == [("ink", lessons.STYLE, 3, 1, False)]
        assert (await host.easel("models", "remove", "ink", "--yes"))[0] == 0
        assert await told(easel, alice) == [("ink", lessons.STYLE, 3, 1, True)]

        # Nothing is left that may be learned from.
        brief.write(brief.work("ink"), plan)
        async with easel.database.write() as tx:
            await choices.consent(tx, await tx.get_one(Account, alice.id), False)
        status, said = await host.style("train", "ink", "--resume")
        assert (status, "None of its pictures may be learned from any more" in said) == (1, True)
        assert (await host.style("remove", "ink", "--yes"))[0] == 0
        assert not brief.work("ink").exists()


async def pixels(easel: Easel, painting: Painting) -> bytes:
    done = await look(easel, painting)
    async with easel.database.read() as session:
        medium = await session.get_one(MediaAttachment, done.media_id)
    assert medium.file is not None
    with Image.open(io.BytesIO(await easel.storage.read(medium.file))) as image:
        return image.convert("RGB").tobytes()
