"""The `federate` job: what happened here becomes an activity, and one delivery per inbox.

The activity is serialised once; it, its deliveries and the end of the job are one transaction. What
each kind of event becomes is built in a module per noun, as `handlers` has it for what comes in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fedi.database import Transaction
from fedi.federation import relays, sending
from fedi.federation.outgoing import (
    activities,
    collections,
    people,
    posts,
    quotes,
    ties,
    votes,
)
from fedi.federation.relays import Ready
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel

BUILDERS: dict[str, Callable[[Transaction, dict[str, Any]], Awaitable[Ready | None]]] = {
    "create": posts.create,
    "update": posts.update,
    "delete": posts.delete_status,
    "announce": posts.announce,
    "undo_announce": posts.undo_announce,
    "like": ties.like,
    "undo_like": ties.undo_like,
    "follow": ties.follow,
    "undo_follow": ties.undo_follow,
    "accept_follow": ties.accept_follow,
    "reject_follow": ties.reject_follow,
    "block": ties.block,
    "undo_block": ties.undo_block,
    "move": people.move,
    "flag": people.flag,
    "request_quote": quotes.request_quote,
    "accept_quote": quotes.accept_quote,
    "reject_quote": quotes.reject_quote,
    "revoke_stamp": quotes.revoke_stamp,
    "vote": votes.vote,
    "pin": collections.pin,
    "unpin": collections.unpin,
    "feature_tag": collections.feature_tag,
    "unfeature_tag": collections.unfeature_tag,
    "update_actor": people.update_actor,
    "activity": activities.activity,
    "delete_actor": people.delete_actor,
}


@handles("federate", attempts=20, at_once=16)
async def federate(easel: Easel, job: Claimed) -> None:
    """Make the activity and its deliveries; nothing, if what happened is undone already."""
    build = BUILDERS[job.payload["what"]]

    async def change(tx: Transaction) -> None:
        ready = await build(tx, job.payload) if easel.settings.federation.enabled else None
        if ready is not None:
            for sender, activity, inboxes in await relays.pass_on(tx, job.payload, ready):
                await sending.send(tx, sender, activity, inboxes)
        await job.finish(tx)

    await easel.database.together(change)
