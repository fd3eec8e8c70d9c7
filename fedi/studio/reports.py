"""What painters say of the pictures that they have in hand, and what becomes of it."""

from __future__ import annotations

import asyncio
import base64

from fedi import logs
from fedi.database.tables import Account, Painting
from fedi.events import Event
from fedi.runtime import Easel
from fedi.social import seals
from fedi.social.errors import Invalid
from fedi.studio import answers, claims, descriptions, enlarging, inputs, media, paintings, verdicts
from fedi.studio.answers import Unbelievable
from fedi.studio.claims import Claim
from fedi.studio.connections import Connection, Work
from fedi.studio.refusals import Refusals
from fedi.studio.verdicts import Verdict
from generation.protocol import Cancelled, Failed, Finished, Progress

NOTE_EVERY_S = 1.0  # how often a picture's progress is written down; listeners hear every step
DROPPED = "The painter stopped painting this picture, and nobody had asked it to."
FINISH_S = 30.0  # how long finished pictures have to be stored when the server stops

log = logs.get(__name__)


class Reports:
    """Passes on how far pictures are, and brings them to their ends.

    Args:
        easel: the instance.
        refusals: what did not come of whom.
    """

    def __init__(self, easel: Easel, refusals: Refusals) -> None:
        self._easel = easel
        self._refusals = refusals
        self._running: dict[asyncio.Task[None], Claim] = {}

    @property
    def finishing(self) -> list[Claim]:
        """The pictures that are being stored."""
        return list(self._running.values())

    async def heard(
        self,
        connection: Connection,
        work: Work,
        message: Progress | Finished | Failed | Cancelled,
        data: bytes,
    ) -> None:
        """A painter has said something of a picture that it has in hand."""
        match message:
            case Progress():
                await self._progressed(work, message, data)
            case Finished():
                # Beside the caller, so that the painter is not kept from the next picture.
                task = asyncio.create_task(self._finish(connection, work, message, data))
                self._running[task] = work.claim
                task.add_done_callback(self._running.pop)
            case Failed():
                reason = answers.reason(message)
                log.warning("painting_failed", painting=message.painting, reason=reason)
                if message.retry:
                    self._refusals.note(connection, work, admitted=True)
                async with self._easel.database.write() as tx:
                    await claims.fail(tx, work.claim, reason, retry=message.retry)
            case Cancelled() if not work.cancelling:  # nobody asked it to
                log.warning("painting_dropped", painting=message.painting)
                self._refusals.note(connection, work)
                async with self._easel.database.write() as tx:
                    await claims.fail(tx, work.claim, DROPPED, retry=True)
            case Cancelled():
                async with self._easel.database.write() as tx:  # nothing, if its author asked
                    await claims.give_back(tx, work.claim)

    async def settle(self) -> None:
        """Wait until the pictures that are finished by now are stored, or as long as is sane."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=FINISH_S)

    async def _progressed(self, work: Work, message: Progress, preview: bytes) -> None:
        work.begun = work.begun or message.stage != "loading"
        data = answers.told(message)
        if preview.startswith(b"\xff\xd8"):
            data["preview"] = "data:image/jpeg;base64," + base64.b64encode(preview).decode()
        topic = paintings.topic(work.claim.painting_id)
        self._easel.events.publish(Event(topic, "progress", data, kept=True))
        now = asyncio.get_running_loop().time()
        if data["steps"] and now - work.noted_at >= NOTE_EVERY_S:
            work.noted_at = now
            async with self._easel.database.write() as tx:
                await claims.progress(tx, work.claim, data["step"], data["steps"])

    async def _finish(
        self, connection: Connection, work: Work, finished: Finished, picture: bytes
    ) -> None:
        claim = work.claim
        try:
            await self._keep(claim, finished, picture)
        except Exception as error:
            if isinstance(error, Invalid | Unbelievable):
                log.warning(
                    "picture_refused",
                    painter=connection.painter.name,
                    painting=claim.painting_id,
                    reason=str(error),
                )
            else:
                log.exception("picture_not_stored", painting=claim.painting_id)
            # Before it waits again: who brought this is not to have it a second time. Where it was
            # our own fault, such as a full disk, the pause saves those that wait.
            self._refusals.note(connection, work)
            async with self._easel.database.write() as tx:
                await claims.fail(tx, claim, "The picture could not be stored.", retry=True)
        else:
            self._refusals.forgive(connection)

    async def _keep(self, claim: Claim, finished: Finished, picture: bytes) -> None:
        easel = self._easel
        async with easel.database.read() as session:
            painting = await session.get(Painting, claim.painting_id)
            if painting is None or painting.state != paintings.PAINTING:
                return
            finished = answers.believed(painting, finished)
            author = await session.get(Account, painting.account_id)
            assert author is not None
            finished = await enlarging.complete(session, painting, finished)
            post = await paintings.post_of(session, painting)
        creator = f"{author.username}@{easel.settings.instance.domain}"
        verdict = verdicts.of(easel.settings.safety, finished.judgement)
        if verdict is Verdict.REFUSE:
            async with easel.database.write() as tx:
                await claims.fail(tx, claim, verdicts.REFUSED)
            return
        seen = descriptions.verdict(finished, painting, easel.settings.painting)
        verdict = verdicts.stricter(verdict, seen)
        finished = descriptions.complete(finished, painting, easel.settings.painting)
        by = await seals.of(easel)
        parent = await inputs.parent(easel, painting)
        training = media.may_be_trained_on(author, painting, finished.recipe, post.get("training"))
        prepared = await media.prepare_painting(
            picture, finished, painting, creator, by, parent, training=training
        )
        stored = await media.store(easel.storage, prepared, held=verdict is Verdict.HOLD)
        async with easel.database.write() as tx:
            kept = await claims.finish(
                tx, claim, stored, finished, verdict, sensitive=seen is not Verdict.SHOW
            )
        if kept is None:
            await media.discard(easel.storage, stored)
        else:
            log.info("painting_finished", painting=kept.id, state=kept.state)
