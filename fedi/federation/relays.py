"""Relays (FEP-ae0c): public posts of many servers, for the federated timeline.

The instance subscribes, by following as:Public at a relay's inbox (Mastodon's style) or the
relay's actor (LitePub's). What a relay passes on is only a hint that there is something: it is
fetched from its own origin, stored, and put into nobody's home. What is public here goes to the
relays that took us, as it is (Mastodon's style) or as an Announce by the instance (LitePub's).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import select

from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Relay, Status
from fedi.social import accounts

MASTODON, LITEPUB = "mastodon", "litepub"
PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"

Ready = tuple[Account, Activity, Sequence[str]]
"""Who signs, what is sent, and to which inboxes."""


async def is_relay(session: Session, actor_uri: str) -> bool:
    """Whether an actor is a relay that took us."""
    query = select(Relay.id).where(Relay.actor_uri == actor_uri, Relay.state == ACCEPTED)
    return (await session.exec(query)).first() is not None


async def pass_on(tx: Transaction, payload: dict[str, Any], ready: Ready) -> list[Ready]:
    """What happened to a public post goes to the relays, too.

    Args:
        payload: what happened, as `social.outbound` has it.
        ready: what is sent because of it.

    Returns:
        All that is sent because of it.
    """
    if payload["what"] not in {"create", "update", "delete"}:
        return [ready]
    status = await tx.get(Status, payload["status_id"])
    if status is None or status.visibility != "public" or status.approval == "pending":
        return [ready]
    if status.held and payload["what"] != "delete":
        return [ready]
    taking = (await tx.exec(select(Relay).where(Relay.state == ACCEPTED))).all()
    sender, activity, inboxes = ready
    as_it_is = [relay.inbox_uri for relay in taking if relay.style == MASTODON]
    made: list[Ready] = [(sender, activity, list(dict.fromkeys([*inboxes, *as_it_is])))]
    announced = [relay for relay in taking if relay.style == LITEPUB]
    if announced and payload["what"] == "create":
        us = await accounts.ensure_instance_actor(tx)
        to = [us.followers_uri, *(relay.actor_uri for relay in announced if relay.actor_uri)]
        announce = activities.announce(
            f"{us.uri}#announces/{status.id}", us.uri, status.uri, to=to, published=tx.now
        )
        made.append((us, announce, [relay.inbox_uri for relay in announced]))
    return made
