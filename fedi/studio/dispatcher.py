"""Who gets which picture: the hub of the painters that are connected to this process.

One loop hands out what waits, renews the leases of what is being painted, takes back what was
left behind, and starts the local painter when nobody else can paint. It wakes up when a picture
is asked for, when a painter is free, and now and then.

A connection is a sign of life: while it is open (WebSocket pings see to that), its pictures are
its own; when it ends, they go back to the queue at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

from fedi import adjustments, logs
from fedi.database import marks
from fedi.database.tables import Painter
from fedi.events import Listener
from fedi.runtime import Easel
from fedi.settings import PaintingSettings
from fedi.social.for_you import looks
from fedi.studio import (
    appraisal,
    cards,
    claims,
    conclusions,
    greeting,
    local,
    painters,
    paintings,
    stock,
    turns,
)
from fedi.studio.allotment import Allotment
from fedi.studio.assistance import Assistance
from fedi.studio.connections import Connection, Ended, Gone, Socket
from fedi.studio.local import LocalPainter
from fedi.studio.recognition import Recognition
from fedi.studio.refusals import Refusals
from fedi.studio.reports import Reports
from fedi.studio.turns import Place
from generation import protocol
from generation.protocol import (
    Able,
    Hello,
    Leave,
    Looked,
    Progress,
    ProtocolError,
    Ready,
    Recognised,
    Suggested,
)

MAX_SLOTS = 64  # of one painter, whatever it says
RENEW_SHARE = 3  # leases are renewed so many times within their length
MAX_CLOSING = 100  # characters of why a connection is closed; RFC 6455 has room for 123 bytes

log = logs.get(__name__)


class Dispatcher:
    """Hands pictures to painters.

    Args:
        easel: the instance.
    """

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._lease = timedelta(seconds=easel.settings.painting.lease_s)
        self._connections: set[Connection] = set()
        self._wake = asyncio.Event()
        self._refusals = Refusals(easel.clock)
        self._allotment = Allotment(easel, self._connections, self._refusals, self._wake.set)
        self._reports = Reports(easel, self._refusals)
        self._tasks: list[asyncio.Task[None]] = []
        self._context = contextlib.ExitStack()
        self._admitted = marks.Watch(easel.database, painters.ADMITTED)
        self._stock = marks.Watch(easel.database, stock.MARK)
        self._applied = easel.events.attach(adjustments.APPLIED)
        self._local_models: set[str] = set()  # what the local painter said that it paints with
        self._local_id = 0  # and which row is its
        self.local: LocalPainter | None = None
        self.assistance = Assistance(easel, self._summon)
        self.recognition = Recognition(easel, self._summon, self._wake.set)

    async def start(self) -> None:
        """Take back what an earlier run of the server left behind, and begin."""
        topics = [paintings.TOPIC, stock.MARK, adjustments.APPLIED, looks.TOPIC]
        heard = self._context.enter_context(self._easel.events.listen(topics))
        async with self._easel.database.write() as tx:
            lost = 0
            if self._easel.database.sqlite:  # one process: nobody else can be painting
                lost = await claims.reap(tx, everybody=True)
                await painters.all_gone(tx)
            if self._settings.local:
                name = local.name(self._easel.settings)
                painter, token = await painters.admit_local(tx, name)
                lost += await claims.reap(tx, painter_id=painter.id)
                self._local_id = painter.id
                self._local_models = set(map(painters.canonical, painter.models))
                self.local = LocalPainter(self._easel, token, self._wake.set)
        if lost:
            log.info("paintings_recovered", count=lost)
        self._tasks = [
            asyncio.create_task(self._hear(heard), name="painting ears"),
            asyncio.create_task(self._run(), name="painting dispatcher"),
        ]

    @property
    def _settings(self) -> PaintingSettings:
        return self._easel.settings.painting

    async def stop(self) -> None:
        """Hand out nothing more, store what is finished, end the local painter."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._context.close()
        await asyncio.gather(*(self._send_home(one) for one in self._connections))
        await self.settle()
        if self.local is not None:
            await self.local.stop()

    async def _send_home(self, connection: Connection) -> None:
        connection.leaving = True
        if connection.painter.local:
            connection.send(Leave(reason="The server stops."))
        else:  # it comes back when the server does
            await connection.close(1012, "The server stops.")

    async def settle(self) -> None:
        """Wait until the pictures that are finished by now are stored, or as long as is sane."""
        await self._reports.settle()

    @property
    def connected(self) -> list[Painter]:
        """The painters that are connected to this process."""
        return [connection.painter for connection in self._connections]

    async def serve(self, painter: Painter, socket: Socket) -> None:
        """Talk with one painter until its connection ends, one way or the other."""
        connection = Connection(painter, socket)
        writing = asyncio.create_task(connection.write(), name="painting words")
        crashed = hangs = False  # what we fail at ourselves is nobody's fault
        code, reason = 1011, "The server failed."
        try:
            self._refusals.refuse(connection)
            await self._greet(connection)
            while True:
                message, data = protocol.decode_from_painter(await connection.receive())
                await self._heard(connection, message, data)
        except Gone as gone:
            crashed, code = gone.crashed, 0
        except Ended as ended:
            log.warning("painter_dropped", painter=painter.name, reason=str(ended))
            hangs, code, reason = ended.hangs, ended.code, str(ended)
        except ProtocolError as error:
            log.warning("painter_not_understood", painter=painter.name, reason=str(error))
            crashed, code, reason = True, 1002, str(error)
        except Exception:
            log.exception("painter_not_served", painter=painter.name)
        finally:
            await asyncio.shield(self._part(connection, crashed=crashed, hangs=hangs))
            if code:
                await connection.close(code, reason[:MAX_CLOSING])
            writing.cancel()

    async def _greet(self, connection: Connection) -> None:
        hello = await greeting.greet(self._easel, connection)
        if connection.painter.local:
            self._local_models = set(connection.models)
            if self.local is not None:
                connection.pid = self.local.pid
        self._connections.add(connection)
        log.info(
            "painter_connected",
            painter=connection.painter.name,
            device=hello.device,
            models=list(hello.models),
        )
        self.assistance.questions.came(connection)
        self.recognition.came(connection)
        self._wake.set()  # even if it takes none: what nobody can paint may be known now

    async def _part(self, connection: Connection, *, crashed: bool, hangs: bool) -> None:
        """The connection is over: what was not ended goes back to the queue."""
        connection.open = False
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        blamed = crashed and not connection.leaving
        if (blamed or hangs) and connection.pid and self.local is not None:
            self.local.kill(connection.pid)  # if it lives, it answered no ping
        self.assistance.questions.left(connection)
        await self.recognition.left(connection)
        async with self._easel.database.write() as tx:
            given_back = await self._allotment.take_back(tx, connection, blamed=blamed)
            # It may be back already, by another connection, before this one was given up.
            if not any(one.painter.id == connection.painter.id for one in self._connections):
                await painters.disconnected(tx, connection.painter.id)
        log.info(
            "painter_disconnected",
            painter=connection.painter.name,
            broke_off=crashed,
            given_back=given_back,
        )
        self._wake.set()

    async def _heard(
        self, connection: Connection, message: protocol.FromPainter, data: bytes
    ) -> None:
        if isinstance(message, Hello):
            raise ProtocolError("A painter says hello once.")
        if isinstance(message, Able):
            await greeting.heard(self._easel, connection, message.abilities)
            self._wake.set()
            return
        if isinstance(message, Ready):
            connection.slots = max(0, min(message.slots, MAX_SLOTS))
            connection.batches = message.alike
            self._wake.set()
            return
        if isinstance(message, Suggested | Looked):
            self.assistance.questions.answered(connection, message)
            return
        if isinstance(message, Recognised):
            await self.recognition.answered(connection, message)
            return
        work = connection.work.get(message.painting)
        if work is None:
            raise ProtocolError(f"This painter was not given the painting {message.painting}.")
        await self._reports.heard(connection, work, message, data)
        if isinstance(message, Progress):
            return
        # Not before: where we fail at this ourselves, it goes back with all that is in hand.
        del connection.work[message.painting]
        self._wake.set()
        if connection.painter.local and self.local is not None:
            self.local.painted()

    async def _hear(self, heard: Listener) -> None:
        async for event in heard:
            if event.kind == paintings.CANCELLED:
                self._allotment.stop(int(event.data["id"]))
            if event.topic == looks.TOPIC:
                self.recognition.due()
            self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        every = self._settings.lease_s / RENEW_SHARE
        tend_at = loop.time()
        while True:
            self._wake.clear()
            try:
                if await self._admitted.changed():
                    await self._shut_out()
                if await self._stock.changed() or self._applied.drain():
                    await self._equip()
                self._retire()
                await self.assistance.questions.tend()
                if loop.time() >= tend_at:
                    tend_at = loop.time() + every
                    await self.tend()
                await self.hand_out()
                await self.recognition.tend()
            except Exception:
                log.exception("painting_dispatcher_failed")
            pause = max(0.0, tend_at - loop.time())
            if self._connections:
                pause = min(pause, marks.LOOK_EVERY.total_seconds())
            if self.local is not None and 0 < self.local.wait() < pause:
                pause = self.local.wait()
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: on Python 3.11 it forgets that it was cancelled, if what it waits
                # for comes at that very moment, and nothing would ever stop this.
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def tend(self) -> None:
        """Renew the leases of the living, take back what the dead had."""
        held = [work.claim for connection in self._connections for work in connection.work.values()]
        held += self._reports.finishing
        async with self._easel.database.write() as tx:
            lost = await claims.renew(tx, held, self._lease)
            reaped = await claims.reap(tx)
            await conclusions.stop_orphans(tx)
            await painters.seen(tx, [connection.painter.id for connection in self._connections])
        if reaped:
            log.info("paintings_recovered", count=reaped)
        for claim in lost:  # cancelled or given to another, and we did not hear of it
            self._allotment.stop(claim.painting_id)
        for connection in self._connections:
            connection.probe()

    async def _shut_out(self) -> None:
        """End the connections of painters that may not connect any more."""
        async with self._easel.database.read() as session:
            admitted = await painters.admitted(session)
        for connection in list(self._connections):
            painter = connection.painter
            if admitted.get(painter.id) != painter.token_hash:
                connection.send(Leave(reason="Its token was withdrawn.", refused=True))
                connection.end(Ended(1008, "This token was withdrawn."))  # whether it hangs up

    async def _equip(self) -> None:
        """See with which models this machine paints by now."""
        appraisal.known_model.cache_clear()
        if self.local is None or self._settings.endpoint:
            return
        await self.local.equip()
        async with self._easel.database.write() as tx:
            await painters.equipped(tx, self._local_id, self.local.models)

    def _retire(self) -> None:
        """Send the local painter home when it is done, if it knows other models than are here: the
        next one is started for the next picture. If they are the same again by then, it stays."""
        outdated = self.local is not None and self.local.outdated
        for connection in self._connections:
            if connection.painter.local and not connection.leaving:
                connection.retiring = outdated
                if outdated and not connection.work and not connection.asked:
                    connection.leaving = True
                    connection.send(Leave(reason="There are other models here now."))

    async def hand_out(self) -> None:
        """Give every free painter what it can paint, and see to it that somebody paints."""
        async with self._easel.database.read() as session:
            waiting = await turns.firsts(session)
        if not waiting:
            return
        while await self._allotment.give():
            pass
        unserved = [
            place
            for place in waiting
            if not any(one.suits(place.model, place.wanted) for one in self._connections)
        ]
        if unserved:
            await self._find_somebody(unserved)

    async def _find_somebody(self, unserved: list[Place]) -> None:
        """Start the local painter, if it can paint one of these; let fail what nobody can."""
        async with self._easel.database.read() as session:
            known = await cards.known(session, self._settings)
        own = {"", painters.canonical(self._settings.model)}
        if self.local is not None:
            own |= set(map(painters.canonical, self.local.models))
        if self._settings.endpoint:  # which says what it has
            own |= self._local_models
        for place in unserved:
            ours = [card for card in known if card.painter_id == self._local_id]
            lacks = any(card.lacks(place.model, place.wanted) for card in ours)
            if self.local is not None and place.model in own and not lacks:
                await self.local.start()
            elif reason := cards.refusal(known, place.model, place.wanted, ""):
                async with self._easel.database.write() as tx:
                    count = await claims.fail_waiting(tx, place.model, place.needs, reason)
                log.warning("nobody_can_paint", model=place.model, reason=reason, count=count)
                self._wake.set()  # there may be more of them

    async def _summon(self) -> bool:
        """Start the local painter, which may be able to do something else than paint."""
        if self.local is not None:
            await self.local.start()
        return self.local is not None
