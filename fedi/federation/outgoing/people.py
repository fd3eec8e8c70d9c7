"""What becomes of accounts: changed, moved, reported, deleted."""

from __future__ import annotations

from typing import Any

from activitypub.addressing import PUBLIC
from activitypub.objects import activity as activities
from fedi.database import Transaction
from fedi.database.tables import Account, Report, Status
from fedi.federation import recipients
from fedi.federation.relays import Ready
from fedi.federation.translate import outward
from fedi.social import account_keys, accounts


async def move(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or account.deleted_at is not None or not account.private_key_pem:
        return None
    made = activities.move(
        payload.get("uri") or f"{account.uri}#moves/{tx.new_id()}",
        account.uri,
        payload["target"],
        to=[account.followers_uri],
    )
    return account, made, await recipients.of_followers(tx, account)


async def flag(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """The instance says it, not who reported: nobody should have to fear whom they report."""
    report = await tx.get(Report, payload["report_id"])
    target = await tx.get(Account, report.target_account_id) if report is not None else None
    if report is None or target is None or target.local:
        return None
    shown = [await tx.get(Status, status_id) for status_id in report.status_ids]
    named = [target.uri, *(status.uri for status in shown if status is not None)]
    instance = await accounts.ensure_instance_actor(tx)
    made = activities.flag(report.uri, instance.uri, named, report.comment)
    return instance, made, [target.inbox_uri]


async def update_actor(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or account.deleted_at is not None or not account.private_key_pem:
        return None
    made = activities.update(
        payload.get("uri") or f"{account.uri}#updates/{tx.new_id()}",
        account.uri,
        outward.actor(account, tx.instance, [await account_keys.ensure(tx, account)]).document(),
        to=[PUBLIC],
        cc=[account.followers_uri],
    )
    return account, made, await recipients.of_followers(tx, account)


async def delete_actor(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or not account.private_key_pem:
        return None
    made = activities.delete(f"{account.uri}#delete", account.uri, account.uri, to=[PUBLIC])
    return account, made, payload["inboxes"]
