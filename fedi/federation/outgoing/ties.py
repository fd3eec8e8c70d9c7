"""Likes, follows and blocks, taken back or not, and the answers to follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.federation.outgoing.pairs import both
from fedi.federation.relays import Ready
from fedi.social import blocks, favourites, follows


async def like(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _like(tx, payload, undone=False)


async def undo_like(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _like(tx, payload, undone=True)


async def _like(tx: Transaction, payload: dict[str, Any], *, undone: bool) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    found = await _liked(tx, payload["status_id"])
    if account is None or found is None or not account.private_key_pem:
        return None
    if not undone and await favourites.by_uri(tx, payload["uri"]) is None:
        return None
    status, author = found
    made = activities.like(payload["uri"], account.uri, status.uri, to=[author.uri])
    if undone:
        made = activities.undo(f"{payload['uri']}/undo", made)
    return account, made, [author.inbox_uri]


async def _liked(tx: Transaction, status_id: int) -> tuple[Status, Account] | None:
    status = await tx.get(Status, status_id)
    author = await tx.get(Account, status.account_id) if status is not None else None
    return (status, author) if status is not None and author is not None else None


async def follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    if await follows.by_uri(tx, payload["uri"]) is None:
        return None
    return await _between(tx, payload, activities.follow)


async def undo_follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _between(tx, payload, activities.follow, undone=True)


async def block(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    if await blocks.by_uri(tx, payload["uri"]) is None:
        return None
    return await _between(tx, payload, activities.block)


async def undo_block(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _between(tx, payload, activities.block, undone=True)


async def _between(
    tx: Transaction,
    payload: dict[str, Any],
    make: Callable[[str, str, str], Activity],
    *,
    undone: bool = False,
) -> Ready | None:
    found = await both(tx, payload)
    if found is None or not found[0].private_key_pem:
        return None
    account, target = found
    made = make(payload["uri"], account.uri, target.uri)
    if undone:
        made = activities.undo(f"{payload['uri']}/undo", made)
    return account, made, [target.inbox_uri]


async def accept_follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    held = await follows.find(tx, payload["account_id"], payload["target_account_id"])
    if held is None or held.state != follows.ACCEPTED:
        return None
    return await _answer(tx, payload, activities.accept, "accepts")


async def reject_follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _answer(tx, payload, activities.reject, "rejects")


async def _answer(
    tx: Transaction,
    payload: dict[str, Any],
    make: Callable[[str, str, str, str], Activity],
    name: str,
) -> Ready | None:
    found = await both(tx, payload)
    if found is None or not found[1].private_key_pem:
        return None
    follower, target = found
    uri = payload.get("activity_uri") or f"{target.uri}#{name}/{tx.new_id()}"
    made = make(uri, target.uri, payload["uri"], follower.uri)
    return target, made, [follower.inbox_uri]
