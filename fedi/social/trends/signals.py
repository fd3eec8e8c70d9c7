"""What it says that somebody did something with a post: about which subjects, and how much.

It is read from the rows as they stand, so that it is the same however often and in which order
somebody did and undid it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, text

from fedi import ids
from fedi.database import Session
from fedi.database.insertion import table_of
from fedi.database.tables import (
    Account,
    MediaAttachment,
    Status,
    StatusTag,
    Tag,
)
from fedi.database.tables.columns import BigId, UTCDateTime
from fedi.social.labels import AI_LABEL
from fedi.social.remixes import MAX_CHAIN
from fedi.social.text import normal_tag
from fedi.social.trends import formula, subjects
from fedi.social.trends.subjects import Kind
from fedi.social.visibility import HELD, SHOWN_TO_ALL

Pair = tuple[int, int]  # of a post and of who did something with it
Subject = tuple[Kind, int, float, str]  # with what an act with it weighs, and its words

LABEL = normal_tag(AI_LABEL)  # every painted picture has it: nobody chose it

# As tables: what the ORM makes of a statement takes longer here than the database.
_ACCOUNT, _STATUS, _MEDIUM = table_of(Account), table_of(Status), table_of(MediaAttachment)
_TAG, _USE = table_of(Tag), table_of(StatusTag)
_POSTS = (
    _STATUS.c.id,
    _STATUS.c.uri,
    _STATUS.c.account_id,
    _STATUS.c.visibility,
    _STATUS.c.approval,
    _STATUS.c.deleted_at,
    _STATUS.c.reblog_of_id,
    _STATUS.c.based_on_uri,
    _STATUS.c.created_at,
    _STATUS.c.content,
)
# Pairs of a JSON parameter; what is joined to them on SQLite is looked for by each of them.
_PAIRS = {
    "sqlite": "(SELECT json_extract(value, '$[0]') AS post, json_extract(value, '$[1]') AS who "
    "FROM json_each(:pairs)) AS pair CROSS",
    "postgresql": "(SELECT CAST(value->>0 AS BIGINT) AS post, CAST(value->>1 AS BIGINT) AS who "
    "FROM jsonb_array_elements(CAST(:pairs AS JSONB))) AS pair",
}
_FIRST = select(_ACCOUNT.c.id).where(_ACCOUNT.c.domain.is_(None)).order_by(_ACCOUNT.c.id).limit(1)


@dataclass(frozen=True, slots=True)
class Signal:
    """One act, and what it is about."""

    kind: Kind
    subject_id: int
    account_id: int
    source_id: int
    server: str
    easy: bool
    weight: float
    hour: int

    @property
    def row(self) -> dict[str, Any]:
        """As a row of `trend_signal`."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass
class Read:
    """What acts say, and the words of the links and prompts among it."""

    signals: list[Signal] = field(default_factory=list)
    words: dict[tuple[str, int], str] = field(default_factory=dict)


async def read(session: Session, pairs: Collection[Pair]) -> Read:
    """What some people do with some posts, as it stands now."""
    acts = _Acts(session, pairs)
    await acts.load()
    found = Read()
    for status_id, account_id in pairs:
        for signal, words in acts.of(status_id, account_id):
            found.signals.append(signal)
            if words:
                found.words[signal.kind, signal.subject_id] = words
    return found


class _Acts:
    """The rows about some posts and some people, read all at once."""

    def __init__(self, session: Session, pairs: Collection[Pair]) -> None:
        self._session = session
        self._now = session.now
        self._home = urlsplit(session.instance.url).netloc
        self._pairs = pairs
        self._statuses = {status_id for status_id, _ in pairs}
        self._people = {account_id for _, account_id in pairs}
        self._posts: dict[int, Any] = {}
        self._accounts: dict[int, Any] = {}
        self._acted: dict[Pair, list[tuple[float, datetime]]] = defaultdict(list)
        self._tags: dict[int, list[int]] = defaultdict(list)
        self._prompts: dict[int, list[str]] = defaultdict(list)
        self._above: dict[str, Any] = {}  # posts that were remixed, by their ids
        self._newcomer = timedelta()

    async def load(self) -> None:
        query = select(*_POSTS).where(_STATUS.c.id.in_(self._statuses))
        rows = (await self._session.execute(query)).all()
        self._posts = {row.id: row for row in rows if _open(row) and row.reblog_of_id is None}
        authors = {row.account_id for row in self._posts.values()}
        people = select(
            _ACCOUNT.c.id,
            _ACCOUNT.c.domain,
            _ACCOUNT.c.actor_type,
            _ACCOUNT.c.created_at,
            _ACCOUNT.c.discoverable,
        ).where(_ACCOUNT.c.id.in_(self._people | authors))
        self._accounts = {row.id: row for row in (await self._session.execute(people)).all()}
        self._newcomer = formula.newcomer_for(self._now - await _founded(self._session))
        if not self._posts:
            return
        await self._load_acts()
        await self._load_substance()
        await self._load_parents([row for row in self._posts.values() if row.based_on_uri])

    async def _load_acts(self) -> None:
        wanted = json.dumps([pair for pair in self._pairs if pair[0] in self._posts])
        for worth, query in _acts(self._session.get_bind().dialect.name):
            rows = await self._session.execute(query, {"pairs": wanted})
            for status_id, account_id, when in rows.all():
                self._acted[status_id, account_id].append((worth, when))

    async def _load_substance(self) -> None:
        own = [row.id for row in self._posts.values() if row.account_id in self._people]
        tags = (
            select(_USE.c.status_id, _USE.c.tag_id)
            .join(_TAG, _TAG.c.id == _USE.c.tag_id)
            .where(_USE.c.status_id.in_(own), _TAG.c.name != LABEL)
        )
        for status_id, tag_id in (await self._session.execute(tags)).all() if own else ():
            self._tags[status_id].append(tag_id)
        media = select(_MEDIUM.c.status_id, _MEDIUM.c.ai_prompt).where(
            _MEDIUM.c.status_id.in_(self._posts),
            _MEDIUM.c.share_recipe.is_(True),
            _MEDIUM.c.ai_prompt != "",
        )
        for status_id, words in (await self._session.execute(media)).all():
            self._prompts[status_id].append(subjects.prompt(words))

    async def _load_parents(self, rows: list[Any]) -> None:
        """The chains upwards of some posts, generation by generation."""
        for _ in range(MAX_CHAIN):
            wanted = {row.based_on_uri for row in rows if row.based_on_uri} - self._above.keys()
            if not wanted:
                return
            query = (
                select(*_POSTS[:-1], _STATUS.c.url, _ACCOUNT.c.url.label("author_url"))
                .join(_ACCOUNT, _ACCOUNT.c.id == _STATUS.c.account_id)
                .where(_STATUS.c.uri.in_(wanted))
            )
            rows = (await self._session.execute(query)).all()  # type: ignore[assignment]
            self._above |= {row.uri: row for row in rows}

    def of(self, status_id: int, account_id: int) -> Iterator[tuple[Signal, str]]:
        """What one person does with one post: signals, with the words of their subjects."""
        post, account = self._posts.get(status_id), self._accounts.get(account_id)
        if post is None or account is None:
            return
        own = post.account_id == account_id
        acts = [(formula.USE, post.created_at)] if own else self._acted[status_id, account_id]
        if not acts:
            return
        weight = max(weight for weight, _ in acts)
        # Whoever says when something happened does not say that it is still to come.
        hour = formula.hour_of(min(max(when for _, when in acts), self._now))
        if hour <= formula.hour_of(self._now - formula.KEPT):
            return
        easy = self._is_easy(account)
        for kind, subject_id, worth, words in self._subjects(post, weight, own=own):
            yield (
                Signal(
                    kind,
                    subject_id,
                    account_id,
                    status_id,
                    formula.server_of(account.domain),
                    easy,
                    worth * (formula.EASY if easy else 1.0),
                    hour,
                ),
                words,
            )

    def _subjects(self, post: Any, weight: float, *, own: bool) -> Iterator[Subject]:
        if own:
            yield from self._made(post)
        else:
            yield "status", post.id, weight, ""
        if self._accounts[post.account_id].discoverable:
            yield from self._said(post, weight, own=own)

    def _said(self, post: Any, weight: float, *, own: bool) -> Iterator[Subject]:
        """What is in a post. Whoever does not want to be found has said it to those who follow
        them, and makes nothing of it known to all."""
        for words in dict.fromkeys(self._prompts[post.id]):
            yield "prompt", subjects.number_of(words), weight, words
        if not own:
            return
        for tag_id in self._tags[post.id]:
            yield "tag", tag_id, formula.USE, ""
        for address in subjects.links(post.content, self._home, self._credited(post)):
            yield "link", subjects.number_of(address), formula.USE, address

    def _made(self, post: Any) -> Iterator[Subject]:
        """What a post is a remix of."""
        above = self._chain(post)
        if above and above[0].account_id != post.account_id:
            yield "status", above[0].id, formula.REMIX, ""
        if above and above[-1].account_id != post.account_id:
            yield "chain", above[-1].id, formula.REMIX, ""

    def _chain(self, post: Any) -> list[Any]:
        """What a post is a remix of, and so on, as far as it is known and for everybody."""
        found: list[Any] = []
        seen = {post.id}
        while post.based_on_uri and len(found) < MAX_CHAIN:
            above = self._above.get(post.based_on_uri)
            if above is None or above.id in seen or not _open(above):
                break
            seen.add(above.id)
            found.append(above)
            post = above
        return found

    def _credited(self, post: Any) -> frozenset[str]:
        """To what the line of a remix leads, whether that is for everybody or not."""
        above = self._above.get(post.based_on_uri)
        if above is None:
            return frozenset({post.based_on_uri})
        return frozenset({above.uri, above.url, above.author_url})

    def _is_easy(self, account: Any) -> bool:
        # What another server says of the age of its people costs it nothing.
        since = max(account.created_at, ids.moment(account.id))
        return account.actor_type in formula.PROGRAMS or self._now - since < self._newcomer


def _open(row: Any) -> bool:
    return row.visibility == "public" and row.deleted_at is None and row.approval not in HELD


@cache
def _acts(dialect: str) -> tuple[tuple[float, Any], ...]:
    """What is asked for acts of some people with some posts, and what each weighs, made once.

    Joined with the pairs, one after another: of «these posts, and these people» SQLite looks for
    each with each.
    """
    shown = ", ".join(f"'{visibility}'" for visibility in SHOWN_TO_ALL)
    boosted = f"AND act.deleted_at IS NULL AND act.visibility IN ({shown})"
    asked = (
        (formula.LIKE, "favourite", "status_id", ""),
        (formula.LIKE, "reaction", "status_id", ""),
        (formula.BOOST, "status", "reblog_of_id", boosted),
    )
    return tuple(
        (
            worth,
            text(
                f"SELECT act.{post} AS post, act.account_id AS who, act.created_at AS moment "
                f"FROM {_PAIRS[dialect]} JOIN {table} AS act "
                f"ON act.{post} = pair.post AND act.account_id = pair.who {more}"
            ).columns(post=BigId, who=BigId, moment=UTCDateTime),
        )
        for worth, table, post, more in asked
    )


async def _founded(session: Session) -> datetime:
    """When this instance began: with its first account."""
    first = (await session.execute(_FIRST)).scalar()
    return session.now if first is None else ids.moment(first)
