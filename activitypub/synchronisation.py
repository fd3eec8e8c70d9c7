"""Followers collection synchronisation (FEP-8fcf): what both ends hold of a follow, compared by a
digest that goes along with deliveries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values

HEADER = "Collection-Synchronization"

HEADER_LIMIT = 8192
"""Characters: two addresses and a digest."""

NOBODY = "0" * 64
"""The digest of no followers at all."""

_PARAMETER = re.compile(r'[ \t]*([A-Za-z]{1,32})="([^"\\]*)"[ \t]*(,|$)')
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Synchronisation(Struct, frozen=True, kw_only=True):
    """What a sender says of its followers on the server that it sends to.

    `collection_id` is its followers collection, `url` where those of one server are listed to
    that server, `digest` stands for them.
    """

    collection_id: str
    url: str
    digest: str

    @classmethod
    def parse(cls, header: str) -> Synchronisation:
        """Read the header. Raises `Malformed`: a parameter missing, twice, or none of its kind."""
        if len(header) > HEADER_LIMIT:
            raise Malformed("The Collection-Synchronization header is too long.")
        found: dict[str, str] = {}
        position = 0
        while position < len(header):
            match = _PARAMETER.match(header, position)
            if match is None or match[1] in found:
                raise Malformed("The Collection-Synchronization header is malformed.")
            found[match[1]] = match[2]
            position = match.end()
        collection_id = values.web_uri(found.get("collectionId"))
        url = values.web_uri(found.get("url"))
        stated = found.get("digest", "").lower()
        if collection_id is None or url is None or not _DIGEST.fullmatch(stated):
            raise Malformed("The Collection-Synchronization header lacks a parameter.")
        return cls(collection_id=collection_id, url=url, digest=stated)

    def header(self) -> str:
        """The value of the header."""
        return f'collectionId="{self.collection_id}", url="{self.url}", digest="{self.digest}"'


def digest(followers: Iterable[str]) -> str:
    """The digest of some followers' ids: the SHA-256 of each, all of them XORed."""
    total = 0
    for uri in set(followers):
        total ^= int.from_bytes(sha256(uri.encode()).digest())
    return f"{total:064x}"
