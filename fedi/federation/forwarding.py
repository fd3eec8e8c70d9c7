"""Passing on what others did to the followers of ours (ActivityPub 7.1.2).

Without it an answer to a post is seen by its author's server alone, and by the followers of who
answers. The bytes go on as they came; who gets them believes them by a proof that is in them, or
asks the server that they are from, as we do (`hearsay`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from sqlmodel import col, select

from activitypub import json, origin
from activitypub.objects import Activity, values
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Status
from fedi.federation import recipients, sending
from fedi.social import accounts, follows

ABOUT = ("object", "inReplyTo", "target", "tag")  # where an activity names what it is about
MAX_DEPTH = 3  # objects in objects
MAX_ABOUT = 50  # things that one activity can be about
MAX_ABOVE = 20  # answers between ours and the one that is passed on


async def pass_on(
    tx: Transaction,
    actor: Account,
    activity: Activity,
    body: bytes,
    brought_by: str | None = None,
) -> None:
    """Pass an activity on to the followers of those to whose followers it is addressed and whose
    posts it is about. It is taken in only once, so it is passed on only once.

    Args:
        actor: who did it, on another server.
        activity: it, after it took effect here.
        body: it, as it came.
        brought_by: who passed it on to us, if it was not the actor.
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
        have_it = await _servers_of(tx, {actor.uri, brought_by or actor.uri})
        inboxes = await recipients.of_followers(tx, author)
        others = [inbox for inbox in inboxes if origin.host(inbox) not in have_it]
        assert activity.id is not None
        await sending.forward(tx, author, activity.id, body, others)


async def _servers_of(session: Session, uris: set[str]) -> set[str | None]:
    """The hosts of some actors, and of their inboxes, which may be others."""
    known = (await accounts.by_uris(session, sorted(uris))).values()
    inboxes = [(account.inbox_uri, account.shared_inbox_uri or "") for account in known]
    return {origin.host(uri) for uri in (*uris, *chain.from_iterable(inboxes))} - {None}


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
