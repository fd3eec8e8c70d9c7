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
        ("https://swicg.github.io/activitypub-api/scopes#readall", "read:lists", True),
        ("https://swicg.github.io/activitypub-api/scopes#follow", "write:follows", True),
        ("https://swicg.github.io/activitypub-api/scopes#follow", "write:statuses", False),
        ("activitypub:read:me:inbox", "read:statuses", True),
        ("activitypub:read:me:inbox", "write:statuses", False),
        ("activitypub:write:all", "write:media", True),
        ("activitypub:write:create", "write:statuses", True),
        ("activitypub:write:create", "read:statuses", False),
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
        ("activitypub:write:follow", "follow", True),
        ("activitypub:write:all", "write:statuses", False),
        ("write:follows", "activitypub:write:follow", True),
        ("write", "activitypub:write:follow", False),
    ],
)
def test_nobody_gets_more_than_there_is(asked: str, held: str, within: bool) -> None:
    assert scopes.within(asked.split(), held.split()) is within


def test_scopes_are_read_once_each_and_known() -> None:
    assert scopes.parse("read  write read") == ["read", "write"]
    assert scopes.parse(" ") == ["read"]
    assert scopes.parse("read activitypub:write:like:sameorigin write:sameorigin") == ["read"]
    for unknown in ("write:sameorigin", "activitypub:all", f"{scopes.PROFILE_URL}reactlocal"):
        with pytest.raises(Invalid):
            scopes.parse(unknown)
    for unknown in ("write:foo", "READ", "admin", "read,write", "x" * 5000):
        with pytest.raises(Invalid):
            scopes.parse(unknown)


def test_every_scope_is_said_in_words() -> None:
    for scope in scopes.SUPPORTED:
        assert scopes.in_words([scope])
    assert scopes.in_words([f"{scopes.PROFILE_URL}createcontent"]) == ["Change your statuses"]
    assert scopes.in_words(["read", "read:statuses"]) == [scopes.WORDS["read"]]
    assert scopes.in_words(["write:media", "write:statuses"]) == ["Change your media, statuses"]


def test_all_of_them_together_can_be_asked_for() -> None:
    assert scopes.parse(" ".join(scopes.SUPPORTED)) == list(scopes.SUPPORTED)
