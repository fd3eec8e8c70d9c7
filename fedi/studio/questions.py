"""What people ask of painters besides painting: words, and a look at their pictures.

A question goes to a connected painter that can answer it, one at a time for each painter, in the
order in which they came. Nothing of it is kept: who leaves is forgotten, and the model stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, overload

from fedi.runtime import Easel
from generation import catalogue, helpers, protocol
from generation.abilities import Abilities
from generation.catalogue import Kind
from generation.protocol import Drop, FromServer, Look, Looked, Suggest, Suggested

WAIT_S = 60.0  # longer than a small model takes on a processor; then the rules must do
SUGGESTS = frozenset(("suggests",))


class Helper(Protocol):
    """A connected painter, as this module needs it."""

    suggests: bool
    can: Abilities
    asked: str  # the request that it is working on; empty: none

    @property
    def stays(self) -> bool:
        """Whether it is given anything new."""

    def send(self, message: FromServer) -> None: ...

    def put(self, frame: str | bytes) -> None: ...


@dataclass(eq=False)
class _Question:
    request: str
    frame: str | bytes
    needs: frozenset[str]  # any of it
    answer: asyncio.Future[Suggested | Looked]
    helper: Helper | None = None

    @property
    def waits(self) -> bool:
        """Whether nobody was asked yet."""
        return self.helper is None and not self.answer.done()


@dataclass(eq=False)
class Questions:
    """The questions of this process.

    Args:
        easel: the instance.
        summon: starts the local painter; False if this machine does not paint.
    """

    easel: Easel
    summon: Callable[[], Awaitable[bool]]
    _helpers: list[Helper] = field(default_factory=list)
    _asking: dict[str, _Question] = field(default_factory=dict)

    @overload
    async def ask(self, message: Suggest, needs: frozenset[str]) -> Suggested | None: ...

    @overload
    async def ask(
        self,
        message: Look,
        needs: frozenset[str],
        pictures: Mapping[str, bytes],
    ) -> Looked | None: ...

    async def ask(
        self,
        message: Suggest | Look,
        needs: frozenset[str],
        pictures: Mapping[str, bytes] | None = None,
    ) -> Suggested | Looked | None:
        """Ask who can do any of what is needed; None where nobody can.

        Raises:
            TimeoutError: it does not answer.
        """
        frame = (
            protocol.encode(message)
            if isinstance(message, Suggest)
            else protocol.with_pictures(message, pictures or {})
        )
        answer: asyncio.Future[Suggested | Looked] = asyncio.get_running_loop().create_future()
        asking = _Question(message.request, frame, needs, answer)
        self._asking[message.request] = asking
        try:
            if not await self._somebody(needs):
                return None
            self._hand_out()
            async with asyncio.timeout(WAIT_S):
                return await asking.answer
        finally:
            self._forget(asking)

    async def could(self, needs: frozenset[str]) -> bool:
        """Whether somebody is connected, or could be started, who can do any of this."""
        if any(_can(helper) & needs for helper in self._helpers):
            return True
        settings = self.easel.settings
        names: dict[str, tuple[Kind, str]] = {
            "suggests": ("language", settings.words.language_model),
            "describes": ("description", settings.words.describer),
            "judges": ("safety", settings.safety.classifier),
        }
        if not settings.painting.local:
            return False
        return await asyncio.to_thread(lambda: any(_is_here(*names[need]) for need in needs))

    def came(self, helper: Helper) -> None:
        """A painter has connected."""
        self._helpers.append(helper)
        self._hand_out()

    def left(self, helper: Helper) -> None:
        """A painter's connection is over: another is asked what it was asked."""
        if helper in self._helpers:
            self._helpers.remove(helper)
            for asking in self._asking.values():
                if asking.helper is helper:
                    asking.helper = None
            self._hand_out()

    def answered(self, helper: Helper, message: Suggested | Looked) -> None:
        """A painter has said what it has to say."""
        if helper.asked == message.request:
            helper.asked = ""
        asking = self._asking.get(message.request)
        if (
            asking is not None
            and asking.helper is helper
            and not asking.answer.done()
            # A proposal is no answer to who asked for a look.
            and isinstance(message, Suggested) is (asking.needs == SUGGESTS)
        ):
            asking.answer.set_result(message)
        self._hand_out()

    async def tend(self) -> None:
        """Give what waits to who can be asked by now; have somebody come if all have gone."""
        self._hand_out()
        for needs in {asking.needs for asking in self._asking.values() if asking.waits}:
            if not any(_can(helper) & needs for helper in self._helpers):
                await self._somebody(needs)

    def _hand_out(self) -> None:
        for asking in list(self._asking.values()):
            ready = [
                helper
                for helper in self._helpers
                if helper.stays and not helper.asked and _can(helper) & asking.needs
            ]
            if asking.waits and ready:
                # Who can do the most of it, the first that came.
                free = max(ready, key=lambda helper: len(_can(helper) & asking.needs))
                asking.helper, free.asked = free, asking.request
                free.put(asking.frame)

    def _forget(self, asking: _Question) -> None:
        self._asking.pop(asking.request, None)
        answered = asking.answer.done() and not asking.answer.cancelled()
        if asking.helper is not None and not answered:
            # Its painter is free again when it says that it has stopped.
            asking.helper.send(Drop(request=asking.request))

    async def _somebody(self, needs: frozenset[str]) -> bool:
        """Whether there is somebody who can do any of this, now or in a moment."""
        if any(_can(helper) & needs for helper in self._helpers):
            return True
        return await self.could(needs) and await self.summon()


def _can(helper: Helper) -> set[str]:
    """What a painter can do for somebody who writes."""
    can = {"suggests"} if helper.suggests else set()
    if helper.can.looks:
        can |= {"describes"} if helper.can.describes else set()
        can |= {"judges"} if helper.can.judges else set()
    return can


def _is_here(kind: Kind, name: str) -> bool:
    try:
        helper = helpers.choose(kind, name)
    except catalogue.UnknownModel:
        return False
    return helper is not None and helpers.here(helper) is not None
