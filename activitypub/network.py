"""Which addresses may be connected to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from msgspec import Struct

REFUSED_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA special-purpose IPv4; `is_global` misses several of these (facts of CVE-2026-50131)."""

GLOBAL_6 = IPv6Network("2000::/3")
"""The only IPv6 block that is handed out for the public internet. Outside it lie loopback,
unspecified, mapped and compatible IPv4 (CVE-2026-46348, CVE-2026-47389), local and site-local."""

REFUSED_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo (which embeds IPv4) among them
        "2001:db8::/32",
        "2002::/16",  # 6to4 embeds IPv4
        "3ffe::/16",  # 6bone, returned
        "3fff::/20",  # documentation
    )
)

NAT64 = IPv6Network("64:ff9b::/96")
"""How a host without IPv4 reaches IPv4 (RFC 6052): allowed where the IPv4 inside is."""

NEVER_4 = tuple(
    IPv4Network(network)
    for network in ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
"""No peer lives there even on a closed network: no unicast, or a cloud's metadata service."""

NEVER_6 = (IPv6Network("::/128"), IPv6Network("fe80::/10"), IPv6Network("ff00::/8"))

LOOPBACK = ("127.0.0.1", "::1")


class AddressPolicy(Struct, frozen=True, kw_only=True):
    """What the client may reach. With `allow_private` (development, tests, a closed network)
    every unicast address but link-local is allowed, and names under `.localhost` are loopback
    (RFC 6761)."""

    allow_private: bool = False

    def allows(self, address: IPv4Address | IPv6Address | str) -> bool:
        """Whether a connection to this address may be made; False for what is no address."""
        if isinstance(address, str):
            try:
                address = ip_address(address)
            except ValueError:
                return False
        if isinstance(address, IPv4Address):
            refused = NEVER_4 if self.allow_private else REFUSED_4
            return not any(address in network for network in refused)
        if address.scope_id is not None:
            return False
        if address in NAT64:
            return self.allows(_inside(address))
        if address.ipv4_mapped is not None:
            return self.allow_private and self.allows(address.ipv4_mapped)
        if self.allow_private:
            return not any(address in network for network in NEVER_6)
        return address in GLOBAL_6 and not any(address in network for network in REFUSED_6)

    def answer(self, name: str) -> list[str] | None:
        """Addresses that we answer ourselves, without DNS: loopback for `.localhost` where
        private addresses are allowed; None for every other name."""
        if self.allow_private and is_localhost(name):
            return list(LOOPBACK)
        return None


def is_localhost(name: str) -> bool:
    """Whether a host name is `localhost` or under it (RFC 6761, 6.3)."""
    name = name.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def _inside(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)
