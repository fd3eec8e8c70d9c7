"""Who gets which picture: the hub of the painters that are connected to this process.

One loop hands out what waits, renews the leases of what is being painted, takes back what was
left behind, and starts the local painter when nobody else can paint. It wakes up when a picture
is asked for, when a painter is free, and now and then.

A connection is a sign of life: while it is open (WebSocket pings see to that), its pictures are
its own; when it ends, they go back to the queue at once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import platform
from datetime import timedelta
from typing import Any

from fedi import logs
from fedi.database import marks
from fedi.database.tables import Account, Painter, Painting
from fedi.events import Event, Listener
from fedi.runtime import Easel
from fedi.social import seals
from fedi.social.errors import Invalid
from fedi.storage import Missing
from fedi.studio import (
    claims,
    descriptions,
    enlarging,
    inputs,
    media,
    painters,
    paintings,
    turns,
    verdicts,
)
from fedi.studio.assistance import Assistance
from fedi.studio.claims import Claim
from fedi.studio.connections import Connection, Gone, Socket, Work, alike
from fedi.studio.local import LocalPainter, address
from fedi.studio.verdicts import Verdict
from generation import protocol
from generation.protocol import (
    Cancel,
    Cancelled,
    Failed,
    Finished,
    Hello,
    Leave,
    Paint,
    Progress,
    ProtocolError,
    Ready,
    Suggested,
)
from generation.recipe import Recipe

HELLO_S = 30.0  # how long a painter has to say who it is
MAX_SLOTS = 64  # of one painter, whatever it says
MAX_GIVEN = 32  # pictures that are given within one transaction
NOTE_EVERY_S = 1.0  # how often a picture's progress is written down; listeners hear every step
RENEW_SHARE = 3  # leases are renewed so many times within their length
FINISH_S = 30.0  # how long finished pictures have to be stored when the server stops

log = logs.get(__name__)


class Dispatcher:
    """Hands pictures to painters.

    Args:
        easel: the instance.
    """

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._settings = easel.settings.painting
        self._lease = timedelta(seconds=self._settings.lease_s)
        self._connections: set[Connection] = set()
        self._finishing: dict[asyncio.Task[None], Claim] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._context = contextlib.ExitStack()
        self._admitted = marks.Watch(easel.database, painters.ADMITTED)
        self._local_models: set[str] = set()  # what the local painter said that it paints with
        self.local: LocalPainter | None = None
        self.assistance = Assistance(easel, self._summon)

    async def start(self) -> None:
        """Take back what an earlier run of the server left behind, and begin."""
        heard = self._context.enter_context(self._easel.events.listen([paintings.TOPIC]))
        async with self._easel.database.write() as tx:
            lost = 0
            if self._easel.database.sqlite:  # one process: nobody else can be painting
                lost = await claims.reap(tx, everybody=True)
                await painters.all_gone(tx)
            if self._settings.local:
                where = address(self._easel.settings).removeprefix("http://")
                name = f"this machine ({platform.node()}, {where})"[: painters.MAX_NAME]
                painter, token = await painters.admit_local(tx, name)
                lost += await claims.reap(tx, painter_id=painter.id)
                self._local_models = set(map(painters.canonical, painter.models))
                self.local = LocalPainter(self._easel.settings, token, self._wake.set)
        if lost:
            log.info("paintings_recovered", count=lost)
        self._tasks = [
            asyncio.create_task(self._hear(heard), name="painting ears"),
            asyncio.create_task(self._run(), name="painting dispatcher"),
        ]

    async def stop(self) -> None:
        """Hand out nothing more, store what is finished, end the local painter."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._context.close()
        for connection in list(self._connections):
            connection.leaving = True
            if connection.painter.local:
                await connection.send(Leave(reason="The server stops."))
            else:  # it comes back when the server does
                await connection.socket.close(1012, "The server stops.")
        await self.settle()
        if self.local is not None:
            await self.local.stop()

    async def settle(self) -> None:
        """Wait until the pictures that are finished by now are stored, or as long as is sane."""
        if self._finishing:
            await asyncio.wait(set(self._finishing), timeout=FINISH_S)

    @property
    def connected(self) -> list[Painter]:
        """The painters that are connected to this process."""
        return [connection.painter for connection in self._connections]

    async def serve(self, painter: Painter, socket: Socket) -> None:
        """Talk with one painter until its connection ends, one way or the other."""
        connection = Connection(painter, socket)
        crashed = True
        try:
            await self._greet(connection)
            while True:
                message, data = protocol.decode_from_painter(await socket.receive())
                await self._heard(connection, message, data)
        except Gone as gone:
            crashed = gone.crashed
        except ProtocolError as error:
            log.warning("painter_not_understood", painter=painter.name, reason=str(error))
            await socket.close(1002, str(error)[:100])
        except TimeoutError:
            await socket.close(1002, "A painter says hello first.")
        finally:
            await asyncio.shield(self._part(connection, crashed))

    async def _greet(self, connection: Connection) -> None:
        async with asyncio.timeout(HELLO_S):
            hello, _ = protocol.decode_from_painter(await connection.socket.receive())
        if not isinstance(hello, Hello):
            raise ProtocolError("A painter says hello first.")
        if hello.version != protocol.VERSION:
            theirs = "older" if hello.version < protocol.VERSION else "newer"
            reason = f"This painter is {theirs} than the server: install the same Easel on both."
            await connection.send(Leave(reason=reason, refused=True))
            raise ProtocolError(f"The painter is {theirs} than the server.")
        if not hello.models:
            raise ProtocolError("A painter has at least one model.")
        connection.models = tuple(map(painters.canonical, hello.models))
        if connection.painter.local:
            self._local_models = set(connection.models)
            if self.local is not None:
                connection.pid = self.local.pid
        async with self._easel.database.write() as tx:
            known = await painters.admitted(tx)
            if known.get(connection.painter.id) != connection.painter.token_hash:
                raise ProtocolError("This token was withdrawn.")
            await painters.connected(
                tx, connection.painter.id, device=hello.device, models=hello.models
            )
        self._connections.add(connection)
        log.info(
            "painter_connected",
            painter=connection.painter.name,
            device=hello.device,
            models=list(hello.models),
        )
        connection.suggests = hello.suggests
        await self.assistance.came(connection)

    async def _part(self, connection: Connection, crashed: bool) -> None:
        """The connection is over: what was not ended goes back to the queue."""
        connection.open = False
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        if crashed and not connection.leaving and connection.pid and self.local is not None:
            self.local.kill(connection.pid)  # if it lives, it answered no ping
        await self.assistance.left(connection)
        work, connection.work = connection.work, {}
        async with self._easel.database.write() as tx:
            # In the order of `claims.renew`.
            for number in sorted(work, key=int, reverse=True):
                claim = work[number].claim
                await claims.give_back(tx, claim, crashed=crashed and not connection.leaving)
            # It may be back already, by another connection, before this one was given up.
            if not any(one.painter.id == connection.painter.id for one in self._connections):
                await painters.disconnected(tx, connection.painter.id)
        log.info(
            "painter_disconnected",
            painter=connection.painter.name,
            broke_off=crashed,
            given_back=len(work),
        )
        self._wake.set()

    async def _heard(
        self, connection: Connection, message: protocol.FromPainter, data: bytes
    ) -> None:
        if isinstance(message, Hello):
            raise ProtocolError("A painter says hello once.")
        if isinstance(message, Ready):
            connection.slots = max(0, min(message.slots, MAX_SLOTS))
            connection.batches = message.alike
            self._wake.set()
            return
        if isinstance(message, Suggested):
            await self.assistance.answered(connection, message)
            return
        work = connection.work.get(message.painting)
        if work is None:
            raise ProtocolError(f"This painter was not given the painting {message.painting}.")
        if isinstance(message, Progress):
            await self._progressed(work, message, data)
            return
        del connection.work[message.painting]
        self._wake.set()
        if connection.painter.local and self.local is not None:
            self.local.painted()
        match message:
            case Finished():
                # Beside the reading, so that the painter is not kept from the next picture.
                task = asyncio.create_task(self._finish(work.claim, message, data))
                self._finishing[task] = work.claim
                task.add_done_callback(self._finishing.pop)
            case Failed():
                log.warning("painting_failed", painting=message.painting, reason=message.reason)
                async with self._easel.database.write() as tx:
                    await claims.fail(tx, work.claim, message.reason, retry=message.retry)
            case Cancelled():
                async with self._easel.database.write() as tx:  # nothing, if its author asked
                    await claims.give_back(tx, work.claim)

    async def _progressed(self, work: Work, message: Progress, preview: bytes) -> None:
        work.begun = work.begun or message.stage != "loading"
        data: dict[str, Any] = {
            "id": message.painting,
            "stage": message.stage,
            "step": message.step,
            "steps": message.of,
            "seconds": round(message.elapsed_s, 2),
        }
        if message.note:
            data["note"] = message.note
        if preview.startswith(b"\xff\xd8"):
            data["preview"] = "data:image/jpeg;base64," + base64.b64encode(preview).decode()
        topic = paintings.topic(work.claim.painting_id)
        self._easel.events.publish(Event(topic, "progress", data, kept=True))
        now = asyncio.get_running_loop().time()
        if message.of and now - work.noted_at >= NOTE_EVERY_S:
            work.noted_at = now
            async with self._easel.database.write() as tx:
                await claims.progress(tx, work.claim, message.step, message.of)

    async def _finish(self, claim: Claim, finished: Finished, picture: bytes) -> None:
        """Store a finished picture and publish what waits for it."""
        try:
            await self._keep(claim, finished, picture)
        except Exception as error:
            if isinstance(error, Invalid):
                log.warning("picture_refused", painting=claim.painting_id, reason=str(error))
            else:
                log.exception("picture_not_stored", painting=claim.painting_id)
            async with self._easel.database.write() as tx:
                await claims.fail(tx, claim, "The picture could not be stored.", retry=True)

    async def _keep(self, claim: Claim, finished: Finished, picture: bytes) -> None:
        easel = self._easel
        async with easel.database.read() as session:
            painting = await session.get(Painting, claim.painting_id)
            if painting is None or painting.state != paintings.PAINTING:
                return
            author = await session.get(Account, painting.account_id)
            assert author is not None
            finished = await enlarging.complete(session, painting, finished)
        creator = f"{author.username}@{easel.settings.instance.domain}"
        verdict = verdicts.of(easel.settings.safety, finished.judgement)
        if verdict is Verdict.REFUSE:
            async with easel.database.write() as tx:
                await claims.fail(tx, claim, verdicts.REFUSED)
            return
        finished = descriptions.complete(finished, painting, easel.settings.painting)
        by = await seals.of(easel)
        parent = await inputs.parent(easel, painting)
        prepared = await media.prepare_painting(picture, finished, painting, creator, by, parent)
        stored = await media.store(easel.storage, prepared, held=verdict is Verdict.HOLD)
        async with easel.database.write() as tx:
            kept = await claims.finish(tx, claim, stored, finished, verdict)
        if kept is None:
            await media.discard(easel.storage, stored)
        else:
            log.info("painting_finished", painting=kept.id, state=kept.state)

    async def _hear(self, heard: Listener) -> None:
        async for event in heard:
            if event.kind == paintings.CANCELLED:
                await self._stop_painting(int(event.data["id"]))
            self._wake.set()

    async def _stop_painting(self, painting_id: int) -> None:
        for connection in list(self._connections):
            work = connection.work.get(str(painting_id))
            if work is not None and not work.cancelling:
                work.cancelling = True
                await connection.send(Cancel(painting=str(painting_id)))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        every = self._settings.lease_s / RENEW_SHARE
        tend_at = loop.time()
        while True:
            self._wake.clear()
            try:
                if await self._admitted.changed():
                    await self._shut_out()
                if loop.time() >= tend_at:
                    tend_at = loop.time() + every
                    await self.tend()
                await self.hand_out()
            except Exception:
                log.exception("painting_dispatcher_failed")
            pause = max(0.0, tend_at - loop.time())
            if self._connections:
                pause = min(pause, marks.LOOK_EVERY.total_seconds())
            if self.local is not None and 0 < self.local.wait() < pause:
                pause = self.local.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def tend(self) -> None:
        """Renew the leases of the living, take back what the dead had."""
        held = [work.claim for connection in self._connections for work in connection.work.values()]
        held += self._finishing.values()
        async with self._easel.database.write() as tx:
            lost = await claims.renew(tx, held, self._lease)
            reaped = await claims.reap(tx)
            await painters.seen(tx, [connection.painter.id for connection in self._connections])
        if reaped:
            log.info("paintings_recovered", count=reaped)
        for claim in lost:  # cancelled or given to another, and we did not hear of it
            await self._stop_painting(claim.painting_id)

    async def _shut_out(self) -> None:
        """End the connections of painters that may not connect any more."""
        async with self._easel.database.read() as session:
            admitted = await painters.admitted(session)
        for connection in list(self._connections):
            painter = connection.painter
            if admitted.get(painter.id) != painter.token_hash:
                await connection.send(Leave(reason="Its token was withdrawn.", refused=True))
                await self._part(connection, crashed=False)  # whether or not it hangs up
                await connection.socket.close(1008, "This token was withdrawn.")

    async def hand_out(self) -> None:
        """Give every free painter what it can paint, and see to it that somebody paints."""
        async with self._easel.database.read() as session:
            waiting = await turns.waiting_models(session)
        if not waiting:
            return
        while await self._give():
            pass
        unserved = {
            model for model in waiting if not any(one.suits(model) for one in self._connections)
        }
        own = {"", painters.canonical(self._settings.model), *self._local_models}
        if self.local is not None and unserved & own:
            await self.local.start()

    async def _summon(self) -> bool:
        """Start the local painter, which may be able to do something else than paint."""
        if self.local is not None:
            await self.local.start()
        return self.local is not None

    async def _give(self) -> bool:
        """Give the free painters a picture each, in turn, until they are full; False if there was
        none. What is taken at once is one transaction, so that a batch arrives together."""
        given: list[tuple[Connection, Painting]] = []
        free = {connection: connection.free for connection in self._connections}
        free = {connection: count for connection, count in free.items() if count}
        if not free:
            return False
        gathering = {connection: connection.gathering for connection in free}
        warm = {connection: connection.warm for connection in free}
        held = {connection: len(connection.work) for connection in free}
        async with self._easel.database.write() as tx:
            while free and len(given) < MAX_GIVEN:
                connection = min(free, key=held.__getitem__)
                painting = await claims.take(
                    tx,
                    connection.painter.id,
                    connection.models,
                    self._lease,
                    warm=warm[connection],
                    alike=gathering[connection],
                )
                if painting is None:
                    del free[connection]
                    continue
                given.append((connection, painting))
                warm[connection] = painting.model or connection.models[0]
                if connection.batches:
                    gathering[connection] = alike(painting)
                held[connection] += 1
                free[connection] -= 1
                if not free[connection]:
                    del free[connection]
        # All at once and before anything is sent: a cancel may come while something is.
        for connection, painting in given:
            if connection.open:
                connection.work[str(painting.id)] = Work(claims.claim_of(painting), alike(painting))
        gone = [painting for connection, painting in given if not connection.open]
        if gone:  # they left while we were choosing
            async with self._easel.database.write() as tx:
                for painting in gone:
                    await claims.give_back(tx, claims.claim_of(painting))
        for connection, painting in given:
            if painting not in gone:
                await self._send(connection, painting)
        return len(given) > len(gone)

    async def _send(self, connection: Connection, painting: Painting) -> None:
        connection.warm = painting.model or connection.models[0]
        if not await self._wanted(connection, painting):
            return
        recipe = Recipe.from_document(painting.recipe)
        if painting.model and painting.model != connection.models[0]:
            recipe = Recipe.from_document({**painting.recipe, "model": painting.model})
        wish = descriptions.wish(painting)
        message = Paint(painting=str(painting.id), recipe=recipe, describe=wish)
        if not recipe.pictures:
            await connection.send(message)
            return
        # Beside the handing out: megabytes to a card at home must not keep the others waiting.
        task = asyncio.create_task(self._send_with_pictures(connection, painting, message))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _wanted(self, connection: Connection, painting: Painting) -> bool:
        """Whether a picture is still to be sent; what was cancelled meanwhile is taken back."""
        work = connection.work.get(str(painting.id))
        if work is None or not work.cancelling:
            return work is not None
        del connection.work[str(painting.id)]
        async with self._easel.database.write() as tx:
            await claims.give_back(tx, work.claim)  # nothing, if its author asked
        self._wake.set()
        return False

    async def _send_with_pictures(
        self, connection: Connection, painting: Painting, message: Paint
    ) -> None:
        try:
            pictures = await inputs.load(self._easel, painting)
        except Exception as error:
            log.error("inputs_not_there", painting=painting.id, reason=repr(error))
            connection.work.pop(str(painting.id), None)
            async with self._easel.database.write() as tx:
                reason = "A picture that this begins with is not there any more."
                gone = isinstance(error, Missing | OSError)
                await claims.fail(tx, claims.claim_of(painting), reason, retry=not gone)
            self._wake.set()
            return
        if not await self._wanted(connection, painting):
            return
        await connection.transmit(protocol.with_pictures(message, pictures))
