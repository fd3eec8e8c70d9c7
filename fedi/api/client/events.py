"""`eventStream`: an app hears of what comes into the inbox and the outbox of its account, of what
changes there and goes, and of pictures that are being painted (the SWICG's draft "Server-Sent
Events For the ActivityPub API").

Each event is an activity: an Add of an activity to the inbox or the outbox, an Update of a post
with its document, a Delete of one, a Remove of a boost. It has an `id` and no name, so that
browsers call it `message`. Whoever is cut off sends the id that they heard last (`Last-Event-ID`,
as browsers do by themselves) and hears what they missed, from any process and for seven days back;
what happened within some seconds of it may come once more, under the id that it had.

The token stands in the Authorization header, or, for browsers, in the query (`access_token`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import json
from activitypub.context import with_context
from fedi import ids
from fedi.api import auth
from fedi.api.client import progress, telling
from fedi.api.client.owner import check
from fedi.api.mastodon.streaming import admission, channels, hub
from fedi.api.mastodon.streaming.connections import Connection, Told
from fedi.api.mastodon.streaming.personal import topic
from fedi.api.mastodon.streaming.sent_events import EventStream
from fedi.database.tables import Account
from fedi.events import Event, Listener
from fedi.runtime import Easel, easel_of
from fedi.social import chronicle
from fedi.social.spreading import STATUSES

LOOK_EVERY_S = 15.0  # an event may be lost on its way; the rows are not
PAUSE_S = 0.1  # between two looks, however much happens: what came meanwhile is told together
MAX_HEARD = 4096  # of what was told that is remembered, to tell none of it twice


class Feed:
    """What happens for one account, put in line for one connection as fast as that is read.

    Args:
        of: the collections that are heard of.
        last: what the app heard last; empty: it begins now.
    """

    def __init__(self, easel: Easel, account: Account, of: Collection[str], last: str) -> None:
        self._easel, self._account, self._of = easel, account, of
        self._told: OrderedDict[str, None] = OrderedDict()
        now = easel.clock.now()
        self._overlap = ids.floor(now) - ids.floor(now - chronicle.OVERLAP)
        position, _, heard = last.partition(".")
        self._begins = ids.parse(position)
        self._told[heard] = None
        self._position = ids.floor(now)
        if self._begins is not None:
            oldest = ids.floor(now - chronicle.REMEMBERED)
            self._position = min(max(self._begins, oldest), self._position)

    async def begin(self) -> None:
        """What happened until now is not told to who did not say what they heard last. Done before
        the app is answered, so that nothing that happens afterwards is missed."""
        if self._begins is None:
            async for _ in self._untold(chronicle.Hints()):
                pass

    async def __call__(self, connection: Connection) -> None:
        """Tell the connection, until it ends."""
        topics = [STATUSES, topic(self._account.id)]
        # Listening begins before the first look, so that nothing can happen unseen between them.
        with self._easel.events.listen(topics) as heard, ExitStack() as later:
            painted = None
            if chronicle.OUTBOX in self._of:
                painted = progress.Painted(self._easel, self._account, heard)
                later.enter_context(painted.listening())
            happened: list[Event] = []
            while True:
                for told in await painted.told(happened) if painted is not None else ():
                    await connection.waiting.put((told, ()))
                if not all(event.kind == "progress" for event in happened) or not happened:
                    await self._look(connection, _hints(happened))
                happened = await _happened(heard)

    async def _look(self, connection: Connection, hints: chronicle.Hints) -> None:
        async for shown in self._untold(hints):
            for one, document in shown.items():
                said = json.encode(with_context(document)).decode()
                event_id = f"{max(self._position, one.position)}.{one.id}"
                await connection.waiting.put((Told("", said, event_id), ()))
                self._position = max(self._position, one.position)

    async def _untold(
        self, hints: chronicle.Hints
    ) -> AsyncIterator[Mapping[chronicle.Happening, dict[str, Any]]]:
        """What the rows say and was not told yet, in batches."""
        cursor: int | None = self._position - self._overlap
        while cursor is not None:
            async with self._easel.database.read() as session:
                happened, cursor = await chronicle.since(
                    session, self._account, cursor, self._of, hints
                )
                fresh = [one for one in happened if self._is_new(one)]
                shown = await telling.documents(session, self._account, fresh)
            yield shown

    def _is_new(self, one: chronicle.Happening) -> bool:
        known = one.id in self._told
        self._told[one.id] = None
        while len(self._told) > MAX_HEARD:
            self._told.popitem(last=False)
        return not known


async def _happened(heard: Listener) -> list[Event]:
    """What happens next, with all that follows at once; nothing, after a while."""
    try:
        async with asyncio.timeout(LOOK_EVERY_S):
            first = await heard.next()
    except TimeoutError:
        return []
    await asyncio.sleep(PAUSE_S)
    return [first, *heard.drain()]


def _hints(events: Iterable[Event]) -> chronicle.Hints:
    named = [(event.kind, int(event.data["id"])) for event in events if event.topic == STATUSES]
    return chronicle.Hints(
        came=frozenset(number for kind, number in named if kind == "status"),
        gone=frozenset(number for kind, number in named if kind == "delete"),
    )


async def events(request: Request) -> Response:
    """`GET /users/NAME/events`, and `…/events/inbox` and `…/events/outbox` for one of the two.

    Raises:
        401 without a token, 403 for that of another account or without the scope `read`, 404 for
        another collection, 429 for too many at once.
    """
    easel = easel_of(request)
    who = await admission.caller(request)
    admission.check(who, channels.USER)
    check(request, who)
    asked = request.path_params.get("collection")
    if asked is not None and asked not in chronicle.BOTH:
        raise HTTPException(404, "There is no such stream.")
    of = chronicle.BOTH if asked is None else frozenset({asked})
    if chronicle.INBOX in of:  # as for the inbox itself
        auth.demand(who, "read:notifications")
    feed = Feed(easel, who.account, of, request.headers.get("last-event-id", ""))
    await feed.begin()
    here = hub.of(easel)
    return EventStream(here, here.open(who), feed)


routes: list[BaseRoute] = [
    Route("/users/{name}/events", events),
    Route("/users/{name}/events/{collection}", events),
]
