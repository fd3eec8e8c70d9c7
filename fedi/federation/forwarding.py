"""Passing on what others did to the followers of ours (ActivityPub 7.1.2), and what is passed on
to us.

Without it an answer to a post is seen by its author's server alone, and by the followers of who
answers. The bytes go on as they came; who gets them believes them by a proof that is in them, or
asks the server that they are from, as we do here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import col, select

from activitypub import json, origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity, values
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Follow, Status
from fedi.federation import recipients, remote, sending, threads
from fedi.jobs import Backoff, Claimed, Retry, enqueue, handles
from fedi.runtime import Easel
from fedi.social import accounts, follows

ABOUT = ("object", "inReplyTo", "target", "tag")  # where an activity names what it is about
MAX_DEPTH = 3  # objects in objects
MAX_ABOUT = 50  # things that one activity can be about
MAX_ABOVE = 20  # answers between ours and the one that is passed on

CONFIRMABLE = frozenset({"Create", "Delete", "Update"})  # its server can be asked whether it is so
CONFIRM_AFTER = timedelta(seconds=10)  # many may pass on the same; it is asked for once
BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)


# ---- from here ----------------------------------------------------------------------------------


async def pass_on(tx: Transaction, actor: Account, activity: Activity, body: bytes) -> None:
    """Pass an activity on to the followers of those to whose followers it is addressed and whose
    posts it is about. It is taken in only once, so it is passed on only once.

    Args:
        actor: who sent it, on another server.
        activity: it, after it took effect here.
        body: it, as it came.
    """
    prefix = f"{tx.instance.url}/"
    addressed = [*activity.to, *activity.cc, *activity.audience]
    ours = [uri for uri in addressed if uri.startswith(prefix)]
    if not ours:
        return
    owners = await tx.exec(
        select(Account).where(
            col(Account.followers_uri).in_(ours),
            col(Account.domain).is_(None),
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
    )
    authors = {owner.id: owner for owner in owners.all()}
    if not authors:
        return
    for author_id in await _answered(tx, json.decode(body, limit=len(body))):
        author = authors.pop(author_id, None)
        if author is None or (await follows.relationship(tx, author, actor)).blocking:
            continue
        sender = origin.host(actor.uri)
        inboxes = await recipients.of_followers(tx, author)
        others = [inbox for inbox in inboxes if origin.host(inbox) != sender]
        assert activity.id is not None
        await sending.forward(tx, author, activity.id, body, others)


async def _answered(session: Session, document: Mapping[str, Any]) -> list[int]:
    """The local authors of the posts that an activity is about, or that those answer."""
    about = list(dict.fromkeys(_about(document, MAX_DEPTH)))[:MAX_ABOUT]
    rows = await session.exec(select(Status).where(col(Status.uri).in_(about)))
    level = list(rows.all())
    for _ in range(MAX_ABOVE):
        found = [status.account_id for status in level if status.local]
        above = {status.in_reply_to_id for status in level if status.in_reply_to_id is not None}
        if found or not above:
            return found
        rows = await session.exec(select(Status).where(col(Status.id).in_(above)))
        level = list(rows.all())
    return []


def _about(document: Mapping[str, Any], depth: int) -> Iterator[str]:
    """What an activity names, and what that names, to a depth."""
    for name in ABOUT:
        for entry in values.entries(document.get(name), MAX_ABOUT):
            uri = values.uri(entry) if not isinstance(entry, list) else None
            if uri is not None:
                yield uri
            if isinstance(entry, Mapping) and depth > 1:
                yield from _about(entry, depth - 1)


# ---- to here ------------------------------------------------------------------------------------


async def take(easel: Easel, activity: Activity, signer: str) -> bool:
    """Take in what somebody passed on: as a hint to ask the server that it is from.

    Only those whom somebody here follows may do so, and only what is addressed to their own
    followers; all else is somebody speaking for another.

    Args:
        activity: what came.
        signer: who sent it, and is not its actor.

    Returns:
        Whether it was taken.
    """
    actor = activity.actor
    if activity.type not in CONFIRMABLE or actor is None:
        return False
    if origin.same_origin(actor, easel.settings.instance.url) or origin.check(activity, actor):
        return False
    addressed = [*activity.to, *activity.cc, *activity.audience]
    follower = aliased(Account)
    query = (
        select(Follow.id)
        .join(Account, col(Account.id) == col(Follow.target_account_id))
        .join(follower, col(follower.id) == col(Follow.account_id))
        .where(
            Account.uri == signer,
            col(Account.followers_uri).in_(addressed),
            col(Account.suspended_at).is_(None),
            Follow.state == follows.ACCEPTED,
            col(follower.domain).is_(None),
        )
    )
    async with easel.database.read() as session:
        if (await session.exec(query.limit(1))).first() is None:
            return False
    hint = {"type": activity.type, "actor": actor, "id": activity.id, "object": activity.object_id}
    async with easel.database.write() as tx:
        key = f"forwarded {activity.type} {activity.object_id}"
        await enqueue(tx, "forwarded", hint, delay=CONFIRM_AFTER, unique_key=key)
    return True


@handles("forwarded", attempts=5, at_once=4, backoff=BACKOFF)
async def forwarded(easel: Easel, job: Claimed) -> None:
    """Ask the server of an actor whether it is so; then do what it says, not what was passed on."""
    actor, uri = job.payload["actor"], job.payload["object"]
    try:
        match job.payload["type"]:
            case "Create":
                status = await remote.status(
                    easel, uri, belongs=lambda note: note.attributed_to == actor
                )
                confirmed = False
            case "Delete":
                status, confirmed = None, await _is_gone(easel, actor, uri)
            case _:
                status, confirmed = None, True  # the handler reads it from there
    except Malformed:
        return
    except FetchError as error:
        if error.permanent:
            return
        raise Retry(error.reason) from error
    async with easel.database.write() as tx:
        if status is not None:
            await threads.look_up(tx, status)
        if confirmed:
            hint = Activity(
                id=job.payload["id"], type=job.payload["type"], actor=actor, object_id=uri
            )
            body = json.encode(hint.document()).decode()
            lane = origin.host(actor) or ""
            await enqueue(tx, "incoming", {"body": body, "signer": actor}, lane=lane)
        await job.finish(tx)


async def _is_gone(easel: Easel, actor: str, uri: str) -> bool:
    """Whether what we know under an id is gone where it came from.

    Raises:
        FetchError: that cannot be told now.
    """
    async with easel.database.read() as session:
        known = (await session.exec(select(Status).where(Status.uri == uri))).first()
        author = await accounts.by_uri(session, actor)
    if uri == actor:
        return author is not None and await remote.is_gone(easel, actor)
    if known is None or author is None or known.account_id != author.id:
        return False
    return await remote.reread(easel, known) is None
