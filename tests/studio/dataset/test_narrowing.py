"""An export that is being written while authors change their minds: what it says of each picture
was true when that was written, and who narrowed the terms since is on the list at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fedi.database.tables import Account, DatasetExport, MediaAttachment, Status
from fedi.social.training import choices, ledger, pseudonyms, standing
from fedi.social.training.standing import Terms
from fedi.storage import FolderStorage
from tests import rig
from tests.studio.dataset.giving import choose, consent, export, read
from tests.web import hanging

NARROWED = {"credit": "anonymous", "licence": "CC-BY-4.0"}


class Held(FolderStorage):
    """A storage that gives out one file only when it may."""

    def __init__(self, folder: Path, key: str) -> None:
        super().__init__(folder)
        self.key = key
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def read(self, key: str) -> bytes:
        if key == self.key:
            self.asked.set()
            await self.may.wait()
        return await super().read(key)


async def held_at(instance: rig.Instance, media_id: int) -> Held:
    """The file of a picture, held back from whoever reads it."""
    async with instance.easel.database.read() as session:
        media = await session.get_one(MediaAttachment, media_id)
    storage = Held(instance.easel.settings.media.folder, str(media.file))
    instance.easel.storage = storage
    return storage


async def hung(instance: rig.Instance, author: Account) -> tuple[int, Status]:
    picture = await hanging.paint(instance, author)
    return picture, await hanging.publish(instance, author, text="Look", media_ids=[picture])


async def withdrawn(instance: rig.Instance, made: DatasetExport) -> dict[str, str]:
    """What is on the list since an export, with the reason."""
    async with instance.easel.database.read() as session:
        rows = await ledger.withdrawn(session, made, after=0, limit=50)
        return {row.key: row.reason for row in rows}


async def test_each_picture_says_what_held_when_it_was_written(
    instance: rig.Instance, tmp_path: Path
) -> None:
    names = ("alice", "bob", "carol", "dora", "emma")
    authors = [await hanging.join(instance, name) for name in names]
    alice, bob, carol, _, emma = authors
    for author in authors:
        await consent(instance, author, credit="name", licence="CC0-1.0")
    said_at = instance.clock.now()
    before = [await hung(instance, author) for author in authors]
    after = [await hung(instance, author) for author in authors]
    instance.clock.advance(timedelta(hours=1))
    storage = await held_at(instance, after[0][0])
    exporting = asyncio.create_task(export(instance, tmp_path / "out"))
    await storage.asked.wait()  # the first five are written, and the sixth is being read
    await consent(instance, alice, **NARROWED)
    await consent(instance, bob, False)
    await consent(instance, carol, False)
    instance.clock.advance(timedelta(minutes=1))
    await consent(instance, carol)  # the same terms, given anew
    await choose(instance, before[3][1], False)  # dora's
    await consent(instance, emma, licence="CC0-1.0")  # nothing changes
    storage.may.set()
    made = await exporting
    found = read(tmp_path / "out")
    secret = await pseudonyms.secret(instance.easel)
    written = [pseudonyms.picture(secret, media) for media, _ in before]
    later = [pseudonyms.picture(secret, media) for media, _ in after]
    assert set(found) == {*written, later[0], later[2], later[3], later[4]}  # bob's is left out
    assert {found[key]["licence"] for key in written} == {"CC0-1.0"}
    assert found[written[0]]["author"] == {"name": f"alice@{instance.domain}"}
    assert "pseudonym" in found[later[0]]["author"] and found[later[0]]["url"] is None
    assert found[later[0]]["licence"] == "CC-BY-4.0"
    first, again = [found[key]["consent"]["at"] for key in (written[2], later[2])]
    assert first == said_at.isoformat(timespec="seconds").replace("+00:00", "Z") < again
    assert await withdrawn(instance, made) == {
        written[0]: "terms", written[1]: "account", written[2]: "terms", written[3]: "post"
    }  # fmt: skip
    # Whoever narrows what is left finds it, too.
    await consent(instance, emma, **NARROWED)
    assert (await withdrawn(instance, made))[later[4]] == "terms"


async def test_an_author_who_speaks_while_an_export_ends_is_heard(
    instance: rig.Instance, tmp_path: Path
) -> None:
    alice = await hanging.join(instance)
    await consent(instance, alice, credit="name", licence="CC0-1.0")
    (first, _), (second, _) = [await hung(instance, alice) for _ in range(2)]
    storage = await held_at(instance, second)
    exporting = asyncio.create_task(export(instance, tmp_path / "out"))
    await storage.asked.wait()
    database = instance.easel.database
    async with database.write() as tx:
        await choices.consent(tx, await tx.get_one(Account, alice.id), True, **NARROWED)
        # Said, and not committed: whoever reads just now reads the old terms. The end waits.
        storage.may.set()
        await rig.somebody_waits(database)
        assert not exporting.done()
    made = await exporting
    secret = await pseudonyms.secret(instance.easel)
    written = [pseudonyms.picture(secret, number) for number in (first, second)]
    on_old_terms = {key for key, said in read(tmp_path / "out").items() if said["url"]}
    assert written[0] in on_old_terms <= set(written)
    assert await withdrawn(instance, made) == dict.fromkeys(on_old_terms, "terms")


def test_a_yes_to_all_that_came_after_a_posts_own_does_not_go_on_with_it() -> None:
    early = datetime(2026, 11, 1, tzinfo=UTC)
    late = early + timedelta(hours=1)

    def narrower(now: tuple[str, datetime], then: tuple[str, datetime]) -> bool:
        return standing.is_narrower(Terms(*now, "name", ""), Terms(*then, "name", ""))

    assert narrower(("account", late), ("post", early))  # a no to all may lie between
    assert not narrower(("account", early), ("post", late))
    assert not narrower(("post", late), ("account", early))
