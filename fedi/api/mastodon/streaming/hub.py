"""All who listen to this process, and what they are told.

The hub hears of events by `fedi.events` (of other processes, too), looks at the rows, and asks once
for everybody who may hear: `social.audiences`. What is the same for all is written once. A token
that does not hold any more hears nothing: it is looked at before something is told, and now and
then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from fedi import logs
from fedi.api.auth import Caller
from fedi.api.mastodon.streaming import channels, personal
from fedi.api.mastodon.streaming.channels import Channel
from fedi.api.mastodon.streaming.connections import MAX_STREAMS, Connection, Told
from fedi.api.mastodon.streaming.rendering import Rendering
from fedi.database import Session
from fedi.events import Event, Listener
from fedi.runtime import Easel
from fedi.social import audiences
from fedi.social.errors import Invalid, TooMany
from fedi.social.spreading import STATUSES
from fedi.social.visibility import viewers_of

MAX_CONNECTIONS = 32  # of one account in one process: some apps on some devices
MAX_BEHIND = 4096  # events that wait here; then the oldest are missed
CHECK_EVERY_S = 15.0  # how soon a revoked token is closed where nothing happens
POLICY = 1008  # WebSocket: against the rules

log = logs.get(__name__)
_hubs: WeakKeyDictionary[Easel, Hub] = WeakKeyDictionary()
Candidates = dict[Connection, list[Channel]]


class Hub:
    """The connections of one process."""

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._heard = Listener(MAX_BEHIND)
        self._accounts: defaultdict[int, set[Connection]] = defaultdict(set)
        self._listening: defaultdict[Channel, set[Connection]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        for topic in (STATUSES, personal.ANNOUNCEMENTS):
            easel.events.join(self._heard, topic)
        easel.closing.append(self.stop)

    # ---- who listens ----------------------------------------------------------------------------

    def open(self, who: Caller) -> Connection:
        """Somebody comes.

        Raises:
            TooMany: they have enough connections.
        """
        mine = self._accounts[who.account.id]
        if len(mine) >= MAX_CONNECTIONS:
            raise TooMany("This account has too many streams open.", int(CHECK_EVERY_S))
        if not mine:
            self._easel.events.join(self._heard, personal.topic(who.account.id))
        connection = Connection(who)
        mine.add(connection)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="streaming")
        return connection

    def close(self, connection: Connection) -> None:
        """Somebody has gone."""
        for channel in list(connection.channels):
            self.unsubscribe(connection, channel)
        mine = self._accounts[connection.account_id]
        mine.discard(connection)
        if not mine:
            del self._accounts[connection.account_id]
            self._easel.events.leave(self._heard, personal.topic(connection.account_id))

    def subscribe(self, connection: Connection, channel: Channel) -> None:
        """Tell a connection what comes by a stream.

        Raises:
            Invalid: it has enough of them.
        """
        if len(connection.channels) >= MAX_STREAMS and channel not in connection.channels:
            raise Invalid("This connection has too many streams.")
        connection.channels[channel] = channel
        self._listening[channel].add(connection)

    def unsubscribe(self, connection: Connection, channel: Channel) -> None:
        connection.channels.pop(channel, None)
        self._listening[channel].discard(connection)
        if not self._listening[channel]:
            del self._listening[channel]

    async def stop(self) -> None:
        for connection in self._everybody():
            connection.end(1001, "This server is going down.")
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _everybody(self) -> list[Connection]:
        return [connection for mine in self._accounts.values() for connection in mine]

    # ---- what they are told ---------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        checked = loop.time()
        while True:
            event = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY_S):
                    event = await self._heard.next()
            try:
                if event is not None:
                    await self._hear(event)
                if loop.time() - checked >= CHECK_EVERY_S:
                    checked = loop.time()
                    await self._check()
            except Exception as error:  # the next event may be told all the same
                log.error("streaming_failed", topic=event and event.topic, exc_info=error)

    async def _check(self) -> None:
        if not self._accounts:
            return
        async with self._easel.database.read() as session:
            await self._entitled(session, self._everybody())

    async def _hear(self, event: Event) -> None:
        if event.topic == STATUSES:
            told = {"status": "update", "update": "status.update"}.get(event.kind)
            status_id = int(event.data["id"])
            if told is not None:
                await self._posted(status_id, told)
            elif event.kind == "delete":
                await self._deleted(status_id)
            return
        make = personal.EVENTS.get(event.kind)
        if make is None:
            return  # such as a post of this account, which was heard of above
        whose = personal.account_of(event.topic)
        wanted: Candidates = {}
        mine = self._everybody() if whose is None else list(self._accounts.get(whose, ()))
        for connection in mine:
            heard = [channel for channel in connection.channels if channel.kind in make.channels]
            if heard and (not make.scope or connection.who.may(make.scope)):
                wanted[connection] = heard
        await self._personally(wanted, event.kind, event.data, make.show)

    async def _personally(
        self,
        wanted: Candidates,
        kind: str,
        data: dict[str, Any],
        show: Callable[..., Awaitable[str | None]],
    ) -> None:
        """Tell what is for one account, or the same for all."""
        if not wanted:
            return
        async with self._easel.database.read() as session:
            entitled = await self._entitled(session, wanted)
            if not entitled:
                return
            payload = await show(self._easel, session, entitled[0].who.account, data)
        if payload is not None:
            self._send(entitled, wanted, Told(kind, payload))

    async def _posted(self, status_id: int, event: str) -> None:
        if not self._listening:
            return
        async with self._easel.database.read() as session:
            known = await audiences.facts(session, status_id)
            if known is None:
                return
            wanted = await self._wanting(session, known)
            entitled = await self._entitled(session, wanted)
            readers = {connection.account_id for connection in entitled}
            willing = await audiences.willing(session, known, readers)
            entitled = [one for one in entitled if one.account_id in willing]
            if not entitled:
                return
            rendering = await Rendering.of(self._easel, session, known, event, willing)
            for connection in entitled:
                told = await rendering.told_to(connection.who.account)
                if told is not None:
                    self._send([connection], wanted, told)

    async def _wanting(self, session: Session, known: audiences.Facts) -> Candidates:
        """Who listens where this status goes."""
        wanted: defaultdict[Connection, list[Channel]] = defaultdict(list)
        readers = {
            account_id: Channel(channels.USER, str(account_id)) for account_id in self._accounts
        }
        at_home = [one for one, channel in readers.items() if channel in self._listening]
        streams = [readers[one] for one in await audiences.homes(session, known, at_home)]
        by_id = {int(one.about): one for one in self._listening if one.kind == channels.LIST}
        streams += [by_id[one] for one in await audiences.on_lists(session, known, by_id)]
        for channel in (*streams, *channels.open_to_all(known)):
            for connection in self._listening.get(channel, ()):
                wanted[connection].append(channel)
        return wanted

    async def _deleted(self, status_id: int) -> None:
        """Whoever could see it is told, wherever they may have it from."""
        wanted: Candidates = {}
        for connection in self._everybody():
            mine = [one for one in connection.channels if one.kind != channels.NOTIFICATIONS]
            if mine:
                wanted[connection] = mine
        if not wanted:
            return
        async with self._easel.database.read() as session:
            entitled = await self._entitled(session, wanted)
            readers = {connection.account_id for connection in entitled}
            seen = await viewers_of(session, status_id, readers, gone=True)
        told = Told("delete", str(status_id))
        self._send([one for one in entitled if one.account_id in seen], wanted, told)

    def _send(self, to: Iterable[Connection], wanted: Candidates, told: Told) -> None:
        for connection in to:
            for channel in wanted[connection]:
                connection.tell(told, channel)

    async def _entitled(self, session: Session, wanted: Iterable[Connection]) -> list[Connection]:
        """Those whose token still holds; the others are closed."""
        asked = [connection for connection in wanted if not connection.ended.is_set()]
        tokens = {one.who.token.id: one.account_id for one in asked}
        revoked = await audiences.revoked(session, tokens)
        for connection in asked:
            if connection.who.token.id in revoked:
                connection.end(POLICY, "The token was revoked.")
        return [one for one in asked if one.who.token.id not in revoked]


def of(easel: Easel) -> Hub:
    """The hub of this process."""
    found = _hubs.get(easel)
    if found is None:
        found = _hubs[easel] = Hub(easel)
    return found
