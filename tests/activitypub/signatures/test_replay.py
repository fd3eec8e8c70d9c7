"""Requests that came before are known, for as long as they could be believed (attacks.md 12)."""

from __future__ import annotations

from datetime import timedelta

from activitypub.signatures import Replays, Verified
from activitypub.signatures.replay import REMEMBERED_FOR
from tests.activitypub.signatures.conftest import ALICE, KEY_ID, NOW


def request(signature: bytes, key_id: str = KEY_ID) -> Verified:
    return Verified(key_id=key_id, owner=ALICE, signature=signature)


def test_a_request_is_known_once_it_was_taken_in() -> None:
    replays = Replays()
    assert not replays.seen(request(b"1"), NOW)
    assert not replays.seen(request(b"1"), NOW)
    replays.remember(request(b"1"), NOW)
    assert replays.seen(request(b"1"), NOW)
    assert not replays.seen(request(b"2"), NOW)
    assert not replays.seen(request(b"1", f"{KEY_ID}2"), NOW)


def test_it_is_known_for_as_long_as_a_signature_holds() -> None:
    replays = Replays()
    replays.remember(request(b"1"), NOW)
    assert replays.seen(request(b"1"), NOW + REMEMBERED_FOR - timedelta(seconds=1))
    assert not replays.seen(request(b"1"), NOW + REMEMBERED_FOR)


def test_the_oldest_makes_room() -> None:
    replays = Replays(size=3)
    for number in range(5):
        replays.remember(request(bytes([number])), NOW)
    assert [replays.seen(request(bytes([number])), NOW) for number in range(5)] == [
        False, False, True, True, True,
    ]  # fmt: skip
