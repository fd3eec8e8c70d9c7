"""Connections to addresses that may be reached.

The address that is connected to is the address that was checked: our resolver filters what DNS
says, and `connect_to` sees the very address of every connection, literals included.
"""

from __future__ import annotations

import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from activitypub.network import AddressPolicy, is_localhost


class AddressRefused(OSError):
    """The name leads to, or the literal is, an address that the policy refuses."""


class Resolver(AbstractResolver):
    """DNS, less the addresses that must not be reached."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        own = self._policy.answer(host)
        if own is not None:
            return [_result(host, address, port) for address in own]
        if is_localhost(host):  # never a question for DNS (RFC 6761, 6.3)
            raise AddressRefused(f"{host} has no address that may be reached.")
        found = await self._system.resolve(host, port, family)
        allowed = [result for result in found if self._policy.allows(result["host"])]
        if not allowed:
            raise AddressRefused(f"{host} has no address that may be reached.")
        return allowed

    async def close(self) -> None:
        await self._system.close()


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
