"""Posts that quote others, and the leave of the quoted author (FEP-044f).

A quote is `pending` until its stamp is found good, and `revoked` when the author takes it back.
Our own authors give stamps; each is a row that can be revoked, and is served to whoever asks.
"""

from __future__ import annotations

from sqlalchemy import CursorResult, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, insert_into
from fedi.database.tables import Account, Quote, Stamp, Status
from fedi.jobs import enqueue
from fedi.social import policies
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.follows import relationship
from fedi.social.notifications import notify
from fedi.social.outbound import tell
from fedi.social.visibility import load_by_uri

PENDING, ACCEPTED, REVOKED = "pending", "accepted", "revoked"


async def record(
    tx: Transaction, status: Status, quoted_uri: str | None, stamp: str | None, *, verify: bool
) -> None:
    """Note what a post from elsewhere quotes.

    Args:
        stamp: the address that is to show the quoted author's leave.
        verify: have it looked at now; not for what was only fetched, or a chain of quotes would
            be fetched to its end.
    """
    if quoted_uri is None:
        found = await tx.get(Quote, status.id)
        if found is not None:
            await tx.delete(found)
            await tx.flush()
        return
    insert = insert_into(tx, Quote).values(
        status_id=status.id, quoted_uri=quoted_uri, authorization_uri=stamp, state=PENDING
    )
    await tx.execute(
        insert.on_conflict_do_update(
            index_elements=["status_id"],
            set_={
                "quoted_uri": quoted_uri,
                "quoted_id": None,
                "authorization_uri": stamp,
                "state": PENDING,
            },
            where=(col(Quote.quoted_uri) != quoted_uri)
            | (col(Quote.authorization_uri).is_distinct_from(stamp)),
        )
    )
    if verify:
        await enqueue(tx, "quote", {"status_id": status.id}, unique_key=f"quote {status.id}")


async def settle(tx: Transaction, status: Status, quoted: Status | None, *, good: bool) -> None:
    """What became of a look at a quote's stamp."""
    found = await tx.get(Quote, status.id)
    if found is None or found.state == REVOKED:
        return
    found.quoted_id = quoted.id if quoted is not None else None
    agreed = good and found.state != ACCEPTED
    found.state = ACCEPTED if good else PENDING
    tx.add(found)
    await tx.flush()
    if agreed and status.local:
        await tell(tx, "update", status_id=status.id)  # now with the stamp
    if good and quoted is not None and quoted.local:
        author = await tx.get(Account, quoted.account_id)
        quoting = await tx.get(Account, status.account_id)
        assert author is not None and quoting is not None
        await notify(tx, author, quoting, "quote", status.id)


async def forget_stamp(tx: Transaction, author: Account, stamp: str) -> None:
    """An author elsewhere takes a stamp back."""
    theirs = select(Status.id).where(Status.account_id == author.id)
    await tx.execute(
        update(Quote)
        .where(col(Quote.authorization_uri) == stamp, col(Quote.quoted_id).in_(theirs))
        .values(state=REVOKED)
        .execution_options(synchronize_session=False)
    )


def stamp_uri(author: Account, stamp: Stamp) -> str:
    """Where a stamp of ours is read."""
    return f"{author.uri}/stamps/{stamp.id}"


async def receive_request(
    tx: Transaction, account: Account, quoted_uri: str, quoting_uri: str, request_uri: str
) -> None:
    """Somebody elsewhere asks whether their post may quote one of ours; answered at once.

    Raises:
        NotFound: there is no such post for them.
        NotAllowed: the author's policy, or a block, says no; they are told so.
    """
    quoted = await load_by_uri(tx, account, quoted_uri)
    if quoted is None or not quoted.local or quoted.reblog_of_id is not None:
        raise NotFound("There is no such post.")
    author = await tx.get(Account, quoted.account_id)
    assert author is not None
    answered = {
        "account_id": author.id,
        "target_account_id": account.id,
        "status_id": quoted.id,
        "quoting_uri": quoting_uri,
        "uri": request_uri,
    }
    if not await _may_quote(tx, account, author, quoted):
        await tell(tx, "reject_quote", **answered)
        raise NotAllowed("That post may not be quoted.")
    stamp = Stamp(
        id=tx.new_id(),
        account_id=author.id,
        status_id=quoted.id,
        quoting_uri=quoting_uri,
        quoting_account_id=account.id,
        created_at=tx.now,
    )
    if not await add_once(tx, stamp):
        known = select(Stamp).where(Stamp.status_id == quoted.id, Stamp.quoting_uri == quoting_uri)
        stamp = (await tx.exec(known)).one()
        if stamp.revoked_at is not None or stamp.quoting_account_id != account.id:
            await tell(tx, "reject_quote", **answered)
            raise NotAllowed("That quote was taken back.")
    await tell(tx, "accept_quote", stamp_id=stamp.id, **answered)


async def _may_quote(tx: Transaction, account: Account, author: Account, quoted: Status) -> bool:
    if quoted.visibility not in {"public", "unlisted"} and account.id != author.id:
        return False
    relation = await relationship(tx, author, account)
    if relation.blocking or relation.blocked_by:
        return False
    allowed = await policies.leave(tx, account, author, quoted, "canQuote")
    return allowed is policies.Leave.AUTOMATIC


async def find_stamp(session: Session, author: Account, stamp_id: int) -> Stamp | None:
    """A stamp of ours that holds: not taken back, and of a post that is there."""
    stamp = await session.get(Stamp, stamp_id)
    if stamp is None or stamp.account_id != author.id or stamp.revoked_at is not None:
        return None
    status = await session.get(Status, stamp.status_id)
    return stamp if status is not None and status.deleted_at is None else None


async def stamps(session: Session, author: Account) -> list[tuple[Stamp, Status]]:
    """Who has leave to quote an author, the newest first."""
    rows = await session.exec(
        select(Stamp, Status)
        .join(Status, col(Status.id) == col(Stamp.status_id))
        .where(Stamp.account_id == author.id, col(Stamp.revoked_at).is_(None))
        .order_by(col(Stamp.id).desc())
    )
    return [(stamp, status) for stamp, status in rows.all()]


async def revoke(tx: Transaction, author: Account, quoting_uri: str) -> None:
    """A local author does not want to be quoted by a post any more; its server is told.

    Raises:
        NotFound: that post has no leave.
    """
    mine = select(Stamp).where(
        Stamp.account_id == author.id,
        Stamp.quoting_uri == quoting_uri,
        col(Stamp.revoked_at).is_(None),
    )
    found = (await tx.exec(mine)).all()
    if not found:
        raise NotFound("That post does not quote you with your leave.")
    for stamp in found:
        done = await tx.execute(
            update(Stamp)
            .where(col(Stamp.id) == stamp.id, col(Stamp.revoked_at).is_(None))
            .values(revoked_at=tx.now)
            .execution_options(synchronize_session=False)
        )
        assert isinstance(done, CursorResult)
        if done.rowcount:
            await tell(tx, "revoke_stamp", stamp_id=stamp.id)
    await tx.execute(
        update(Quote)
        .where(col(Quote.authorization_uri).in_([stamp_uri(author, stamp) for stamp in found]))
        .values(state=REVOKED)
        .execution_options(synchronize_session=False)
    )


async def tell_of_edit(tx: Transaction, status: Status, author: Account) -> None:
    """Those of ours who quote a post hear that it is not what it was: each by their own post."""
    query = (
        select(Quote.status_id, Account)
        .join(Status, col(Status.id) == col(Quote.status_id))
        .join(Account, col(Account.id) == col(Status.account_id))
        .where(
            Quote.quoted_id == status.id,
            Quote.state == ACCEPTED,
            col(Status.deleted_at).is_(None),
            col(Account.domain).is_(None),
        )
    )
    for quoting_id, quoter in (await tx.exec(query)).all():
        await notify(tx, quoter, author, "quoted_update", quoting_id)
