"""Every connection that this process makes, as Python itself tells of them; and names that DNS
answers as somebody who owns it likes."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

# Nobody here is asked: a test that means one of these is told that it is not there.
ELSEWHERE = ("1.1.1.7", "2606:4700::1111")

Address = tuple[str, int]

_heard: list[list[Address]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not _heard or not isinstance(arguments[1], tuple):
        return
    address, port = str(arguments[1][0]), int(arguments[1][1])
    for heard in _heard:
        heard.append((address, port))
    if address in ELSEWHERE:
        raise ConnectionRefusedError(f"{address} is only meant, not asked")


sys.addaudithook(_hear)  # which nothing takes away again; it is silent where nobody listens


@contextmanager
def heard() -> Iterator[list[Address]]:
    """The addresses and ports that are connected to inside the context, in order. Those of
    `ELSEWHERE` are refused before anything leaves this machine."""
    addresses: list[Address] = []
    _heard.append(addresses)
    try:
        yield addresses
    finally:
        _heard.remove(addresses)


class Names:
    """The DNS of the outer world: each name has answers that are given in turn, the last again
    and again. `asked` counts the questions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[tuple[str, ...]]] = {}
        self.asked: list[str] = []
        truly = socket.getaddrinfo

        def getaddrinfo(host: Any, port: Any, *rest: Any, **named: Any) -> list[Any]:
            if host not in self.answers:
                return truly(host, port, *rest, **named)
            return [_found(address, port) for address in self._next(host)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    def _next(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        waiting = self.answers[host]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _found(address: str, port: int) -> tuple[Any, ...]:
    """An address as `getaddrinfo` has it."""
    inet6 = ":" in address
    family = socket.AF_INET6 if inet6 else socket.AF_INET
    where = (address, port, 0, 0) if inet6 else (address, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where
