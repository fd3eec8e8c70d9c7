"""The conversation around a post, as everybody may see it, in the order it is read.

Only what `visible_to(None)` shows is followed: what hangs below a hidden post stays hidden with
it. The reading is bounded, whatever a thread looks like (attack 50: chains of ten thousand,
cycles, floods of answers).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlmodel import col

from fedi.database import Session
from fedi.database.tables import Status
from fedi.social import posts, statuses
from fedi.social.posts import Post

MAX_BEFORE = 40  # posts above; as many as Mastodon shows to people who are not signed in
MAX_LEVELS = 20  # answers to answers to …; Mastodon stops there for people not signed in, too
MAX_ANSWERS = 60  # posts below, like Mastodon for people who are not signed in


@dataclass(frozen=True, slots=True)
class Answer:
    """A post in a conversation, `depth` answers below the post of the page (0 above it)."""

    post: Post
    depth: int


async def before(session: Session, status: Status) -> list[Answer]:
    """What the post answers, the oldest first."""
    chain: list[Status] = []
    seen = {status.id}
    while status.in_reply_to_id is not None and len(chain) < MAX_BEFORE:
        query = statuses.visible_to(None).where(col(Status.id) == status.in_reply_to_id)
        parent = (await session.exec(query)).first()
        if parent is None or parent.id in seen:
            break
        seen.add(parent.id)
        chain.append(parent)
        status = parent
    assembled = await posts.assemble(session, chain[::-1], None)
    return [Answer(post, 0) for post in assembled]


async def after(session: Session, status: Status) -> list[Answer]:
    """The answers, each followed by its own, the oldest first."""
    children: defaultdict[int, list[Status]] = defaultdict(list)
    depths = {status.id: 0}
    level, left = [status.id], MAX_ANSWERS
    for depth in range(1, MAX_LEVELS + 1):
        if not level or left == 0:
            break
        query = (
            statuses.visible_to(None)
            .where(col(Status.in_reply_to_id).in_(level), col(Status.id).not_in(list(depths)))
            .order_by(col(Status.id))
            .limit(left)
        )
        found = (await session.exec(query)).all()
        for answer in found:
            assert answer.in_reply_to_id is not None
            children[answer.in_reply_to_id].append(answer)
            depths[answer.id] = depth
        level = [answer.id for answer in found]
        left -= len(found)
    ordered: list[Status] = []
    waiting = children[status.id][::-1]
    while waiting:
        answer = waiting.pop()
        ordered.append(answer)
        waiting += children[answer.id][::-1]
    assembled = await posts.assemble(session, ordered, None)
    return [Answer(post, depths[post.status.id]) for post in assembled]
