"""Posts of ours that quote others: the author of what is quoted is asked, and answers (FEP-044f).

Of somebody here the answer is known at once: their policy. Elsewhere a QuoteRequest is sent, and
the quote is `pending` until the stamp that comes with the answer was found good.
"""

from __future__ import annotations

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Quote, Stamp, Status
from fedi.jobs import enqueue
from fedi.social import paging, policies, quotes
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.follows import relationship
from fedi.social.notifications import notify
from fedi.social.outbound import tell
from fedi.social.visibility import SHOWN_TO_ALL, load, seen_by

REJECTED = "rejected"
NO_RECORD = "Record not found"  # Mastodon's own words


async def check(
    tx: Transaction, author: Account, quoted_id: int | None, visibility: str
) -> Status | None:
    """What a post is to quote, if its author may.

    Args:
        author: who quotes, of here.
        quoted_id: what; of a boost, what was boosted.
        visibility: of the post that quotes.

    Raises:
        NotFound: it is not there, or not for the author to see.
        NotAllowed: it is not for them to quote, or not for so many.
    """
    if quoted_id is None:
        return None
    found = await load(tx, author, quoted_id)
    if found is not None and found.reblog_of_id is not None:
        found = await load(tx, author, found.reblog_of_id)
    if found is None:
        raise NotFound("What this quotes is not there.")
    if found.visibility not in SHOWN_TO_ALL:
        own = found.account_id == author.id and found.visibility == "private"
        if not own or visibility in SHOWN_TO_ALL:
            raise NotAllowed("What is not for everybody cannot be quoted.")
    quoted_author = await tx.get_one(Account, found.account_id)
    relation = await relationship(tx, author, quoted_author)
    if relation.blocking or relation.blocked_by:
        raise NotAllowed("The author of that post does not want it quoted by you.")
    leave = await policies.ask(tx, author, found, "canQuote")
    if quoted_author.local and leave is not policies.Leave.AUTOMATIC:
        raise NotAllowed("The author of that post does not want it quoted by you.")
    return found


async def quote(tx: Transaction, author: Account, status: Status, quoted: Status) -> None:
    """Note that a new post quotes another, and ask the author of that one where it is needed."""
    row = Quote(status_id=status.id, quoted_uri=quoted.uri, quoted_id=quoted.id)
    quoted_author = await tx.get_one(Account, quoted.account_id)
    if quoted_author.id == author.id:
        row.state = quotes.ACCEPTED
    elif quoted_author.local:
        stamp = Stamp(
            id=tx.new_id(),
            account_id=quoted_author.id,
            status_id=quoted.id,
            quoting_uri=status.uri,
            quoting_account_id=author.id,
            created_at=tx.now,
        )
        tx.add(stamp)
        row.state = quotes.ACCEPTED
        row.authorization_uri = quotes.stamp_uri(quoted_author, stamp)
        await notify(tx, quoted_author, author, "quote", status.id)
    else:
        row.request_uri = f"{status.uri}#quote-request"
        await tell(tx, "request_quote", status_id=status.id)
    tx.add(row)
    await tx.flush()


async def accept(tx: Transaction, author: Account, request_uri: str, stamp: str) -> bool:
    """The author of what we quote agrees: their stamp is looked at before it is believed.

    Args:
        author: who says so; nothing happens if it is not theirs to say.
        request_uri: the QuoteRequest that they answer.
        stamp: where their leave is shown.

    Returns:
        Whether it is an answer to a request of ours.
    """
    row = await _asked(tx, author, request_uri)
    if row is None:
        return False
    if row.state in {quotes.PENDING, REJECTED}:
        row.authorization_uri, row.state = stamp, quotes.PENDING
        tx.add(row)
        await tx.flush()
        key = f"quote {row.status_id} {stamp}"
        await enqueue(tx, "quote", {"status_id": row.status_id}, unique_key=key)
    return True


async def reject(tx: Transaction, author: Account, request_uri: str) -> bool:
    """The author of what we quote does not agree, or no longer.

    Returns:
        Whether it is an answer to a request of ours.
    """
    row = await _asked(tx, author, request_uri)
    if row is None:
        return False
    row.state = quotes.REVOKED if row.state == quotes.ACCEPTED else REJECTED
    tx.add(row)
    await tx.flush()
    return True


async def _asked(tx: Transaction, author: Account, request_uri: str) -> Quote | None:
    row = (await tx.exec(select(Quote).where(Quote.request_uri == request_uri))).first()
    quoted = await tx.get(Status, row.quoted_id) if row is not None and row.quoted_id else None
    return row if quoted is not None and quoted.account_id == author.id else None


async def of_status(
    session: Session, viewer: Account | None, status: Status, page: paging.Page
) -> list[Status]:
    """The posts that quote one with leave, as far as the viewer may see them."""
    query = (
        seen_by(viewer)
        .join(Quote, col(Quote.status_id) == col(Status.id))
        .where(Quote.quoted_id == status.id, Quote.state == quotes.ACCEPTED)
    )
    found: list[Status] = await paging.rows(session, query, page, col(Status.id))
    return found


async def revoke(tx: Transaction, author: Account, status: Status, quoting_id: int) -> Status:
    """An author does not want a post of theirs to be quoted by another any more.

    Returns:
        The post that quoted it.

    Raises:
        NotFound: it does not quote that one, or never with leave.
    """
    row = await tx.get(Quote, quoting_id)
    quoting = await load(tx, author, quoting_id)
    if row is None or quoting is None or row.quoted_id != status.id:
        raise NotFound(NO_RECORD)
    if row.state != quotes.REVOKED:
        await quotes.revoke(tx, author, quoting.uri)
    if quoting.local:
        await tell(tx, "update", status_id=quoting.id)
    return quoting
