"""Somebody who listens, and what waits to be sent to them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import msgspec

from fedi.api.auth import Caller
from fedi.api.mastodon.streaming.channels import Channel

MAX_WAITING = 256  # events; who is so far behind is closed, and asks for timelines again
MAX_STREAMS = 64  # of one connection: all that there are, lists and hashtags included


class Told:
    """One event, written once for all who hear it.

    Args:
        event: such as `update`; empty: it has no name (browsers call it `message`).
        payload: JSON, or a plain id.
        id: by which whoever was cut off says what they heard last; empty: it cannot be missed.
    """

    def __init__(self, event: str, payload: str, id: str = "") -> None:
        self.event = event
        self.payload = payload
        self.id = id
        self._frames: dict[tuple[str, ...], str] = {}
        self._rest = ""
        self._text = b""

    def frame(self, label: tuple[str, ...]) -> str:
        """As a message of a WebSocket."""
        found = self._frames.get(label)
        if found is None:
            if not self._rest:
                said = {"event": self.event, "payload": self.payload}
                self._rest = msgspec.json.encode(said).decode()[1:]
            stream = msgspec.json.encode(label).decode()
            found = self._frames[label] = f'{{"stream":{stream},{self._rest}'
        return found

    def text(self) -> bytes:
        """As a server-sent event."""
        if not self._text:
            named = f"id: {self.id}\n" if self.id else ""
            named += f"event: {self.event}\n" if self.event else ""
            self._text = f"{named}data: {self.payload}\n\n".encode()
        return self._text


@dataclass(eq=False)
class Connection:
    """One WebSocket, or one stream of server-sent events.

    Attributes:
        ended: set when the server ends it; then `code` and `reason` say why.
    """

    who: Caller
    channels: dict[Channel, Channel] = field(default_factory=dict)
    waiting: asyncio.Queue[tuple[Told, tuple[str, ...]]] = field(
        default_factory=lambda: asyncio.Queue(MAX_WAITING)
    )
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    code: int = 1000
    reason: str = ""

    @property
    def account_id(self) -> int:
        return self.who.account.id

    def tell(self, told: Told, channel: Channel) -> None:
        """Put an event in line; end the connection where the line is full."""
        label = self.channels.get(channel, channel).label
        if self.ended.is_set():
            return
        try:
            self.waiting.put_nowait((told, label))
        except asyncio.QueueFull:
            self.end(1013, "This client does not keep up.")

    def end(self, code: int, reason: str) -> None:
        """End it from this side; what waits is not sent any more."""
        if self.ended.is_set():
            return
        self.code, self.reason = code, reason
        self.ended.set()
        while not self.waiting.empty():
            self.waiting.get_nowait()
