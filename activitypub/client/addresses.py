"""Addresses as they go over the wire."""

from __future__ import annotations

import re

from yarl import URL

from activitypub.origin import origin

_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
"""Characters that stand in an address as they are (RFC 3986)."""


def authority(address: URL) -> str:
    """The `host` or `host:port` of an address."""
    return address.authority.rpartition("@")[2].lower()


def parse(url: str) -> URL:
    """The address without its fragment, byte for byte unless it must be escaped: yarl would
    make `/users/%40a` another path than the one that is the id. Raises `ValueError`."""
    return URL(url, encoded=_PLAIN.fullmatch(url) is not None).with_fragment(None)


def same(id_: str | None, final: str) -> bool:
    """Whether an id, its fragment aside, is the address that the document came from."""
    if id_ is None or origin(id_) is None:
        return False
    try:
        return parse(id_) == URL(final, encoded=True)
    except ValueError:
        return False
