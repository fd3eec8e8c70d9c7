"""Windows in which requests are counted."""

from __future__ import annotations

from datetime import timedelta

from fedi.api.mastodon import throttle
from fedi.api.mastodon.throttle import Throttle
from fedi.clock import FakeClock


def test_a_window_ends_when_the_clock_says_so() -> None:
    clock = FakeClock()
    counts = Throttle(clock, 10)
    assert [counts.account(7).remaining for _ in range(10)] == list(range(9, -1, -1))
    refused = counts.account(7)
    assert not refused.allowed and refused.reset == clock.now() + timedelta(minutes=5)
    assert refused.headers(clock.now())["Retry-After"] == "300"
    assert counts.account(8).allowed
    clock.advance(timedelta(minutes=5))
    assert counts.account(7).remaining == 9


def test_an_address_without_an_account_has_a_fifth_and_ipv6_counts_by_network() -> None:
    counts = Throttle(FakeClock(), 10)
    assert [counts.address(f"2001:db8::{n}").allowed for n in (1, 2, 3)] == [True, True, False]
    assert counts.address("2001:db8:0:1::1").allowed
    assert counts.address("192.0.2.1").allowed and counts.address("192.0.2.2").allowed
    assert counts.address("not an address").allowed


def test_limits_of_their_own_are_counted_apart() -> None:
    counts = Throttle(FakeClock(), 10)
    for _ in range(throttle.UPLOADS.amount):
        assert counts.hit(throttle.UPLOADS, "7").allowed
    assert not counts.hit(throttle.UPLOADS, "7").allowed
    assert counts.hit(throttle.DELETIONS, "7").allowed and counts.account(7).allowed


def test_what_is_counted_has_a_bound() -> None:
    counts = Throttle(FakeClock(), 10)
    for number in range(throttle.MAX_COUNTS + 10):
        counts.account(number)
    assert counts.account(throttle.MAX_COUNTS).remaining == 8
    assert counts.account(0).remaining == 9  # forgotten, and begun anew
