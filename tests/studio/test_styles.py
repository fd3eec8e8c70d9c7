"""Which pictures a style may be learned from: those that anybody can see, and that are their
author's alone to give."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.runtime import Easel
from fedi.social import moderation, statuses
from fedi.social.training import choices, pseudonyms
from fedi.studio import styles
from generation.style.brief import Picture
from tests.social import people


async def posted(easel: Easel, author: Account, name: str, **changes: Any) -> Status:
    """A post with a picture whose alt text is its name; `columns` are those of the picture."""
    columns = changes.pop("columns", {})
    medium = await people.picture(
        easel, author, description=name, file=f"{name}.png", type="image", **columns
    )
    return await people.publish(easel, author, name, media_ids=[medium], **changes)


async def captions(easel: Easel, author: Account | None, *, asked: bool = False) -> list[str]:
    key = await pseudonyms.secret(easel)
    async with easel.database.read() as session:
        author = None if author is None else await session.get_one(Account, author.id)
        found = (
            await styles.asked_for(session, key, author, session.now)
            if author is not None and asked
            else await styles.consented(session, key, author)
        )
    return [source.picture.caption for source in found]


async def consent(easel: Easel, author: Account, allowed: bool, **how: str) -> None:
    async with easel.database.write() as tx:
        await choices.consent(tx, await tx.get_one(Account, author.id), allowed, **how)


async def test_only_what_its_author_lets_others_train_on(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await people.local(easel, "alice"), await people.local(easel, "bob")
    painted = {"digital_source_type": people.PAINTED, "recipe": {"prompt": "a fox in ink"}}
    await posted(easel, alice, "painted", columns={**painted, "share_recipe": True})
    await posted(easel, alice, "not told how", columns=painted)
    shown = await posted(easel, alice, "unlisted", visibility="unlisted")
    await posted(easel, alice, "private", visibility="private")
    await posted(easel, alice, "direct", visibility="direct")
    await posted(easel, alice, "marked", sensitive=True)
    await posted(easel, alice, "warned", spoiler_text="Careful")
    await posted(easel, alice, "begun", columns={"digital_source_type": people.PAINTED_OVER})
    await posted(easel, bob, "remix", based_on_uri=shown.uri)
    await posted(easel, bob, "another's")
    gone = await posted(easel, alice, "gone")
    out = await posted(easel, alice, "taken out")
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, gone.id))
        row = await tx.get_one(Account, alice.id)
        await choices.exclude(tx, row, await tx.get_one(Status, out.id))
    await people.picture(easel, alice, description="not posted")
    assert await captions(easel, None) == []
    carol = await people.local(easel, "carol")
    await posted(easel, carol, "of one whose pictures are all marked")
    async with easel.database.write() as tx:
        await moderation.act(tx, None, await tx.get_one(Account, carol.id), "sensitive")
    assert await captions(easel, carol, asked=True) == []
    # Who asked for the style gave leave for what is theirs alone, and for nothing else.
    assert await captions(easel, alice, asked=True) == ["a fox in ink", "not told how", "unlisted"]
    assert await captions(easel, bob, asked=True) == ["another's"]
    await consent(easel, alice, True)
    assert (
        await captions(easel, alice)
        == await captions(easel, None)
        == ["a fox in ink", "not told how", "unlisted"]
    )
    await consent(easel, bob, True)
    assert await captions(easel, None) == [
        "a fox in ink",
        "not told how",
        "unlisted",
        "remix",
        "another's",
    ]
    await consent(easel, alice, False)
    assert await captions(easel, None) == ["another's"]


async def test_authors_are_named_as_they_wish(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await people.local(easel, "alice"), await people.local(easel, "bob")
    one, _ = await posted(easel, alice, "one"), await posted(easel, bob, "two")
    await consent(easel, alice, True, credit="name", licence="CC-BY-4.0")
    await consent(easel, bob, True)
    key = await pseudonyms.secret(easel)
    async with easel.database.read() as session:
        numbers = [str(number) for number in await session.exec(select(MediaAttachment.id))]
        found = [source.picture for source in await styles.consented(session, key)]
        assert await styles.left(session, key, found, alice) == (found[0],)
        # What was begun when pictures were called by their numbers is still known.
        old = [
            msgspec.structs.replace(each, key=number)
            for each, number in zip(found, sorted(numbers), strict=True)
        ]
        assert await styles.left(session, key, old, alice) == (old[0],)
    assert (found[0].author, found[0].url, found[0].licence) == ("@alice", one.url, "CC-BY-4.0")
    assert not any(number in repr(found) for number in numbers)
    assert "bob" not in repr(found[1]) and found[1].url == ""
    assert found[1].licence == "LicenseRef-training-alone"
    assert "lets others train on their pictures (" in found[0].consent


async def test_newer_pictures_push_none_out_of_a_training(
    easel: Easel, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(styles, "MAX_PICTURES", 2)
    alice = await people.local(easel, "alice")
    await consent(easel, alice, True)
    posts = [await posted(easel, alice, name) for name in ("one", "two")]
    key = await pseudonyms.secret(easel)

    async def left(begun: list[Picture], *, asked: bool) -> list[str]:
        async with easel.database.read() as session:
            found = await styles.left(session, key, begun, alice if asked else None, asked=asked)
        return [picture.caption for picture in found]

    async with easel.database.read() as session:
        begun = [source.picture for source in await styles.consented(session, key)]
    for name in ("three", "four", "five"):
        await posted(easel, alice, name)
    assert await captions(easel, None) == ["four", "five"]  # what a new one begins with
    for asked in (False, True):
        assert await left(begun, asked=asked) == ["one", "two"]
    async with easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        await choices.exclude(tx, row, await tx.get_one(Status, posts[0].id))
    for asked in (False, True):
        assert await left(begun, asked=asked) == ["two"]
    await consent(easel, alice, False)
    assert (await left(begun, asked=False), await left(begun, asked=True)) == ([], ["two"])
