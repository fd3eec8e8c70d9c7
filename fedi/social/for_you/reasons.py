"""Why a picture is in somebody's feed, in words for them alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlmodel import select

from fedi.database import Session
from fedi.database.among import among
from fedi.database.insertion import table_of
from fedi.database.tables import Follow, PictureFeature, PictureTerm, Tag
from fedi.social.for_you import features, likeness
from fedi.social.for_you.features import Feature
from fedi.social.for_you.ranking import Entry, Why
from fedi.social.posts import Post
from generation.concepts import Group

VERBS = {
    "like": "liked",
    "keep": "bookmarked",
    "boost": "boosted",
    "remix": "remixed",
    "more": "wanted more like",
}
# How a sentence says it of one picture and of several.
SEEM: Mapping[Group, tuple[str, str]] = {
    "subject": ("seems to show", "seem to show"),
    "place": ("seems to show", "seem to show"),
    "medium": ("looks like", "look like"),
    "light": ("seems to have", "seem to have"),
    "mood": ("seems", "seem"),
}


_FEATURE, _TAG, _TERM = table_of(PictureFeature), table_of(Tag), table_of(PictureTerm)
_STILL: Any = sqlalchemy.select(_FEATURE.c.kind, _FEATURE.c.value, _FEATURE.c.status_id).where(
    among(_FEATURE.c.status_id, "ids"), among(_FEATURE.c.value + 0, "values")
)
_TAGS: Any = sqlalchemy.select(_TAG.c.id, _TAG.c.display_name).where(among(_TAG.c.id, "ids"))
_TERMS: Any = sqlalchemy.select(_TERM.c.number, _TERM.c.words).where(among(_TERM.c.number, "ids"))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is there.

    Attributes:
        kind: what speaks for it most.
        words: that in one sentence.
        about: the hashtag, the words of the prompt, the handle, what the picture seems to show, or
            the id of the post that it looks like.
        count: pictures that the reader did something with, or people; 0 where nothing is counted.
    """

    kind: Why
    words: str
    about: str = ""
    count: int = 0


class Names:
    """What is needed to tell the reasons of some entries, and whether they are still true."""

    def __init__(
        self,
        tags: Mapping[int, str],
        terms: Mapping[int, str],
        still: Collection[tuple[int, Feature]] | None,
        followed: Collection[int] | None,
    ) -> None:
        self._tags, self._terms = tags, terms
        self._still, self._followed = still, followed

    def reason(self, entry: Entry, post: Post) -> Reason | None:
        """Why a post is there; None if that is not true any more."""
        feature = entry.feature
        checked = feature is not None and self._still is not None
        if checked and (entry.status_id, feature) not in (self._still or ()):
            return None
        handle = f"@{post.account.acct}"
        if entry.why == "new":
            return Reason("new", "Something new")
        if entry.why == "follow":
            if self._followed is not None and post.account.id not in self._followed:
                return None
            return Reason("follow", f"From {handle}, whom you follow", handle)
        if entry.why == "friends":
            return Reason("friends", _friends(entry.count), count=entry.count)
        if entry.why == "author":
            return Reason("author", f"{_done(entry)} by {handle}", handle, entry.count)
        if entry.why == "tag":
            tag = f"#{self._tags.get(entry.value, '')}"
            if not entry.count:
                return Reason("tag", f"You follow {tag}", tag)
            return Reason("tag", f"{_done(entry)} with {tag}", tag, entry.count)
        if entry.why == "look":
            return _look(entry)
        if entry.why == "alike":
            words = f"{_done(entry)} that looks like this"
            return Reason("alike", words, str(entry.value), entry.count)
        term = self._terms.get(entry.value, "")
        return Reason("term", f"{_done(entry)} made of “{term}”", term, entry.count)


async def names(
    session: Session, reader_id: int, entries: Sequence[Entry], *, fresh: bool
) -> Names:
    """Everything that the reasons of some entries need, in few queries.

    Args:
        fresh: whether the reasons were found just now, and need not be looked at again.
    """
    tag_ids = {entry.value for entry in entries if entry.why == "tag"}
    numbers = {entry.value for entry in entries if entry.why == "term"}
    tags: dict[int, str] = {}
    terms: dict[int, str] = {}
    if tag_ids:
        rows = await session.execute(_TAGS, {"ids": list(tag_ids)})
        tags = {number: name for number, name in rows}
    if numbers:
        rows = await session.execute(_TERMS, {"ids": list(numbers)})
        terms = {number: words for number, words in rows}
    if fresh:
        return Names(tags, terms, None, None)
    about = [entry.status_id for entry in entries if entry.feature is not None]
    still: set[tuple[int, Feature]] = set()
    if about:
        values = [entry.value for entry in entries if entry.feature is not None]
        rows_of = await session.execute(_STILL, {"ids": about, "values": values})
        still = {(status_id, (kind, value)) for kind, value, status_id in rows_of}
        still |= await _alike_still(session, entries)
    followed: set[int] = set()
    if any(entry.why == "follow" for entry in entries):
        query = select(Follow.target_account_id).where(
            Follow.account_id == reader_id, Follow.state == "accepted"
        )
        followed = set((await session.exec(query)).all())
    return Names(tags, terms, still, followed)


async def _alike_still(session: Session, entries: Sequence[Entry]) -> set[tuple[int, Feature]]:
    """What is there because it looks like something, both of which are still there to compare."""
    pairs = {(e.status_id, e.feature) for e in entries if e.why == "alike" and e.feature}
    if not pairs:
        return set()
    there = await likeness.comparable(session, {n for one, (_, two) in pairs for n in (one, two)})
    return {pair for pair in pairs if {pair[0], pair[1][1]} <= there}


def _done(entry: Entry) -> str:
    verbs = [words for act, words in VERBS.items() if act in entry.acts]
    said = " or ".join((", ".join(verbs[:-1]), verbs[-1])) if len(verbs) > 1 else verbs[0]
    pictures = "a picture" if entry.count == 1 else f"{entry.count:,} pictures"
    return f"Because you {said} {pictures}"


def _look(entry: Entry) -> Reason | None:
    """What a model sees in it: a guess, and told as one. None for what is no concept any more."""
    concept = features.concept(entry.value)
    if concept is None:
        return None
    one, many = SEEM[concept.group]
    seems = one if entry.count == 1 else many
    return Reason(
        "look", f"{_done(entry)} that {seems} {concept.words}", concept.words, entry.count
    )


def _friends(count: int) -> str:
    who = "Somebody whom you follow" if count == 1 else f"{count:,} people whom you follow"
    return f"{who} liked or boosted it"
