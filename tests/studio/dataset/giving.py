"""Saying yes and no, giving away, and reading what was given, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
from webdataset.tariterators import group_by_keys, tar_file_expander

from activitypub import json as documents
from activitypub import proofs
from activitypub.objects import Actor
from activitypub.signatures import Key, KeyUnavailable, Verified
from activitypub.signatures.keys import load_multikey
from fedi.database.tables import Account, DatasetExport, Status
from fedi.social.training import choices, pseudonyms
from fedi.studio import styles
from fedi.studio.dataset import exporting
from tests.federation.peer import ACTIVITY_JSON
from tests.rig import Instance

PURPOSE = "an open model of lighthouses"


async def consent(instance: Instance, author: Account, allowed: bool = True, **more: Any) -> None:
    """An author says it of all their pictures."""
    async with instance.easel.database.write() as tx:
        await choices.consent(tx, await tx.get_one(Account, author.id), allowed, **more)


async def choose(instance: Instance, status: Status, allowed: bool | None) -> None:
    """The author of a post says it of that one."""
    async with instance.easel.database.write() as tx:
        author = await tx.get_one(Account, status.account_id)
        await choices.choose(tx, author, await tx.get_one(Status, status.id), allowed)


async def export(instance: Instance, folder: Path, **more: Any) -> DatasetExport:
    return await exporting.export(instance.easel, folder, purpose=PURPOSE, **more)


async def learn(
    instance: Instance, name: str, author: Account | None = None, *, asked: bool = False
) -> int:
    """Begin a style as `easel style train` does, without the learning. The number of it."""
    easel = instance.easel
    key = await pseudonyms.secret(easel)
    async with easel.database.write() as tx:
        if author is not None and asked:
            found = await styles.asked_for(tx, key, author, tx.now)
        else:
            found = await styles.consented(tx, key, author)
        pictures = [source.picture for source in found]
        number, left = await styles.write_down(tx, key, name, pictures, author, asked=asked)
    assert left
    return number


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """What the library `webdataset` finds in the shards: by key, what is said, and `content`."""
    found: dict[str, dict[str, Any]] = {}
    for shard in sorted(folder.glob("train-*.tar")):
        with shard.open("rb") as stream:  # the library leaves files open
            source = {"url": shard.name, "stream": stream}
            for sample in group_by_keys(tar_file_expander([source])):
                said = json.loads(sample["json"])
                content = sample[said["file"].split(".")[1]]
                found[sample["__key__"]] = said | {"content": content}
    return found


async def proven(
    instance: Instance, browser: aiohttp.ClientSession, raw: bytes
) -> dict[str, Any] | None:
    """A document, if the instance's actor has signed it, as a stranger would find out."""
    document = documents.decode(raw)
    actor_uri = f"{instance.url}/actor"
    async with browser.get(actor_uri, headers={"Accept": ACTIVITY_JSON}) as answer:
        actor = Actor.parse(await answer.json(content_type=None))

    async def find(key_id: str, *, fresh: bool = False) -> Key:
        for method in actor.assertion_methods:
            if method.id == key_id:
                return Key(id=key_id, owner=actor.id, public=load_multikey(method.multibase))
        raise KeyUnavailable("The actor has no such key.")

    now = instance.clock.now()
    verdict = await proofs.verify(document, find, now, size=len(raw))
    return document if isinstance(verdict, Verified) and verdict.owner == actor_uri else None
