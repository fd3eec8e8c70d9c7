"""Requests that were taken in already, known by their signatures."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import datetime

from activitypub.signatures.verdict import Verified
from activitypub.signatures.verify import LIFETIME_LIMIT, SKEW

REMEMBERED_FOR = LIFETIME_LIMIT + 2 * SKEW
"""How long a signature can hold: from an hour before it was made to an hour after its end."""

REQUESTS_KEPT = 20_000
"""Requests remembered, about 200 bytes each. Whoever pushes one out by sending more gains nothing
from repeating it: what was asked for is remembered by its id for much longer."""


class Replays:
    """The requests of the last hours. Each call is told what time it is."""

    def __init__(self, *, size: int = REQUESTS_KEPT) -> None:
        self._size = size
        self._taken: OrderedDict[bytes, float] = OrderedDict()

    def seen(self, request: Verified, now: datetime) -> bool:
        """Whether this very request was taken in before."""
        taken = self._taken.get(digest(request))
        return taken is not None and now.timestamp() - taken < REMEMBERED_FOR.total_seconds()

    def remember(self, request: Verified, now: datetime) -> None:
        """Note that a request was taken in, once that is certain."""
        self._taken[digest(request)] = now.timestamp()
        if len(self._taken) > self._size:
            self._taken.popitem(last=False)


def digest(request: Verified) -> bytes:
    """What tells a signed request from all others: 16 bytes."""
    named = hashlib.blake2b(request.signature, digest_size=16)
    named.update(request.key_id.encode())
    return named.digest()
