"""The first account: who may make it, once, and where it leads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlmodel import select

from fedi.database.tables import Login, Painting
from fedi.social import accounts, founding
from fedi.studio import paintings
from tests import rig
from tests.api.oauth.person import PASSWORD, Person, Seen, at
from tests.rig import Instance, NewDatabase, serve_instance

FIRST = "a red sailboat on the beach"


async def key_of(instance: Instance) -> str | None:
    async with instance.easel.database.write() as tx:
        return await founding.key(tx)


async def test_whoever_started_the_server_makes_the_first_account(instance: Instance) -> None:
    key = await key_of(instance)
    assert key is not None and await key_of(instance) == key
    async with at(instance) as visitor:
        page = await visitor.get(f"/welcome?key={key}")
        assert page.status == 200 and page.headers["Cache-Control"] == "no-store"
        again = await visitor.submit(page, "/welcome", username="no name", password=PASSWORD)
        assert again.status == 422 and "A name is" in again.page.one(_class="trouble").text
        done = await visitor.submit(again, "/welcome", username="@Olga", password=PASSWORD)
        assert done.status == 303 and done.location == "/welcome/place"
        place = await visitor.get(done.location)
        named = await visitor.submit(place, done.location)
        assert named.status == 303 and named.location == "/welcome/model"
        model = await visitor.get(named.location)
        first = await visitor.submit(model, "/welcome/done")
        assert first.status == 303 and re.fullmatch(r"/studio/\d+", first.location)
        painting = await visitor.get(first.location)
        assert painting.page.one("h1").text == FIRST
        assert "No painter is here just now. It is painted when one comes." in painting.body
    async with instance.easel.database.read() as session:
        olga = await accounts.find_local(session, "olga")
        assert olga is not None
        [asked] = await paintings.list_own(session, olga, limit=2)
        assert (asked.recipe["prompt"], asked.model) == (FIRST, "")  # by what paints usually
        assert asked.draft is None and asked.begun_post is not None  # posted by hand
        login = await session.get_one(Login, olga.id)
        assert login.role == "admin"
    assert await key_of(instance) is None
    async with at(instance) as late:
        assert (await late.get(f"/welcome?key={key}")).status == 404


async def test_who_presses_twice_asks_once(instance: Instance) -> None:
    async with set_up(instance) as (visitor, model):
        twice = [visitor.submit(model, "/welcome/done") for _ in range(2)]
        [one, other] = await asyncio.gather(*twice)
        late = await visitor.submit(model, "/welcome/done")
        assert one.status == other.status == late.status == 303
        assert re.fullmatch(r"/studio/\d+", one.location)
        assert one.location == other.location == late.location
        assert (await visitor.get("/welcome/model")).location == "/home"
    async with instance.easel.database.read() as session:
        assert len((await session.exec(select(Painting))).all()) == 1


async def test_what_cannot_be_asked_for_stands_in_the_studio(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    refusing = {"local": False, "blocked_words": ["sailboat"]}
    async with (
        serve_instance(tmp_path, new_database(), painting=refusing) as instance,
        set_up(instance) as (visitor, model),
    ):
        done = await visitor.submit(model, "/welcome/done")
        assert done.status == 303 and done.location.startswith("/studio?prompt=")
        studio = await visitor.get(done.location)
        assert studio.page.one("textarea", name="prompt").text == FIRST
        again = await visitor.submit(model, "/welcome/done")
        assert again.location == done.location
        assert not (await visitor.get("/home")).page.all("p", _class="unfinished")


@asynccontextmanager
async def set_up(instance: Instance) -> AsyncIterator[tuple[Person, Seen]]:
    """The owner of an instance at the last page of its first run."""
    async with at(instance) as visitor:
        page = await visitor.get(f"/welcome?key={await key_of(instance)}")
        made = await visitor.submit(page, "/welcome", username="olga", password=PASSWORD)
        named = await visitor.submit(await visitor.get(made.location), made.location)
        yield visitor, await visitor.get(named.location)


async def test_nobody_else_does(instance: Instance) -> None:
    async with at(instance) as visitor:
        for wrong in ("", "?key=", "?key=x", "?key=%C3%A9", "?key=" + "x" * 5000):
            assert (await visitor.get(f"/welcome{wrong}")).status == 404, wrong
        key = await key_of(instance)
        page = await visitor.get(f"/welcome?key={key}")
        stolen = await visitor.submit(
            page, "/welcome", key="x", username="mallory", password=PASSWORD
        )
        assert stolen.status == 404
        async with instance.easel.database.write() as tx:  # by the command line, meanwhile
            await accounts.create_local(tx, "alice", password=PASSWORD)
        late = await visitor.submit(page, "/welcome", username="mallory", password=PASSWORD)
        assert late.status == 404
    async with instance.easel.database.read() as session:
        assert await accounts.find_local(session, "mallory") is None


async def test_the_address_is_told_when_the_server_starts(tmp_path: Path) -> None:
    server = rig.ServerProcess(tmp_path)
    await server.start()
    try:
        told = re.search(r"Make your account at (http\S+)", server.log())
        assert told is not None
        async with rig.open_browser() as browser, browser.get(told[1]) as answer:
            assert answer.status == 200 and "Your server runs at" in await answer.text()
    finally:
        await server.stop()
    async with server.database() as database, database.write() as tx:
        await accounts.create_local(tx, "alice", password=PASSWORD)
    (tmp_path / "log").write_text("")
    await server.start()
    await server.stop()
    assert "Nobody is here yet" not in server.log()
