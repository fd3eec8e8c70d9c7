"""The `incoming` job: an activity that was believed and written down is done.

A handler first asks other servers what it must know, then gives back what is to change; that,
and the end of the job, are one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary, WeakValueDictionary

from activitypub import json, origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity
from fedi import logs
from fedi.database import Transaction
from fedi.database.loading import Loader
from fedi.database.tables import Account
from fedi.federation import forwarding, hosts, remote
from fedi.federation.handlers import HANDLERS, Effect, Handler, extensions
from fedi.federation.handlers.follows import Asking
from fedi.federation.handlers.posts import Arrival
from fedi.jobs import Backoff, Claimed, finish_all, handles
from fedi.runtime import Easel
from fedi.social import accounts
from fedi.social.errors import SocialError

AT_ONCE = 64  # handlers that wait for other servers must not hold up those that do not
PER_HOST = 16  # of these: what one server makes us wait for holds up nobody else's

STATED = frozenset({"Create", "Update"})  # of which the object's type says what they mean

# What one actor says is done in the order in which it came: an edit after its post, an Undo after
# what it undoes. (Of several runners each keeps the order of what it claimed.)
_turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

_loaders: WeakKeyDictionary[Easel, Loader[str, Account]] = WeakKeyDictionary()

log = logs.get(__name__)


@handles("incoming", attempts=8, at_once=AT_ONCE, backoff=Backoff(factor=4), per_lane=PER_HOST)
async def incoming(easel: Easel, job: Claimed) -> None:
    """Do what an activity asks for, if its actor may ask for it."""
    body = job.payload["body"].encode()
    document = json.decode_again(body)
    activity = Activity.parse(document)
    handler = HANDLERS.get(activity.type)
    if activity.type in extensions.SORTED:
        handler = extensions.kept_besides(document, handler)
    elif handler is None or activity.type in STATED:
        handler = extensions.handler_of(activity, document) or handler
    if handler is None:
        log.debug("activity_ignored", type=activity.type, id=activity.id)
        return
    signer: str = job.payload["signer"]
    turn = _turns.setdefault((easel.settings.instance.url, signer), asyncio.Lock())
    async with turn:
        await _do(easel, job, handler, signer, activity)


async def _do(
    easel: Easel, job: Claimed, handler: Handler, signer: str, activity: Activity
) -> None:
    try:
        actor = await _actor(easel, signer, activity)
        effect = await handler(easel, actor, activity) if actor is not None else None
    except Malformed as error:
        log.info("activity_dropped", type=activity.type, id=activity.id, reason=error.reason)
        return
    except FetchError as error:
        remote.retry(error)
        log.info("activity_dropped", type=activity.type, id=activity.id, reason=error.reason)
        return
    if actor is None or effect is None:
        return
    if "sender" not in job.payload:
        await _revive(easel, actor)
    await easel.database.in_bulk(_change, _Change(job, actor, activity, effect))


async def _revive(easel: Easel, actor: Account) -> None:
    """Whose inbox is on another host of their domain: if that one rested, it is to be tried again,
    before what is answered to them is sent."""
    spoke = origin.host(actor.uri) or ""
    inboxes = {origin.host(uri or "") for uri in (actor.inbox_uri, actor.shared_inbox_uri)}
    for host in inboxes - {None, spoke}:
        assert host is not None
        known = await hosts.of(easel)
        if known.is_rested(host) and origin.domain_of(host) == origin.domain_of(spoke):
            known.seen(host)
            async with easel.database.write() as tx:
                await known.save(tx)


@dataclass(frozen=True, slots=True)
class _Change:
    """What an activity changes here; with it, its job ends."""

    job: Claimed
    actor: Account
    activity: Activity
    effect: Effect


async def _change(tx: Transaction, changes: Sequence[_Change]) -> Sequence[None]:
    """Do what these activities ask for. Of one actor there is never more than one."""
    refused: set[int] = set()
    await Arrival.together(
        tx, [change.effect for change in changes if isinstance(change.effect, Arrival)]
    )
    asking = [change.effect for change in changes if isinstance(change.effect, Asking)]
    done = await Asking.together(tx, asking)
    for change in changes:
        if isinstance(change.effect, Arrival) or change.effect in done:
            continue
        try:
            await change.effect(tx)
        except SocialError as refusal:  # what was asked for may not be: nothing, or an answer
            activity = change.activity
            log.debug("activity_refused", type=activity.type, id=activity.id, reason=str(refusal))
            refused.add(change.job.id)
    for change in changes:
        if change.job.id not in refused:
            body = change.job.payload["body"].encode()
            brought_by = change.job.payload.get("sender")
            await forwarding.pass_on(tx, change.actor, change.activity, body, brought_by)
    await finish_all(tx, [change.job for change in changes])
    return [None] * len(changes)


def _signers(easel: Easel) -> Loader[str, Account]:
    """The accounts of those who sent what is done now: one query for all who are asked for at the
    same time."""
    loader = _loaders.get(easel)
    if loader is None:

        async def read(uris: Sequence[str]) -> Mapping[str, Account]:
            async with easel.database.read() as session:
                return await accounts.by_uris(session, uris)

        loader = _loaders[easel] = Loader(read)
    return loader


async def _actor(easel: Easel, uri: str, activity: Activity) -> Account | None:
    """Who sent it; None if they are suspended, or gone and did not say so themselves."""
    known = await _signers(easel).load(uri)
    if known is not None and (known.deleted_at is not None or known.suspended_at is not None):
        return known if activity.type in {"Delete", "Undo"} and not known.deleted_at else None
    if known is not None and activity.type == "Delete":
        return known  # reading it again would only tell that it is gone
    return await remote.refreshed(easel, known) if known else await remote.fetch(easel, uri)
