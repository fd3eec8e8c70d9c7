"""The answers to those who ask to quote, and leave that is taken back."""

from __future__ import annotations

from typing import Any

from activitypub.addressing import PUBLIC
from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Transaction
from fedi.database.tables import Account, Quote, Stamp, Status
from fedi.federation import recipients
from fedi.federation.outgoing.pairs import both
from fedi.federation.relays import Ready
from fedi.social import quotes


async def request_quote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """Ask the author of what a new post quotes (FEP-044f)."""
    status = await tx.get(Status, payload["status_id"])
    row = await tx.get(Quote, payload["status_id"])
    if status is None or status.deleted_at is not None or row is None or row.quoted_id is None:
        return None
    author = await tx.get_one(Account, status.account_id)
    quoted = await tx.get_one(Status, row.quoted_id)
    asked = await tx.get_one(Account, quoted.account_id)
    if not author.private_key_pem or row.state != quotes.PENDING:
        return None
    made = Activity(
        id=row.request_uri,
        type="QuoteRequest",
        actor=author.uri,
        object_id=quoted.uri,
        instrument=status.uri,
        to=(asked.uri,),
    )
    return author, made, [asked.inbox_uri]


async def accept_quote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _answer_quote(tx, payload)


async def reject_quote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _answer_quote(tx, payload)


async def _answer_quote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await both(tx, payload)
    quoted = await tx.get(Status, payload["status_id"])
    if found is None or quoted is None or not found[0].private_key_pem:
        return None
    author, asker = found
    stamp = await tx.get(Stamp, payload["stamp_id"]) if "stamp_id" in payload else None
    request = Activity(
        id=payload["uri"],
        type="QuoteRequest",
        actor=asker.uri,
        object_id=quoted.uri,
        instrument=payload["quoting_uri"],
    )
    made = activities.answer_quote(
        f"{author.uri}#quotes/{tx.new_id()}",
        author.uri,
        request,
        stamp=quotes.stamp_uri(author, stamp) if stamp is not None else None,
        reject=stamp is None,
    )
    return author, made, [asker.inbox_uri]


async def revoke_stamp(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    stamp = await tx.get(Stamp, payload["stamp_id"])
    if stamp is None:
        return None
    author = await tx.get(Account, stamp.account_id)
    quoting = await tx.get(Account, stamp.quoting_account_id)
    status = await tx.get(Status, stamp.status_id)
    if author is None or quoting is None or status is None or not author.private_key_pem:
        return None
    uri = quotes.stamp_uri(author, stamp)
    made = activities.delete(
        f"{uri}#delete", author.uri, uri, to=[PUBLIC], former_type="QuoteAuthorization"
    )
    inboxes = await recipients.who_may_have(tx, status)
    theirs = set() if quoting.local else {quoting.shared_inbox_uri or quoting.inbox_uri}
    return author, made, sorted({*inboxes, *theirs})
