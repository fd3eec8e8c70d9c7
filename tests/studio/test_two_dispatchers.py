"""Two servers on one database: what they do with the same picture at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlmodel import col, select, update

from fedi.app import create_app
from fedi.clock import FakeClock
from fedi.database.tables import MediaAttachment, Painting
from fedi.jobs import Runner
from fedi.social.statuses import Draft
from fedi.studio import paintings
from tests import rig
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected
from tests.studio.test_dispatcher import dispatcher, files


class Server(rig.Instance):
    """One of several: its own port is not that of the instance's address."""

    port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def server(folder: Path, url: str, clock: FakeClock) -> AsyncIterator[Server]:
    sock = rig.free_socket()
    async with rig.opened(rig.settings_for(folder, url), clock) as easel:
        app = create_app(easel, run_jobs=False)
        async with rig.serving(app, sock):
            made = Server(easel, app, Runner(easel))
            made.port = sock.getsockname()[1]
            assert urlsplit(made.url).port == made.port
            yield made


@pytest.fixture
async def two(
    postgres: rig.Postgres, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[tuple[Server, Server]]:
    url = postgres.new()
    async with server(tmp_path, url, clock) as one, server(tmp_path, url, clock) as other:
        yield one, other
    await postgres.give_back(url)


async def test_each_picture_is_given_by_one_of_them(two: tuple[Server, Server]) -> None:
    one, other = two
    alice = await account(one.easel, "alice")
    async with connected(one, "a", slots=4) as a, connected(other, "b", slots=4) as b:
        asked = {str((await ask(one.easel, alice, f"number {n}")).id) for n in range(8)}
        given = [(await card.given()).painting for _ in range(4) for card in (a, b)]
    assert sorted(given) == sorted(asked)


@pytest.mark.parametrize("round_", range(5))
async def test_cancelled_by_one_while_it_is_finished_by_the_other(
    two: tuple[Server, Server], round_: int
) -> None:
    """It ends in one way or the other, whole: a picture with its files, or neither."""
    one, other = two
    alice = await account(one.easel, "alice")
    async with connected(other, "card") as card:
        asked = await ask(one.easel, alice, draft=Draft(text="Look!"))
        given = await card.given()

        async def cancel() -> None:
            async with one.easel.database.write() as tx:
                row = await tx.get(Painting, asked.id)
                assert row is not None
                for _ in range(round_):  # each time a little later
                    await tx.exec(select(col(Painting.id)).limit(1))
                await paintings.cancel(tx, row)

        await asyncio.gather(card.finish(given), cancel())
        await rig.until(lambda: not in_hand(other))
        await dispatcher(other).settle()
    row = await look(one.easel, asked)
    async with one.easel.database.read() as session:
        media = (await session.exec(select(MediaAttachment))).all()
    if row.state == "done":
        assert row.status_id is not None and [medium.id for medium in media] == [row.media_id]
        assert len(files(one.easel)) == 2
    else:
        assert (row.state, row.status_id, row.media_id) == ("cancelled", None, None)
        assert list(media) == [] and files(one.easel) == []


def in_hand(server: Server) -> list[str]:
    return [number for one in dispatcher(server)._connections for number in one.work]


async def test_what_one_takes_back_the_other_cannot_finish(two: tuple[Server, Server]) -> None:
    one, other = two
    alice = await account(one.easel, "alice")
    async with connected(other, "late") as late:
        asked = await ask(one.easel, alice)
        given = await late.given()
        async with one.easel.database.write() as tx:
            await tx.exec(
                update(Painting)
                .where(col(Painting.id) == asked.id)
                .values(state="queued", painter_id=None, lease_until=None)
            )
        async with connected(one, "early") as early:
            again = await early.given()
            assert again.painting == given.painting
            await late.finish(given)
            await rig.until(lambda: not in_hand(other))
            await dispatcher(other).settle()
            assert (await look(one.easel, asked)).state == "painting"
            async with reaches(one.easel, asked, "done"):
                await early.finish(again)
    assert len(files(one.easel)) == 2


async def test_what_somebody_held_when_its_post_was_given_up_is_stopped_later(
    two: tuple[Server, Server],
) -> None:
    one, other = two
    alice = await account(one.easel, "alice")
    async with one.easel.database.write() as tx:
        first, second = await paintings.request_several(
            tx,
            one.easel.settings.painting,
            alice,
            [paintings.Recipe(prompt="a"), paintings.Recipe(prompt="b")],
            draft=Draft(text="Look!"),
        )
    async with other.easel.database.write() as holder:
        await holder.get(Painting, second.id, with_for_update=True)
        async with one.easel.database.write() as tx:
            row = await tx.get(Painting, first.id)
            assert row is not None
            await paintings.cancel(tx, row)
    assert (await look(one.easel, second)).state == "queued"
    await dispatcher(other).tend()
    assert (await look(one.easel, second)).state == "cancelled"
