"""64-bit ids that sort by time, as Mastodon's clients expect: 48 bits of milliseconds, 16 below."""

from __future__ import annotations

import re
import secrets
import threading
from datetime import UTC, datetime

MAX = 2**63 - 1  # what the database can hold

_SEQUENCE_BITS = 16
_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_lock = threading.Lock()
_last = 0


def new(now: datetime) -> int:
    """A fresh id for something that comes into being at `now`.

    Ids made by one process never repeat and never go backwards within a millisecond; the low
    bits begin at random, so that several processes on one database do not meet.
    """
    global _last
    floor = int(now.timestamp() * 1000) << _SEQUENCE_BITS
    with _lock:
        if _last >> _SEQUENCE_BITS == floor >> _SEQUENCE_BITS:
            _last += 1
        else:
            _last = floor | secrets.randbits(_SEQUENCE_BITS - 1)
        return _last


def parse(text: object) -> int | None:
    """An id as it is written, in digits; None for whatever cannot be one."""
    if not isinstance(text, str) or not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAX else None


def at(moment: datetime) -> int:
    """An id for something that came into being at `moment`, long ago, and is only known now."""
    return floor(moment) | secrets.randbits(_SEQUENCE_BITS)


def floor(moment: datetime) -> int:
    """The smallest id that something at `moment` can have: for paging and pruning by time."""
    return int(moment.timestamp() * 1000) << _SEQUENCE_BITS


def moment(number: int) -> datetime:
    """When something with this id came into being, as far as its id tells."""
    return datetime.fromtimestamp((number >> _SEQUENCE_BITS) / 1000, UTC)
