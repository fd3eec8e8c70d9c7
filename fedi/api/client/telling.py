"""What happened, as the activities by which an app is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import col, select

from fedi.api.client import received
from fedi.database import Session
from fedi.database.tables import Account, OutboxActivity, Status
from fedi.federation.documents.posts import (
    announce_document,
    create_document,
    kept_member,
    note_document,
)
from fedi.federation.translate import mirrored
from fedi.social import inboxes, posts
from fedi.social.chronicle import INBOX, OUTBOX, Happening
from fedi.social.posts import Post
from fedi.social.visibility import visible_to

Document = dict[str, Any]


async def documents(
    session: Session, account: Account, happened: Sequence[Happening]
) -> Mapping[Happening, Document]:
    """What there still is to tell of what happened.

    Args:
        account: whose app is told.
    """
    wanted = [one.number for one in happened if one.where == INBOX and one.kind == "add"]
    came = await inboxes.load(session, account, wanted)
    shown = await _posts(session, account, [one.number for one in happened])
    gone = await _gone(session, [one.number for one in happened if one.kind == "delete"])
    found: dict[Happening, Document] = {}
    for one in happened:
        target = account.inbox_uri if one.where == INBOX else account.outbox_uri
        if one.kind == "delete":
            if one.number in gone:
                found[one] = _deleted(*gone[one.number], target)
        elif one.kind == "update":
            if one.number in shown:
                found[one] = update(_note(session, account, shown[one.number]))
        elif one.where == INBOX and one.number in came:
            made = await received.activity(session, account, came[one.number])
            found[one] = {"type": "Add", "object": made, "target": target}
        elif one.where == OUTBOX:
            done = await _done(session, account, one.number, shown)
            if done is not None:
                found[one] = {"type": "Add", "object": done, "target": target}
    return found


def update(note: Document) -> Document:
    """That something has changed into this."""
    told = {"type": "Update", "actor": note["attributedTo"], "object": note}
    return told | {name: note[name] for name in ("to", "cc", "bcc") if note.get(name)}


async def _posts(session: Session, account: Account, numbers: Sequence[int]) -> dict[int, Post]:
    rows = await session.exec(visible_to(account).where(col(Status.id).in_(numbers)))
    assembled = await posts.assemble(session, rows.all(), account)
    return {post.status.id: post for post in assembled}


async def _gone(session: Session, numbers: Sequence[int]) -> dict[int, tuple[Status, str]]:
    """What is deleted, and who did it."""
    rows = await session.exec(
        select(Status, Account.uri)
        .join(Account, col(Account.id) == col(Status.account_id))
        .where(col(Status.id).in_(numbers))
    )
    return {status.id: (status, actor) for status, actor in rows.all()}


def _deleted(status: Status, actor: str, target: str) -> Document:
    if status.reblog_of_id is not None:
        return {"type": "Remove", "actor": actor, "object": status.uri, "target": target}
    return {"type": "Delete", "actor": actor, "object": status.uri}


def _note(session: Session, account: Account, post: Post) -> Document:
    if post.status.local:
        return note_document(session, post, account)
    return mirrored.note(post, session.instance, session.now).document()


async def _done(
    session: Session, account: Account, number: int, shown: Mapping[int, Post]
) -> Document | None:
    """What stands in the account's outbox under a number."""
    post = shown.get(number)
    if post is None:
        row = await session.get(OutboxActivity, number)
        return None if row is None else kept_member(row)
    if post.status.reblog_of_id is not None:
        return await announce_document(session, post.status)
    return create_document(session, post, account)
