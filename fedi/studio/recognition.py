"""What pictures show, as painters see it: who is handed which pictures to look at, for «For you».

A connected painter that has a model for it is given a few at a time, when it has nothing else in
hand: no picture to paint, nothing to propose. It stops as soon as there is. What it has not looked
at by then goes back. `social.for_you.looks` keeps what is to be looked at, and what was seen.

It is given the small renditions, which we have made ourselves: of pictures from here, and of those
of other servers whose files are kept here. Nothing is fetched for this, and nothing leaves.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlmodel import col, select

from fedi import logs
from fedi.database.tables import RemoteFile
from fedi.runtime import Easel
from fedi.social.for_you import looks
from fedi.social.for_you.looks import Unseen
from fedi.storage import Missing
from fedi.studio.remote_files import claims, rules
from generation import catalogue, helpers, protocol, recognition
from generation.abilities import Abilities
from generation.protocol import Recognise, Recognised
from generation.recognition import Sight

BATCH = 16  # pictures of one request; small renditions have 100 kB
MOST_BYTES = 4_000_000  # of one of them; what is larger is none
PATIENCE = timedelta(minutes=10)  # then this machine's painter is started for fewer than a batch
QUIET_S = 30.0  # seconds until it is looked again for some, where nobody said that there are
LOOK_S = 60.0  # seconds between two thoughts of starting this machine's painter

log = logs.get(__name__)


class Looker(Protocol):
    """A connected painter, as this module needs it."""

    can: Abilities
    asked: str  # by `assistance`
    looking: str  # the request that it is working on; empty: none

    @property
    def stays(self) -> bool:
        """Whether it is given anything new."""

    @property
    def idle(self) -> bool:
        """Whether it has no picture in hand."""

    def put(self, frame: str | bytes) -> None: ...


@dataclass(eq=False)
class Recognition:
    """The pictures that painters of this process look at.

    Args:
        easel: the instance.
        summon: starts the local painter; False if this machine does not paint.
        again: has `tend` called soon.
    """

    easel: Easel
    summon: Callable[[], Awaitable[bool]]
    again: Callable[[], None]
    _lookers: list[Looker] = field(default_factory=list)
    _given: dict[str, tuple[Looker, list[int]]] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)
    _quiet_until: float = 0.0  # on the event loop's clock
    _thought_at: float = float("-inf")
    _forgotten: bool = False

    def came(self, looker: Looker) -> None:
        """A painter has connected."""
        self._lookers.append(looker)
        self.due()

    def due(self) -> None:
        """There are pictures to look at."""
        self._quiet_until = 0.0

    async def left(self, looker: Looker) -> None:
        """A painter's connection is over: what it was to look at goes back."""
        if looker in self._lookers:
            self._lookers.remove(looker)
        for request, (whose, numbers) in list(self._given.items()):
            if whose is looker:
                del self._given[request]
                await self._give_back(numbers)

    async def answered(self, looker: Looker, message: Recognised) -> None:
        """A painter has said what it saw."""
        if looker.looking == message.request:
            looker.looking = ""
        whose, numbers = self._given.get(message.request, (None, []))
        if whose is not looker:
            return
        del self._given[message.request]
        said, drawn = message.seen, message.sketches
        found = {
            one: Sight(recognition.known(said[name]), recognition.sketch(drawn.get(name, "")))
            for one in numbers
            if (name := str(one)) in said
        }
        async with self.easel.database.write() as tx:
            if looker.can.recognises and not self._off:
                await looks.answer(tx, looker.can.recognises, found)
            await looks.give_back(tx, [number for number in numbers if number not in found])
        log.info("pictures_recognised", count=len(found), of=len(numbers))
        self.again()

    async def tend(self) -> None:
        """Give pictures to who can look at them now; start this machine's painter for many."""
        if self._off:
            await self._forget()
            return
        self._forgotten = False
        now = asyncio.get_running_loop().time()
        able = [one for one in self._lookers if one.can.recognises]
        for looker in able:
            free = looker.stays and looker.idle and not (looker.looking or looker.asked)
            if free and now >= self._quiet_until:
                await self._give(looker)
        if not able and now - self._thought_at >= LOOK_S:
            self._thought_at = now
            await self._think_of_summoning()

    @property
    def _off(self) -> bool:
        return self.easel.settings.painting.recogniser == helpers.NONE

    async def _give(self, looker: Looker) -> None:
        model = looker.can.recognises
        async with self.easel.database.write() as tx:
            if model not in self._met:
                if await looks.meet(tx, model):
                    log.info("recogniser_is_new", model=model)
                self._met.add(model)
            taken = await looks.take(tx, model, BATCH)
        if not taken:
            self._quiet_until = asyncio.get_running_loop().time() + QUIET_S
            return
        files = await self._files(taken)
        pictures: dict[str, bytes] = {}
        absent: list[Unseen] = []
        nothing: dict[int, Sight] = {}
        for one in taken:
            content = await self._read(files.get(one.media.id))
            if content is None:
                absent.append(one)
            elif len(content) > MOST_BYTES:
                nothing[one.media.id] = Sight()
            else:
                pictures[str(one.media.id)] = content
        async with self.easel.database.write() as tx:
            await looks.put_off(tx, absent)
            await looks.answer(tx, model, nothing)
        if not pictures:
            self.again()
            return
        request = Recognise(request=secrets.token_hex(8), pictures=())
        looker.looking = request.request
        self._given[request.request] = looker, [int(name) for name in pictures]
        looker.put(protocol.with_pictures(request, pictures))

    async def _files(self, taken: Collection[Unseen]) -> Mapping[int, str]:
        """Where the small renditions lie of those pictures that are here and may be shown."""
        addresses = await claims.addresses(self.easel)
        found: dict[int, str] = {}
        elsewhere: dict[str, int] = {}
        hosts: dict[str, str] = {}
        for one in taken:
            if one.media.file:
                found[one.media.id] = one.media.preview_file or one.media.file
            elif (claim := claims.of_media(one.media)) and addresses.usable(claim):
                key = addresses.key(claim)
                elsewhere[key], hosts[key] = one.media.id, claim.host
        hidden_hosts = await rules.hidden(self.easel, set(hosts.values()))
        async with self.easel.database.read() as session:
            hidden = await looks.hidden(session, [one.media.id for one in taken])
            kept = select(RemoteFile).where(
                col(RemoteFile.key).in_(list(elsewhere)), RemoteFile.state == "ready"
            )
            for row in (await session.exec(kept)).all():
                if hosts[row.key] not in hidden_hosts and (file := row.preview_file or row.file):
                    found[elsewhere[row.key]] = file
        return {number: file for number, file in found.items() if number not in hidden}

    async def _read(self, file: str | None) -> bytes | None:
        if file is None:
            return None
        try:
            return await self.easel.storage.read(file)
        except Missing:
            return None

    async def _give_back(self, numbers: list[int]) -> None:
        async with self.easel.database.write() as tx:
            await looks.give_back(tx, numbers)

    async def _forget(self) -> None:
        """Let go of what was seen, once, where the host wants none of it."""
        if self._forgotten:
            return
        self._forgotten = True
        self._met.clear()
        async with self.easel.database.read() as session:
            anything = await looks.is_anything_kept(session)
        if anything:
            async with self.easel.database.write() as tx:
                await looks.forget(tx)

    async def _think_of_summoning(self) -> None:
        settings = self.easel.settings.painting
        if not settings.local:
            return
        model = await asyncio.to_thread(_here, settings.recogniser)
        if not model:
            return
        async with self.easel.database.read() as session:
            due = await looks.is_due(session, model, BATCH, PATIENCE)
        if due:
            await self.summon()


def _here(name: str) -> str:
    """What the model on this machine is called that sees what pictures show; empty: there is
    none."""
    try:
        helper = helpers.choose("recognition", name)
    except catalogue.UnknownModel:
        return ""
    return helper.name if helper is not None and helpers.here(helper) is not None else ""
