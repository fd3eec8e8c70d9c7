"""What is said in the logs while a test goes on: an exception there is a failure, whoever
swallowed it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
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


@contextmanager
def nothing_fails() -> Iterator[None]:
    """Fails if any exception or error reaches a log, ours or a library's, inside the context."""
    heard: list[Any] = []
    ear = _Ear(heard)
    root = logging.getLogger()
    root.addHandler(ear)

    def hear(_: Any, level: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if level in LOUD or entry.get("exc_info"):
            heard.append((entry, traceback.format_exc()))
        raise structlog.DropEvent

    # in place, as structlog's own capture_logs: loggers that are bound hold this very list
    processors = structlog.get_config()["processors"]
    usual = processors.copy()
    processors[:] = [hear]
    try:
        yield
    finally:
        processors[:] = usual
        root.removeHandler(ear)
    assert not heard, heard
