"""Connections to addresses that may be reached.

The address that is connected to is the address that was checked: our resolver filters what DNS
says, and `connect_to` sees the very address of every connection, literals included.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from activitypub.network import AddressPolicy, is_localhost

LOOKUPS_LIMIT = 64
"""Names looked up at once, each by a thread of its own. An event loop has few threads (uvloop
four), and a dead server's name keeps one for half a minute: living servers would wait for them."""


class AddressRefused(OSError):
    """The name leads to, or the literal is, an address that the policy refuses."""


class Resolver(AbstractResolver):
    """DNS, less the addresses that must not be reached."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(LOOKUPS_LIMIT, thread_name_prefix="name")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        own = self._policy.answer(host)
        if own is not None:
            return [_result(host, address, port) for address in own]
        if is_localhost(host):  # never a question for DNS (RFC 6761, 6.3)
            raise AddressRefused(f"{host} has no address that may be reached.")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port, family)
        allowed = [result for result in found if self._policy.allows(result["host"])]
        if not allowed:
            raise AddressRefused(f"{host} has no address that may be reached.")
        return allowed

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def connect_to(policy: AddressPolicy, info: tuple[Any, ...]) -> socket.socket:
    """A socket for this very address, if the policy allows it.

    Args:
        info: the address, as `socket.getaddrinfo` has it.

    Raises:
        AddressRefused: it does not.
    """
    family, kind, protocol, _, address = info
    if not policy.allows(str(address[0])):
        raise AddressRefused(f"{address[0]} may not be reached.")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    """What DNS says; raises `OSError`."""
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    # An IPv6 address with a scope, its fourth part, is of this link alone.
    return [
        _result(host, str(address[0]), port)
        for *_, address in found
        if len(address) < 4 or not address[3]
    ]


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )
