"""`easel database`: what is backed up, copied or moved is all there; what cannot be is refused."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import stat
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select
from sqlmodel import SQLModel

from fedi.clock import FakeClock
from fedi.database import Database, copying
from fedi.social import favourites, follows
from tests import rig
from tests.api.mastodon.apps import App, post
from tests.web import hanging

FINGER = "/.well-known/webfinger?resource=acct:alice@easel.example"


async def refused(server: rig.ServerProcess, *arguments: str) -> str:
    """What a command says that ends with 1."""
    process = await asyncio.create_subprocess_exec(
        *server.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate()
    said = output.decode()
    assert process.returncode == 1 and "Traceback" not in said, said
    return said


async def page(server: rig.ServerProcess, path: str) -> tuple[int, str]:
    async with (
        rig.open_browser() as browser,
        browser.get(f"{server.url}{path}", headers={"Accept": "text/html"}) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_sqlite_is_backed_up_and_laid_back_and_taken_to_postgresql(
    postgres: rig.Postgres, tmp_path: Path
) -> None:
    server = rig.ServerProcess(tmp_path / "here")
    await server.start()
    kept = tmp_path / "kept.db"
    target = postgres.new()
    try:
        await server.easel("account", "create", "alice", "--password", "a long enough one")
        await server.easel("post", "alice", "Tides and fog")
        said = await server.easel("database", "backup", str(kept))
        assert said.startswith(f"{kept} is whole: ")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert not kept.with_name("kept.db.part").exists()
        assert "There is " in await refused(server, "database", "backup", str(kept))
        assert "Stop the server first" in await refused(server, "database", "copy", target)
        await server.easel("post", "alice", "After the backup")
    finally:
        await server.stop()

    # The backup, laid back: as it was then.
    database = server.folder / "easel.db"
    for file in server.folder.glob("easel.db*"):
        file.rename(tmp_path / file.name)
    shutil.copy(kept, database)
    await server.start()
    try:
        status, shown = await page(server, "/@alice/posts")
        assert status == 200 and "Tides and fog" in shown and "After the backup" not in shown
    finally:
        await server.stop()

    said = await server.easel("database", "copy", target)
    assert re.match(r"\d\d+ rows are there\.", said)
    assert "already" in await refused(server, "database", "copy", target)
    written = server.config.read_text(encoding="utf-8")
    server.config.write_text(written.replace("sqlite:///easel.db", target), encoding="utf-8")
    await server.start()
    try:
        await server.easel("post", "alice", "On a PostgreSQL")
        status, shown = await page(server, "/@alice/posts")
        assert status == 200 and "Tides and fog" in shown and "On a PostgreSQL" in shown
        assert "pg_dump" in await refused(server, "database", "backup", str(tmp_path / "other"))
    finally:
        await server.stop()


async def test_every_row_is_copied_as_it_is(
    postgres: rig.Postgres,
    sqlite_template: Path,
    tmp_path: Path,
    clock: FakeClock,
    browser: aiohttp.ClientSession,
) -> None:
    files = rig.SQLiteFiles(sqlite_template, tmp_path)
    async with rig.serve_instance(tmp_path, files.new(), clock=clock) as instance:
        app = await App.of(instance, browser, "alice")
        alice, sam = app.account, await hanging.stranger(instance)
        picture = await hanging.hang(instance, alice, text="Tides & fog #sea")
        answer = await hanging.receive(
            instance, sam, content="<p>hi</p>", in_reply_to_uri=picture.uri
        )
        async with instance.easel.database.write() as tx:
            await favourites.add(tx, alice, answer)
            await follows.request(tx, alice, sam)
            sam.note = "what PostgreSQL\0 does not keep"
            tx.add(sam)
        await instance.run_jobs()
        await post(app, "waits for the index")
        target = postgres.new()
        told: dict[str, int] = {}
        source = instance.easel.database
        count = await copying.copy(source, target, told.__setitem__)
        settings = instance.easel.settings.database.model_copy(update={"url": target})
        copied = Database(settings, instance.easel.settings.instance, clock)
        try:
            assert set(told) == set(SQLModel.metadata.tables) and count == sum(told.values())
            assert told["status"] == 3 and told["favourite"] == 1 and told["job"] > 0
            for name, table in SQLModel.metadata.tables.items():
                if name != "search_change":  # all of it is looked at once more
                    assert await rows(copied, table) == await rows(source, table), name
        finally:
            await copied.close()
        port = instance.easel.settings.server.port

    async with rig.serve_instance(
        tmp_path, target, clock=clock, sock=rig.socket_on(port)
    ) as instance:
        app.instance = instance
        await post(app, "and on")
        await instance.run_jobs()
        found = await app.get("/api/v2/search", params={"q": "tides", "type": "statuses"})
        assert [one["id"] for one in found.body["statuses"]] == [str(picture.id)]
        found = await app.get("/api/v2/search", params={"q": "index", "type": "statuses"})
        assert len(found.body["statuses"]) == 1


async def rows(database: Database, table: Any) -> list[dict[str, Any]]:
    key = list(table.primary_key.columns)
    async with database.read() as session:
        found = (await session.execute(select(table).order_by(*key))).mappings().all()
    return [{name: _fit(value) for name, value in row.items()} for row in found]


def _fit(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value


async def test_a_half_copied_database_is_an_empty_one(
    postgres: rig.Postgres, sqlite_template: Path, tmp_path: Path, clock: FakeClock
) -> None:
    files, target = rig.SQLiteFiles(sqlite_template, tmp_path), postgres.new()
    url = files.new()
    async with rig.serve_instance(tmp_path, url, clock=clock) as instance:
        alice = await hanging.join(instance)
        await hanging.hang(instance, alice, text="fog")
        path = url.removeprefix("sqlite:///")
        with sqlite3.connect(path) as connection:  # as a disk that is broken might leave it
            connection.execute("PRAGMA foreign_keys = off")
            connection.execute("UPDATE media_attachment SET account_id = 4711")
        source = instance.easel.database
        try:
            await copying.copy(source, target)
        except Exception as error:
            assert "violates foreign key" in str(error)
        else:
            raise AssertionError("it was copied")
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE media_attachment SET account_id = ?", (alice.id,))
        assert await copying.copy(source, target) > 0


async def test_what_was_tried_at_home_is_taken_to_its_name(tmp_path: Path) -> None:
    server = rig.ServerProcess(tmp_path)
    await server.start()
    try:
        await server.easel("account", "create", "alice", "--password", "a long enough one")
        await server.easel("post", "alice", "Tides and fog #sea")
    finally:
        await server.stop()

    name = "https://easel.example"
    written = server.config.read_text(encoding="utf-8")
    server.config.write_text(written.replace(f'"{server.url}"', f'"{name}"'), encoding="utf-8")
    said = await refused(server, "account", "list")
    assert f"The database is that of {server.url}, and instance.url is {name}" in said
    assert "easel database readdress" in said
    said = await server.easel("database", "readdress")
    assert said.startswith(f"What was at {server.url} is at {name} now")
    left = [line for line in dumped(server) if server.url in line]
    assert not left, left
    assert "already" in await server.easel("database", "readdress")

    url = server.url
    server.url = f"http://localhost:{server.port}"  # where it listens, whatever its name is
    await server.start()
    try:
        status, shown = await page(server, "/@alice/posts")
        assert status == 200 and "Tides and fog" in shown and url not in shown
        status, shown = await page(server, FINGER)
        assert status == 200 and f"{name}/users/alice" in shown
    finally:
        await server.stop()

    written = server.config.read_text(encoding="utf-8")
    server.config.write_text(written.replace(name, "https://other.example"), encoding="utf-8")
    for command in (("account", "list"), ("serve",), ("doctor",)):
        assert "set it back" in await refused(server, *command)
    assert "easel account move" in await refused(server, "database", "readdress")


def dumped(server: rig.ServerProcess) -> list[str]:
    with sqlite3.connect(server.folder / "easel.db") as connection:
        return list(connection.iterdump())
