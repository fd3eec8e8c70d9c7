"""What is said in the logs while a test goes on."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

LOUD = {"error", "critical", "exception"}
OTHERS = ("aiohttp.server",)  # the peer's own server, which our test may have made to stumble


class _Ear(logging.Handler):
    def __init__(self, heard: list[Any]) -> None:
        super().__init__(logging.ERROR)
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in OTHERS:
            self.heard.append((record.name, record.getMessage(), record.exc_info))


Hear = Callable[[str, structlog.typing.EventDict], None]


@contextmanager
def _heard_by(hear: Hear) -> Iterator[None]:
    """What our own code logs goes to `hear`, and nowhere else, however logs are configured."""

    def hand_over(
        _: Any, level: str, entry: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        hear(level, entry)
        raise structlog.DropEvent

    # in place, as structlog's own capture_logs: loggers that are bound hold this very list
    processors = structlog.get_config()["processors"]
    usual = processors.copy()
    processors[:] = [hand_over]
    try:
        yield
    finally:
        processors[:] = usual


@contextmanager
def listening() -> Iterator[list[structlog.typing.EventDict]]:
    """What our own code logs inside the context, an entry each with its `event` and `level`."""
    entries: list[structlog.typing.EventDict] = []
    with _heard_by(lambda level, entry: entries.append({**entry, "level": level})):
        yield entries


@contextmanager
def nothing_fails() -> Iterator[None]:
    """Fails if any exception or error reaches a log, ours or a library's, inside the context."""
    heard: list[Any] = []
    ear = _Ear(heard)
    root = logging.getLogger()
    root.addHandler(ear)

    def hear(level: str, entry: structlog.typing.EventDict) -> None:
        if level in LOUD or entry.get("exc_info"):
            heard.append((entry, traceback.format_exc()))

    try:
        with _heard_by(hear):
            yield
    finally:
        root.removeHandler(ear)
    assert not heard, heard
