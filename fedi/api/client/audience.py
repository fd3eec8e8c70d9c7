"""For whom is what an app posts: both the activity and its object are for whom either is
(ActivityPub 6.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activitypub.addressing import PUBLIC, PUBLIC_NAMES, read_visibility
from activitypub.objects import values


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom something is for.

    Attributes:
        visibility: public, unlisted, private or direct.
        to, cc: as everybody may see them; `audience` stands in `cc`.
        people: actors that are addressed, without the Public and followers collections.
        hidden: those of them that only `bto` and `bcc` name.
    """

    visibility: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    people: tuple[str, ...]
    hidden: tuple[str, ...]


def read(documents: Sequence[Mapping[str, Any]], followers: str) -> Audience:
    """Whom some documents are for together.

    Args:
        documents: an activity, and the object that it brings.
        followers: the id of the author's followers collection.
    """
    to, cc = _named(documents, "to"), _named(documents, "cc", "audience")
    blind = _named(documents, "bto", "bcc")
    collections = {PUBLIC, followers}
    everybody = dict.fromkeys([*to, *cc, *blind])
    return Audience(
        visibility=read_visibility(to, {*cc, *blind}, followers).value,
        to=to,
        cc=tuple(uri for uri in cc if uri not in to),
        people=tuple(uri for uri in everybody if uri not in collections),
        hidden=tuple(uri for uri in blind if uri not in {*to, *cc, *collections}),
    )


def _named(documents: Sequence[Mapping[str, Any]], *names: str) -> tuple[str, ...]:
    found = [uri for one in documents for name in names for uri in values.uris(one.get(name))]
    return tuple(dict.fromkeys(PUBLIC if uri in PUBLIC_NAMES else uri for uri in found))
