"""Which addresses may be connected to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct


class AddressPolicy(Struct, frozen=True, kw_only=True):
    """What the client may reach. With `allow_private` (development, tests, a closed network)
    every unicast address is allowed, and names under `.localhost` are loopback (RFC 6761)."""

    allow_private: bool = False

    def allows(self, address: IPv4Address | IPv6Address | str) -> bool:
        """Whether a connection to this address may be made; False for what is no address."""
        raise NotImplementedError

    def answer(self, name: str) -> list[str] | None:
        """Addresses that we answer ourselves, without DNS: loopback for `.localhost` where
        private addresses are allowed; None for every other name."""
        raise NotImplementedError
