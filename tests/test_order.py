"""Tests that take long begin first, so that none of them is waited for alone."""

from __future__ import annotations

import pytest


def test_what_takes_long_begins_before_all_else(request: pytest.FixtureRequest) -> None:
    long = [item.get_closest_marker("long") is not None for item in request.session.items]
    assert long == sorted(long, reverse=True)
