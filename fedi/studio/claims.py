"""Pictures in the hands of painters: taken, kept by signs of life, ended, given back.

A painter holds a picture by a lease. What it says counts only while the row still says that it
has the picture, by `Claim`: a picture that was given to another, or cancelled, cannot be ended by
who had it before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import or_, update
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import Account, Painting
from fedi.studio import conclusions, turns
from fedi.studio.cards import Card
from fedi.studio.media import Stored
from fedi.studio.paintings import (
    FAILED,
    PAINTING,
    QUEUED,
    REVIEW,
    apologise,
    end,
    stop,
    tell,
)
from fedi.studio.verdicts import Verdict
from generation.abilities import NOTHING_TOLD, Abilities
from generation.protocol import Finished

MAX_CRASHES = 3  # a picture over which so many painters died is not tried again
MAX_FAILED = 50  # pictures that fail within one transaction because nobody can paint them
MAX_REASON = 500  # characters of why a picture failed


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to end a picture: who took it, and the how-manieth taking it was."""

    painting_id: int
    painter_id: int
    attempt: int


async def take(
    tx: Transaction,
    painter_id: int,
    models: tuple[str, ...],
    lease: timedelta,
    *,
    can: Abilities = NOTHING_TOLD,
    warm: str = "",
    alike: turns.Alike | None = None,
    but: Collection[int] = (),
) -> Painting | None:
    """Give a painter the next picture that it can paint; None if there is none.

    Args:
        models: canonical names of what it paints with, its default first; a picture that any
            model will do for, everybody can.
        lease: how long it has it without a sign of life.
        can: what else it can do.
        warm: the canonical name of the model that it has loaded, whose pictures it may take out
            of turn, within the bounds of `fedi.studio.turns`; empty: none.
        alike: take only what goes with this, within the same bounds.
        but: these are not for this painter.
    """
    turn = await turns.choose(tx, Card(painter_id, models, can), warm, alike, but)
    if turn is None:
        return None
    painting = await tx.get(Painting, turn.painting_id, populate_existing=True)
    assert painting is not None
    painting.turn, painting.over_id = turn.at, turn.over_id
    painting.state = PAINTING
    painting.painter_id = painter_id
    painting.attempts += 1
    painting.lease_until = tx.now + lease
    painting.started_at = tx.now
    painting.step = 0
    tx.add(painting)
    await tx.flush()
    tell(tx, painting, PAINTING)
    return painting


def claim_of(painting: Painting) -> Claim:
    """The claim of who has just taken a picture."""
    assert painting.painter_id is not None
    return Claim(painting.id, painting.painter_id, painting.attempts)


async def progress(tx: Transaction, claim: Claim, step: int, steps: int) -> None:
    """Note how far a picture is. Listeners are told by who hears the painter, not from here."""
    await tx.exec(_held(claim).values(step=step, steps=steps))


async def renew(tx: Transaction, held_by: list[Claim], lease: timedelta) -> list[Claim]:
    """The painters of these pictures are alive.

    Returns:
        The claims that hold no longer.
    """
    lost = []
    # From the last to the first: who ends one picture of a post locks it before the post's first,
    # so that the two never wait for each other.
    for claim in sorted(held_by, key=lambda claim: claim.painting_id, reverse=True):
        result = await tx.exec(_held(claim).values(lease_until=tx.now + lease))
        if not result.rowcount:
            lost.append(claim)
    return lost


def _held(claim: Claim) -> Any:
    """An UPDATE of a picture, if it is still held by this claim."""
    return update(Painting).where(
        col(Painting.id) == claim.painting_id,
        col(Painting.state) == PAINTING,
        col(Painting.painter_id) == claim.painter_id,
        col(Painting.attempts) == claim.attempt,
    )


async def held(tx: Transaction, claim: Claim) -> Painting | None:
    """The picture, if it is still held by this claim; locked until the transaction ends."""
    painting = await tx.get(
        Painting, claim.painting_id, with_for_update=True, populate_existing=True
    )
    if painting is None or painting.state != PAINTING or claim_of(painting) != claim:
        return None
    return painting


async def finish(
    tx: Transaction,
    claim: Claim,
    stored: Stored,
    finished: Finished,
    verdict: Verdict = Verdict.SHOW,
    *,
    sensitive: bool = False,
) -> Painting | None:
    """The picture is there: it becomes its author's, and its post is published, all at once; or
    it waits for a moderator, and both happen when one agrees (`fedi.studio.reviews`).

    Args:
        stored: the picture's files.
        finished: what the painter said of it.
        verdict: what follows from that; a picture that is refused is not finished, but fails.
        sensitive: whether it is marked whatever a classifier said.

    Returns:
        The painting; None if the claim no longer holds or its author is gone, and the files are
        garbage.
    """
    painting = await held(tx, claim)
    if painting is None:
        return None
    author = await tx.get(Account, painting.account_id, populate_existing=True)
    if author is None or author.deleted_at is not None:
        await stop(tx, painting)
        return None
    painting.sensitive = painting.sensitive or sensitive
    painting.step = painting.steps = finished.recipe.steps or painting.steps
    if finished.judgement is not None:
        painting.judgement = msgspec.to_builtins(finished.judgement)
        painting.sensitive = painting.sensitive or verdict in (Verdict.MARK, Verdict.HOLD)
    if verdict is not Verdict.HOLD:
        await conclusions.conclude(tx, painting, stored, finished)
        return painting
    end(tx, painting, REVIEW)
    painting.held = {**stored.document(), "finished": msgspec.to_builtins(finished)}
    await conclusions.notify_author(tx, painting, "painting_held")
    await tx.flush()
    tell(tx, painting, REVIEW)
    return painting


async def fail(tx: Transaction, claim: Claim, reason: str, *, retry: bool = False) -> None:
    """The picture could not be made.

    Args:
        reason: one plain sentence for its author.
        retry: whether another try may help; counts like a painter that died over it.
    """
    painting = await held(tx, claim)
    if painting is None:
        return
    if retry:
        painting.crashes += 1
        if painting.crashes < MAX_CRASHES:
            _queue_again(tx, painting)
            await tx.flush()
            return
    await _fail(tx, painting, reason)


async def fail_waiting(tx: Transaction, model: str, needs: str, reason: str) -> int:
    """Pictures that nobody can paint are not waited for.

    Args:
        model, needs: of which kind they are, as their rows have it.
        reason: one plain sentence for their authors.

    Returns:
        How many they were.
    """
    rows = await tx.exec(
        select(Painting)
        .where(turns.WAITING, col(Painting.model) == model, col(Painting.needs) == needs)
        .order_by(col(Painting.id).desc())
        .limit(MAX_FAILED)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    failed = 0
    for painting in rows.all():
        if painting.state == QUEUED:  # and not stopped with another of its post
            await _fail(tx, painting, reason)
            failed += 1
    return failed


async def give_back(tx: Transaction, claim: Claim, *, crashed: bool = False) -> None:
    """The painter is gone: the picture goes back to where it stood in the queue.

    Args:
        crashed: the painter died over it, rather than left.
    """
    painting = await held(tx, claim)
    if painting is not None:
        await _give_back(tx, painting, crashed)


async def reap(tx: Transaction, *, painter_id: int | None = None, everybody: bool = False) -> int:
    """Take back the pictures whose painters gave no sign of life for longer than their lease.

    Args:
        painter_id: take back all that this painter has, however long its leases still run.
        everybody: take back all there are: nobody can be painting.

    Returns:
        How many were taken back.
    """
    query = select(Painting).where(turns.BEGUN)
    if painter_id is not None:
        query = query.where(col(Painting.painter_id) == painter_id)
    elif not everybody:
        query = query.where(
            or_(col(Painting.lease_until) < tx.now, col(Painting.painter_id).is_(None))
        )
    lost = (await tx.exec(query.with_for_update(skip_locked=True))).all()
    for painting in lost:
        await _give_back(tx, painting, crashed=False)
    return len(lost)


async def _give_back(tx: Transaction, painting: Painting, crashed: bool) -> None:
    if crashed:
        painting.crashes += 1
    if painting.crashes >= MAX_CRASHES:
        await _fail(
            tx,
            painting,
            f"The painter broke down {MAX_CRASHES} times over this picture. "
            "A smaller size may help.",
        )
    else:
        _queue_again(tx, painting)
        await tx.flush()


async def _fail(tx: Transaction, painting: Painting, reason: str) -> None:
    end(tx, painting, FAILED)
    painting.error = reason[:MAX_REASON]
    await conclusions.notify_author(tx, painting, "painting_failed")
    await apologise(tx, painting)
    await tx.flush()
    tell(tx, painting, FAILED)
    await conclusions.fail_post(tx, painting)


def _queue_again(tx: Transaction, painting: Painting) -> None:
    """Under its old tag, so that it is the next to be painted."""
    painting.state = QUEUED
    painting.painter_id = painting.lease_until = None
    painting.step = 0
    tx.add(painting)
    tell(tx, painting, QUEUED)
