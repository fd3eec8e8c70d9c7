"""From the command line: rules, emoji, lists brought and taken, and an archive."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests import rig
from tests.studio import hostile_files as files


async def test_what_a_host_does_for_the_people_of_an_instance(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    server = rig.ServerProcess(tmp_path / "server", database={"url": new_database()})
    for name in ("alice", "bob"):
        await server.easel("account", "create", name)

    await server.easel("rules", "add", "Be kind.", "--hint", "To everybody.")
    await server.easel("rules", "add", "No spam.")
    assert await server.easel("rules", "list") == "1. Be kind. (To everybody.)\n2. No spam."
    assert await server.easel("rules", "remove", "2") == "No rule any more: No spam."

    picture = tmp_path / "easel.png"
    picture.write_bytes(files.png(32, 32))
    assert "none" in await server.easel("emoji", "list")
    assert (
        await server.easel("emoji", "add", "easel", str(picture)) == ":easel: can be written now."
    )
    assert ":easel:" in await server.easel("emoji", "list")
    assert await server.easel("emoji", "remove", ":easel:") == ":easel: is gone."

    host = server.settings.instance.domain
    brought = tmp_path / "brought.csv"
    brought.write_text(f"Account address,Show boosts\nbob@{host},false\nx@{host},true\n")
    told = await server.easel("account", "import", "alice", "follows", str(brought))
    assert told.startswith("2 lines")
    assert "0 of 2 (under way)" in await server.easel("account", "imports", "alice")
    await server.start()
    try:

        async def done() -> bool:
            return "2 of 2 (done), 1 failed" in await server.easel("account", "imports", "alice")

        await rig.until(done, seconds=60)
    finally:
        await server.stop()
    assert f"x@{host}: There is no account" in await server.easel("account", "imports", "alice")
    taken = tmp_path / "taken.csv"
    await server.easel("account", "export", "alice", "follows", str(taken))
    assert taken.read_text() == (
        f"Account address,Show boosts,Notify on new posts,Languages\nbob@{host},false,false,\n"
    )
    assert await server.easel("account", "export", "bob", "blocks") == ""

    archive = tmp_path / "alice.zip"
    assert (await server.easel("account", "archive", "alice", str(archive))).startswith("0 posts")
    with zipfile.ZipFile(archive) as found:
        assert set(found.namelist()) == {
            "actor.json", "outbox.json", "likes.json", "bookmarks.json",
        }  # fmt: skip
    with pytest.raises(AssertionError, match="is there already"):
        await server.easel("account", "archive", "alice", str(archive))
    with pytest.raises(AssertionError, match="The list is one of"):
        await server.easel("account", "export", "alice", "friends")
