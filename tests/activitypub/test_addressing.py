"""Visibility from addressing and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activitypub.addressing import (
    PUBLIC,
    Visibility,
    address,
    read_visibility,
    without_blind,
)

FOLLOWERS = "https://a.example/users/alice/followers"
BOB = "https://b.example/users/bob"


@pytest.mark.parametrize("public", [PUBLIC, "as:Public", "Public"])
def test_every_spelling_of_public_is_public(public: str) -> None:
    assert read_visibility([public], [FOLLOWERS], FOLLOWERS) == "public"
    assert read_visibility([FOLLOWERS], [public], FOLLOWERS) == "unlisted"


@pytest.mark.parametrize(
    ("to", "cc", "followers", "visibility"),
    [
        ([FOLLOWERS], [], FOLLOWERS, "private"),
        ([BOB], [FOLLOWERS], FOLLOWERS, "private"),
        ([BOB], [], FOLLOWERS, "direct"),
        ([], [], FOLLOWERS, "direct"),
        ([], [], None, "direct"),
        (["https://evil.example/#Public"], [], None, "direct"),
    ],
)
def test_reading(to: list[str], cc: list[str], followers: str | None, visibility: str) -> None:
    assert read_visibility(to, cc, followers) == visibility


@given(st.sampled_from(Visibility), st.lists(st.sampled_from([BOB, "https://c.example/u/c"])))
def test_what_is_written_is_read_back(visibility: Visibility, mentions: list[str]) -> None:
    to, cc = address(visibility, FOLLOWERS, mentions)
    assert read_visibility(to, cc, FOLLOWERS) is visibility
    assert set(mentions) <= {*to, *cc}
    assert len({*to, *cc}) == len(to) + len(cc)


def test_a_direct_post_names_nobody_but_its_readers() -> None:
    assert address("direct", FOLLOWERS, [BOB]) == ([BOB], [])


def test_blind_recipients_leave_every_level() -> None:
    document = {"type": "Create", "bto": [BOB], "object": {"bcc": BOB, "content": "x"}}
    assert without_blind(document) == {"type": "Create", "object": {"content": "x"}}
    assert document["bto"] == [BOB]
