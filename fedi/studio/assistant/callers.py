"""Who may ask the assistant, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import (
    Account,
    AssistantRequest,
    AssistantStop,
    Follow,
    Mention,
    Status,
)
from fedi.settings import AssistantSettings

BOTS = ("Service", "Application")  # types of actors that are programs
DAY = timedelta(days=1)
MAX_ABOVE = 100  # posts that are looked at for the name of a thread

# States of requests that are under way, were granted, or came to nothing after work was done.
COUNTED = ("taken", "answered", "failed")
REFUSED = ("refused", "spent")  # and of those that were told why not
TOLD = (*COUNTED, *REFUSED)  # all that had any answer
SPENT = "People of your server have had all that I do for one server in a day."


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread.

    Attributes:
        name: what it is known by.
        above: ids of the posts above that were looked at for it.
    """

    name: str
    above: Sequence[int]


async def may(session: Session, settings: AssistantSettings, asker: Account) -> bool:
    """Whether somebody may ask at all."""
    if asker.actor_type in BOTS or asker.silenced_at is not None or settings.callers == "nobody":
        return False
    if asker.local or settings.callers == "anyone":
        return True
    if settings.callers == "local":
        return False
    followed = aliased(Account)
    query = select(
        exists().where(
            col(Follow.account_id) == asker.id,
            col(Follow.state) == "accepted",
            col(followed.id) == col(Follow.target_account_id),
            col(followed.domain).is_(None),
        )
    )
    return bool((await session.exec(query)).one())


async def too_many(session: Session, settings: AssistantSettings, asker: Account) -> str:
    """Why somebody has to wait, in a sentence for them; empty if they need not."""
    query = select(func.count()).where(
        col(AssistantRequest.account_id) == asker.id,
        col(AssistantRequest.created_at) > session.now - DAY,
        # What was painted in vain was painted, too.
        col(AssistantRequest.state).in_(COUNTED) | col(AssistantRequest.painting_id).is_not(None),
    )
    if (await session.exec(query)).one() < settings.per_account:
        return ""
    return f"I do at most {settings.per_account} things a day for one person."


async def server_spent(session: Session, settings: AssistantSettings, domain: str | None) -> bool:
    """Whether a domain's people have had all the answers of a day: refusals are answers, too,
    since a server can have as many people as it likes."""
    if domain is None:
        return False
    query = select(func.count()).where(
        col(AssistantRequest.domain) == domain,
        col(AssistantRequest.created_at) > session.now - DAY,
        col(AssistantRequest.state).in_(TOLD) | col(AssistantRequest.painting_id).is_not(None),
    )
    return int((await session.exec(query)).one()) >= settings.per_server


async def server_told(session: Session, domain: str | None) -> bool:
    """Whether somebody of a domain was told today that it has had its share."""
    query = select(
        exists().where(
            col(AssistantRequest.domain) == domain,
            col(AssistantRequest.state) == "spent",
            col(AssistantRequest.created_at) > session.now - DAY,
        )
    )
    return bool((await session.exec(query)).one())


async def was_refused(session: Session, asker: Account) -> bool:
    """Whether somebody was told today that something could not be done: once is enough."""
    query = select(
        exists().where(
            col(AssistantRequest.account_id) == asker.id,
            col(AssistantRequest.state).in_(REFUSED),
            col(AssistantRequest.created_at) > session.now - DAY,
        )
    )
    return bool((await session.exec(query)).one())


async def is_silent(session: Session, thread: str) -> bool:
    """Whether the assistant was told to be silent in a thread."""
    return await session.get(AssistantStop, thread) is not None


async def thread_of(session: Session, status: Status) -> Thread:
    """The thread of a post. Misskey and others give it no name: then it has that of the post above,
    or of the first one that is known."""
    above: list[int] = []
    while (
        status.context_uri is None
        and status.in_reply_to_id is not None
        and status.in_reply_to_id not in above
        and len(above) < MAX_ABOVE
    ):
        parent = await session.get(Status, status.in_reply_to_id)
        if parent is None:
            break
        above.append(parent.id)
        status = parent
    return Thread(status.context_uri or status.in_reply_to_uri or status.uri, above)


async def silence(tx: Transaction, status: Status) -> bool:
    """Be silent in the thread of a post from now on, if its author is in it by more than this post:
    they began it, posted in it before, or are named in it."""
    thread = await thread_of(tx, status)
    other = aliased(Status)
    named = exists().where(
        col(Mention.status_id) == col(other.id), col(Mention.account_id) == status.account_id
    )
    query = select(
        exists().where(
            (col(other.context_uri) == thread.name) | col(other.id).in_(thread.above),
            col(other.id) != status.id,
            (col(other.account_id) == status.account_id) | named,
        )
    )
    if not (await tx.exec(query)).one():
        return False
    await add_once(tx, AssistantStop(context_uri=thread.name, created_at=tx.now))
    return True
