"""Posts and boosts: made, changed, taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from activitypub.addressing import address
from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Status
from fedi.federation import recipients, sending
from fedi.federation.relays import Ready
from fedi.federation.translate import outward
from fedi.social import favourites, polls, posts, reactions


async def _status(tx: Transaction, payload: dict[str, Any]) -> tuple[Status, Account] | None:
    status = await tx.get(Status, payload["status_id"])
    if status is None:
        return None
    author = await tx.get(Account, status.account_id)
    assert author is not None
    return (status, author) if author.private_key_pem else None


async def note_of(tx: Transaction, status: Status, author: Account) -> dict[str, Any]:
    """The document of a post, as its author sees it."""
    [post] = await posts.assemble(tx, [status], author)
    return outward.note(post, tx.instance, tx.now).document()


async def create(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None or found[0].deleted_at is not None:
        return None
    status, author = found
    document = await note_of(tx, status, author)
    made = activities.create(status.activity_uri, author.uri, document)
    return author, made, await _as_far_as_it_may_go(tx, status, recipients.of_status)


async def _as_far_as_it_may_go(
    tx: Transaction, status: Status, all_of: Callable[[Transaction, Status], Awaitable[list[str]]]
) -> list[str]:
    """Where a post goes: what waits for leave to who decides, what was refused it to nobody."""
    if status.held:
        return await recipients.who_decides(tx, status) if status.approval == "pending" else []
    return await all_of(tx, status)


async def update(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None or found[0].deleted_at is not None:
        return None
    status, author = found
    document = await note_of(tx, status, author)
    await sending.renew(tx, author, activities.create(status.activity_uri, author.uri, document))
    uri = payload.get("uri") or f"{status.uri}#updates/{tx.new_id()}"
    made = activities.update(uri, author.uri, document)
    return author, made, await _as_far_as_it_may_go(tx, status, recipients.of_edit)


async def delete_status(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None:
        return None
    status, author = found
    [post] = await posts.assemble(tx, [status], author)
    to, cc = outward.audience(post)
    made = activities.delete(
        payload.get("uri") or f"{status.uri}#delete",
        author.uri,
        status.uri,
        to=to,
        cc=cc,
        former_type=status.object_type,
        deleted=status.deleted_at,
    )
    if status.approval == "pending":
        inboxes = await recipients.who_decides(tx, status)
    else:
        inboxes = await recipients.who_may_have(tx, status)
    if status.deleted_at is not None:
        await favourites.forget(tx, status)
        await reactions.forget(tx, status)
        await polls.forget(tx, status)
    return author, made, inboxes


async def announce_of(tx: Session, boost: Status, author: Account) -> Activity | None:
    """The Announce that a boost is."""
    assert boost.reblog_of_id is not None
    original = await tx.get(Status, boost.reblog_of_id)
    if original is None:
        return None
    owner = await tx.get(Account, original.account_id)
    assert owner is not None
    to, cc = address(boost.visibility, author.followers_uri, [owner.uri])
    return activities.announce(
        boost.uri,
        author.uri,
        original.uri,
        to=to,
        cc=cc,
        published=boost.created_at,
        approved_by=boost.approved_by,
    )


async def announce(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None or found[0].deleted_at is not None:
        return None
    return await _boost(tx, *found)


async def undo_announce(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None:
        return None
    return await _boost(tx, *found, undo_uri=payload.get("uri") or f"{found[0].uri}#undo")


async def _boost(
    tx: Transaction, boost: Status, author: Account, *, undo_uri: str | None = None
) -> Ready | None:
    made = await announce_of(tx, boost, author)
    original = await tx.get(Status, boost.reblog_of_id)
    if made is None or original is None:
        return None
    if boost.approval == "pending":
        inboxes = await recipients.who_decides(tx, boost)
    else:
        inboxes = await recipients.of_boost(tx, boost, original)
    return author, activities.undo(undo_uri, made) if undo_uri else made, inboxes
