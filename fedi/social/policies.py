"""What an author lets others do with a post: answer it, like it, boost it, quote it.

A policy is stored as it is sent: `{"canReply": {"automaticApproval": […], "manualApproval": […]}}`.
What it does not name is open to all who may see the post.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

from sqlmodel import col, select

from activitypub.addressing import PUBLIC, PUBLIC_NAMES
from fedi.database import Session
from fedi.database.tables import Account, Follow, Mention, Status
from fedi.social.errors import Invalid, NotAllowed

Deed = Literal["canReply", "canLike", "canAnnounce", "canQuote"]

QUOTERS = ("public", "followers", "nobody")
"""Whom a local author lets quote a post; the words are Mastodon 4.5's."""

_REFUSED = {
    "canReply": "The author of that post does not want answers from you.",
    "canLike": "The author of that post does not want likes from you.",
    "canAnnounce": "The author of that post does not want it boosted by you.",
    "canQuote": "The author of that post does not want it quoted by you.",
}


class Leave(StrEnum):
    """How far somebody may go."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"  # the author is asked first
    FORBIDDEN = "forbidden"


def for_quotes(author: Account, visibility: str, quoters: str) -> dict[str, Any]:
    """The policy of a local post.

    Args:
        quoters: one of `QUOTERS`; what is not for everybody only its author may quote.

    Raises:
        Invalid: it is none of them.
    """
    if quoters not in QUOTERS:
        raise Invalid(f"Who may quote is one of {', '.join(QUOTERS)}.")
    allowed = author.uri
    if visibility in {"public", "unlisted"}:
        allowed = {"public": PUBLIC, "followers": author.followers_uri}.get(quoters, author.uri)
    return {"canQuote": {"automaticApproval": [allowed], "manualApproval": []}}


def is_open(policy: dict[str, Any] | None, deed: Deed) -> bool:
    """Whether everybody who sees a post may do this with it, and nobody need be looked at."""
    rule = (policy or {}).get(deed)
    return rule is None or not PUBLIC_NAMES.isdisjoint(rule.get("automaticApproval", ()))


async def leave(
    session: Session, account: Account, author: Account, status: Status, deed: Deed
) -> Leave:
    """Whether an account may do this with a post that it may see.

    Authors always may, and whoever is named in a post may answer it (GoToSocial 0.20).
    """
    if account.id == author.id:
        return Leave.AUTOMATIC
    if is_open(status.interaction_policy, deed):
        return Leave.AUTOMATIC
    rule = (status.interaction_policy or {})[deed]
    if deed == "canReply" and await _is_named(session, account, status):
        return Leave.AUTOMATIC
    if await _is_among(session, account, author, rule.get("automaticApproval", ())):
        return Leave.AUTOMATIC
    if await _is_among(session, account, author, rule.get("manualApproval", ())):
        return Leave.MANUAL
    return Leave.FORBIDDEN


async def ask(session: Session, account: Account, status: Status, deed: Deed) -> Leave:
    """As `leave`, for a local account that is about to do it.

    Raises:
        NotAllowed: the author does not let them.
    """
    author = await session.get(Account, status.account_id)
    assert author is not None
    found = await leave(session, account, author, status, deed)
    if found is Leave.FORBIDDEN:
        raise NotAllowed(_REFUSED[deed])
    return found


async def _is_named(session: Session, account: Account, status: Status) -> bool:
    if any(account.uri in uris for uris in status.audience.values()):
        return True  # also somebody who was not known here when the post came
    query = select(Mention.status_id).where(
        Mention.status_id == status.id, Mention.account_id == account.id
    )
    return (await session.exec(query)).first() is not None


async def _is_among(
    session: Session, account: Account, author: Account, uris: Iterable[str]
) -> bool:
    named = set(uris) - {""}  # some authors have no collection of those whom they follow
    if account.uri in named or not PUBLIC_NAMES.isdisjoint(named):
        return True
    if author.followers_uri in named and await _follows(session, account.id, author.id):
        return True
    return author.following_uri in named and await _follows(session, author.id, account.id)


async def _follows(session: Session, account_id: int, target_id: int) -> bool:
    query = select(Follow.id).where(
        Follow.account_id == account_id,
        Follow.target_account_id == target_id,
        col(Follow.state) == "accepted",
    )
    return (await session.exec(query)).first() is not None
