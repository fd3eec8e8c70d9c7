"""The digest and the header of FEP-8fcf."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activitypub.errors import Malformed
from activitypub.synchronisation import NOBODY, Synchronisation, digest

EXAMPLE = (
    'collectionId="https://example.org/users/1/followers", '
    'url="https://example.org/users/1/followers_synchronization", '
    'digest="c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"'
)


def test_the_digest_is_that_of_the_proposal() -> None:
    followers = ["https://testing.example.org/users/1", "https://testing.example.org/users/2"]
    assert digest(followers) == Synchronisation.parse(EXAMPLE).digest
    assert digest(reversed(followers)) == digest([*followers, *followers])
    assert digest([]) == NOBODY


def test_the_header_is_read_as_it_is_written() -> None:
    told = Synchronisation.parse(EXAMPLE)
    assert told.collection_id == "https://example.org/users/1/followers"
    assert told.url == "https://example.org/users/1/followers_synchronization"
    assert told.header() == EXAMPLE
    assert Synchronisation.parse(EXAMPLE.replace(", ", ",")) == told
    assert Synchronisation.parse(EXAMPLE + ',other="thing"') == told


@pytest.mark.parametrize(
    "header",
    ["", "x", 'collectionId="https://a.example/f"', EXAMPLE + "," + EXAMPLE, EXAMPLE[:-1],
     EXAMPLE.replace("https://example.org/users/1/followers_", "file:///"),
     EXAMPLE.replace("c33f48", "zzzzzz"), EXAMPLE.replace('c61f"', '"'), EXAMPLE * 50],
)  # fmt: skip
def test_a_header_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(Malformed):
        Synchronisation.parse(header)


@given(st.text())
def test_whatever_comes_is_read_or_refused(header: str) -> None:
    try:
        Synchronisation.parse(header)
    except Malformed:
        pass
