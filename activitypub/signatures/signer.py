"""Who signs what we send, and by which scheme each host wants it signed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from activitypub.signatures import cavage
from activitypub.signatures.keys import load_private

HOSTS_KEPT = 10_000
"""Hosts that want RFC 9421; the rest are not kept at all."""

_KEY_ID = re.compile(r'[^\s"\\\x00-\x1f\x7f-\U0010ffff]+')


class Scheme(StrEnum):
    """How a request is signed."""

    CAVAGE = "cavage"
    RFC9421 = "rfc9421"

    @property
    def other(self) -> Scheme:
        return Scheme.RFC9421 if self is Scheme.CAVAGE else Scheme.CAVAGE


class Signer:
    """Signs requests as one actor.

    `key_id` is `<actor>#main-key`; `private_key` is a PEM (parsed once, see `keys`) or a key.
    Raises `ValueError` for a key id that cannot stand in a header.
    """

    __slots__ = ("_key", "key_id")

    def __init__(self, key_id: str, private_key: RSAPrivateKey | str) -> None:
        if not _KEY_ID.fullmatch(key_id):
            raise ValueError("The key id cannot stand in a header.")
        self.key_id = key_id
        self._key = load_private(private_key) if isinstance(private_key, str) else private_key

    def sign(
        self,
        method: str,
        url: str,
        body: bytes | None,
        now: datetime,
        scheme: Scheme = Scheme.CAVAGE,
        *,
        query: bool = True,
        extra: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The headers to send; see `cavage.sign` and `rfc9421.sign`.

        `url` is the absolute address exactly as it goes over the wire; without `query` a
        draft-cavage signature leaves its query out. `extra` are headers that are signed, too.
        Raises `ValueError` if it is not plain ASCII.
        """
        if scheme is Scheme.CAVAGE:
            return cavage.sign(
                self.key_id, self._key, method, url, body, now, query=query, extra=extra
            )
        from activitypub.signatures import rfc9421

        return rfc9421.sign(self.key_id, self._key, method, url, body, now, extra)


class Schemes:
    """By which scheme each host wants its requests signed: draft-cavage, until it is found out
    that only RFC 9421 works there (the double knock of Mastodon 4.7).

    `known` is what was found out before; `learned(host, scheme)` is told what is new.
    """

    def __init__(
        self,
        known: Mapping[str, Scheme] | None = None,
        learned: Callable[[str, Scheme], Awaitable[None]] | None = None,
    ) -> None:
        self._unusual = {host for host, scheme in (known or {}).items() if scheme != Scheme.CAVAGE}
        self._learned = learned

    def first(self, host: str) -> Scheme:
        """What to try first."""
        return Scheme.RFC9421 if host in self._unusual else Scheme.CAVAGE

    async def worked(self, host: str, scheme: Scheme) -> None:
        """Remember what a host took."""
        if scheme is self.first(host):
            return
        if scheme is Scheme.CAVAGE:
            self._unusual.discard(host)
        else:
            if len(self._unusual) >= HOSTS_KEPT:
                self._unusual.pop()
            self._unusual.add(host)
        if self._learned is not None:
            await self._learned(host, scheme)
