"""Posts for later that may ask for a picture: kept, changed, taken back, and published when it is
time (the `scheduled` job).

What a post asks for is painted at once, so that it is there in time. Until then the row of the
post says what its author wrote, and the first painting, under the same id, what remains of that;
when the last picture is there, the row has them (`scheduling.complete`). If it is time before that,
the row goes, and the post publishes itself with its pictures.

Whoever needs both locks the painting before the row, as who ends a picture does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Painting, ScheduledStatus, Status
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.settings import PaintingSettings
from fedi.social import pending, scheduling, statuses
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.studio import imagine, limits, paintings
from fedi.studio.imagine import Imagined

GONE = "It is not among your posts for later any more."
WITHOUT = "Its picture could not be made. Change it, and it is painted again."


@dataclass(frozen=True, slots=True)
class Held:
    """A post for later, locked until the transaction ends.

    Attributes:
        row: the post.
        painting: the first of the pictures that it asks for, or asked for.
        state: how its pictures stand, all together: queued (some are still to come), failed, or
            done; empty: it asks for none.
    """

    row: ScheduledStatus
    painting: Painting | None
    state: str

    @property
    def draft(self) -> Draft:
        return scheduling.draft_of(self.row)


async def keep(
    tx: Transaction, settings: PaintingSettings, author: Account, draft: Draft, when: datetime
) -> ScheduledStatus:
    """Keep a post for later, and paint what it asks for.

    Raises:
        SocialError: as `scheduling.add` and `imagine.post`; then neither is done.
    """
    wanted = await imagine.asked(tx, settings, draft)
    uri = statuses.mint_uri(tx, author)
    row = await scheduling.add(tx, author, draft, when, uri=uri)
    if wanted is not None:
        await _paint(tx, settings, author, draft, wanted, row)
    return row


async def hold(tx: Transaction, author: Account, scheduled_id: int) -> Held:
    """One of somebody's posts for later, to do something with it.

    Raises:
        NotFound: it is none of theirs, or not any more.
    """
    row = await tx.get(ScheduledStatus, scheduled_id)
    if row is None or row.account_id != author.id:
        raise NotFound(GONE)
    painting = await _painting(tx, row.uri)
    found = await scheduling.hold(tx, scheduled_id)
    if found is None:
        raise NotFound(GONE)
    painting = painting or await _painting(tx, found.uri)  # it may have been asked for meanwhile
    return Held(found, painting, await _state(tx, painting))


async def _painting(tx: Transaction, uri: str) -> Painting | None:
    rows = await tx.exec(
        select(Painting)
        .where(Painting.status_uri == uri)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.first()


async def _state(tx: Transaction, first: Painting | None) -> str:
    if first is None:
        return ""
    rows = await tx.exec(select(Painting.state).where(col(Painting.post_of) == first.id))
    states = {first.state, *rows.all()}
    if states & {paintings.FAILED, paintings.CANCELLED}:
        return paintings.FAILED
    return paintings.DONE if states == {paintings.DONE} else paintings.QUEUED


async def to_come(session: Session, rows: Sequence[ScheduledStatus]) -> dict[str, Painting]:
    """Of the posts for later that wait for pictures the first painting, by the id of the post."""
    found = await session.exec(
        select(Painting).where(col(Painting.status_uri).in_([row.uri for row in rows]))
    )
    firsts = found.all()
    waiting = await session.exec(
        select(Painting.post_of).where(
            col(Painting.post_of).in_([first.id for first in firsts]),
            col(Painting.state).in_(pending.WAITING),
        )
    )
    others = set(waiting.all())
    return {
        first.status_uri: first
        for first in firsts
        if first.status_uri and (first.state in pending.WAITING or first.id in others)
    }


async def change(
    tx: Transaction,
    settings: PaintingSettings,
    author: Account,
    held: Held,
    draft: Draft,
    when: datetime,
) -> None:
    """Say something else, or at another time, under the same id. What is asked for anew is painted;
    what is asked for as before goes on being painted.

    Raises:
        SocialError: as `keep`; then all of it stays as it was.
    """
    row, painting, before = held.row, held.painting, held.draft
    wanted = await imagine.asked(tx, settings, draft)
    if held.state == paintings.DONE and _same_words(draft, before):
        wanted = None  # what it asked for is there: these are the words that remained
    await scheduling.change(tx, author, row, draft, when)
    if painting is None or (held.state == paintings.DONE and wanted is None):
        pass
    elif held.state == paintings.QUEUED and await _asks_the_same(tx, settings, wanted, before):
        assert wanted is not None
        await limits.refuse_unpostable(tx, author, imagine.without(draft, wanted))
        painting.language = draft.language or ""
        _aim(tx, painting, imagine.without(draft, wanted), when)
        return
    else:
        if held.state == paintings.QUEUED:
            await paintings.cancel(tx, painting)
        row.error = ""
        painting.status_uri = None
        tx.add_all([painting, row])
        await tx.flush()
    if wanted is not None:
        await _paint(tx, settings, author, draft, wanted, row)


async def move(
    tx: Transaction, settings: PaintingSettings, author: Account, held: Held, when: datetime
) -> None:
    """Publish it at another time; a picture that could not be made is painted again.

    Raises:
        SocialError: as `scheduling.move`, or as `change` if something is painted again.
    """
    if held.state == paintings.FAILED:
        await change(tx, settings, author, held, held.draft, when)
        return
    await scheduling.move(tx, author, held.row, when)
    if held.painting is not None and held.state == paintings.QUEUED:
        _aim(tx, held.painting, msgspec.convert(held.painting.draft, Draft), when)


def _same_words(draft: Draft, before: Draft) -> bool:
    return (draft.text, draft.content_html) == (before.text, before.content_html)


async def _asks_the_same(
    tx: Transaction, settings: PaintingSettings, wanted: Imagined | None, before: Draft
) -> bool:
    """Whether a draft asks for the very pictures that are being painted."""
    if wanted is None:
        return False
    asked = await imagine.asked(tx, settings, before)
    return asked is not None and replace(asked, words="") == replace(wanted, words="")


async def _paint(
    tx: Transaction,
    settings: PaintingSettings,
    author: Account,
    draft: Draft,
    wanted: Imagined,
    row: ScheduledStatus,
) -> None:
    made = await imagine.paint(tx, settings, author, draft, wanted, uri=row.uri)
    _aim(tx, made, imagine.without(draft, wanted), row.scheduled_at)


def _aim(tx: Transaction, painting: Painting, draft: Draft, when: datetime) -> None:
    """Note what is posted with a picture, and when that is meant to be."""
    planned = msgspec.structs.replace(draft, scheduled_at=when)
    painting.draft = msgspec.to_builtins(planned)
    tx.add(painting)


async def take_back(tx: Transaction, held: Held) -> None:
    """It is not posted. What is not painted yet is not painted; pictures that are there stay."""
    if held.painting is not None and held.state == paintings.QUEUED:
        await paintings.cancel(tx, held.painting)
    await tx.delete(held.row)
    await tx.flush()


async def carry_out(
    tx: Transaction, settings: PaintingSettings, author: Account, held: Held
) -> Status | Painting:
    """Publish a post that was kept for later, or let it publish itself when its pictures are there;
    its row goes.

    Raises:
        SocialError: as `imagine.post`.
    """
    draft, uri, painting = held.draft, held.row.uri, held.painting
    if held.state == paintings.FAILED:
        raise Invalid(WITHOUT)
    await tx.delete(held.row)
    await tx.flush()
    if painting is not None and held.state == paintings.QUEUED:
        assert painting.draft is not None
        painting.draft = painting.draft | {"scheduled_at": None}
        tx.add(painting)
        return painting
    if painting is not None:
        made: Status | Painting = await statuses.publish(tx, author, draft, uri=uri)
    else:
        made = await imagine.post(tx, settings, author, draft, uri=uri)
    if isinstance(made, Status):  # the picture that it waited for may have been painted for it
        await tx.execute(
            update(Painting).where(col(Painting.status_uri) == uri).values(status_id=made.id)
        )
    return made


@handles("scheduled", attempts=20, at_once=4)
async def publish(easel: Easel, job: Claimed) -> None:
    """Publish it as if its author did so now: once, in the transaction in which it is due."""
    scheduled_id: int = job.payload["scheduled_id"]
    try:
        async with easel.database.write() as tx:
            found = await _due(tx, scheduled_id)
            if found is not None:
                await carry_out(tx, easel.settings.painting, *found)
            await job.finish(tx)
    except SocialError as error:
        async with easel.database.write() as tx:
            found = await _due(tx, scheduled_id)
            if found is not None:
                await scheduling.fail(tx, found[0], scheduled_id, str(error))
            await job.finish(tx)


async def _due(tx: Transaction, scheduled_id: int) -> tuple[Account, Held] | None:
    """What is to be published now, and for whom; None: it was taken back, or put off."""
    row = await tx.get(ScheduledStatus, scheduled_id)
    if row is None:
        return None
    author = await tx.get_one(Account, row.account_id)
    try:
        held = await hold(tx, author, scheduled_id)
    except NotFound:
        return None
    return (author, held) if scheduling.is_due(held.row, tx.now) else None
