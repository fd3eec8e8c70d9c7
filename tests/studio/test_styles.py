"""Which pictures a style may be learned from: those that anybody can see, and that are their
author's alone to give."""

from __future__ import annotations

from typing import Any

from fedi.clock import FakeClock
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import statuses
from fedi.social.training import choices
from fedi.studio import styles
from tests.social import people


async def posted(easel: Easel, author: Account, name: str, **changes: Any) -> Status:
    """A post with a picture whose alt text is its name; `columns` are those of the picture."""
    columns = changes.pop("columns", {})
    medium = await people.picture(
        easel, author, description=name, file=f"{name}.png", type="image", **columns
    )
    return await people.publish(easel, author, name, media_ids=[medium], **changes)


async def captions(easel: Easel, author: Account | None, *, asked: bool = False) -> list[str]:
    async with easel.database.read() as session:
        author = None if author is None else await session.get_one(Account, author.id)
        found = (
            await styles.asked_for(session, author, session.now)
            if author is not None and asked
            else await styles.consented(session, author)
        )
    return [source.picture.caption for source in found]


async def consent(easel: Easel, author: Account, allowed: bool, **how: str) -> None:
    async with easel.database.write() as tx:
        await choices.consent(tx, await tx.get_one(Account, author.id), allowed, **how)


async def test_only_what_its_author_lets_others_train_on(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await people.local(easel, "alice"), await people.local(easel, "bob")
    painted = {"digital_source_type": people.PAINTED, "recipe": {"prompt": "a fox in ink"}}
    await posted(easel, alice, "painted", columns=painted)
    shown = await posted(easel, alice, "unlisted", visibility="unlisted")
    await posted(easel, alice, "private", visibility="private")
    await posted(easel, alice, "direct", visibility="direct")
    await posted(easel, alice, "marked", sensitive=True)
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
    # Who asked for the style gave leave for what is theirs alone, and for nothing else.
    assert await captions(easel, alice, asked=True) == ["a fox in ink", "unlisted"]
    assert await captions(easel, bob, asked=True) == ["another's"]
    await consent(easel, alice, True)
    assert (
        await captions(easel, alice) == await captions(easel, None) == ["a fox in ink", "unlisted"]
    )
    await consent(easel, bob, True)
    assert await captions(easel, None) == ["a fox in ink", "unlisted", "remix", "another's"]
    await consent(easel, alice, False)
    assert await captions(easel, None) == ["another's"]


async def test_authors_are_named_as_they_wish(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await people.local(easel, "alice"), await people.local(easel, "bob")
    one, _ = await posted(easel, alice, "one"), await posted(easel, bob, "two")
    await consent(easel, alice, True, credit="name", licence="CC-BY-4.0")
    await consent(easel, bob, True)
    async with easel.database.read() as session:
        found = [source.picture for source in await styles.consented(session)]
        assert styles.left(found, await styles.consented(session, alice)) == (found[0],)
    assert (found[0].author, found[0].url, found[0].licence) == ("@alice", one.url, "CC-BY-4.0")
    assert "bob" not in repr(found[1]) and found[1].url == ""
    assert found[1].licence == "LicenseRef-training-alone"
    assert "lets others train on their pictures (" in found[0].consent
