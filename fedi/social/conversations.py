"""The conversation around a post, as one viewer may see it, in the order it is read.

Only what `visible_to(viewer)` shows is followed: what hangs below a hidden post stays hidden with
it. The reading is bounded, whatever a thread looks like (attack 50: chains of ten thousand,
cycles, floods of answers).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlmodel import col

from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.social.visibility import seen_by


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a conversation is read.

    Args:
        before: posts above.
        levels: answers to answers to ….
        answers: posts below.
    """

    before: int
    levels: int
    answers: int


# As Mastodon for people who are not signed in; for ours it has no bounds that matter.
FOR_ALL = Bounds(before=40, levels=20, answers=60)
FOR_OURS = Bounds(before=200, levels=100, answers=1000)


async def before(
    session: Session, viewer: Account | None, status: Status, bounds: Bounds = FOR_ALL
) -> list[Status]:
    """What the post answers, the oldest first."""
    chain: list[Status] = []
    seen = {status.id}
    while status.in_reply_to_id is not None and len(chain) < bounds.before:
        query = seen_by(viewer).where(col(Status.id) == status.in_reply_to_id)
        parent = (await session.exec(query)).first()
        if parent is None or parent.id in seen:
            break
        seen.add(parent.id)
        chain.append(parent)
        status = parent
    return chain[::-1]


async def after(
    session: Session, viewer: Account | None, status: Status, bounds: Bounds = FOR_ALL
) -> list[tuple[Status, int]]:
    """The answers, each followed by its own, the oldest first, and how deep they are."""
    children: defaultdict[int, list[Status]] = defaultdict(list)
    depths = {status.id: 0}
    level, left = [status.id], bounds.answers
    for depth in range(1, bounds.levels + 1):
        if not level or left == 0:
            break
        # What was seen already is left out below: a cycle ends there.
        query = (
            seen_by(viewer)
            .where(col(Status.in_reply_to_id).in_(level))
            .order_by(col(Status.id))
            .limit(left)
        )
        found = [one for one in (await session.exec(query)).all() if one.id not in depths]
        for answer in found:
            assert answer.in_reply_to_id is not None
            children[answer.in_reply_to_id].append(answer)
            depths[answer.id] = depth
        level = [answer.id for answer in found]
        left -= len(found)
    ordered: list[tuple[Status, int]] = []
    waiting = children[status.id][::-1]
    while waiting:
        answer = waiting.pop()
        ordered.append((answer, depths[answer.id]))
        waiting += children[answer.id][::-1]
    return ordered
