"""Activities of types that mean nothing here: sent as they are kept, to whom they are for."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from activitypub.objects import Activity, Extension
from fedi.database import Transaction
from fedi.database.tables import Account, OutboxActivity
from fedi.federation import recipients
from fedi.federation.relays import Ready
from fedi.social import activities
from fedi.social.activities import TERMS


async def activity(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """An activity, unless it was undone before anybody heard of it."""
    row = await tx.get(OutboxActivity, payload["activity_id"])
    account = await tx.get(Account, row.account_id) if row is not None else None
    if row is None or row.undone_at is not None:
        return None
    if account is None or account.deleted_at is not None or not account.private_key_pem:
        return None
    made = extension(row)
    if row.type == "Update":
        created = await activities.creation_of(tx, row.object_uri or "")
        if created is None or created.undone_at is not None:
            return None
        object_ = extension(created).document()["object"]
        made = replace(made, whole={**made.whole, "object": object_})
    inboxes = await recipients.of_accounts(tx, row.recipients)
    if row.visibility != "direct":
        inboxes = sorted({*inboxes, *await recipients.of_followers(tx, account)})
    return account, made, inboxes


def extension(row: OutboxActivity) -> Extension:
    """A kept activity as it is sent and read."""
    read = Activity.parse(row.document)
    whole = {name: value for name, value in row.document.items() if name != TERMS}
    return Extension(
        id=row.uri,
        type=row.type,
        actor=read.actor,
        object_id=read.object_id,
        target=read.target,
        whole=whole,
        terms=tuple(row.document.get(TERMS, ())),
    )
