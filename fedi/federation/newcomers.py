"""Hosts that were never heard of before: so many in a minute, and of one domain only a share.

A name costs nothing where DNS has wildcards: each of `a1.evil.example` to `aN.evil.example` would
have us fetch a key, an actor and a handle, and keep rows of them. Whoever is known is never
counted, nor is whom somebody here asks for. Each process counts for itself, in bounded memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import String, bindparam, select

from activitypub import origin
from activitypub.client import FetchError
from fedi import logs
from fedi.database.among import among
from fedi.database.insertion import table_of
from fedi.database.loading import Loader
from fedi.database.tables import Account, PeerHost
from fedi.runtime import Easel

BURST = 5  # minutes' worth that may come at once: a post that is talked about brings a crowd
SHARE = 10  # one domain and all below it get a tenth; a free provider of names has many hosts

REMEMBERED = 10_000  # hosts that were met; others are looked up
DOMAINS = 1_000  # whose shares are counted; one that nobody came from lately has its whole share

RETRY_AFTER_S = 60

_PEERS, _PEOPLE = table_of(PeerHost).c, table_of(Account).c
_HOSTS = select(_PEERS.host).where(among(_PEERS.host, "hosts", String))
_PERSON = select(_PEOPLE.domain).where(_PEOPLE.domain == bindparam("host")).limit(1)

log = logs.get(__name__)


class TooMany(FetchError):
    """A host that is new here has to come again later."""

    def __init__(self) -> None:
        super().__init__(
            "Too many servers that are new here come at once.",
            permanent=False,
            retry_after=RETRY_AFTER_S,
        )


@dataclass(slots=True)
class _Bucket:
    """Fills by `rate` a minute up to `BURST` minutes' worth, and no less than one."""

    rate: float
    left: float
    at: datetime

    def fill(self, now: datetime) -> None:
        minutes = max((now - self.at).total_seconds(), 0) / 60
        self.left = min(self.left + minutes * self.rate, _most(self.rate))
        self.at = now


class _Newcomers:
    """The hosts that one process met, and how many new ones it may meet."""

    def __init__(self, easel: Easel) -> None:
        self._easel = easel
        self._loader: Loader[str, bool] = Loader(self._read)
        self._met: OrderedDict[str, None] = OrderedDict()
        self._domains: OrderedDict[str, _Bucket] = OrderedDict()
        self._rate = float(easel.settings.federation.new_hosts_per_minute)
        self._all = _Bucket(self._rate, _most(self._rate), easel.clock.now())

    def welcome(self, host: str) -> None:
        self._met[host] = None
        self._met.move_to_end(host)
        while len(self._met) > REMEMBERED:
            self._met.popitem(last=False)

    async def meet(self, host: str) -> None:
        if host not in self._met and not await self._known(host) and host not in self._met:
            self._count(host)
        self.welcome(host)

    async def _known(self, host: str) -> bool:
        """Asked once for all who come in the same moment."""
        return await self._loader.load(host) is not None

    async def _read(self, hosts: Sequence[str]) -> dict[str, bool]:
        async with self._easel.database.read() as session:
            found = set((await session.execute(_HOSTS, {"hosts": hosts})).scalars())
            for host in hosts:
                if host not in found:
                    people = await session.execute(_PERSON, {"host": host})
                    found.update(people.scalars())
        return dict.fromkeys(found, True)

    def _count(self, host: str) -> None:
        domain = self._domain(host)
        for bucket in (self._all, domain):
            bucket.fill(self._easel.clock.now())
            if bucket.left < 1:
                log.info("new_host_put_off", host=host)
                raise TooMany
        self._all.left -= 1
        domain.left -= 1

    def _domain(self, host: str) -> _Bucket:
        name = origin.domain_of(host)
        rate = self._rate / SHARE
        fresh = _Bucket(rate, _most(rate), self._easel.clock.now())
        bucket = self._domains.setdefault(name, fresh)
        self._domains.move_to_end(name)
        while len(self._domains) > DOMAINS:
            self._domains.popitem(last=False)
        return bucket


def _most(rate: float) -> float:
    return max(1.0, BURST * rate)


_newcomers: WeakKeyDictionary[Easel, _Newcomers] = WeakKeyDictionary()


def _of(easel: Easel) -> _Newcomers:
    if easel not in _newcomers:
        _newcomers[easel] = _Newcomers(easel)
    return _newcomers[easel]


async def meet(easel: Easel, uri: str) -> None:
    """Stand before the first word to a host that somebody elsewhere named.

    Args:
        easel: the instance.
        uri: an address on the host; what is none is nobody's and counts for nothing.

    Raises:
        TooMany: nobody here ever heard of it, and of its like there were enough for now.
    """
    host = origin.host(uri)
    if host is not None:
        await _of(easel).meet(host)


def welcome(easel: Easel, uri: str) -> None:
    """Somebody here asks for this host: it is not counted.

    Args:
        easel: the instance.
        uri: an address on the host.
    """
    host = origin.host(uri)
    if host is not None:
        _of(easel).welcome(host)
