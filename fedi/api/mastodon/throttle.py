"""How much an app may ask for: counted in windows by `limits`, told in `X-RateLimit-*` as
Mastodon does, and in `RateLimit` (draft-ietf-httpapi-ratelimit-headers).

Counts are kept in memory, by process: who is spread over several has as many times the room.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage.base import Storage
from limits.strategies import FixedWindowRateLimiter

from fedi.api.mastodon.entities import moment
from fedi.clock import Clock
from fedi.runtime import Easel
from fedi.social import attempts

# Of Mastodon 4.6 (`rack_attack.rb` and `rate_limiter.rb`), where it has them.
WINDOW_MINUTES = 5  # of `server.api_requests`
NOBODYS_SHARE = 5  # an address without an account may ask for so many times less
UPLOADS = RateLimitItemPerMinute(30, 30, namespace="uploads")
DELETIONS = RateLimitItemPerMinute(30, 30, namespace="deletions")
POSTS = RateLimitItemPerHour(300, 3, namespace="posts")
FOLLOWS = RateLimitItemPerHour(400, 24, namespace="follows")
REPORTS = RateLimitItemPerHour(400, 24, namespace="reports")
FETCHES = RateLimitItemPerMinute(300, 5, namespace="fetches")  # ours: Mastodon has no `proxyUrl`

MAX_COUNTS = 100_000  # accounts and addresses at once; about 30 MB, and the oldest goes first

_throttles: WeakKeyDictionary[Easel, Throttle] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far somebody is within a limit."""

    allowed: bool
    limit: int
    remaining: int
    reset: datetime
    window: int  # seconds

    def headers(self, now: datetime) -> dict[str, str]:
        wait = max(1, int((self.reset - now).total_seconds() + 0.999))
        told = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": moment(self.reset),
            "RateLimit-Policy": f'"default";q={self.limit};w={self.window}',
            "RateLimit": f'"default";r={self.remaining};t={wait}',
        }
        if not self.allowed:
            told["Retry-After"] = str(wait)
        return told


class Throttle:
    """The counts of one instance.

    Args:
        clock: what time it is.
        requests: how many an account may make in a window.
    """

    def __init__(self, clock: Clock, requests: int) -> None:
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(_Counts(clock))
        self._usual = RateLimitItemPerMinute(requests, WINDOW_MINUTES, namespace="api")
        nobodys = max(1, requests // NOBODYS_SHARE)
        self._nobodys = RateLimitItemPerMinute(nobodys, WINDOW_MINUTES, namespace="nobody")

    def account(self, account_id: int) -> Standing:
        """Count a request of an account."""
        return self.hit(self._usual, str(account_id))

    def address(self, address: str) -> Standing:
        """Count a request of nobody in particular."""
        return self.hit(self._nobodys, attempts.network(address))

    def hit(self, limit: RateLimitItem, whose: str) -> Standing:
        """Count something of somebody."""
        allowed = self._limiter.hit(limit, whose)
        stats = self._limiter.get_window_stats(limit, whose)
        reset = datetime.fromtimestamp(stats.reset_time, UTC)
        left = max(0, stats.remaining)
        return Standing(allowed, limit.amount, left, reset, limit.get_expiry())


def of(easel: Easel) -> Throttle:
    """The counts of an instance."""
    found = _throttles.get(easel)
    if found is None:
        found = Throttle(easel.clock, easel.settings.server.api_requests)
        _throttles[easel] = found
    return found


class _Counts(Storage):
    """Counts that end when the instance's clock says so. The memory storage of `limits` has a
    thread look through all of its keys with every request, and knows no other clock."""

    STORAGE_SCHEME = ["easel"]  # noqa: RUF012 (declared so by `limits`)

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        count, ends = self._counts.get(key, (0, 0.0))
        if ends <= self._now():
            count, ends = 0, self._now() + expiry
            self._counts.pop(key, None)
        self._counts[key] = count + amount, ends
        while len(self._counts) > MAX_COUNTS:
            self._counts.popitem(last=False)
        return count + amount

    def get(self, key: str) -> int:
        count, ends = self._counts.get(key, (0, 0.0))
        return count if ends > self._now() else 0

    def get_expiry(self, key: str) -> float:
        return self._counts.get(key, (0, self._now()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        count = len(self._counts)
        self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)

    def __getstate__(self) -> Any:
        raise TypeError("Counts stay in their process.")
