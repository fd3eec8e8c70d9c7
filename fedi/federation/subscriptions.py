"""Being with a relay: asking, leaving, and hearing what it says that there is."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlmodel import col, select

from activitypub import origin
from activitypub.addressing import PUBLIC
from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Transaction
from fedi.database.tables import Account, Relay
from fedi.federation import remote, sending
from fedi.federation.relays import LITEPUB, MASTODON, PENDING, REJECTED
from fedi.jobs import enqueue
from fedi.runtime import Easel
from fedi.social import accounts
from fedi.social.errors import Invalid, NotFound

PASSED_ON = frozenset({"Create", "Update", "Delete", "Announce"})  # what relays are for
MAX_RELAYS = 20


async def add(easel: Easel, address: str) -> Relay:
    """Subscribe to a relay.

    Args:
        address: its inbox (`https://relay.example/inbox`), or for LitePub's style its actor.

    Raises:
        Invalid: that is no address, or there are too many relays.
        NotFound: there is no actor at that address.
    """
    if origin.origin(address) is None:
        raise Invalid(f"{address} is no address.")
    style = MASTODON if urlsplit(address).path.endswith("/inbox") else LITEPUB
    actor: Account | None = None
    if style == LITEPUB:
        actor = await remote.resolve(easel, address)
    inbox = actor.inbox_uri if actor is not None else address
    async with easel.database.write() as tx:
        known = (await tx.exec(select(Relay))).all()
        row = next((relay for relay in known if relay.inbox_uri == inbox), None)
        if row is None and len(known) >= MAX_RELAYS:
            raise Invalid(f"{MAX_RELAYS} relays are enough.")
        us = await accounts.ensure_instance_actor(tx)
        if row is None:
            row = Relay(
                id=tx.new_id(),
                inbox_uri=inbox,
                actor_uri=actor.uri if actor is not None else None,
                style=style,
                follow_uri=f"{us.uri}#relays/{tx.new_id()}",
                created_at=tx.now,
            )
        row.state = PENDING
        tx.add(row)
        await sending.send(tx, us, _follow(us, row), [inbox])
        return row


async def remove(tx: Transaction, address: str) -> None:
    """Leave a relay.

    Raises:
        NotFound: we are not with it.
    """
    query = select(Relay).where(
        (col(Relay.inbox_uri) == address) | (col(Relay.actor_uri) == address)
    )
    row = (await tx.exec(query)).first()
    if row is None:
        raise NotFound(f"There is no relay {address}.")
    us = await accounts.ensure_instance_actor(tx)
    undone = activities.undo(f"{row.follow_uri}/undo", _follow(us, row))
    await sending.send(tx, us, undone, [row.inbox_uri])
    await tx.delete(row)


def _follow(us: Account, relay: Relay) -> Activity:
    target = PUBLIC if relay.style == MASTODON else relay.actor_uri
    assert target is not None
    return activities.follow(relay.follow_uri, us.uri, target)


async def answered(tx: Transaction, actor: Account, activity: Activity, state: str) -> bool:
    """An Accept or Reject of our subscription; False if it is of something else."""
    query = select(Relay).where(col(Relay.follow_uri) == (activity.object_id or ""))
    row = (await tx.exec(query)).first()
    if row is None:
        return False
    if row.actor_uri not in {None, actor.uri} or not origin.same_origin(row.inbox_uri, actor.uri):
        return True  # nobody else answers for it
    row.state, row.actor_uri = state, actor.uri
    tx.add(row)
    return True


async def followed(tx: Transaction, actor: Account, activity: Activity) -> bool:
    """A LitePub relay follows us back: that is how it comes to hear us."""
    us = await accounts.instance_actor(tx)
    if us is None or activity.object_id != us.uri or activity.id is None:
        return False
    known = select(Relay.id).where(Relay.actor_uri == actor.uri, Relay.state != REJECTED)
    if (await tx.exec(known)).first() is not None:
        made = activities.accept(f"{us.uri}#accepts/{tx.new_id()}", us.uri, activity.id, actor.uri)
        await sending.send(tx, us, made, [actor.inbox_uri])
    return True


async def hint(tx: Transaction, activity: Activity) -> None:
    """A relay says that there is something: it is looked at where it comes from (`relayed`)."""
    uri = activity.object_id
    if activity.type not in PASSED_ON or uri is None:
        return
    if origin.origin(uri) in {None, tx.instance.url}:
        return
    await enqueue(
        tx,
        "relayed",
        {"uri": uri},
        lane=origin.host(uri) or "",
        unique_key=f"relayed {uri}",
    )
