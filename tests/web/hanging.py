"""Hanging pictures: accounts, files and posts for the tests of the pages."""

from __future__ import annotations

import io
from typing import Any

import blurhash
from PIL import Image

from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import accounts, remote_accounts, statuses
from fedi.social.remote_accounts import RemoteAccount
from fedi.social.statuses import Draft, Received
from fedi.storage import new_key
from generation.provenance import TRAINED_ALGORITHMIC_MEDIA
from tests.rig import Instance

ELSEWHERE = "https://elsewhere.example"
RECIPE = {
    "prompt": "a lighthouse in fog",
    "negative_prompt": "people",
    "model": "owner/model",
    "seed": 4242,
    "width": 640,
    "height": 480,
    "steps": 12,
    "guidance": 3.5,
}


def png(width: int = 64, height: int = 48, colour: str = "#2a9d8f") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def hash_of(colour: tuple[int, int, int]) -> str:
    return str(blurhash.encode([[list(colour)] * 8] * 8, 3, 3))


async def join(instance: Instance, name: str = "alice", **changes: Any) -> Account:
    """A local account; `changes` are columns."""
    async with instance.easel.database.write() as tx:
        account = await accounts.create_local(tx, name)
        for column, value in changes.items():
            setattr(account, column, value)
        tx.add(account)
    return account


async def paint(instance: Instance, author: Account, **changes: Any) -> int:
    """A picture in the storage as a painter leaves it, with a row; `changes` are columns."""
    storage = instance.easel.storage
    file, preview = new_key("png"), new_key("webp")
    content = png(changes.get("width") or 640, changes.get("height") or 480)
    await storage.put(file, content)
    await storage.put(preview, content)
    async with instance.easel.database.write() as tx:
        columns: dict[str, Any] = {
            "file": file,
            "preview_file": preview,
            "media_type": "image/png",
            "width": 640,
            "height": 480,
            "blurhash": hash_of((42, 157, 143)),
            "description": "A lighthouse in fog.",
            "digital_source_type": TRAINED_ALGORITHMIC_MEDIA,
            "ai_system": "Model One",
            "recipe": RECIPE,
        }
        row = MediaAttachment(
            id=tx.new_id(), account_id=author.id, created_at=tx.now, **columns | changes
        )
        tx.add(row)
    return row.id


async def publish(instance: Instance, author: Account, **draft: Any) -> Status:
    async with instance.easel.database.write() as tx:
        return await statuses.publish(tx, author, Draft(**draft))


async def hang(instance: Instance, author: Account, **draft: Any) -> Status:
    """Post a painted picture."""
    return await publish(instance, author, media_ids=[await paint(instance, author)], **draft)


async def delete(instance: Instance, status: Status) -> None:
    async with instance.easel.database.write() as tx:
        found = await tx.get(Status, status.id)
        assert found is not None
        await statuses.delete(tx, found)


async def stranger(instance: Instance, name: str = "sam", **changes: Any) -> Account:
    """An account of another server."""
    uri = f"{ELSEWHERE}/users/{name}"
    async with instance.easel.database.write() as tx:
        return await remote_accounts.save_remote(
            tx,
            RemoteAccount(
                **{
                    "uri": uri,
                    "url": f"{ELSEWHERE}/@{name}",
                    "username": name,
                    "domain": "elsewhere.example",
                    "inbox_uri": f"{uri}/inbox",
                    **changes,
                }
            ),
        )


async def receive(instance: Instance, author: Account, **received: Any) -> Status:
    """A post of another server, as it stands here after it came in."""
    async with instance.easel.database.write() as tx:
        number = tx.new_id()
        defaults = {
            "uri": f"{ELSEWHERE}/notes/{number}",
            "url": f"{ELSEWHERE}/@{author.username}/{number}",
        }
        status = await statuses.receive(tx, author, Received(**defaults | received))
    assert status is not None
    return status


def address(instance: Instance, status: Status) -> str:
    """The page of a local post."""
    name = status.url.rpartition("@")[2]
    return f"{instance.url}/@{name}"
