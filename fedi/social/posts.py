"""A status with everything around it, for whoever shows it: pages, apps, other servers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, ColumnElement, String, bindparam, func, literal, union_all
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.among import among
from fedi.database.insertion import table_of
from fedi.database.tables import (
    Account,
    Application,
    Bookmark,
    Favourite,
    LinkPreview,
    MediaAttachment,
    Mention,
    Pin,
    Poll,
    Quote,
    Status,
    StatusTag,
    Tag,
    ThreadMute,
)
from fedi.social import polls, previews
from fedi.social.visibility import seen_by


@dataclass(slots=True)
class Post:
    """A status, ready to be shown.

    Attributes:
        status: the status itself.
        account: who posted it.
        media: its pictures, in order.
        mentions: whom it names.
        silent: whom it is addressed to without naming them.
        blind: whom it is delivered to without telling anybody else (bto, bcc).
        tags: its hashtags.
        application: the app that posted it, if that was one and is still known.
        preview: the page that it shows, if that was read.
        writer: who wrote that page, if they have an account that says so.
        poll: what it asks.
        own_votes: what of that the viewer chose, from 0.
        reblog: for a boost, what it boosts.
        quoting: that it quotes something, and whether with leave.
        quotes_count: how often it is quoted with leave.
        quote: what it quotes, if its author agreed and the viewer may see it; that one's own quote
            is left out.
        in_reply_to: the status it answers, if the viewer may see that.
        favourited, reblogged, bookmarked, pinned: whether the viewer has.
        muted: whether the viewer does not want to hear of its thread.
    """

    status: Status
    account: Account
    media: list[MediaAttachment] = field(default_factory=list)
    mentions: list[Account] = field(default_factory=list)
    silent: list[Account] = field(default_factory=list)
    blind: list[Account] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    application: Application | None = None
    preview: LinkPreview | None = None
    writer: Account | None = None
    poll: Poll | None = None
    own_votes: list[int] = field(default_factory=list)
    reblog: Post | None = None
    quoting: Quote | None = None
    quotes_count: int = 0
    quote: Post | None = None
    in_reply_to: Status | None = None
    favourited: bool = False
    reblogged: bool = False
    bookmarked: bool = False
    pinned: bool = False
    muted: bool = False

    @property
    def sensitive(self) -> bool:
        """Whether its pictures have a warning, by its author or by a moderator."""
        return self.status.sensitive or self.account.sensitized_at is not None


async def assemble(
    session: Session, statuses: Iterable[Status], viewer: Account | None
) -> list[Post]:
    """Everything around some statuses, in a fixed number of queries.

    Args:
        session: a session.
        statuses: loaded by `statuses.visible_to(viewer)`.
        viewer: for whom.

    Returns:
        One `Post` for each status, in the same order.
    """
    shown = list(statuses)
    originals = await _originals(session, shown, viewer)
    quoting = {status.id: status for status in (*shown, *originals.values())}
    if not quoting:
        return []
    ties = await _ties(session, quoting.values(), viewer)
    quotes = await _quotes(session, ties["quotes"])
    quoted = await _quoted(session, quotes.values(), viewer)
    everything = quoting | {status.id: status for status in quoted.values()}
    if further := [status for status_id, status in everything.items() if status_id not in quoting]:
        for name, counted in (await _ties(session, further, viewer)).items():
            ties[name] |= counted
        wanted = [status.id for status in further if status.id in ties["quotes"]]
        quotes |= await _quotes(session, wanted)
    ids = list(everything)
    asking = await _polls(session, everything.values())
    votes = await polls.votes_of(session, viewer, list(asking)) if viewer is not None else {}
    media = await _media(session, ids)
    mentions, silent, blind = await _mentions(session, ties["mentions"])
    tags = await _tags(session, ties["tags"])
    apps = await _applications(session, everything.values())
    shown_pages = await previews.of(session, everything.values())
    people = {status.account_id for status in everything.values()}
    people |= {page.author_account_id for page in shown_pages.values() if page.author_account_id}
    accounts = await accounts_of(session, people)
    parents = await _parents(session, everything.values(), viewer)

    def post(status: Status, *, is_quoted: bool = False) -> Post:
        original = originals.get(status.reblog_of_id) if status.reblog_of_id else None
        other = quoted.get(status.id) if not is_quoted else None
        page = shown_pages.get(status.preview_id) if status.preview_id is not None else None
        return Post(
            status=status,
            account=accounts[status.account_id],
            media=media[status.id],
            mentions=mentions[status.id],
            silent=silent[status.id],
            blind=blind[status.id],
            tags=tags[status.id],
            application=apps.get(status.application_id) if status.application_id else None,
            preview=page,
            writer=_writer(page, accounts),
            poll=asking.get(status.id),
            own_votes=votes.get(status.id, []),
            reblog=post(original) if original is not None else None,
            quoting=quotes.get(status.id),
            quotes_count=ties["quoted"].get(status.id, 0),
            quote=post(other, is_quoted=True) if other is not None else None,
            in_reply_to=parents.get(status.in_reply_to_id) if status.in_reply_to_id else None,
            **{name: status.id in ties[name] for name in _DEEDS},
        )

    return [post(status) for status in shown]


def _writer(page: LinkPreview | None, accounts: Mapping[int, Account]) -> Account | None:
    """Who wrote a page, as long as they are here to be shown."""
    writer = accounts.get(page.author_account_id or 0) if page is not None else None
    gone = writer is None or writer.deleted_at is not None or writer.suspended_at is not None
    return None if gone else writer


async def _originals(
    session: Session, statuses: Sequence[Status], viewer: Account | None
) -> dict[int, Status]:
    wanted = {status.reblog_of_id for status in statuses if status.reblog_of_id is not None}
    if not wanted:
        return {}
    rows = await session.exec(seen_by(viewer).where(col(Status.id).in_(wanted)))
    return {status.id: status for status in rows.all()}


async def _ties(
    session: Session, statuses: Collection[Status], viewer: Account | None
) -> dict[str, dict[int, int]]:
    """Which of these mention somebody, have hashtags, quote, are quoted, and how often: most do
    none of it, and what they do not have is not asked for; and what the viewer did to them."""
    found: dict[str, dict[int, int]] = {name: {} for name in (*_COUNTED, *_DEEDS)}
    values: dict[str, Any] = {"ids": [status.id for status in statuses]}
    threads: dict[str, list[int]] = {}
    if viewer is not None:
        for status in statuses:
            if status.context_uri is not None:
                threads.setdefault(status.context_uri, []).append(status.id)
        values |= {"viewer": viewer.id, "threads": list(threads)}
    for name, status_id, count, thread in await session.execute(
        _TIES if viewer is None else _TIES_AND_DEEDS, values
    ):
        for one in threads[thread] if thread else (status_id,):
            found[name][one] = count
    return found


async def _quotes(session: Session, ids: Collection[int]) -> dict[int, Quote]:
    """What these quote, with or without leave."""
    if not ids:
        return {}
    rows = await session.exec(select(Quote).where(col(Quote.status_id).in_(ids)))
    return {quote.status_id: quote for quote in rows.all()}


async def _quoted(
    session: Session, quotes: Iterable[Quote], viewer: Account | None
) -> dict[int, Status]:
    """What these quote with leave, as far as the viewer may see it."""
    wanted = {
        quote.status_id: quote.quoted_id
        for quote in quotes
        if quote.state == "accepted" and quote.quoted_id is not None
    }
    if not wanted:
        return {}
    rows = await session.exec(seen_by(viewer).where(col(Status.id).in_(wanted.values())))
    seen = {status.id: status for status in rows.all()}
    return {by: seen[quoted_id] for by, quoted_id in wanted.items() if quoted_id in seen}


async def _polls(session: Session, statuses: Iterable[Status]) -> dict[int, Poll]:
    asking = [status.id for status in statuses if status.object_type == "Question"]
    if not asking:
        return {}
    rows = await session.exec(select(Poll).where(col(Poll.status_id).in_(asking)))
    return {poll.status_id: poll for poll in rows.all()}


async def _parents(
    session: Session, statuses: Iterable[Status], viewer: Account | None
) -> dict[int, Status]:
    wanted = {status.in_reply_to_id for status in statuses if status.in_reply_to_id is not None}
    if not wanted:
        return {}
    rows = await session.exec(seen_by(viewer).where(col(Status.id).in_(wanted)))
    return {status.id: status for status in rows.all()}


async def _media(session: Session, ids: Sequence[int]) -> dict[int, list[MediaAttachment]]:
    found: defaultdict[int, list[MediaAttachment]] = defaultdict(list)
    for medium in (await session.execute(_MEDIA, {"ids": ids})).scalars():
        assert medium.status_id is not None
        found[medium.status_id].append(medium)
    return found


async def _mentions(
    session: Session, ids: Collection[int]
) -> tuple[dict[int, list[Account]], dict[int, list[Account]], dict[int, list[Account]]]:
    """Whom each post names, addresses, and addresses blindly."""
    named: defaultdict[int, list[Account]] = defaultdict(list)
    silent: defaultdict[int, list[Account]] = defaultdict(list)
    blind: defaultdict[int, list[Account]] = defaultdict(list)
    rows = await session.execute(_MENTIONS, {"ids": list(ids)}) if ids else ()
    for mention, account in rows:
        among = blind if mention.blind else silent if mention.silent else named
        among[mention.status_id].append(account)
    return named, silent, blind


async def _tags(session: Session, ids: Collection[int]) -> dict[int, list[Tag]]:
    found: defaultdict[int, list[Tag]] = defaultdict(list)
    rows = await session.execute(_TAGS, {"ids": list(ids)}) if ids else ()
    for status_id, tag in rows:
        found[status_id].append(tag)
    return found


async def _applications(session: Session, statuses: Iterable[Status]) -> dict[int, Application]:
    """The apps that posted these, by their ids."""
    wanted = {status.application_id for status in statuses} - {None}
    if not wanted:
        return {}
    rows = await session.execute(_APPLICATIONS, {"ids": list(wanted)})
    return {application.id: application for application in rows.scalars()}


async def accounts_of(session: Session, ids: set[int]) -> dict[int, Account]:
    """Accounts by their ids."""
    rows = await session.execute(_ACCOUNTS, {"ids": list(ids)})
    return {account.id: account for account in rows.scalars()}


# Made once: to make one takes SQLAlchemy as long as to execute it.
_MEDIA: Any = (
    select(MediaAttachment)
    .where(among(MediaAttachment.status_id, "ids"))
    .order_by(col(MediaAttachment.position), col(MediaAttachment.id))
)
_MENTIONS: Any = (
    select(Mention, Account)
    .join(Account, col(Account.id) == col(Mention.account_id))
    .where(among(Mention.status_id, "ids"))
    .order_by(col(Mention.account_id))
)
_TAGS: Any = (
    select(StatusTag.status_id, Tag)
    .join(Tag, col(Tag.id) == col(StatusTag.tag_id))
    .where(among(StatusTag.status_id, "ids"))
    .order_by(col(Tag.name))
)
_APPLICATIONS: Any = select(Application).where(among(Application.id, "ids"))
_ACCOUNTS: Any = select(Account).where(among(Account.id, "ids"))


_VIEWER: Any = bindparam("viewer", type_=BigInteger)
_COUNTED = ("mentions", "tags", "quotes", "quoted")
_DEEDS = ("favourited", "bookmarked", "pinned", "reblogged", "muted")


def _tie(name: str, status_id: Any, *conditions: ColumnElement[bool]) -> Any:
    counted = sqlalchemy.select(literal(name), status_id, func.count(), literal("", String))
    return counted.where(among(status_id, "ids"), *conditions).group_by(status_id)


def _deed(name: str, table: type[Favourite | Bookmark | Pin]) -> Any:
    columns = table_of(table).c
    return _tie(name, columns.status_id, columns.account_id == _VIEWER)


def _thread() -> Any:
    columns = table_of(ThreadMute).c
    told = (literal("muted"), literal(0, BigInteger), literal(1, BigInteger), columns.context_uri)
    return sqlalchemy.select(*told).where(
        columns.account_id == _VIEWER, among(columns.context_uri, "threads", String)
    )


_COUNTS = (
    _tie("mentions", table_of(Mention).c.status_id),
    _tie("tags", table_of(StatusTag).c.status_id),
    _tie("quotes", table_of(Quote).c.status_id),
    _tie("quoted", table_of(Quote).c.quoted_id, table_of(Quote).c.state == "accepted"),
)
_TIES = union_all(*_COUNTS)
_TIES_AND_DEEDS = union_all(
    *_COUNTS,
    _deed("favourited", Favourite),
    _deed("bookmarked", Bookmark),
    _deed("pinned", Pin),
    _tie(
        "reblogged",
        table_of(Status).c.reblog_of_id,
        table_of(Status).c.account_id == _VIEWER,
        table_of(Status).c.deleted_at.is_(None),
    ),
    _thread(),
)
