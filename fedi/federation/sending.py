"""An activity on its way out: serialised and proven once, with one delivery per inbox.

A delivery may be tried for days, and what it brings may be overtaken meanwhile: an edit comes
after the post that still waits, an Undo after its Follow, a Reject after its Accept. What is
overtaken is not sent any more, and a post that still waits is sent as it is now; else a server
that was down for an hour would believe the older word for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import delete, update
from sqlmodel import col

from activitypub import json, origin, proofs
from activitypub.context import with_context
from activitypub.objects import Activity, Extension
from activitypub.signatures.keys import load_ed25519
from fedi.clock import Clock
from fedi.database import Transaction
from fedi.database.insertion import insert_new, new_row
from fedi.database.tables import Account, Job, OutgoingActivity
from fedi.events import Event
from fedi.federation import written_hosts
from fedi.jobs import NewJob, enqueue_many
from fedi.social import account_keys

KEPT_FOR = timedelta(days=14)  # longer than any delivery is tried
DEAD_KEPT_FOR = timedelta(days=30)  # dead deliveries that `easel jobs` can still show

PRUNE_EVERY = timedelta(minutes=10)

_pruned: WeakKeyDictionary[Clock, datetime] = WeakKeyDictionary()

# They settle something between two; nobody passes them on, so nobody needs a proof.
BETWEEN_TWO = frozenset({"Accept", "Reject"})

STATES = frozenset({"Create", "Update", "Delete"})  # each says how an object is from now on
SORTED = frozenset({"Add", "Remove"})  # each says whether an object is in a collection


TOPIC = "outgoing"  # `{"ids": […]}`: of activities that are not what they were


async def send(
    tx: Transaction, sender: Account, activity: Activity, inboxes: Sequence[str]
) -> None:
    """Ask for an activity to be delivered, in place of what it overtakes.

    Args:
        sender: whose it is, and who signs.
        activity: what is sent.
        inboxes: where it goes; those of this instance are left out.
    """
    await _overtake(tx, sender, activity)
    inboxes = await _reachable(tx, inboxes)
    if inboxes:
        await _queue(tx, await _row(tx, sender, activity), inboxes)


async def answer_all(tx: Transaction, answers: Sequence[tuple[Account, Activity, str]]) -> None:
    """Ask for answers to be delivered, each to the one inbox that it is for, in few statements.

    They overtake nothing; and who asked has just spoken to us, so that their host rests no more.

    Args:
        tx: a transaction.
        answers: each with whose it is and who signs, what is sent, and where it goes.
    """
    rows, jobs = [], []
    for sender, activity, inbox in answers:
        if not sender.private_key_pem or origin.origin(inbox) == tx.instance.url:
            continue
        row = await _row(tx, sender, activity)
        rows.append(row)
        jobs.append(NewJob({"outgoing": row["id"], "inbox": inbox}, lane=origin.host(inbox) or ""))
    if rows:
        await _prune(tx)
        await insert_new(tx, OutgoingActivity, rows)
        await enqueue_many(tx, "deliver", jobs)


async def _row(tx: Transaction, sender: Account, activity: Activity) -> dict[str, Any]:
    assert activity.id is not None
    return new_row(
        OutgoingActivity,
        id=tx.new_id(),
        uri=activity.id,
        type=activity.type,
        about=_about(activity),
        account_id=sender.id,
        body=await _body(tx, sender, activity),
        created_at=tx.now,
    )


async def forward(
    tx: Transaction, sender: Account, uri: str, body: bytes, inboxes: Sequence[str]
) -> None:
    """Ask for another's activity to be delivered as it came; who does not believe it is not asked
    to again.

    Args:
        sender: who signs, and is not its actor.
        uri: its id.
        body: all of it.
        inboxes: where it goes.
    """
    inboxes = await _reachable(tx, inboxes)
    if inboxes:
        row = new_row(
            OutgoingActivity,
            id=tx.new_id(),
            uri=uri,
            account_id=sender.id,
            body=body,
            created_at=tx.now,
        )
        await _queue(tx, row, inboxes, forwarded=True)


async def renew(tx: Transaction, sender: Account, activity: Activity) -> None:
    """Where an activity still waits to be sent, let it say what it says now.

    Args:
        tx: a transaction.
        sender: whose it is, and who signs.
        activity: what it says now, under the id that it has.
    """
    waiting = update(OutgoingActivity).where(
        col(OutgoingActivity.uri) == activity.id, col(OutgoingActivity.account_id) == sender.id
    )
    await _change(tx, waiting.values(body=await _body(tx, sender, activity)))


async def _change(tx: Transaction, statement: Any) -> None:
    """Change what waits; who keeps it in memory (`delivery`) hears of it after the commit."""
    changed = statement.returning(col(OutgoingActivity.id))
    rows = await tx.execute(changed.execution_options(synchronize_session=False))
    ids = list(rows.scalars())
    if ids:
        tx.emit(Event(TOPIC, "changed", {"ids": ids}))


def _about(activity: Activity) -> str | None:
    """What an activity is about: what later ones about the same overtake."""
    if activity.type in SORTED:
        return f"{activity.target} {activity.object_id}"
    return activity.object_id if activity.type in {*STATES, *BETWEEN_TWO, "Undo"} else activity.id


async def _overtake(tx: Transaction, sender: Account, activity: Activity) -> None:
    """What this activity makes pointless is not sent any more."""
    if activity.type not in {"Delete", "Undo", "Update", "Reject", *SORTED}:
        return
    earlier = update(OutgoingActivity).where(
        col(OutgoingActivity.about) == _about(activity),
        col(OutgoingActivity.account_id) == sender.id,
        col(OutgoingActivity.overtaken_at).is_(None),
    )
    if activity.type == "Update":  # a post that was not received yet is still to come
        earlier = earlier.where(col(OutgoingActivity.type) == "Update")
    if activity.type == "Reject":  # of a Follow or a QuoteRequest that was accepted before
        earlier = earlier.where(col(OutgoingActivity.type) == "Accept")
    await _change(tx, earlier.values(overtaken_at=tx.now))


async def _reachable(tx: Transaction, inboxes: Sequence[str]) -> list[str]:
    """Those of these inboxes that are elsewhere, and not of hosts that are given up."""
    elsewhere = [inbox for inbox in inboxes if origin.origin(inbox) != tx.instance.url]
    there = sorted({origin.host(inbox) or "" for inbox in elsewhere})
    resting = await written_hosts.rested(tx, there)
    return [inbox for inbox in elsewhere if origin.host(inbox) not in resting]


async def _queue(
    tx: Transaction, row: dict[str, Any], inboxes: Sequence[str], **details: bool
) -> None:
    await _prune(tx)
    await insert_new(tx, OutgoingActivity, row)
    payload: dict[str, Any] = {"outgoing": row["id"], **details}
    await enqueue_many(
        tx,
        "deliver",
        [NewJob({**payload, "inbox": inbox}, lane=origin.host(inbox) or "") for inbox in inboxes],
    )


async def _body(tx: Transaction, sender: Account, activity: Activity) -> bytes:
    """An activity as it is sent, with a proof that its sender made it where others may need one."""
    if activity.type in BETWEEN_TWO:
        return json.encode(with_context(activity.document()))
    key = await account_keys.ensure(tx, sender)
    assert key.private_pem is not None
    terms = activity.terms if isinstance(activity, Extension) else ()
    document = with_context(activity.document(), terms)
    return json.encode(proofs.sign(document, key.key_id, load_ed25519(key.private_pem), tx.now))


async def _prune(tx: Transaction) -> None:
    """Forget what is too old to be tried, once in a while."""
    last = _pruned.get(tx.clock)
    if last is not None and tx.now - last < PRUNE_EVERY:
        return
    _pruned[tx.clock] = tx.now
    await tx.execute(
        delete(OutgoingActivity).where(col(OutgoingActivity.created_at) < tx.now - KEPT_FOR)
    )
    await tx.execute(
        delete(Job).where(
            col(Job.state) == "dead",
            col(Job.kind) == "deliver",
            col(Job.run_at) < tx.now - DEAD_KEPT_FOR,
        )
    )
