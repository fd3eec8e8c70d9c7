"""Addresses that must not be reached (attacks.md 43)."""

from __future__ import annotations

import pytest

from activitypub.network import AddressPolicy

PUBLIC = AddressPolicy()
PRIVATE = AddressPolicy(allow_private=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "169.254.169.254", "10.0.0.1",
        "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
        "198.18.0.1", "198.19.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1",
        "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1", "239.255.255.255",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1",
        "::ffff:8.8.8.8", "::7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "3ffe::1",
        "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fc00::1", "fd12::1", "fec0::1",
        "ff02::1", "100::1", "5f00::1", "4000::1", "", "example.org", "2130706433", "0x7f.1",
        "0177.0.0.1", "127.1", "0", "1.2.3.4 ", "1.2.3.4\n",
    ],
)  # fmt: skip
def test_special_addresses_are_refused(address: str) -> None:
    assert not PUBLIC.allows(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "192.0.1.1", "2606:4700:4700::1111", "64:ff9b::808:808"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert PUBLIC.allows(address)
    assert PRIVATE.allows(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fc00::1"])
def test_a_closed_network_may_be_allowed(address: str) -> None:
    assert PRIVATE.allows(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "::", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "224.0.0.1",
        "ff02::1",
    ],
)  # fmt: skip
def test_no_peer_lives_there_even_on_a_closed_network(address: str) -> None:
    assert not PRIVATE.allows(address)


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "A.LocalHost.", "b.a.localhost"])
def test_localhost_is_answered_only_where_private_addresses_are_allowed(name: str) -> None:
    assert PRIVATE.answer(name) == ["127.0.0.1", "::1"]
    assert PUBLIC.answer(name) is None


@pytest.mark.parametrize("name", ["example.org", "notlocalhost", "localhost.example.org", ""])
def test_other_names_are_for_dns(name: str) -> None:
    assert PRIVATE.answer(name) is None
