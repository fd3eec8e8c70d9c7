"""The `deliver` job: one activity to one inbox, for days if it must be."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, or_
from sqlmodel import col, select

from activitypub.client import FetchError
from activitypub.signatures import Signer
from fedi import logs
from fedi.database.loading import Loader
from fedi.database.tables import Account, OutgoingActivity
from fedi.events import QUEUE_SIZE
from fedi.federation import hosts, remote, sending, synchronisation
from fedi.jobs import Backoff, Claimed, GiveUp, Postpone, Retry, enqueue, handles
from fedi.runtime import Easel
from fedi.social import domains, remote_accounts

# 1, 2, 4 … 512 minutes, then every 12 hours: 20 attempts end after more than five days.
ATTEMPTS = 20
BACKOFF = Backoff(first=timedelta(minutes=1), factor=2, most=timedelta(hours=12), jitter=0.2)

PER_HOST = 4  # of 64 under way: sixteen hosts that hang leave nobody waiting for long

# 4xx that may be otherwise tomorrow; all others never will (Mastodon 4.6 has the same three).
PASSING = frozenset({401, 408, 429})
NEVER = frozenset({501})
# What servers answer to an activity that is not its sender's: they will not believe it later.
DISBELIEVED = frozenset({400, 401, 403})
# An inbox that sends us elsewhere: perhaps its server is being mended (half an hour), else it is
# no inbox any more. What the client does not follow (`Client.post`) nobody follows.
REDIRECTED_ATTEMPTS = 6
MAX_LOCATION = 200  # characters, in the reason
BUSY = frozenset({429, 503})  # with Retry-After: holds for the whole host
MAX_RETRY_AFTER = timedelta(days=1)

ASKED_AFTER = 20  # people of one inbox that is gone; a whole server that is gone has many

BODIES_KEPT = 64  # activities in the middle of their fan-out
# An event is a hint that another process may miss: nothing is believed for longer.
BODIES_AGE = timedelta(minutes=1)

log = logs.get(__name__)

Loaded = tuple[bytes, Signer, Account | None]
"""What is sent, who signs it, and whose followers it is for, if it is for them alone."""

_WITH_SENDERS = (
    select(OutgoingActivity, Account)
    .join(Account, col(Account.id) == col(OutgoingActivity.account_id))
    .where(col(OutgoingActivity.id).in_(bindparam("ids", expanding=True)))
)

_loaders: WeakKeyDictionary[Easel, Loader[int, tuple[OutgoingActivity, Account]]] = (
    WeakKeyDictionary()
)

_Reading = asyncio.Task[Loaded | None]


class Bodies:
    """Activities that this process has read for the first tries of their deliveries."""

    def __init__(self, easel: Easel) -> None:
        self._changed = easel.events.attach(sending.TOPIC)
        self._kept: OrderedDict[int, tuple[datetime, _Reading]] = OrderedDict()

    async def get(self, easel: Easel, outgoing_id: int) -> Loaded | None:
        """An activity as it is sent, read by whoever comes first for all who come soon after.

        What was changed since, or overtaken, is read again: what is said of it after the commit is
        heard here first.
        """
        self._forget_changed()
        now = easel.clock.now()
        read_at, known = self._kept.get(outgoing_id, (now, None))
        if known is None or now - read_at >= BODIES_AGE:
            known = asyncio.create_task(_read(easel, outgoing_id))
            self._kept[outgoing_id] = now, known
            known.add_done_callback(partial(self._forget_failed, outgoing_id))
            while len(self._kept) > BODIES_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(outgoing_id)
        return await asyncio.shield(known)

    def _forget_changed(self) -> None:
        heard = self._changed.drain()
        if len(heard) >= QUEUE_SIZE:  # there may have been more
            self._kept.clear()
        for event in heard:
            for outgoing_id in event.data["ids"]:
                self._kept.pop(outgoing_id, None)

    def _forget_failed(self, outgoing_id: int, read: _Reading) -> None:
        failed = read.cancelled() or read.exception() is not None or read.result() is None
        _, known = self._kept.get(outgoing_id, (None, None))
        if failed and known is read:
            del self._kept[outgoing_id]


_bodies: WeakKeyDictionary[Easel, Bodies] = WeakKeyDictionary()


def _at_once(easel: Easel) -> int:
    return easel.settings.federation.deliveries_at_once


@handles("deliver", attempts=ATTEMPTS, at_once=_at_once, backoff=BACKOFF, per_lane=PER_HOST)
async def deliver(easel: Easel, job: Claimed) -> None:
    """POST an activity to an inbox, signed by who sends it.

    A refusal that will not change ends it; anything else is tried again, as late as the other
    server asks for, and never while its host is left alone.
    """
    host = job.lane
    known = await hosts.of(easel)
    if known.is_rested(host) or (await domains.of(easel)).suspended(host):
        return
    until = known.wait(host)
    if until is not None:
        raise Postpone(f"{host} is left alone until {until:%Y-%m-%d %H:%M} UTC", until)
    found = await _load(easel, job)
    if found is None:
        return  # its sender is gone, it is overtaken, or older than anything is tried
    with known.slot(host, _at_once(easel)):
        await _send(easel, job, known, found)


async def _send(easel: Easel, job: Claimed, known: hosts.Hosts, found: Loaded) -> None:
    inbox, host = job.payload["inbox"], job.lane
    body, signer, synchronised = found
    extra = await synchronisation.headers(easel, synchronised, inbox) if synchronised else None
    try:
        answer = await easel.client.post(inbox, body, signer, extra)
    except FetchError as error:
        if error.permanent:
            raise GiveUp(f"{inbox}: {error.reason}") from error
        known.failed(host, error.reason)
        raise Retry(error.reason) from error
    if answer.ok or (job.payload.get("forwarded") and answer.status in DISBELIEVED):
        known.delivered(host)
        return
    refusal = f"{inbox} answered {answer.status}"
    if answer.status == HTTPStatus.GONE:
        async with easel.database.write() as tx:
            key = f"ask_after {inbox}"
            await enqueue(tx, "ask_after", {"inbox": inbox}, unique_key=key)
    refused = 400 <= answer.status < 500 and answer.status not in PASSING
    if refused or answer.status in NEVER:
        known.answered(host)
        raise GiveUp(refusal)
    if 300 <= answer.status < 400:
        refusal += f" and sends us to {(answer.location or 'nowhere')[:MAX_LOCATION]}"
        # A domain that was given up or sold sends everything elsewhere: it is not well.
        known.failed(host, refusal)
        if job.attempts >= REDIRECTED_ATTEMPTS:
            raise GiveUp(refusal)
        raise Retry(refusal)
    if answer.status >= 500:
        known.failed(host, refusal)
    after = None
    if answer.retry_after is not None:
        asked = min(timedelta(seconds=answer.retry_after), MAX_RETRY_AFTER)
        if answer.status in BUSY:
            known.hold(host, asked)
        # Never sooner than planned: many short waits would use up the attempts in minutes.
        after = max(asked, BACKOFF.wait(job.attempts))
    raise Retry(refusal, after=after)


@handles("ask_after", attempts=3, at_once=2)
async def ask_after(easel: Easel, job: Claimed) -> None:
    """An inbox is gone: whoever had it and is gone themselves is forgotten."""
    inbox = job.payload["inbox"]
    async with easel.database.read() as session:
        query = select(Account).where(
            or_(col(Account.inbox_uri) == inbox, col(Account.shared_inbox_uri) == inbox),
            col(Account.domain).is_not(None),
            col(Account.deleted_at).is_(None),
        )
        asked = (await session.exec(query.limit(ASKED_AFTER))).all()
    gone = [account for account in asked if await remote.is_gone(easel, account.uri)]
    async with easel.database.write() as tx:
        for account in gone:
            current = await tx.get(Account, account.id)
            if current is not None and current.deleted_at is None:
                await remote_accounts.tombstone_remote(tx, current)
        await job.finish(tx)


async def _load(easel: Easel, job: Claimed) -> Loaded | None:
    """An activity as it is sent; kept while its deliveries are tried for the first time."""
    outgoing_id: int = job.payload["outgoing"]
    if job.attempts > 1:
        return await _read(easel, outgoing_id)
    bodies = _bodies.get(easel)
    if bodies is None:
        bodies = _bodies[easel] = Bodies(easel)
    return await bodies.get(easel, outgoing_id)


async def _read(easel: Easel, outgoing_id: int) -> Loaded | None:
    found = await _rows(easel).load(outgoing_id)
    if found is None or found[0].overtaken_at is not None:
        return None
    outgoing, sender = found
    if not sender.private_key_pem:
        return None
    synchronised = sender if synchronisation.concerns(sender, outgoing.body) else None
    return outgoing.body, remote.signer_of(sender), synchronised


def _rows(easel: Easel) -> Loader[int, tuple[OutgoingActivity, Account]]:
    """Activities and whose they are: one query for all that are asked for at the same time."""
    loader = _loaders.get(easel)
    if loader is None:

        async def read(ids: Sequence[int]) -> dict[int, tuple[OutgoingActivity, Account]]:
            async with easel.database.read() as session:
                rows = (await session.exec(_WITH_SENDERS, params={"ids": ids})).all()
            return {outgoing.id: (outgoing, sender) for outgoing, sender in rows}

        loader = _loaders[easel] = Loader(read)
    return loader
