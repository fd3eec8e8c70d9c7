"""Which of the connected painters gets which of the waiting pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial

from fedi import logs
from fedi.database import Transaction
from fedi.database.tables import Painting
from fedi.runtime import Easel
from fedi.storage import Missing
from fedi.studio import claims, descriptions, inputs
from fedi.studio.connections import Connection, Frame, Work, alike
from fedi.studio.refusals import Refusals
from generation import protocol
from generation.protocol import Cancel, Paint
from generation.recipe import Recipe

MAX_GIVEN = 32  # pictures that are given within one transaction

log = logs.get(__name__)


class Allotment:
    """Gives pictures to painters, and takes them back.

    Args:
        easel: the instance.
        connections: the painters that are connected; whoever owns it changes it.
        refusals: what did not come of whom.
        wake: called when a picture is to be given to somebody else.
    """

    def __init__(
        self,
        easel: Easel,
        connections: Collection[Connection],
        refusals: Refusals,
        wake: Callable[[], None],
    ) -> None:
        self._easel = easel
        self._connections = connections
        self._refusals = refusals
        self._wake = wake
        self._lease = timedelta(seconds=easel.settings.painting.lease_s)

    async def give(self) -> bool:
        """Give the free painters a picture each, in turn, until they are full; False if there was
        none. What is taken at once is one transaction, so that a batch arrives together."""
        given: list[tuple[Connection, Painting]] = []
        free = {connection: connection.free for connection in self._connections}
        free = {connection: count for connection, count in free.items() if count}
        if not free:
            return False
        gathering = {connection: connection.gathering for connection in free}
        warm = {connection: connection.warm for connection in free}
        held = {connection: [int(number) for number in connection.work] for connection in free}
        spared = {one: self._refusals.spared(one, self._connections) for one in free}
        async with self._easel.database.write() as tx:
            while free and len(given) < MAX_GIVEN:
                connection = min(free, key=lambda one: len(held[one]))
                painting = await claims.take(
                    tx,
                    connection.painter.id,
                    connection.models,
                    self._lease,
                    can=connection.can,
                    warm=warm[connection],
                    alike=gathering[connection],
                    # What it was given before and has not let go yet, it would take for the same.
                    but=[*held[connection], *spared[connection]],
                )
                if painting is None:
                    del free[connection]
                    continue
                given.append((connection, painting))
                warm[connection] = painting.model or connection.models[0]
                if connection.batches:
                    gathering[connection] = alike(painting)
                held[connection].append(painting.id)
                free[connection] -= 1
                if not free[connection]:
                    del free[connection]
        # All at once and before anything is sent: a cancel may come while something is.
        for connection, painting in given:
            if connection.open:
                connection.work[str(painting.id)] = Work(
                    claims.claim_of(painting), painting.account_id, alike(painting)
                )
        gone = [painting for connection, painting in given if not connection.open]
        if gone:  # they left while we were choosing
            async with self._easel.database.write() as tx:
                for painting in gone:
                    await claims.give_back(tx, claims.claim_of(painting))
        for connection, painting in given:
            if painting not in gone:
                connection.warm = painting.model or connection.models[0]
                # Made when its turn to be sent has come: what waits before a slow wire is small.
                connection.put(partial(self._asking, connection, painting))
        return len(given) > len(gone)

    def stop(self, painting_id: int) -> None:
        """Have whoever has a picture in hand stop painting it."""
        for connection in list(self._connections):
            work = connection.work.get(str(painting_id))
            if work is not None and not work.cancelling:
                work.cancelling = True
                if work.sent:
                    connection.send(Cancel(painting=str(painting_id)))

    async def take_back(self, tx: Transaction, connection: Connection, *, blamed: bool) -> int:
        """A connection is over: what was not ended goes back to the queue.

        Args:
            blamed: the painter died over it, rather than left.

        Returns:
            How many pictures it had.
        """
        work, connection.work = connection.work, {}
        # In the order of `claims.renew`.
        for number in sorted(work, key=int, reverse=True):
            await claims.give_back(tx, work[number].claim, crashed=blamed)
        return len(work)

    async def _asking(self, connection: Connection, painting: Painting) -> Frame | None:
        """The frame that has a picture painted; None if nobody wants it any more."""
        if not await self._wanted(connection, painting):
            return None
        recipe = Recipe.from_document(painting.recipe)
        if painting.model and painting.model != connection.models[0]:
            recipe = Recipe.from_document({**painting.recipe, "model": painting.model})
        wish = descriptions.wish(painting)
        message = Paint(painting=str(painting.id), recipe=recipe, describe=wish)
        if not recipe.pictures:
            connection.work[str(painting.id)].sent = True
            return protocol.encode(message)
        try:
            pictures = await inputs.load(self._easel, painting)
        except Exception as error:
            log.error("inputs_not_there", painting=painting.id, reason=repr(error))
            connection.work.pop(str(painting.id), None)
            async with self._easel.database.write() as tx:
                reason = "A picture that this begins with is not there any more."
                gone = isinstance(error, Missing | OSError)
                await claims.fail(tx, claims.claim_of(painting), reason, retry=not gone)
            self._wake()
            return None
        if not await self._wanted(connection, painting):
            return None
        connection.work[str(painting.id)].sent = True
        return protocol.with_pictures(message, pictures)

    async def _wanted(self, connection: Connection, painting: Painting) -> bool:
        """Whether a picture is still to be sent; what was cancelled meanwhile is taken back."""
        work = connection.work.get(str(painting.id))
        if work is None or not work.cancelling:
            return work is not None
        del connection.work[str(painting.id)]
        async with self._easel.database.write() as tx:
            await claims.give_back(tx, work.claim)  # nothing, if its author asked
        self._wake()
        return False
