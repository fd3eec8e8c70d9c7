"""Many new posts from elsewhere, stored and spread in few statements.

Nearly every post that comes is new, answers nobody here and names nobody here. Of those a whole
batch takes as many statements as one of the others, and SQL is most of what a post costs. What
`receive` does for one of them is done here for all, by the same rules; what is not as plain is
left to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import bindparam, func, select

from fedi.database import Transaction
from fedi.database.insertion import insert_many, insert_new, row_values, table_of
from fedi.database.tables import Account, MediaAttachment, Mention, Status
from fedi.social import (
    attachments,
    domains,
    homes,
    policies,
    previews,
    receiving,
    spreading,
    text,
)
from fedi.social.attachments import MAX_MEDIA
from fedi.social.counts import count_many, is_counted, is_counted_answer
from fedi.social.receiving import Received

_STATUS = table_of(Status).c
_KNOWN = select(
    _STATUS.uri,
    _STATUS.id,
    _STATUS.account_id,
    _STATUS.context_uri,
    _STATUS.deleted_at,
    _STATUS.interaction_policy,
).where(_STATUS.uri.in_(bindparam("uris", expanding=True)))
# Not `IS NULL`: SQLite would take the index of that column, and read a million posts that answer
# nothing.
_AWAITED = select(_STATUS.in_reply_to_uri).where(
    _STATUS.in_reply_to_uri.in_(bindparam("uris", expanding=True)),
    func.coalesce(_STATUS.in_reply_to_id, 0) == 0,
    _STATUS.deleted_at.is_(None),
)
_NEW = row_values(Status(uri="", account_id=0))  # what a post is before it is described


class NewStatus(Struct, frozen=True, kw_only=True):
    """A post that was just stored, as far as others ask."""

    id: int
    uri: str
    account_id: int
    visibility: str
    context_uri: str | None
    replies_uri: str | None
    in_reply_to_uri: str | None
    in_reply_to_id: int | None
    in_reply_to_account_id: int | None
    language: str | None
    local: bool = False


async def receive_all(
    tx: Transaction, posts: Sequence[tuple[Account, Received]]
) -> list[NewStatus | None]:
    """Posts that were sent here, stored and spread.

    Args:
        posts: each with the remote account that wrote it; none names or addresses anybody here.

    Returns:
        What became of each; None: nothing yet, it is for `receive`, after the others.
    """
    plain = await _store(tx, await _plain(tx, posts))
    authors = {author.id: author.domain for author, _ in posts}
    await _add_media(tx, plain, authors)
    await spreading.add_all_tags(tx, {status.id: received.tags for status, received in plain})
    await _mention(tx, plain)
    statuses = [status for status, _ in plain]
    await _count(tx, statuses)
    await homes.distribute_all(tx, statuses)
    people = {author.id: author for author, _ in posts}
    await spreading.ring(tx, [(status, people[status.account_id]) for status in statuses])
    for status in statuses:
        spreading.announce_event(tx, status, "status")
    found = {status.uri: status for status in statuses}
    return [found.get(received.uri) for _, received in posts]


async def _plain(
    tx: Transaction, posts: Sequence[tuple[Account, Received]]
) -> list[tuple[NewStatus, Received]]:
    """Those that are new, by nobody who is gone, and answer, quote and are awaited by nothing that
    must be looked at."""
    times = Counter(received.uri for _, received in posts)
    above = {received.in_reply_to_uri for _, received in posts if received.in_reply_to_uri}
    known = {row.uri: row for row in await tx.execute_core(_KNOWN, {"uris": [*times, *above]})}
    awaited = set((await tx.execute_core(_AWAITED, {"uris": list(times)})).scalars())
    found = []
    for author, received in posts:
        uri, parent_uri = received.uri, received.in_reply_to_uri
        fresh = times[uri] == 1 and uri not in known and uri not in awaited
        rich = received.poll is not None or received.quoted_uri is not None
        if not fresh or rich or parent_uri in times or author.deleted_at is not None:
            continue
        parent = known.get(parent_uri) if parent_uri else None
        if parent is not None and parent.deleted_at is not None:
            parent = None
        if parent is not None and not policies.is_open(parent.interaction_policy, "canReply"):
            continue
        inherited = parent.context_uri if parent is not None else None
        status = NewStatus(
            id=tx.new_id(),
            uri=uri,
            account_id=author.id,
            visibility=received.visibility,
            context_uri=receiving.context(tx, inherited, received.context_uri),
            replies_uri=received.replies_uri,
            in_reply_to_uri=parent_uri,
            in_reply_to_id=parent.id if parent is not None else None,
            in_reply_to_account_id=parent.account_id if parent is not None else None,
            language=received.language,
        )
        found.append((status, received))
    return found


async def _store(
    tx: Transaction, plain: Sequence[tuple[NewStatus, Received]]
) -> Sequence[tuple[NewStatus, Received]]:
    """Insert them; those that another process did not insert meanwhile."""
    now = tx.now
    rows = [
        _NEW
        | asdict(status)
        | receiving.described(received)
        | {
            "approved_by": received.approved_by,
            "create_uri": received.create_uri,
            "created_at": min(received.published or now, now),
            "fetched_at": now,
        }
        for status, received in plain
    ]
    linking = [
        receiving.linking(received, row["content"])
        for (_, received), row in zip(plain, rows, strict=True)
    ]
    for row, page in zip(rows, await previews.choose(tx, linking), strict=True):
        row["preview_id"] = page
    inserted = await insert_many(tx, Status, rows, "id")
    return [(status, received) for status, received in plain if status.id in inserted]


async def _add_media(
    tx: Transaction,
    plain: Sequence[tuple[NewStatus, Received]],
    authors: Mapping[int, str | None],
) -> None:
    shown = [(status, received) for status, received in plain if received.media]
    without = await domains.rejecting_media(tx, {authors[status.account_id] for status, _ in shown})
    rows = [
        attachments.new_row(tx, status.account_id, status.id)
        | attachments.described(medium, position)
        for status, received in shown
        if authors[status.account_id] not in without
        for position, medium in enumerate(received.media[:MAX_MEDIA])
    ]
    if rows:
        await insert_new(tx, MediaAttachment, rows)


async def _mention(tx: Transaction, plain: Iterable[tuple[NewStatus, Received]]) -> None:
    """Those elsewhere whom the posts name or address."""
    rows = []
    for status, received in plain:
        people = dict.fromkeys([*received.mentions, *received.silent_mentions])
        rows += [
            {
                "status_id": status.id,
                "account_id": account_id,
                "silent": account_id not in received.mentions,
                "blind": False,
            }
            for account_id in list(people)[: text.MAX_MENTIONS]
        ]
    if rows:
        await insert_new(tx, Mention, rows)


async def _count(tx: Transaction, statuses: Sequence[NewStatus]) -> None:
    authors = Counter(status.account_id for status in statuses if is_counted(status.visibility))
    await count_many(tx, Account, "statuses_count", authors, last_status_at=tx.now)
    parents = Counter(
        status.in_reply_to_id
        for status in statuses
        if status.in_reply_to_id is not None and is_counted_answer(status.visibility)
    )
    await count_many(tx, Status, "replies_count", parents)
