"""Whether two programs answer each other: the assistant, and one that does not say what it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, AssistantRequest, Status
from fedi.studio.assistant.callers import BOTS, DAY, Thread

MAX_TURNS = 3
# A program answers within seconds of what it answers, also one that asks a language model. Who
# looks at a picture, thinks of a change and writes it mostly takes longer than this.
QUICKLY = timedelta(seconds=30)


async def goes_in_circles(
    session: Session, helper: Account, asker: Account, thread: Thread
) -> bool:
    """Whether who asks now has come back so often, and so quickly, that they may be a program.

    What is measured is how long they took after the last that was said between the two: the
    assistant's answer, or what they asked themselves, where it is not answered yet. So it does not
    matter how long a picture takes, and a loop ends on a slow card as it does on a fast one. After
    `MAX_TURNS` of theirs within a day of which each came `QUICKLY` after the one before, and so
    does this, it is a loop; unless another person has posted in the thread meanwhile.

    Somebody who takes their time between changes is never shut out, however many they ask for. Who
    did not, and hears nothing, is answered again as soon as they have waited for a moment; a
    program that only answers answers has none to answer then. Slower ones are ended by the quotas
    of a day.
    """
    turns = list(
        await session.exec(
            select(AssistantRequest)
            .where(
                col(AssistantRequest.account_id) == asker.id,
                col(AssistantRequest.context_uri) == thread.name,
                # Whatever became of them: who goes on without being heard is in the circle still.
                col(AssistantRequest.created_at) > session.now - DAY,
            )
            .order_by(
                col(AssistantRequest.created_at).desc(), col(AssistantRequest.status_id).desc()
            )
            .limit(MAX_TURNS)
        )
    )
    if len(turns) < MAX_TURNS:
        return False
    answered = await _answered(session, helper, [turn.status_id for turn in turns])
    moment = session.now
    for turn in turns:
        before = [turn.created_at, *(one for one in answered if one <= moment)]
        if moment - max(before) >= QUICKLY:
            return False
        moment = turn.created_at
    return not await _was_joined(session, helper, asker, thread, since=moment)


async def _answered(session: Session, helper: Account, status_ids: list[int]) -> list[datetime]:
    """When the assistant answered some posts."""
    query = select(Status.created_at).where(
        col(Status.account_id) == helper.id, col(Status.in_reply_to_id).in_(status_ids)
    )
    return list(await session.exec(query))


async def _was_joined(
    session: Session, helper: Account, asker: Account, thread: Thread, *, since: datetime
) -> bool:
    """Whether another person has posted in a thread since a moment."""
    query = select(
        exists().where(
            (col(Status.context_uri) == thread.name) | col(Status.id).in_(thread.above),
            col(Status.account_id).not_in((helper.id, asker.id)),
            col(Status.created_at) > since,
            col(Account.id) == col(Status.account_id),
            col(Account.actor_type).not_in(BOTS),
        )
    )
    return bool((await session.exec(query)).one())
