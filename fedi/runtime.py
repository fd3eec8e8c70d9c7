"""One instance of Easel while it runs: what routes, job handlers and commands work with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from activitypub.client import Client
from activitypub.network import AddressPolicy
from activitypub.signatures import Schemes
from fedi import __version__, adjustments, logs
from fedi.clock import Clock
from fedi.database import Database, hosts, marks
from fedi.database.migrations import migrate
from fedi.database.relay import Relay
from fedi.events import Event, Events
from fedi.settings import Settings
from fedi.storage import FolderStorage, Storage

log = logs.get(__name__)

if TYPE_CHECKING:  # jobs and commands work without it
    from starlette.requests import HTTPConnection


@dataclass(eq=False)  # one of its kind: found by identity
class Easel:
    """An opened instance. Make one with `Easel.open`, and `close` it.

    Attributes:
        settings: as they are by now; whoever needs one looks here when it is needed.
        base: as the file and the environment have them.
    """

    settings: Settings
    base: Settings
    clock: Clock
    events: Events
    database: Database
    client: Client
    storage: Storage
    relay: Relay | None
    # What must end before the rest is closed, by whoever began it.
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @classmethod
    async def open(cls, settings: Settings, clock: Clock | None = None) -> Easel:
        """Bring the database up to date and open everything.

        Args:
            settings: the host's settings.
            clock: what time it is; the wall clock by default.
        """
        clock = clock or Clock()
        events = Events()
        await migrate(settings.database.url)
        database = Database(settings.database, settings.instance, clock, events)
        async with database.read() as session:
            changed = await adjustments.kept(session)
        base, settings = settings, adjustments.laid_over(settings, changed)
        database.instance = settings.instance
        relay = None if database.sqlite else Relay(database.url, events)
        if relay is not None:
            await relay.start()
        client = Client(
            AddressPolicy(allow_private=settings.federation.allow_private_addresses),
            user_agent=f"Easel/{__version__} (+{settings.instance.url}/)",
            now=clock.now,
            schemes=Schemes(await hosts.schemes(database), partial(hosts.learn, database)),
            total_timeout=settings.federation.timeout_s,
        )
        storage = FolderStorage(settings.media.folder)
        return cls(settings, base, clock, events, database, client, storage, relay)

    async def adjust(self) -> None:
        """Take over what was changed of the settings."""
        async with self.database.read() as session:
            changed = await adjustments.kept(session)
        settings = adjustments.laid_over(self.base, changed)
        if settings != self.settings:
            self.settings, self.database.instance = settings, settings.instance
            # To this process alone: the others hear of what is kept, and do the same.
            self.events.publish(Event(adjustments.APPLIED, "changed"), relayed=True)

    async def keep_up(self) -> None:
        """Take over changes of the settings as they are made, by whichever process, for ever."""
        watch = marks.Watch(self.database, adjustments.MARK)
        with self.events.listen([adjustments.MARK]) as heard:
            while True:
                try:
                    if await watch.changed():
                        await self.adjust()
                except Exception:
                    log.exception("settings_not_read")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(marks.LOOK_EVERY.total_seconds()):
                        await heard.next()

    async def close(self) -> None:
        for end in self.closing:
            await end()
        await self.client.close()
        if self.relay is not None:
            await self.relay.stop()
        await self.database.close()


def easel_of(connection: HTTPConnection) -> Easel:
    """The instance that a request, or a socket, was sent to."""
    return cast(Easel, connection.app.state.easel)
