"""What one scope holds of another."""

from __future__ import annotations

import pytest

from fedi.social import scopes
from fedi.social.errors import Invalid


@pytest.mark.parametrize(
    ("held", "wanted", "may"),
    [
        ("read", "read:statuses", True),
        ("read", "read", True),
        ("read:statuses", "read:statuses", True),
        ("read:statuses", "read", False),
        ("read:statuses", "read:accounts", False),
        ("read", "write:statuses", False),
        ("write", "read:statuses", False),
        ("follow", "write:follows", True),
        ("follow", "read:blocks", True),
        ("follow", "write:mutes", True),
        ("follow", "write:statuses", False),
        ("follow", "write", False),
        ("admin:read", "admin:read:accounts", True),
        ("admin:read", "admin:write:accounts", False),
        ("admin:read:accounts", "admin:read", False),
        ("read write", "admin:read", False),
        ("profile", "read:accounts", False),
        ("", "read", False),
    ],
)
def test_a_whole_holds_its_parts_and_no_more(held: str, wanted: str, may: bool) -> None:
    assert scopes.granted(held.split(), wanted) is may


@pytest.mark.parametrize(
    ("asked", "held", "within"),
    [
        ("read:statuses", "read", True),
        ("read", "read:statuses", False),
        ("follow", "read write", True),
        ("follow", "read", False),
        ("write:follows", "follow", True),
        ("read push", "read", False),
        ("admin:read", "read write follow", False),
    ],
)
def test_nobody_gets_more_than_there_is(asked: str, held: str, within: bool) -> None:
    assert scopes.within(asked.split(), held.split()) is within


def test_scopes_are_read_once_each_and_known() -> None:
    assert scopes.parse("read  write read") == ["read", "write"]
    assert scopes.parse(" ") == ["read"]
    for unknown in ("write:foo", "READ", "admin", "read,write", "x" * 5000):
        with pytest.raises(Invalid):
            scopes.parse(unknown)


def test_every_scope_is_said_in_words() -> None:
    for scope in scopes.ALL:
        assert scopes.in_words([scope])
    assert scopes.in_words(["read", "read:statuses"]) == [scopes.WORDS["read"]]
    assert scopes.in_words(["write:media", "write:statuses"]) == ["Change your media, statuses"]
