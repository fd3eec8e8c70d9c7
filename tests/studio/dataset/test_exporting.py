"""A dataset in files: who is in it, what it says, and what becomes of it when they change their
minds."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import Account, DatasetExport, MediaAttachment, Status
from fedi.social import favourites, moderation, reactions
from fedi.social.errors import Invalid
from fedi.social.paging import Page
from fedi.social.training import grants, ledger, pseudonyms
from fedi.studio import pictures
from fedi.studio.dataset import marking, shards
from generation import provenance
from generation.recipe import Recipe
from tests import rig
from tests.rig import Instance
from tests.social.people import PAINTED_OVER
from tests.studio.dataset.giving import PURPOSE, choose, consent, export, proven, read
from tests.web import hanging


def names_in(shard: Path) -> list[str]:
    with tarfile.open(shard) as tar:
        return tar.getnames()


def key_of(instance: Instance, post: Status, found: dict[str, Any]) -> str:
    return next(key for key, said in found.items() if (said["url"] or "").endswith(str(post.id)))


async def test_who_takes_it_back_is_not_in_the_next_dataset_and_on_the_list(
    instance: Instance, browser: aiohttp.ClientSession, tmp_path: Path
) -> None:
    alice, bob = [await hanging.join(instance, name) for name in ("alice", "bob")]
    first, second = [await hanging.hang(instance, alice, text=word) for word in ("one", "two")]
    other, third = [await hanging.hang(instance, bob, text=word) for word in ("three", "four")]
    assert (await export(instance, tmp_path / "nobody")).items == 0
    for author in (alice, bob):
        await consent(instance, author, credit="name")
    instance.clock.advance(timedelta(hours=1))
    made = await export(instance, tmp_path / "whole", recipient="Example Lab")
    whole = read(tmp_path / "whole")
    assert {said["url"] for said in whole.values()} == {
        post.url for post in (first, second, other, third)
    }
    manifest = json.loads((tmp_path / "whole/manifest.json").read_text())
    assert (manifest["samples"], manifest["purpose"]) == (4, PURPOSE)
    for file in manifest["files"]:
        content = (tmp_path / "whole" / file["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    card = (tmp_path / "whole/README.md").read_text()
    assert card.startswith("---\n") and f"withdrawn?since={made.id}" in card

    async def withdrawn(since: int | None = made.id) -> dict[str, str]:
        asked = "" if since is None else f"?since={since}"
        url = f"{instance.url}/api/easel/v1/dataset/withdrawn{asked}"
        async with browser.get(url) as answer:
            assert answer.status == 200
            raw = await answer.read()
        document = await proven(instance, browser, raw)
        assert document is not None
        assert "alice" not in json.dumps(document["withdrawn"])
        tampered = raw.replace(b'"reason":"account"', b'"reason":"deleted"')
        if tampered != raw:
            assert await proven(instance, browser, tampered) is None
        return {item["key"]: item["reason"] for item in document["withdrawn"]["items"]}

    assert await withdrawn() == {}
    instance.clock.advance(timedelta(hours=1))
    await consent(instance, alice, False)
    of_alice = {key_of(instance, post, whole): "account" for post in (first, second)}
    assert await withdrawn() == of_alice
    await export(instance, tmp_path / "later")
    later = read(tmp_path / "later")
    assert {said["url"] for said in later.values()} == {other.url, third.url}
    # A single post, by saying so or by deleting it.
    await choose(instance, other, False)
    await hanging.delete(instance, third)
    of_bob = {key_of(instance, other, whole): "post"}
    # What anybody can ask for reads what is marked; a job looks for what else went.
    assert await withdrawn() == {**of_alice, **of_bob}
    await instance.run_jobs()
    instance.clock.advance(marking.EVERY)
    await instance.run_jobs()
    of_bob[key_of(instance, third, whole)] = "deleted"
    assert await withdrawn() == {**of_alice, **of_bob}
    last = await export(instance, tmp_path / "last")
    assert read(tmp_path / "last") == {} and last.items == 0
    instance.clock.advance(timedelta(seconds=1))
    assert await withdrawn((await export(instance, tmp_path / "empty")).id) == {}
    assert await withdrawn(None) == {**of_alice, **of_bob}
    # Each author sees what went out, to whom and what for.
    async with instance.easel.database.read() as session:
        [given] = await ledger.given(session, alice, Page())
    assert (given.export.recipient, given.export.purpose) == ("Example Lab", PURPOSE)
    assert (given.items, given.withdrawn) == (2, 2)


async def test_what_is_not_the_authors_to_give_or_not_for_all_never_goes_out(
    instance: Instance, tmp_path: Path
) -> None:
    alice, bob = [await hanging.join(instance, name) for name in ("alice", "bob")]
    await consent(instance, alice, credit="name")
    sam = await hanging.stranger(instance)
    good = await hanging.hang(instance, alice, text="public")
    quiet = await hanging.hang(instance, alice, text="unlisted", visibility="unlisted")
    for visibility in ("private", "direct"):
        await hanging.hang(instance, alice, text=f"@bob {visibility}", visibility=visibility)
    over = await hanging.paint(instance, alice, digital_source_type=PAINTED_OVER)
    await hanging.publish(instance, alice, text="over another", media_ids=[over])
    await hanging.paint(instance, alice)  # posted nowhere
    marked = await hanging.hang(instance, alice, text="marked", spoiler_text="Careful")
    bobs = await hanging.hang(instance, bob, text="of bob")
    sams = await hanging.receive(instance, sam, content="<p>hello</p>")
    for parent in (bobs.uri, sams.uri, "https://elsewhere.example/unknown"):
        await hanging.hang(instance, alice, text="a remix", based_on_uri=parent)
    own = await hanging.hang(instance, alice, text="of her own", based_on_uri=good.uri)
    single = await hanging.hang(instance, bob, text="this one", training=True)
    of_single = await hanging.hang(instance, alice, text="a remix", based_on_uri=single.uri)
    await hanging.hang(instance, alice, text="not this one", training=False)

    async def given(name: str, **more: Any) -> set[str]:
        await export(instance, tmp_path / name, **more)
        found = read(tmp_path / name).values()
        assert all(said["author"] == {"name": f"alice@{instance.domain}"} for said in found
                   if said["url"])  # fmt: skip
        unnamed = [said for said in found if said["url"] is None]  # bob's, who said no such thing
        assert {said["consent"]["by"] for said in unnamed} <= {"post"}
        return {said["url"] or "bob" for said in found}

    expected = {good.url, quiet.url, own.url, of_single.url, "bob"}
    assert await given("usual") == expected
    assert await given("marked", sensitive=True) == expected | {marked.url}
    # What it is made of is taken back, and it goes with it.
    await choose(instance, single, False)
    expected -= {of_single.url, "bob"}
    assert await given("without") == expected
    async with instance.easel.database.write() as tx:
        await ledger.withdraw(tx)
        rows = await ledger.withdrawn(tx, None, after=0, limit=50)
    assert {(row.status_id, row.reason) for row in rows} == {
        (single.id, "post"), (of_single.id, "remix")
    }  # fmt: skip
    # Whom moderators hide is not given away either.
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        await moderation.act(tx, None, row, "silence")
    assert await given("hidden") == set()


async def test_a_sample_says_what_its_author_shares_and_who_that_is_only_if_they_want(
    instance: Instance, tmp_path: Path
) -> None:
    easel = instance.easel
    alice, bob = [await hanging.join(instance, name) for name in ("alice", "bob")]
    stamped = provenance.stamp(
        hanging.png(),
        format="PNG",
        recipe=Recipe(prompt="the secret prompt"),
        model="Model One",
        model_version="",
        alt_text="A lighthouse in fog.",
        creator=f"alice@{instance.domain}",
        share_recipe=True,
        software="Easel",
        source_type=provenance.TRAINED_ALGORITHMIC_MEDIA,
    )
    open_ = await hanging.paint(instance, alice, share_recipe=True, ai_prompt="a lighthouse in fog")
    closed = await hanging.paint(instance, alice)
    async with easel.database.read() as session:
        for media_id in (open_, closed):
            row = await session.get_one(MediaAttachment, media_id)
            await easel.storage.put(str(row.file), stamped)
    post = await hanging.publish(
        instance, alice, text="Look", media_ids=[open_, closed], language="en"
    )
    sam = await hanging.stranger(instance)
    async with easel.database.write() as tx:
        row_of_post = await tx.get_one(Status, post.id)
        await favourites.add(tx, bob, row_of_post)
        await reactions.add(tx, sam, row_of_post, "🔥", uri=f"{sam.uri}#1", url=None)
    said_at = instance.clock.now()
    await consent(instance, alice, credit="name", licence="CC-BY-4.0")
    await export(instance, tmp_path / "named")
    named = read(tmp_path / "named")
    secret = await pseudonyms.secret(easel)
    one, two = [named[pseudonyms.picture(secret, number)] for number in (open_, closed)]
    assert (one["prompt"], one["recipe"]) == ("a lighthouse in fog", hanging.RECIPE)
    assert (two["prompt"], two["recipe"]) == (None, None)
    assert one["author"] == {"name": f"alice@{instance.domain}"} and one["url"] == post.url
    assert one["reactions"] == {"favourites": 1, "boosts": 0, "replies": 0, "emoji": {"🔥": 1}}
    moment = said_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert one["consent"] == {"by": "account", "at": moment}
    assert (one["licence"], one["language"]) == ("CC-BY-4.0", "en")
    assert one["safety"] == {"sensitive": False, "warning": ""}
    assert hashlib.sha256(one["content"]).hexdigest() == one["sha256"]
    # The file says where it comes from and that it may be trained on, and nothing of its maker.
    for said in (one, two):
        read_back = provenance.read(said["content"])
        assert read_back.mining == provenance.MINING_ALLOWED
        assert read_back.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
        assert b"alice" not in said["content"] and b"secret" not in said["content"]
        assert (
            pictures.decoded(said["content"], 10**6, 10**6).tobytes()
            == pictures.decoded(hanging.png(), 10**6, 10**6).tobytes()
        )
    # Without a name, nothing leads to them; and the pseudonym is the same each time.
    await consent(instance, alice, credit="anonymous", licence="")
    await export(instance, tmp_path / "unnamed")
    found = read(tmp_path / "unnamed")
    text = json.dumps([{**said, "content": ""} for said in found.values()])
    assert "alice" not in text and str(post.id) not in text and str(alice.id) not in text
    names = [name for shard in (tmp_path / "unnamed").glob("*.tar") for name in names_in(shard)]
    for number in (open_, closed):  # which is public: the post is one request away
        assert str(number) not in text and not any(str(number) in name for name in names)
    assert set(found) == set(named)
    assert len({said["author"]["pseudonym"] for said in found.values()}) == 1
    assert {said["licence"] for said in found.values()} == {"LicenseRef-training-alone"}


async def test_the_same_pictures_are_the_same_bytes_in_shards_of_a_size(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MAX_SAMPLES", 2)
    alice = await hanging.join(instance)
    for word in ("one", "two", "three"):
        await hanging.hang(instance, alice, text=word)
    await consent(instance, alice)
    heard: list[tuple[int, int]] = []
    await export(instance, tmp_path / "a", report=lambda *told: heard.append(told))
    instance.clock.advance(timedelta(days=1))
    await export(instance, tmp_path / "b")
    names = [path.name for path in sorted((tmp_path / "a").glob("*.tar"))]
    assert names == ["train-00000.tar", "train-00001.tar"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert heard == [(0, 3), (1, 3), (2, 3), (3, 3)] and len(read(tmp_path / "a")) == 3


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_who_allows_less_takes_back_what_went_out_on_the_old_terms(
    instance: Instance, tmp_path: Path
) -> None:
    alice = await hanging.join(instance)
    await hanging.hang(instance, alice, text="Look")
    await consent(instance, alice, credit="name", licence="CC0-1.0")
    async with instance.easel.database.write() as tx:
        listener, _ = await grants.grant(tx, "Example Lab", purpose=PURPOSE)
    key = await pseudonyms.secret(instance.easel)

    async def told() -> list[int]:
        async with instance.easel.database.write() as tx:
            await grants.take(tx, listener.id, 10, key)
        async with instance.easel.database.read() as session:
            return [position for position, _, _ in await grants.told(session, listener.id, 0, 10)]

    last = await told()
    terms: list[tuple[dict[str, Any], str]] = [
        ({"licence": "CC-BY-4.0"}, "terms"),
        ({"licence": "CC0-1.0"}, ""),  # more than before: nobody has what they may not have
        ({"credit": "anonymous"}, "terms"),
        ({"credit": "name"}, ""),
        ({"licence": "CC-BY-SA-4.0"}, "terms"),
        ({"licence": "CC-BY-NC-4.0"}, "terms"),
        ({"licence": ""}, "terms"),
    ]
    for number, (more, reason) in enumerate(terms):
        instance.clock.advance(timedelta(hours=1))
        made = await export(instance, tmp_path / str(number))
        await consent(instance, alice, **more)
        async with instance.easel.database.read() as session:
            rows = await ledger.withdrawn(session, made, after=0, limit=50)
            reasons = {row.reason for row in rows if row.export_id == made.id}
        assert reasons == ({reason} if reason else set()), more
        again = await told()
        assert (again != last) is bool(reason) and len(again) == 1
        last = again


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
async def test_who_allows_less_at_the_moment_in_which_it_goes_out_takes_it_back(
    instance: Instance,
) -> None:
    alice = await hanging.join(instance)
    await hanging.hang(instance, alice, text="Look")
    await consent(instance, alice, licence="CC-BY-4.0")
    database, key = instance.easel.database, await pseudonyms.secret(instance.easel)
    async with database.write() as tx:
        listener, _ = await grants.grant(tx, "Example Lab", purpose=PURPOSE)
    async with database.write() as tx:
        assert await grants.take(tx, listener.id, 10, key) == 1
        narrower = asyncio.create_task(consent(instance, alice, licence=""))
        await rig.somebody_waits(database)
    await narrower
    async with database.read() as session:
        rows = await ledger.withdrawn(session, None, after=0, limit=50)
    assert [(row.export_id, row.reason) for row in rows] == [(listener.id, "terms")]


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_what_breaks_off_leaves_nothing_that_looks_whole(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await hanging.join(instance)
    for word in ("one", "two"):
        await hanging.hang(instance, alice, text=word)
    await consent(instance, alice)

    def full(done: int, total: int) -> None:
        if done:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError):
        await export(instance, tmp_path / "out", report=full)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []
    async with instance.easel.database.read() as session:
        assert (await session.exec(select(DatasetExport))).all() == []
        assert await ledger.given(session, alice, Page()) == []
    # Once it is written down it stays so, for then the files may be there: here they are.
    sync = os.fsync

    def broken(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(5, "Input/output error")
        sync(descriptor)

    with monkeypatch.context() as patched, pytest.raises(OSError):
        patched.setattr(os, "fsync", broken)
        await export(instance, tmp_path / "late")
    assert len(read(tmp_path / "late")) == 2
    async with instance.easel.database.read() as session:
        [given] = await ledger.given(session, alice, Page())
    assert given.items == 2
    # Killed without a word: the next one takes its place, and nothing else's.
    part = tmp_path / ".out.part"
    part.mkdir()
    (part / "train-00000.tar").write_bytes(b"half")
    with pytest.raises(Invalid, match="in the way"):
        await export(instance, tmp_path / "out")
    (part / "not-finished").touch()
    await export(instance, tmp_path / "out")
    assert len(read(tmp_path / "out")) == 2 and not part.exists()
    with pytest.raises(Invalid, match="not empty"):
        await export(instance, tmp_path / "out")
    secret = await pseudonyms.secret(instance.easel)
    assert secret == await pseudonyms.secret(instance.easel)
