"""The index of what can be found, and the `index` job that keeps it.

What changed stands in `search_change`, by triggers, in the transaction of the change itself. The
index follows a moment later, so that receiving a post does not wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, insert, text
from sqlalchemy import select as select_core
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.tables import Account, MediaAttachment, Poll, SearchChange, Status
from fedi.jobs import Claimed, chore, enqueue, handles
from fedi.runtime import Easel
from fedi.social import text as markup
from fedi.social.search.asking import Term
from fedi.social.search.words import words

BATCH = 200  # changes that are looked at together
ATTEMPTS = 1000  # a job that lay dead would be the last
MAX_POSTS = 2000  # of an author who wants to be found from now on, the newest
STATUSES, ACCOUNTS = "status_search", "account_search"
_INDEX = {"status": STATUSES, "account": ACCOUNTS}

_CHANGES = table_of(SearchChange)
_ANY = select_core(_CHANGES.c.id).limit(1)
_NEXT = select_core(_CHANGES).order_by(_CHANGES.c.id).limit(BATCH)


@chore
async def ask(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Ask for the job when something has changed."""
    if not ending and (await tx.execute_core(_ANY, {})).first() is not None:
        await enqueue(tx, "index", {}, unique_key="index")


@handles("index", attempts=ATTEMPTS, at_once=1)
async def follow(easel: Easel, job: Claimed) -> None:
    """Bring the index up to date, in short transactions."""
    while True:
        async with easel.database.read() as session:
            rows = (await session.execute(_NEXT)).all()
            found = {
                kind: await read(session, {row.row_id for row in rows if row.kind == kind})
                for kind, read in (("status", _of_statuses), ("account", _of_accounts))
            }
        async with easel.database.write() as tx:
            await tx.execute(
                delete(SearchChange).where(col(SearchChange.id).in_([r.id for r in rows]))
            )
            for kind, texts in found.items():
                await _keep(tx, _INDEX[kind], texts)
            for row in rows:
                if row.kind == "author":
                    await _look_again(tx, row.row_id)
            if len(rows) < BATCH:
                await job.finish(tx)
                return


async def _of_statuses(session: Session, ids: Collection[int]) -> dict[int, list[str]]:
    """The words of posts; none of what is not to be found."""
    rows = await session.exec(
        select(Status).where(col(Status.id).in_(ids), col(Status.deleted_at).is_(None))
    )
    statuses = [status for status in rows.all() if status.reblog_of_id is None]
    said: dict[int, list[str]] = {
        status.id: [status.spoiler_text, markup.plain(status.content)] for status in statuses
    }
    media = await session.exec(
        select(MediaAttachment).where(col(MediaAttachment.status_id).in_(said))
    )
    for medium in media.all():
        assert medium.status_id is not None
        said[medium.status_id] += [medium.description, medium.ai_prompt]
    polls = await session.exec(select(Poll).where(col(Poll.status_id).in_(said)))
    for poll in polls.all():
        said[poll.status_id] += [str(option.get("title", "")) for option in poll.options]
    found = {status_id: words("\n".join(parts)) for status_id, parts in said.items()}
    return {status_id: found.get(status_id, []) for status_id in ids}


async def _of_accounts(session: Session, ids: Collection[int]) -> dict[int, list[str]]:
    rows = await session.exec(
        select(Account).where(
            col(Account.id).in_(ids),
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
            col(Account.actor_type) != "Application",
        )
    )
    found = {
        account.id: words(
            f"{account.username} {account.display_name} {account.domain or ''}", stem=False
        )
        for account in rows.all()
    }
    return {account_id: found.get(account_id, []) for account_id in ids}


async def _look_again(tx: Transaction, account_id: int) -> None:
    """Somebody wants to be found from now on."""
    posts = (
        select_core(text("'status'"), col(Status.id))
        .where(
            col(Status.account_id) == account_id,
            col(Status.visibility) == "public",
            col(Status.reblog_of_id).is_(None),
            col(Status.deleted_at).is_(None),
        )
        .order_by(col(Status.id).desc())
        .limit(MAX_POSTS)
    )
    await tx.execute(insert(_CHANGES).from_select(["kind", "row_id"], posts))


async def _keep(tx: Transaction, index: str, texts: dict[int, list[str]]) -> None:
    if not texts:
        return
    key = "rowid" if tx.dialect_name == "sqlite" else "id"
    await tx.execute_core(
        text(f"DELETE FROM {index} WHERE {key} = :id"), [{"id": row_id} for row_id in texts]
    )
    rows = [
        {"id": row_id, "words": written(tx.dialect_name, found)}
        for row_id, found in texts.items()
        if found
    ]
    value = ":words" if tx.dialect_name == "sqlite" else "CAST(CAST(:words AS text) AS tsvector)"
    if rows:
        await tx.execute_core(
            text(f"INSERT INTO {index} ({key}, words) VALUES (:id, {value})"), rows
        )


def written(dialect: str, found: Sequence[str]) -> str:
    """Words as a database keeps them."""
    if dialect == "sqlite":
        return " ".join(found)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(found, 1):
        places.setdefault(word, []).append(place)
    return " ".join(f"'{word}':{','.join(map(str, at))}" for word, at in places.items())


def matching(dialect: str, index: str, terms: Sequence[Term], without: Sequence[Term]) -> Any:
    """A SELECT of the ids in an index that have all of `terms` and none of `without`."""
    if dialect == "sqlite":
        query = " AND ".join(map(_fts5, terms))
        if without:
            query = f"({query}) NOT ({' OR '.join(map(_fts5, without))})"
        where = f"SELECT rowid AS id FROM {index} WHERE {index} MATCH :asked"
    else:
        query = " & ".join([*map(_tsquery, terms), *(f"!({_tsquery(term)})" for term in without)])
        where = f"SELECT id FROM {index} WHERE words @@ CAST(CAST(:asked AS text) AS tsquery)"
    return text(where).bindparams(asked=query).columns(_CHANGES.c.id)


def _fts5(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + (" *" if term.begins else "")


def _tsquery(term: Term) -> str:
    *first, last = (f"'{word}'" for word in term.words)
    return " <-> ".join([*first, last + (":*" if term.begins else "")])
