"""How often somebody may try: to sign in, to register an app, and whatever else can be guessed or
piled up. Each process counts for itself, in bounded memory."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from weakref import WeakKeyDictionary

from fedi.database.tables import Account
from fedi.runtime import Easel
from fedi.social.errors import TooMany

REMEMBERED = 20_000  # who tried; of those who did not for the longest time the first are forgotten
NETWORK_BITS = 64  # of IPv6: what one household has


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many seconds: they come back one by one."""

    name: str
    times: int
    seconds: int


PASSWORDS_OF_ACCOUNT = Limit("password of an account", 10, 600)
SIGN_INS_OF_ADDRESS = Limit("sign-ins from an address", 30, 600)
CODES_OF_ACCOUNT = Limit("one-time codes of an account", 8, 1800)
SIGN_UPS_OF_ADDRESS = Limit("sign-ups from an address", 10, 1800)
MAILS_OF_ADDRESS = Limit("mails that an address asks for", 10, 1800)
MAILS_OF_ACCOUNT = Limit("mails to one email address", 3, 1800)
LINKS_OF_ADDRESS = Limit("links of mails that an address tries", 30, 600)
POSTS_OF_ACCOUNT = Limit("posts of an account by pages", 300, 10_800)
FOLLOWS_OF_ACCOUNT = Limit("follows of an account by pages", 400, 86_400)
DEEDS_OF_ACCOUNT = Limit("what an account does to posts and people by pages", 300, 300)
DELETIONS_OF_ACCOUNT = Limit("deletions of an account by pages", 30, 1800)
REPORTS_OF_ACCOUNT = Limit("reports of an account by pages", 400, 86_400)
APPS_OF_ADDRESS = Limit("apps from an address", 50, 600)
TOKENS_OF_ADDRESS = Limit("tokens for an address", 300, 600)


@dataclass(slots=True)
class _Left:
    times: float
    at: datetime


class Attempts:
    """What each has left of each limit."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, str], _Left] = OrderedDict()

    def take(self, limit: Limit, who: str, now: datetime) -> None:
        """Count one.

        Args:
            who: an address (by its `network`), an account, or a name.

        Raises:
            TooMany: none is left; who comes all the same does not wait longer for that.
        """
        key = (limit.name, who)
        left = self._left.pop(key, None) or _Left(limit.times, now)
        pace = limit.times / limit.seconds
        passed = max((now - left.at).total_seconds(), 0)
        left.times, left.at = min(left.times + passed * pace, limit.times), now
        self._left[key] = left
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        if left.times < 1:
            wait = ceil((1 - left.times) / pace)
            raise TooMany("Too many attempts. Wait a little, and try again.", wait)
        left.times -= 1

    def forget(self, limit: Limit, who: str) -> None:
        """Begin anew with somebody who has shown that they are no guesser."""
        self._left.pop((limit.name, who), None)


_of: WeakKeyDictionary[Easel, Attempts] = WeakKeyDictionary()


def of(easel: Easel) -> Attempts:
    """What counts for an instance."""
    found = _of.get(easel)
    if found is None:
        found = _of[easel] = Attempts()
    return found


def by_account(easel: Easel, limit: Limit, account: Account) -> None:
    """Count what an account does.

    Raises:
        TooMany: it was too much.
    """
    of(easel).take(limit, str(account.id), easel.clock.now())


def by_address(easel: Easel, limit: Limit, host: str) -> None:
    """Count what comes from an address, whoever that is.

    Raises:
        TooMany: it was too much.
    """
    of(easel).take(limit, network(host), easel.clock.now())


def network(host: str) -> str:
    """Who an address counts for: itself, or of IPv6 the network that one household has."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100]
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))
