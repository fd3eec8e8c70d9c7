"""What somebody does not want to see, or not at once: posts with words, and single posts.

Nothing is taken out of any timeline: apps are told what matches, and what is to be done then.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, func
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, Filter, FilterKeyword, FilterStatus
from fedi.events import Event
from fedi.social import accounts, text
from fedi.social.errors import Invalid, NotFound
from fedi.social.posts import Post

CONTEXTS = ("home", "notifications", "public", "thread", "account")
ACTIONS = ("warn", "hide", "blur")
MAX_FILTERS = 100  # of one account
MAX_KEYWORDS = 100  # of one filter
MAX_ALL_KEYWORDS = 500  # of one account; each is looked for in each post that it is shown
MAX_STATUSES = 1000  # of one account; all are read with each page
MAX_TITLE = 256
MAX_KEYWORD = 512  # as Mastodon

NO_RECORD = "Record not found"  # Mastodon's own words


class Whole(Struct, frozen=True):
    """A filter, with all that it is for."""

    filter: Filter
    keywords: Sequence[FilterKeyword]
    statuses: Sequence[FilterStatus]


class Match(Struct, frozen=True):
    """That a filter is for a post, and by what."""

    filter: Filter
    keywords: list[str]
    statuses: list[int]


_OF_ACCOUNT: Any = (  # made once: it is asked with every page
    select(Filter).where(col(Filter.account_id) == bindparam("account")).order_by(col(Filter.id))
)


async def of_account(session: Session, account: Account) -> list[Whole]:
    """An account's filters, in the order in which they were made."""
    rows = await session.execute(_OF_ACCOUNT, {"account": account.id})
    return await whole(session, list(rows.scalars()))


async def whole(session: Session, filters: Sequence[Filter]) -> list[Whole]:
    """Filters with all that they are for, in the same order."""
    ids = [row.id for row in filters]
    if not ids:
        return []
    keywords = await session.exec(
        select(FilterKeyword)
        .where(col(FilterKeyword.filter_id).in_(ids))
        .order_by(col(FilterKeyword.id))
    )
    statuses = await session.exec(
        select(FilterStatus)
        .where(col(FilterStatus.filter_id).in_(ids))
        .order_by(col(FilterStatus.id))
    )
    words: defaultdict[int, list[FilterKeyword]] = defaultdict(list)
    for keyword in keywords:
        words[keyword.filter_id].append(keyword)
    posts: defaultdict[int, list[FilterStatus]] = defaultdict(list)
    for status in statuses:
        posts[status.filter_id].append(status)
    return [Whole(row, words[row.id], posts[row.id]) for row in filters]


async def find(session: Session, account: Account, filter_id: int) -> Filter:
    """One of an account's filters.

    Raises:
        NotFound: it is none of theirs.
    """
    found = await session.get(Filter, filter_id)
    if found is None or found.account_id != account.id:
        raise NotFound(NO_RECORD)
    return found


async def keyword(session: Session, account: Account, keyword_id: int) -> FilterKeyword:
    """A keyword of one of an account's filters.

    Raises:
        NotFound: it is none of theirs.
    """
    found = await session.get(FilterKeyword, keyword_id)
    if found is None:
        raise NotFound(NO_RECORD)
    await find(session, account, found.filter_id)
    return found


async def status(session: Session, account: Account, entry_id: int) -> FilterStatus:
    """A post that one of an account's filters is for.

    Raises:
        NotFound: it is none of theirs.
    """
    found = await session.get(FilterStatus, entry_id)
    if found is None:
        raise NotFound(NO_RECORD)
    await find(session, account, found.filter_id)
    return found


async def create(tx: Transaction, account: Account) -> Filter:
    """A new filter that says nothing yet.

    Raises:
        Invalid: there are too many.
    """
    await accounts.take_turns(tx, account.id)
    mine = select(func.count()).where(col(Filter.account_id) == account.id)
    if ((await tx.execute(mine)).scalar() or 0) >= MAX_FILTERS:
        raise Invalid(f"At most {MAX_FILTERS} filters can be made.")
    return Filter(id=tx.new_id(), account_id=account.id, title="", created_at=tx.now)


async def change(
    tx: Transaction,
    row: Filter,
    *,
    title: str | None = None,
    context: Sequence[str] | None = None,
    action: str | None = None,
) -> None:
    """Say otherwise what a filter is; None: as it was.

    Raises:
        Invalid: it is nothing that can be said.
    """
    if title is not None:
        row.title = text.clean(title).strip()
    if not row.title:
        raise Invalid("Title can't be blank")
    if len(row.title) > MAX_TITLE:
        raise Invalid(f"Title is too long (maximum is {MAX_TITLE} characters)")
    if context is not None:
        row.context = list(dict.fromkeys(context))
    if not row.context or not set(row.context) <= set(CONTEXTS):
        raise Invalid("Context must be one or more supported contexts")
    if action is not None:
        if action not in ACTIONS:
            raise Invalid(f"The action is one of {', '.join(ACTIONS)}.")
        row.action = action
    tx.add(row)
    await tx.flush()
    announce(tx, row)


async def add_keyword(
    tx: Transaction, row: Filter, keyword: str, *, whole_word: bool
) -> FilterKeyword:
    """Have a filter look for words.

    Raises:
        Invalid: there are none, or too many.
    """
    await accounts.take_turns(tx, row.account_id)
    counted = select(func.count()).where(col(FilterKeyword.filter_id) == row.id)
    if ((await tx.execute(counted)).scalar() or 0) >= MAX_KEYWORDS:
        raise Invalid(f"A filter has at most {MAX_KEYWORDS} keywords.")
    if await _counted(tx, FilterKeyword, row.account_id) >= MAX_ALL_KEYWORDS:
        raise Invalid(f"All filters together have at most {MAX_ALL_KEYWORDS} keywords.")
    made = FilterKeyword(id=tx.new_id(), filter_id=row.id, keyword="")
    await change_keyword(tx, row, made, keyword=keyword, whole_word=whole_word)
    return made


async def change_keyword(
    tx: Transaction,
    row: Filter,
    entry: FilterKeyword,
    *,
    keyword: str | None = None,
    whole_word: bool | None = None,
) -> None:
    """Have a filter look for other words.

    Raises:
        Invalid: there are none, or they are too long.
    """
    if keyword is not None:
        entry.keyword = text.clean(keyword).strip()
    if not entry.keyword:
        raise Invalid("Keyword can't be blank")
    if len(entry.keyword) > MAX_KEYWORD:
        raise Invalid(f"Keyword is too long (maximum is {MAX_KEYWORD} characters)")
    if whole_word is not None:
        entry.whole_word = whole_word
    tx.add(entry)
    await tx.flush()
    announce(tx, row)


async def add_status(tx: Transaction, row: Filter, status_id: int) -> FilterStatus:
    """Have a filter be for a post.

    Raises:
        Invalid: it is already, or they are for too many.
    """
    await accounts.take_turns(tx, row.account_id)
    if await _counted(tx, FilterStatus, row.account_id) >= MAX_STATUSES:
        raise Invalid(f"All filters together are for at most {MAX_STATUSES} posts.")
    made = FilterStatus(id=tx.new_id(), filter_id=row.id, status_id=status_id)
    if not await add_once(tx, made):
        raise Invalid("Status has already been taken")
    announce(tx, row)
    return made


async def _counted(
    tx: Transaction, table: type[FilterKeyword] | type[FilterStatus], account_id: int
) -> int:
    """How many rows of a table an account's filters have in all."""
    mine = select(Filter.id).where(col(Filter.account_id) == account_id)
    query = select(func.count()).select_from(table).where(col(table.filter_id).in_(mine))
    return (await tx.exec(query)).one()


def announce(tx: Transaction, row: Filter) -> None:
    """Apps that listen read the filters anew."""
    tx.emit(Event(f"account:{row.account_id}", "filters_changed", {}))


async def active(session: Session, account: Account, now: datetime) -> list[Whole]:
    """An account's filters that have not ended."""
    return [
        one
        for one in await of_account(session, account)
        if one.filter.expires_at is None or one.filter.expires_at > now
    ]


def matches(filters: Iterable[Whole], post: Post) -> list[Match]:
    """Which filters are for a post; of a boost, for what it boosts."""
    shown = post.reblog or post
    words: str | None = None
    found = []
    for one in filters:
        if one.keywords and words is None:
            words = f"{_EDGE}{_folded(_words(shown))}{_EDGE}"
        hits = [
            entry.keyword
            for entry in one.keywords
            if _wanted(entry.keyword, entry.whole_word) in (words or "")
        ]
        named = [
            entry.status_id
            for entry in one.statuses
            if entry.status_id in {post.status.id, shown.status.id}
        ]
        if hits or named:
            found.append(Match(one.filter, hits, named))
    return found


def _words(post: Post) -> str:
    parts = [post.status.spoiler_text, text.plain(post.status.content)]
    parts += [medium.description for medium in post.media]
    if post.poll is not None:
        parts += [str(option["title"]) for option in post.poll.options]
    return "\n".join(parts)


# Words are looked for as plain parts of a text in which each edge of a word is marked: thousands
# of patterns would take seconds to compile, and some of them as long to look for.
_EDGE = "\0"  # stands in no text
_RUNS = re.compile(r"\w+|\W+")
_TURKISH = str.maketrans("İı", "ii")  # an i with and without a dot are one letter in capitals


def _folded(words: str) -> str:
    """Words without case, with a mark at each edge of a word but the outermost."""
    return _EDGE.join(_RUNS.findall(words.translate(_TURKISH).casefold()))


@lru_cache(maxsize=10 * MAX_ALL_KEYWORDS)
def _wanted(keyword: str, whole_word: bool) -> str:
    """What a keyword is in such a text.

    Only where it begins or ends with a letter can it be told where a word does.
    """
    folded = _folded(keyword)
    if not whole_word:
        return folded
    before = _EDGE if re.match(r"\w", folded) else ""
    after = _EDGE if re.search(r"\w\Z", folded) else ""
    return before + folded + after
