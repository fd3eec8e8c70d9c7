"""Which pictures a style may be learned from: those that anybody can see, and that are their
author's alone to give."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fedi.clock import FakeClock
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import statuses
from fedi.studio import styles
from tests.social import people


async def posted(easel: Easel, author: Account, name: str, **changes: Any) -> Status:
    """A post with a picture whose alt text is its name; `columns` are those of the picture."""
    columns = changes.pop("columns", {})
    medium = await people.picture(
        easel, author, description=name, file=f"{name}.png", type="image", **columns
    )
    return await people.publish(easel, author, name, media_ids=[medium], **changes)


async def captions(easel: Easel, author: Account, **asked: Any) -> list[str]:
    author = await people.fresh(easel, author)
    async with easel.database.read() as session:
        found = await styles.of_author(session, author, **asked)
    return [source.picture.caption for source in found]


async def test_only_what_all_can_see_and_is_theirs_alone(easel: Easel, clock: FakeClock) -> None:
    alice, bob = await people.local(easel, "alice"), await people.local(easel, "bob")
    await posted(easel, alice, "before")
    clock.advance(timedelta(days=1))
    async with easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        row.training_consent_at = tx.now
        tx.add(row)
    painted = {"digital_source_type": people.PAINTED, "recipe": {"prompt": "a fox in ink"}}
    await posted(easel, alice, "painted", columns=painted)
    shown = await posted(easel, alice, "unlisted", visibility="unlisted")
    await posted(easel, alice, "private", visibility="private")
    await posted(easel, alice, "direct", visibility="direct")
    await posted(easel, alice, "marked", sensitive=True)
    await posted(easel, alice, "begun", columns={"digital_source_type": people.PAINTED_OVER})
    await posted(easel, alice, "remix", based_on_uri=shown.uri)
    await posted(easel, bob, "another's")
    gone = await posted(easel, alice, "gone")
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, gone.id))
    await people.picture(easel, alice, description="not posted")
    assert await captions(easel, alice) == ["a fox in ink", "unlisted"]
    # Who asked for the style gave leave for what is older, too; and for nothing else.
    asked = await captions(easel, alice, asked_at=clock.now())
    assert asked == ["before", "a fox in ink", "unlisted"]
    asked = await captions(easel, alice, asked_at=clock.now())
    assert await captions(easel, bob) == []


async def test_a_yes_is_taken_back(easel: Easel, clock: FakeClock) -> None:
    alice = await people.local(easel, "alice", training_consent_at=clock.now())
    await posted(easel, alice, "one")
    two = await posted(easel, alice, "two")
    async with easel.database.read() as session:
        found = await styles.of_author(session, alice)
    begun = [source.picture for source in found]
    assert begun[0].author == "@alice" and begun[1].url == two.url
    assert "said yes to training" in begun[0].consent
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, two.id))
    async with easel.database.read() as session:
        assert styles.left(begun, await styles.of_author(session, alice)) == (begun[0],)
    async with easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        row.training_consent_at = None
        tx.add(row)
    async with easel.database.read() as session:
        row = await session.get_one(Account, alice.id)
        assert styles.left(begun, await styles.of_author(session, row)) == ()
