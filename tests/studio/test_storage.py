"""Files by key: whole or not at all, and nowhere but in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedi.storage import CHUNK_BYTES, FolderStorage, Missing, new_key


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_is_put_is_read_back(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "media")
    content = bytes(range(256)) * (CHUNK_BYTES // 128)
    key = new_key("png")
    await storage.put(key, content)

    assert await storage.read(key) == content
    assert await storage.size(key) == len(content)
    assert b"".join([piece async for piece in storage.stream(key)]) == content
    middle = [piece async for piece in storage.stream(key, 100, CHUNK_BYTES + 500)]
    assert b"".join(middle) == content[100 : CHUNK_BYTES + 500]
    assert b"".join([piece async for piece in storage.stream(key, len(content))]) == b""


async def test_nothing_lies_around_beside_what_was_put(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    key = new_key("webp")
    await storage.put(key, b"one")
    await storage.put(key, b"two")
    assert files(tmp_path) == [storage.path(key)]
    assert await storage.read(key) == b"two"


async def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    key = new_key("webp")
    storage.path(key).mkdir(parents=True)  # in the way: nothing can be put in its place
    with pytest.raises(OSError):
        await storage.put(key, b"two")
    assert files(tmp_path) == []


async def test_what_is_deleted_is_gone(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    key = new_key("gif")
    await storage.put(key, b"content")
    await storage.delete(key)
    await storage.delete(key)
    with pytest.raises(Missing):
        await storage.read(key)
    with pytest.raises(Missing):
        await storage.size(key)
    with pytest.raises(Missing):
        [piece async for piece in storage.stream(key)]


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "ab/../../../etc/passwd.png",
        "ab/" + "c" * 38 + ".png\n",
        "ab/" + "c" * 38 + ".png\0.jpg",
        "ab\\" + "c" * 38 + ".png",
        "AB/" + "c" * 38 + ".png",
        "ab/" + "c" * 300 + ".png",
        "ab/" + "ｃ" * 38 + ".png",
        "",
        ".",
    ],
)
async def test_a_key_leads_nowhere_else(tmp_path: Path, key: str) -> None:
    storage = FolderStorage(tmp_path / "media")
    for attempt in (storage.read, storage.size, storage.delete):
        with pytest.raises(Missing):
            await attempt(key)
    with pytest.raises(ValueError):
        await storage.put(key, b"content")
    assert files(tmp_path) == []


def test_keys_are_never_the_same_and_never_short() -> None:
    keys = {new_key("png") for _ in range(1000)}
    assert len(keys) == 1000
    assert all(len(key) >= 40 for key in keys)
    with pytest.raises(ValueError):
        new_key("../png")
